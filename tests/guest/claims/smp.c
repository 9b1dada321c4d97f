/* SPDX-License-Identifier: MIT */
/*
 * smp: a second vCPU, and races that need one.
 *
 * The rule: whatever one vCPU does to frames and tables, the other sees either the state before or
 * the state after, never a frame in a use that it no longer has; and when a call that changes
 * tables has returned, the other vCPU is bound by it. vCPU 1 (sibling.h) runs one of the jobs below
 * on the same page tables while vCPU 0 changes things under it.
 */
#define TOPIC "smp"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../lending.h"
#include "../memory.h"
#include "../sibling.h"
#include "../text.h"
#include "../traps.h"
#include "stale.h"
#include <xen/grant_table.h>

/* ---- Coming and going ---- */

static volatile uint64_t counter;

static void job_count(void)
{
	counter++;
}

CLAIM(bring_up, "a second vCPU is initialised, comes up, runs on the same tables, goes down and "
		"comes up again where it was")
{
	for (unsigned int round = 0; round < 3; round++) {
		uint64_t before = counter;

		other_start();
		job = job_count;
		CHECK(WAIT_FOR(counter == before + 1, 5000));
		other_stop();
	}
	CHECK_ERR(HC3(vcpu_op, VCPUOP_initialise, OTHER, &other_context), XEN_EEXIST);
}

static volatile uint16_t fs_loaded;

static void job_load_fs(void)
{
	asm volatile("mov %0, %%fs" : : "r"(7));	/* LDT, entry 0, RPL 3 */
	asm volatile("mov %%fs, %0" : "=r"(*(uint16_t *)&fs_loaded));
	asm volatile("mov %0, %%fs" : : "r"(0));
}

CLAIM(start_selectors, "a vCPU starts with the selectors of its context, code and stack with RPL 3 "
		       "whatever the context says, and with its LDT")
{
	other_start();
	job = job_load_fs;
	CHECK(WAIT_FOR(!job, 5000));
	CHECK_EQ(fs_loaded, 7);
	CHECK_EQ(started_with.cs, FLAT_KERNEL_CS);
	CHECK_EQ(started_with.ss, FLAT_KERNEL_SS);
	CHECK_EQ(started_with.ds, FLAT_KERNEL_DS & ~3);
	CHECK_EQ(started_with.es, FLAT_RING3_DS32);
	other_stop();
}

/* ---- NMIs ---- */

static long other_nmi(void)
{
	return HC3(vcpu_op, VCPUOP_send_nmi, OTHER, 0);
}

static void pause_ms(uint64_t ms)
{
	for (uint64_t until = clock_ns() + ms * MS_NS; clock_ns() < until; )
		HC2(sched_op, SCHEDOP_yield, 0);
}

static void job_block(void)
{
	HC2(sched_op, SCHEDOP_block, 0);
	shared->vcpu_info[OTHER].evtchn_upcall_mask = 1;
}

static bool other_is_blocked(void)
{
	struct vcpu_runstate_info r;

	CHECK_OK(HC3(vcpu_op, VCPUOP_get_runstate_info, OTHER, &r));
	return r.state == RUNSTATE_blocked;
}

CLAIM(nmi_other, "an NMI to another vCPU enters its handler; more of them while it runs become "
		 "one, after its iret")
{
	uint64_t before;

	other_start();
	before = smp_nmis;
	smp_nmi_stays = 1;
	CHECK_OK(other_nmi());
	CHECK(WAIT_FOR(smp_nmis == before + 1, 5000));
	CHECK_OK(other_nmi());
	CHECK_OK(other_nmi());
	pause_ms(20);
	CHECK_EQ(smp_nmis, before + 1);
	smp_nmi_stays = 0;
	CHECK(WAIT_FOR(smp_nmis == before + 2, 5000));
	pause_ms(20);
	CHECK_EQ(smp_nmis, before + 2);
	job = job_count;
	CHECK(WAIT_FOR(!job, 5000));
	other_stop();
}

CLAIM(nmi_wakes, "an NMI ends the sleep of a vCPU that blocks, and waits for one that is down")
{
	uint64_t before;

	other_start();
	before = smp_nmis;
	for (unsigned int round = 1; round <= 20; round++) {
		job = job_block;
		CHECK(WAIT_FOR(other_is_blocked(), 5000));
		CHECK_OK(other_nmi());
		CHECK(WAIT_FOR(!job, 5000));
		CHECK_EQ(smp_nmis, before + round);
	}
	other_stop();
	before = smp_nmis;
	CHECK_OK(other_nmi());
	pause_ms(20);
	CHECK_EQ(smp_nmis, before);
	CHECK_EQ(other_is_up(), 0);
	other_start();
	CHECK(WAIT_FOR(smp_nmis == before + 1, 5000));
	other_stop();
}

CLAIM(up_asleep, "to bring up a vCPU that is up and sleeps does not wake it: an NMI does")
{
	other_start();
	for (unsigned int round = 0; round < 5; round++) {
		job = job_block;
		CHECK(WAIT_FOR(other_is_blocked(), 5000));
		CHECK_OK(HC3(vcpu_op, VCPUOP_up, OTHER, 0));
		pause_ms(10);
		CHECK(job);
		CHECK_OK(other_nmi());
		CHECK(WAIT_FOR(!job, 5000));
	}
	other_stop();
}

/* ---- Stale translations ---- */

static long pin_target_l2(void)
{
	return mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(other_target), 0);
}

CLAIM(stale_writable, "a page that another vCPU keeps writing becomes a table without any flush by "
		      "us: from then on its contents stand still")
{
	stale_writable(100, pin_target_l2, unpin_target);
}

static void job_read_target(void)
{
	while (!stop) {
		uint64_t v = other_read(other_target, FAULTED);

		if (v != FAULTED)
			other_stores++;		/* reads that found something */
	}
}

CLAIM_ISOLA_ONLY(stale_given_back,
		 "a page unmapped without any flush by us and given back cannot be read any more "
		 "through what the other vCPU remembers",
		 "Xen flushes when it gives the frame out again")
{
	other_start();
	other_target = page_alloc();
	stop = false;
	job = job_read_target;
	for (unsigned int round = 0; round < 50; round++) {
		unsigned long list[1] = { mfn_of(other_target) }, pfn = pfn_of(other_target);
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
		uint64_t reads = other_stores;

		r.extent_start.p = list;
		CHECK(WAIT_FOR(other_stores > reads + 3, 5000));
		CHECK_OK(HC3(update_va_mapping, other_target, 0, UVMF_NONE));
		CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 1);
		reads = smp_faults;
		CHECK(WAIT_FOR(smp_faults > reads + 3, 5000));
		list[0] = pfn;
		CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 1);
		((unsigned long *)start->mfn_list)[pfn] = list[0];
		CHECK_OK(remap(other_target, make_pte(list[0], PTE_RW_PAGE)));
	}
	stop = true;
	other_stop();
}

#define SLOT_A 5u
#define SLOT_B 6u
/* A tree to a page of ours that begins with @value. */
static struct tree tree_to(uint64_t value)
{
	uint64_t *page = page_alloc();

	page[0] = value;
	return tree_build(rw_pte(page));
}

static const volatile uint64_t *volatile look_at[2];
static volatile uint64_t looked[2];

static void job_look(void)
{
	for (unsigned int i = 0; i < 2; i++)
		looked[i] = look_at[i] ? other_read(look_at[i], FAULTED) : 0;
}

/* What vCPU 1 reads at both slots now. */
static void look(void)
{
	job = job_look;
	CHECK(WAIT_FOR(!job, 5000));
}

CLAIM(l4_edits, "an L4 entry written on one vCPU is in force on the other, which runs on the same "
		"L4, when the call returns")
{
	struct tree a = tree_to(0xaaaa), b = tree_to(0xbbbb);

	other_start();
	look_at[0] = slot_va(SLOT_A);
	look_at[1] = NULL;
	for (unsigned int round = 0; round < 100; round++) {
		CHECK_OK(write_entry(l4_slot(SLOT_A), table_pte(a.l3)));
		look();
		CHECK_EQ(looked[0], 0xaaaa);
		CHECK_OK(write_entry(l4_slot(SLOT_A), table_pte(b.l3)));
		CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0));
		look();
		CHECK_EQ(looked[0], 0xbbbb);
		CHECK_OK(write_entry(l4_slot(SLOT_A), 0));
		CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0));
		look();
		CHECK_EQ(looked[0], FAULTED);
	}
	other_stop();
}

CLAIM(l4_batches, "L4 entries of one list, hooked, exchanged and unhooked, are in force on the "
		  "other vCPU when it returns, also when a later one of the list is refused")
{
	struct tree a = tree_to(0xaaaa), b = tree_to(0xbbbb);
	uint64_t at_a = maddr_of(l4_slot(SLOT_A)), at_b = maddr_of(l4_slot(SLOT_B));
	struct mmu_update hook[3] = { { at_a, table_pte(a.l3) },
				      { at_b, table_pte(b.l3) },
				      { at_b, make_pte(NOBODYS_MFN, PTE_TABLE) } };
	struct mmu_update swap[2] = { { at_a, table_pte(b.l3) }, { at_b, table_pte(a.l3) } };
	struct mmu_update unhook[2] = { { at_a, 0 }, { at_b, 0 } };
	uint32_t done;

	other_start();
	look_at[0] = slot_va(SLOT_A);
	look_at[1] = slot_va(SLOT_B);
	for (unsigned int round = 0; round < 50; round++) {
		CHECK_ERR(HC4(mmu_update, hook, 3, &done, DOMID_SELF), XEN_EINVAL);
		CHECK_EQ(done, 2);
		look();
		CHECK_EQ(looked[0], 0xaaaa);
		CHECK_EQ(looked[1], 0xbbbb);
		CHECK_OK(HC4(mmu_update, swap, 2, &done, DOMID_SELF));
		CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0));
		look();
		CHECK_EQ(looked[0], 0xbbbb);
		CHECK_EQ(looked[1], 0xaaaa);
		CHECK_OK(HC4(mmu_update, unhook, 2, &done, DOMID_SELF));
		CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0));
		look();
		CHECK_EQ(looked[0], FAULTED);
		CHECK_EQ(looked[1], FAULTED);
	}
	CHECK_OK(make_writable(a.l3));		/* nothing holds it any more */
	CHECK_OK(make_writable(b.l3));
	other_stop();
}

/* ---- Both at once ---- */

static volatile uint64_t other_entry, wrong, rounds_done;
static uint64_t *plain_page;

/*
 * A list whose first entry edits the L4; the rest, stores into a plain page, makes the time until
 * its end long.
 */
static long edit_slowly(uint64_t at, uint64_t entry)
{
	static struct mmu_update list[100];

	list[0] = (struct mmu_update){ at, entry };
	for (unsigned int i = 1; i < 100; i++)
		list[i] = (struct mmu_update){ maddr_of(plain_page) + 8 * i, i };
	return HC4(mmu_update, list, 100, 0, DOMID_SELF);
}

static void job_toggle(void)
{
	uint64_t at = maddr_of(l4_slot(SLOT_B));

	while (!stop) {
		if (edit_slowly(at, other_entry) || other_read(slot_va(SLOT_B), FAULTED) != 0xbbbb)
			wrong++;
		if (edit_slowly(at, 0) || mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0) ||
		    other_read(slot_va(SLOT_B), FAULTED) != FAULTED)
			wrong++;
		rounds_done++;
	}
}

CLAIM(l4_both, "two vCPUs that edit different slots of one L4 at the same time each see their own "
	       "edit at once")
{
	struct tree a = tree_to(0xaaaa), b = tree_to(0xbbbb);
	uint64_t v;

	other_start();
	other_entry = table_pte(b.l3);
	plain_page = page_alloc();
	stop = false;
	wrong = rounds_done = 0;
	job = job_toggle;
	for (unsigned int round = 0; round < 500 || rounds_done < 500; round++) {
		CHECK_OK(write_entry(l4_slot(SLOT_A), table_pte(a.l3)));
		CHECK(try_read(slot_va(SLOT_A), &v) && v == 0xaaaa);
		CHECK_OK(write_entry(l4_slot(SLOT_A), 0));
		CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
		CHECK(!try_read(slot_va(SLOT_A), &v));
		CHECK_EQ(wrong, 0);
	}
	stop = true;
	other_stop();
	CHECK_EQ(wrong, 0);
}

static volatile uint64_t table_frame;

/* Pin and unpin what vCPU 0 pins and unpins. */
static void job_pin(void)
{
	while (!stop) {
		if (!mmuext(MMUEXT_PIN_L3_TABLE, table_frame, 0))
			mmuext(MMUEXT_UNPIN_TABLE, table_frame, 0);
		rounds_done++;
	}
}

CLAIM(pin_both, "two vCPUs pin, unpin, hook and unhook the same tree: every answer is 0 or an "
		"error the interface has, and in the end the tables are plain pages again")
{
	struct tree t = tree_to(1);

	other_start();
	table_frame = mfn_of(t.l3);
	stop = false;
	rounds_done = 0;
	job = job_pin;
	for (unsigned int round = 0; round < 300 || rounds_done < 300; round++) {
		long rc = mmuext(MMUEXT_PIN_L3_TABLE, table_frame, 0);

		CHECK_SAY(rc == 0 || rc == -XEN_EINVAL, "pin answers %ld", rc);
		rc = mmuext(MMUEXT_UNPIN_TABLE, table_frame, 0);
		CHECK_SAY(rc == 0 || rc == -XEN_EINVAL, "unpin answers %ld", rc);
		rc = write_entry(l4_slot(SLOT_A), table_pte(t.l3));
		CHECK_SAY(rc == 0, "hook answers %ld", rc);
		CHECK_OK(write_entry(l4_slot(SLOT_A), 0));
	}
	stop = true;
	other_stop();
	mmuext(MMUEXT_UNPIN_TABLE, table_frame, 0);
	CHECK_OK(make_writable(t.l3));
	CHECK_OK(make_writable(t.l2));
	CHECK_OK(make_writable(t.l1));
}

/* update_va_mapping through tables that come and go. */
static void job_walk(void)
{
	while (!stop) {
		long rc = HC3(update_va_mapping, slot_va(SLOT_A), other_entry, UVMF_INVLPG);

		if (rc && rc != -XEN_EINVAL && rc != -XEN_EBUSY)
			wrong = (uint64_t)rc;
		rounds_done++;
	}
}

CLAIM(walk_ballooned, "update_va_mapping on one vCPU walks to an L1 table that the other unhooks, "
		      "gives back and replaces: it works or is refused, and nobody is hurt")
{
	struct tree t = tree_to(1);
	unsigned long pfn = pfn_of(t.l1), mfn = mfn_of(t.l1);

	other_start();
	other_entry = rw_pte(page_alloc());
	stop = false;
	wrong = rounds_done = 0;
	job = job_walk;
	CHECK_OK(write_entry(l4_slot(SLOT_A), table_pte(t.l3)));
	for (unsigned int round = 0; round < 200; round++) {
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
		unsigned long list[1] = { mfn };
		uint64_t walks = rounds_done;

		r.extent_start.p = list;
		CHECK(WAIT_FOR(rounds_done > walks, 5000));
		CHECK_OK(write_entry(t.l2, 0));
		/* No flush: its IPI would wait for the walk, which has interrupts off. */
		CHECK_OK(HC3(update_va_mapping, t.l1, 0, UVMF_NONE));
		/* A walk under way may hold it for a moment. */
		for (unsigned int tries = 0; HC2(memory_op, XENMEM_decrease_reservation, &r) != 1;
		     tries++)
			CHECK(tries < 1000000);
		list[0] = pfn;
		CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 1);
		mfn = list[0];
		((unsigned long *)start->mfn_list)[pfn] = mfn;
		CHECK_OK(remap(t.l1, make_pte(mfn, PTE_RW_PAGE)));
		memset(t.l1, 0, PAGE_BYTES);
		CHECK_OK(make_readonly(t.l1));
		CHECK_OK(write_entry(t.l2, table_pte(t.l1)));
	}
	stop = true;
	other_stop();
	CHECK_EQ((int64_t)wrong, 0);
	CHECK_OK(write_entry(l4_slot(SLOT_A), 0));
}

/* ---- A table that becomes data while the other vCPU walks it ---- */

static void job_read(void)
{
	while (!stop) {
		uint64_t v = other_read(slot_va(SLOT_A), FAULTED);

		if (v != 1 && v != FAULTED)
			wrong = v;
		rounds_done++;
	}
}

CLAIM(stale_table, "an L1 table unhooked without any flush by us and then written as data does not "
		   "become a way to other frames for the vCPU that was using it")
{
	struct tree t = tree_to(1);
	uint64_t *trap = page_alloc(), ours = t.l1[0];

	trap[0] = 0xbad;
	other_start();
	stop = false;
	wrong = rounds_done = 0;
	job = job_read;
	CHECK_OK(write_entry(l4_slot(SLOT_A), table_pte(t.l3)));
	for (unsigned int round = 0; round < 200; round++) {
		uint64_t before = rounds_done;

		CHECK(WAIT_FOR(rounds_done > before + 5, 5000));
		CHECK_OK(write_entry(t.l2, 0));
		CHECK_OK(HC3(update_va_mapping, t.l1, rw_pte(t.l1), UVMF_INVLPG));
		t.l1[0] = rw_pte(trap);		/* as data: no hypervisor has looked at it */
		before = rounds_done;
		CHECK(WAIT_FOR(rounds_done > before + 5, 5000));
		t.l1[0] = ours;
		CHECK_OK(make_readonly(t.l1));
		CHECK_OK(write_entry(t.l2, table_pte(t.l1)));
	}
	stop = true;
	other_stop();
	CHECK_EQ(wrong, 0);
	CHECK_OK(write_entry(l4_slot(SLOT_A), 0));
}

CLAIM_DOM0(flush_cache_all, "FLUSH_CACHE_GLOBAL returns while another vCPU runs, which goes on "
	   "running")
{
	uint64_t before;

	other_start();
	other_target = page_alloc();
	stop = false;
	job = job_read_target;
	for (unsigned int round = 0; round < 20; round++) {
		before = other_stores;
		CHECK_OK(mmuext(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0));
		CHECK(WAIT_FOR(other_stores > before, 5000));
	}
	stop = true;
	other_stop();
}

/* ---- Grants ---- */

#define RACE_REF 20u		/* and the one after it */
#define LIST 100u		/* Xen counts no more than 128 uses of one kind */

static volatile struct grant_entry_v1 *race_table;
static volatile uint64_t race_round, race_seen;

/* Writes through the mapping; once in each round after the entry says "free". */
static void job_use_grant(void)
{
	while (!stop) {
		uint64_t round = race_round, faults;

		if (round == race_seen)
			continue;
		while (!stop && (race_table[RACE_REF].flags & (GTF_reading | GTF_writing))) {
			other_write(other_target, round);
			other_stores++;
		}
		faults = smp_faults;
		other_write(other_target, ~round);
		wrong += smp_faults == faults;
		race_seen = round;
	}
}

static void grant_self(unsigned int ref, const void *page)
{
	race_table[ref].flags = 0;
	race_table[ref].domid = own_domid;
	race_table[ref].frame = (uint32_t)mfn_of(page);
	asm volatile("" : : : "memory");
	race_table[ref].flags = GTF_permit_access;
}

/* All of one list: the first is mapped at @va, the others for devices. */
static void map_list(struct gnttab_unmap_grant_ref *u, const volatile void *va)
{
	static struct gnttab_map_grant_ref m[LIST];

	for (unsigned int i = 0; i < LIST; i++)
		m[i] = (struct gnttab_map_grant_ref){ .host_addr = i ? 0 : ARG(va),
						      .dom = own_domid,
						      .ref = i ? RACE_REF + 1 : RACE_REF,
						      .flags = i ? GNTMAP_device_map
								 : GNTMAP_host_map };
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, m, LIST));
	for (unsigned int i = 0; i < LIST; i++) {
		CHECK_SAY(m[i].status == 0, "map %u of the list: %d", i, m[i].status);
		u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = i ? 0 : ARG(va),
							.handle = m[i].handle,
							.dev_bus_addr = i ? m[i].dev_bus_addr : 0 };
	}
}

CLAIM(grant_free_last,
      "an entry says that its grant is free only when no other vCPU of the mapper can write "
      "through the mapping any more, in the middle of a long list of unmaps too")
{
	static struct gnttab_unmap_grant_ref u[LIST];
	static unsigned long frame;
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };

	other_start();
	setup.frame_list.p = &frame;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &setup, 1));
	CHECK_OK(setup.status);
	CHECK_OK(remap(window(3), make_pte(frame, PTE_RW_PAGE)));
	race_table = window(3);
	other_target = window(0);
	grant_self(RACE_REF, page_alloc());
	grant_self(RACE_REF + 1, page_alloc());
	stop = false;
	wrong = race_round = race_seen = 0;
	job = job_use_grant;
	for (unsigned int round = 1; round <= 100; round++) {
		uint64_t before = other_stores;

		map_list(u, other_target);
		race_round = round;
		CHECK(WAIT_FOR(other_stores > before + 3, 5000));
		CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_grant_ref, u, LIST));
		for (unsigned int i = 0; i < LIST; i++)
			CHECK_OK(u[i].status);
		CHECK(WAIT_FOR(race_seen == round, 5000));
		CHECK_EQ(wrong, 0);
	}
	stop = true;
	other_stop();
}
