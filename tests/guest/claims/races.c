/* SPDX-License-Identifier: MIT */
/*
 * races: attacks that need a second vCPU at the right moment.
 *
 * The rule: a call works on what it holds or on what it has checked under a lock, so that whatever a sibling does meanwhile, one
 * of the two is refused or they come one after the other. Here the sibling takes away what a call of ours is using: a handle, the
 * tables on its way, a frame about to become the hypervisor's, a vCPU that does not run yet; and it goes on using what we have
 * taken away: tables, roots, writable mappings. Afterwards the counts must be right: a frame that is not what it was can become
 * an ordinary page again, and the audit after the last claim agrees.
 */
#define TOPIC "races"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../lending.h"
#include "../memory.h"
#include "../sibling.h"
#include "../text.h"
#include "../traps.h"

#define SLOT 7u
#define SLOT_VA slot_va(SLOT)

static volatile uint64_t wrong, rounds_done;

/* Nothing holds @page but its own address: it can be a table and an ordinary page. */
static void check_free_of_uses(uint64_t *page)
{
	CHECK_OK(make_readonly(page));
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0));
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));
	CHECK_OK(make_writable(page));
}

/* ---- Handles ---- */

static volatile uint32_t handle;
static volatile uint64_t mapped_at, device_at;

static long unmap_it(void)
{
	return grant_unmap(handle, mapped_at, device_at);
}

CLAIM(unmap_both, "of two vCPUs that unmap one handle at the same time exactly one does, and what the mapping held is "
      "given back once")
{
	uint64_t *page = page_alloc();

	together_start();
	for (unsigned int round = 0; round < 300; round++) {
		struct gnttab_map_grant_ref m;
		struct answers a;

		grant(FIRST_REF, mfn_of(page), GTF_permit_access);
		/* A mapping for a device has no entry that would show who came second. */
		mapped_at = round % 2 ? ARG(window(0)) : 0;
		m = grant_map(FIRST_REF, mapped_at, round % 2 ? GNTMAP_host_map : GNTMAP_device_map);
		CHECK_OK(m.status);
		device_at = round % 2 ? 0 : m.dev_bus_addr;
		handle = m.handle;
		a = together(unmap_it, unmap_it);
		CHECK_SAY((a.mine == 0) + (a.theirs == 0) == 1, "answers %ld and %ld, round %u", a.mine, a.theirs, round);
		CHECK(a.mine == 0 || a.mine == GNTST_bad_handle || a.mine == GNTST_general_error);
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	}
	together_stop();
	check_free_of_uses(page);
}

static void job_unmap_guesses(void)
{
	while (!stop) {
		for (uint32_t h = 0; h < 4; h++) {
			struct gnttab_unmap_grant_ref u = { .host_addr = ARG(window(0)), .handle = h };

			HC3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
		}
		rounds_done++;
	}
}

CLAIM(unmap_while_mapped, "a handle unmapped by another vCPU that guesses its number, while it is being made, is not "
      "used before it is "
      "whole")
{
	uint64_t *page = page_alloc();

	other_start();
	stop = false;
	rounds_done = 0;
	job = job_unmap_guesses;
	for (unsigned int round = 0; round < 100 || rounds_done < 100; round++) {
		struct gnttab_map_grant_ref m;
		int16_t rc;

		grant(FIRST_REF, mfn_of(page), GTF_permit_access);
		m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map);
		CHECK_OK(m.status);
		rc = grant_unmap(m.handle, ARG(window(0)), 0);
		CHECK_SAY(rc == 0 || rc == GNTST_bad_handle || rc == GNTST_general_error, "unmap answers %d", rc);
		/* It may be under way on the other vCPU. */
		CHECK(WAIT_FOR(!(grant_flags(FIRST_REF) & IN_USE), 5000));
	}
	stop = true;
	other_stop();
	check_free_of_uses(page);
}

#define LIST 50u		/* both lists: Xen counts no more than 128 uses of one kind */

static struct gnttab_map_grant_ref maps[2][LIST];
static struct gnttab_unmap_grant_ref unmaps[2][LIST];

static long map_list(unsigned int who)
{
	return HC3(grant_table_op, GNTTABOP_map_grant_ref, maps[who], LIST);
}

static long unmap_list(unsigned int who)
{
	return HC3(grant_table_op, GNTTABOP_unmap_grant_ref, unmaps[who], LIST);
}

static long map_mine(void) { return map_list(0); }
static long map_theirs(void) { return map_list(1); }
static long unmap_mine(void) { return unmap_list(0); }
static long unmap_theirs(void) { return unmap_list(1); }

static void both_lists(long (*mine)(void), long (*theirs)(void))
{
	struct answers a = together(mine, theirs);

	CHECK_OK(a.mine);
	CHECK_OK(a.theirs);
}

/* All for devices, of one grant: nothing but the handle says that it is mapped. */
static void map_lists(void)
{
	grant_table();
	for (unsigned int i = 0; i < LIST; i++)
		maps[0][i] = maps[1][i] = (struct gnttab_map_grant_ref){
			.ref = FIRST_REF, .dom = SELF, .flags = GNTMAP_device_map };
	both_lists(map_mine, map_theirs);
	for (unsigned int i = 0; i < 2 * LIST; i++) {
		struct gnttab_map_grant_ref *m = &maps[i / LIST][i % LIST];

		CHECK_SAY(m->status == 0, "map %u answers %d", i, m->status);
		unmaps[i / LIST][i % LIST] = (struct gnttab_unmap_grant_ref){
			.handle = m->handle, .dev_bus_addr = m->dev_bus_addr };
	}
}

static void check_all_handles_differ(void)
{
	static bool seen[65536];

	memset(seen, 0, sizeof(seen));
	for (unsigned int i = 0; i < 2 * LIST; i++) {
		uint32_t h = maps[i / LIST][i % LIST].handle;

		CHECK_SAY(h < 65536 && !seen[h], "handle %u is given out twice", h);
		seen[h] = true;
	}
}

CLAIM(map_list_both, "two vCPUs that map and unmap lists of one grant at the same time get handles that all differ, and with the "
      "last of them its use ends")
{
	uint64_t *page = page_alloc();

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	together_start();
	for (unsigned int round = 0; round < 30; round++) {
		map_lists();
		check_all_handles_differ();
		both_lists(unmap_mine, unmap_theirs);
		for (unsigned int i = 0; i < 2 * LIST; i++)
			CHECK_OK(unmaps[i / LIST][i % LIST].status);
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	}
	together_stop();
	check_free_of_uses(page);
}

CLAIM(unmap_list_both, "of two vCPUs that unmap the same list of handles at the same time exactly one unmaps each, and the use of "
      "the grant ends with the last")
{
	uint64_t *page = page_alloc();

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	together_start();
	for (unsigned int round = 0; round < 30; round++) {
		map_lists();
		/* Half of them; the other half shows that the grant stays in use. */
		memcpy(unmaps[1], unmaps[0], sizeof(unmaps[0]));
		both_lists(unmap_mine, unmap_theirs);
		for (unsigned int i = 0; i < LIST; i++) {
			int16_t mine = unmaps[0][i].status, theirs = unmaps[1][i].status;

			CHECK_SAY((mine == 0) + (theirs == 0) == 1, "%d and %d for handle %u, round %u", mine, theirs, i,
				  round);
			unmaps[0][i].handle = maps[1][i].handle;
		}
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
		CHECK_OK(unmap_mine());
		for (unsigned int i = 0; i < LIST; i++)
			CHECK_OK(unmaps[0][i].status);
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	}
	together_stop();
	check_free_of_uses(page);
}

static volatile uint32_t *grant_word;	/* flags, and whom it is for above them: nobody else's number is ours */

static long map_revoked(void)
{
	struct gnttab_map_grant_ref m = { .ref = FIRST_REF, .dom = SELF, .flags = GNTMAP_device_map };
	long rc = HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);

	handle = m.handle;
	device_at = m.dev_bus_addr;
	return rc ? rc : m.status;
}

/* As Linux ends a grant: only if it is not in use. */
static long revoke(void)
{
	uint32_t unused = GTF_permit_access | SELF << 16;

	return __atomic_compare_exchange_n(grant_word, &unused, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ? 0 : -1;
}

CLAIM(revoke_both, "of mapping a grant and the granter's ending it at the same time exactly one happens, and a grant that was "
      "ended stays so")
{
	uint64_t *page = page_alloc();

	together_start();
	for (unsigned int round = 0; round < 1000; round++) {
		struct answers a;

		grant(FIRST_REF, mfn_of(page), GTF_permit_access);
		grant_word = (volatile uint32_t *)&grant_table()[FIRST_REF];
		a = together(map_revoked, revoke);
		CHECK_SAY((a.mine == 0) + (a.theirs == 0) == 1, "map answers %ld, ending it %ld, round %u", a.mine, a.theirs,
			  round);
		if (!a.theirs)
			CHECK_EQ(*grant_word, 0);
		else
			CHECK_OK(grant_unmap(handle, 0, device_at));
	}
	together_stop();
	check_free_of_uses(page);
}

/* ---- Walks through tables that leave ---- */

/* t[0] is the page or table at the end, t[1..3] the L1, L2, L3 that lead to it. */
struct way {
	uint64_t *t[4];
};

static struct way way_build(uint64_t last)
{
	struct way w = { { NULL, page_alloc(), page_alloc(), page_alloc() } };

	w.t[1][0] = last;
	w.t[2][0] = table_pte(w.t[1]);
	w.t[3][0] = table_pte(w.t[2]);
	for (unsigned int i = 1; i < 4; i++)
		CHECK_OK(make_readonly(w.t[i]));
	return w;
}

static const volatile uint64_t *slot_of(const struct way *w, unsigned int level)
{
	return level == 3 ? l4_slot(SLOT) : w->t[level + 1];
}

/* Take the table of @level out, give its frame back, get another, and hook it as it was. */
static void replace_table(struct way *w, unsigned int level)
{
	static uint64_t copy[512];
	uint64_t *table = w->t[level];
	unsigned long pfn = pfn_of(table), list = mfn_of(table);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = &list;
	memcpy(copy, table, PAGE_BYTES);
	CHECK_OK(write_entry(slot_of(w, level), 0));
	/* No flush: its IPI would wait for the walk, which has interrupts off. */
	CHECK_OK(HC3(update_va_mapping, table, 0, UVMF_NONE));
	/* A walk under way may hold it for a moment. */
	for (unsigned int tries = 0; HC2(memory_op, XENMEM_decrease_reservation, &r) != 1; tries++)
		CHECK(tries < 1000000);
	list = pfn;
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 1);
	((unsigned long *)start->mfn_list)[pfn] = list;
	CHECK_OK(remap(table, make_pte(list, PTE_RW_PAGE)));
	memcpy(table, copy, PAGE_BYTES);
	CHECK_OK(make_readonly(table));
	CHECK_OK(write_entry(slot_of(w, level), table_pte(table)));
}

static uint64_t walk_entry;
static uint64_t *walk_alias;

static void job_walk_uva(void)
{
	while (!stop) {
		long rc = HC3(update_va_mapping, SLOT_VA, walk_entry, UVMF_INVLPG);

		if (rc && rc != -XEN_EINVAL && rc != -XEN_EBUSY)
			wrong = (uint64_t)rc;
		rounds_done++;
	}
}

/* SLOT_VA maps a pinned L1 table read-only: a store is emulated, or is our fault. */
static void job_walk_store(void)
{
	for (uint64_t v = 0; !stop; v = (v + 2) & 0xffe) {
		other_write(SLOT_VA, v);
		rounds_done++;
	}
}

static void job_walk_lock(void)
{
	while (!stop) {
		asm volatile("movq $1f, smp_resume(%%rip)\n\tlock orq $0x200, (%0)\n1:" : : "r"(SLOT_VA) : "memory", "cc");
		rounds_done++;
	}
}

/*
 * The grant's mapping goes where the walk ends; the sibling's own address stands in the way of none. A mapping whose table
 * went away goes with it, but its handle stays, and with it the use of the grant: each level has a grant of its own, of a
 * page that is nothing else afterwards.
 */
static uint32_t walk_ref;

static void job_walk_grant(void)
{
	while (!stop) {
		struct gnttab_map_grant_ref m = {
			.host_addr = ARG(SLOT_VA), .flags = GNTMAP_host_map, .ref = walk_ref, .dom = SELF,
		};
		struct gnttab_unmap_grant_ref u = { .host_addr = ARG(SLOT_VA) };

		HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
		u.handle = m.handle;
		u.status = m.status;
		/* The entry is there again when the tables are. */
		for (unsigned int tries = 0; !m.status && tries < 20; tries++) {
			HC3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
			if (!u.status)
				break;
		}
		rounds_done++;
	}
}

/* A descriptor table there: the first use of a selector walks to it. */
static void job_walk_ldt(void)
{
	while (!stop) {
		struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };
		uint16_t selector = 7;

		op.arg1.linear_addr = ARG(SLOT_VA);
		op.arg2.nr_ents = 512;
		HC4(mmuext_op, &op, 1, 0, DOMID_SELF);
		asm volatile("movq $1f, smp_resume(%%rip)\n\tverr %w0\n1:" : : "r"(selector) : "memory", "cc");
		op.arg2.nr_ents = 0;
		HC4(mmuext_op, &op, 1, 0, DOMID_SELF);
		rounds_done++;
	}
}

static void walk(void (*what)(void), uint64_t last, unsigned int level)
{
	struct way w = way_build(last);

	CHECK_OK(write_entry(l4_slot(SLOT), table_pte(w.t[3])));
	other_start();
	stop = false;
	wrong = rounds_done = 0;
	job = what;
	for (unsigned int round = 0; round < 100; round++) {
		uint64_t walks = rounds_done;

		CHECK(WAIT_FOR(rounds_done > walks, 5000));
		replace_table(&w, level);
	}
	stop = true;
	other_stop();
	CHECK_EQ((int64_t)wrong, 0);
	CHECK_OK(write_entry(l4_slot(SLOT), 0));
	for (unsigned int i = 1; i < 4; i++)
		CHECK_OK(make_writable(w.t[i]));
}

static void walk_uva(unsigned int level)
{
	walk_entry = rw_pte(page_alloc());
	walk(job_walk_uva, walk_entry, level);
}

static void walk_store(void (*what)(void), unsigned int level)
{
	walk_alias = table_alloc();
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(walk_alias), 0));
	walk(what, make_pte(mfn_of(walk_alias), PTE_RO_PAGE), level);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(walk_alias), 0));
	CHECK_OK(make_writable(walk_alias));
}

static void walk_grant(unsigned int level)
{
	static uint8_t page[4][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));

	walk_ref = FIRST_REF + 100 + level;
	grant(walk_ref, mfn_of(page[level]), GTF_permit_access);
	walk(job_walk_grant, 0, level);
}

static void walk_ldt(unsigned int level)
{
	walk(job_walk_ldt, make_pte(mfn_of(page_alloc()), PTE_RO_PAGE), level);
}

#define BALLOONED(level) "its L" #level " table, that another vCPU unhooks, gives back and replaces: it works or is refused, and " \
	"nobody is hurt"
CLAIM(walk_uva_l2, "update_va_mapping walks by way of " BALLOONED(2)) { walk_uva(2); }
CLAIM(walk_uva_l3, "update_va_mapping walks by way of " BALLOONED(3)) { walk_uva(3); }
CLAIM(walk_store_l1, "a store into a page table is emulated by way of " BALLOONED(1)) { walk_store(job_walk_store, 1); }
CLAIM(walk_store_l2, "a store into a page table is emulated by way of " BALLOONED(2)) { walk_store(job_walk_store, 2); }
CLAIM(walk_store_l3, "a store into a page table is emulated by way of " BALLOONED(3)) { walk_store(job_walk_store, 3); }
CLAIM(walk_lock_l1, "a locked or with a page-table entry is emulated by way of " BALLOONED(1)) { walk_store(job_walk_lock, 1); }
CLAIM(walk_lock_l3, "a locked or with a page-table entry is emulated by way of " BALLOONED(3)) { walk_store(job_walk_lock, 3); }
CLAIM(walk_grant_l2, "a grant is mapped and unmapped by way of " BALLOONED(2)) { walk_grant(2); }
CLAIM(walk_grant_l3, "a grant is mapped and unmapped by way of " BALLOONED(3)) { walk_grant(3); }
CLAIM(walk_ldt_l1, "an LDT page is looked up by way of " BALLOONED(1)) { walk_ldt(1); }
CLAIM(walk_ldt_l3, "an LDT page is looked up by way of " BALLOONED(3)) { walk_ldt(3); }

/* ---- One frame, one entry ---- */

static uint64_t *shared_table;
static unsigned long shared_mfn;

static long unpin_shared(void)
{
	return mmuext(MMUEXT_UNPIN_TABLE, shared_mfn, 0);
}

CLAIM(unpin_both, "of two vCPUs that unpin one table at the same time exactly one does")
{
	shared_table = table_alloc();
	shared_mfn = mfn_of(shared_table);
	together_start();
	for (unsigned int round = 0; round < 1000; round++) {
		struct answers a;

		CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, shared_mfn, 0));
		a = together(unpin_shared, unpin_shared);
		CHECK_SAY((!a.mine && a.theirs == -XEN_EINVAL) || (!a.theirs && a.mine == -XEN_EINVAL), "answers %ld and %ld, round %u",
			  a.mine, a.theirs, round);
	}
	together_stop();
	CHECK_OK(make_writable(shared_table));
}

#define ENTRY_LIST 64u
static struct mmu_update entry_lists[2][ENTRY_LIST];

static long write_mine(void) { return HC4(mmu_update, entry_lists[0], ENTRY_LIST, 0, DOMID_SELF); }
static long write_theirs(void) { return HC4(mmu_update, entry_lists[1], ENTRY_LIST, 0, DOMID_SELF); }

CLAIM(entry_both, "two vCPUs that write one page-table entry over and over at the same time leave what the last one wrote, and no "
      "frame in use that it does not name")
{
	uint64_t *page[2] = { page_alloc(), page_alloc() }, *table = table_alloc();

	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0));
	for (unsigned int i = 0; i < 2 * ENTRY_LIST; i++)
		entry_lists[i / ENTRY_LIST][i % ENTRY_LIST] = (struct mmu_update){
			maddr_of(table) | MMU_NORMAL_PT_UPDATE,
			i % 3 ? make_pte(mfn_of(page[i / ENTRY_LIST]), i % 3 == 1 ? PTE_RW_PAGE : PTE_RO_PAGE) : 0 };
	together_start();
	for (unsigned int round = 0; round < 100; round++)
		both_lists(write_mine, write_theirs);
	together_stop();
	CHECK_OK(write_entry(table, 0));
	for (unsigned int i = 0; i < 2; i++)
		check_free_of_uses(page[i]);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0));
	CHECK_OK(make_writable(table));
}

/* Empty entries are copied over it, and the same with a last one that no table may have: what is written last is looked at last. */
static uint64_t *copies[2];

static void job_pin_copied(void)
{
	while (!stop) {
		if (!mmuext(MMUEXT_PIN_L1_TABLE, shared_mfn, 0)) {
			for (unsigned int looks = 0; looks < 200; looks++)
				wrong += ((volatile uint64_t *)shared_table)[511] != 0;
			mmuext(MMUEXT_UNPIN_TABLE, shared_mfn, 0);
			rounds_done++;
		}
	}
}

static void copied_while_pinned(long (*copy)(const uint64_t *from))
{
	for (unsigned int i = 0; i < 2; i++)
		copies[i] = page_alloc();
	copies[1][511] = make_pte(NOBODYS_MFN, PTE_RW_PAGE);
	shared_table = table_alloc();
	shared_mfn = mfn_of(shared_table);
	other_start();
	stop = false;
	wrong = rounds_done = 0;
	job = job_pin_copied;
	for (unsigned int round = 0; round < 1000 || rounds_done < 100; round++) {
		copy(copies[1]);
		/* It is a plain page when this succeeds; it is empty from then on, for a while. */
		while (copy(copies[0]))
			CHECK_EQ(wrong, 0);
		CHECK_EQ(wrong, 0);
	}
	stop = true;
	other_stop();
	CHECK_EQ(wrong, 0);
	check_free_of_uses(shared_table);
}

static long copy_by_grant_op(const uint64_t *from)
{
	struct gnttab_copy c = { .len = PAGE_BYTES };
	long rc;

	c.source.u.gmfn = mfn_of(from);
	c.source.domid = DOMID_SELF;
	c.dest.u.gmfn = shared_mfn;
	c.dest.domid = DOMID_SELF;
	rc = HC3(grant_table_op, GNTTABOP_copy, &c, 1);
	return rc ? rc : c.status;
}

static long copy_by_mmuext(const uint64_t *from)
{
	return mmuext(MMUEXT_COPY_PAGE, shared_mfn, mfn_of(from));
}

#define COPIED "writes a page to its end before another vCPU can make it a table, or is refused: what is a table stands still"
CLAIM(copy_pinned, "GNTTABOP_copy " COPIED) { copied_while_pinned(copy_by_grant_op); }
CLAIM(copy_page_pinned, "MMUEXT_COPY_PAGE " COPIED) { copied_while_pinned(copy_by_mmuext); }

/* ---- Frames on their way to be the hypervisor's, or ours ---- */

static volatile unsigned long guess;

static void job_give_back_guess(void)
{
	while (!stop) {
		unsigned long list = guess;
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

		r.extent_start.p = &list;
		if (list)
			HC2(memory_op, XENMEM_decrease_reservation, &r);
		rounds_done++;
	}
}

CLAIM(grant_frame_given_back, "a frame that becomes part of the grant table while another vCPU gives back that very frame stays, "
      "and is a grant frame")
{
	static unsigned long frames[64];
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_setup_table s = { .dom = DOMID_SELF };

	CHECK_OK(HC3(grant_table_op, GNTTABOP_query_size, &q, 1));
	other_start();
	stop = false;
	rounds_done = 0;
	guess = 0;
	job = job_give_back_guess;
	s.frame_list.p = frames;
	for (unsigned int nr = q.nr_frames + 1; nr <= q.max_nr_frames && nr <= 64; nr++) {
		uint64_t *page = page_alloc(), before;
		unsigned long list = mfn_of(page);
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

		/* Given back just now, it is likely to be the next that is taken. */
		r.extent_start.p = &list;
		CHECK_OK(remap(page, 0));
		CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 1);
		guess = list;
		before = rounds_done;
		CHECK(WAIT_FOR(rounds_done > before, 5000));
		s.nr_frames = nr;
		CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &s, 1));
		CHECK_OK(s.status);
		before = rounds_done;
		CHECK(WAIT_FOR(rounds_done > before + 1, 5000));
		guess = 0;
		CHECK_OK(remap(window(0), make_pte(frames[nr - 1], PTE_RW_PAGE)));
		((volatile struct grant_entry_v1 *)window(0))[7].frame = nr;
		CHECK_OK(remap(window(0), rw_pte(window(0))));
	}
	stop = true;
	other_stop();
}

static unsigned int spare;
static uint64_t *record;

static long register_record(void)
{
	struct vcpu_register_vcpu_info r = { .mfn = mfn_of(record) };

	return HC3(vcpu_op, VCPUOP_register_vcpu_info, spare, &r);
}

static long give_back_record(void)
{
	unsigned long list = mfn_of(record);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = &list;
	return HC2(memory_op, XENMEM_decrease_reservation, &r) == 1 ? 0 : -XEN_EBUSY;
}

static long pin_record(void)
{
	return mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(record), 0);
}

CLAIM(record_pinned, "of registering a frame as a vcpu_info and making it a page table from another vCPU one at most is granted")
{
	struct answers a;

	spare = spare_vcpu();
	record = table_alloc();
	together_start();
	a = together(register_record, pin_record);
	together_stop();
	CHECK(a.mine || a.theirs);
	if (!a.mine)
		CHECK_ERR(pin_record(), XEN_EINVAL);
	if (!a.theirs)
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(record), 0));
	if (a.mine)
		CHECK_OK(register_record());
	CHECK_ERR(register_record(), XEN_EINVAL);
}

CLAIM_ISOLA_ONLY(record_given_back, "of registering a frame as a vcpu_info and giving it back from another vCPU one "
      "at most is granted",
		 "Xen lets go of it when its last use ends")
{
	struct answers a;

	spare = spare_vcpu();
	record = page_alloc();
	CHECK_OK(remap(record, 0));
	together_start();
	a = together(register_record, give_back_record);
	together_stop();
	CHECK(a.mine || a.theirs);
	if (!a.mine)
		CHECK_ERR(give_back_record(), XEN_EBUSY);
}

/* ---- Numbers given out ---- */

#define PORTS_EACH 16u
static uint32_t ports[2][PORTS_EACH];

static long bind_ports(unsigned int who)
{
	for (unsigned int i = 0; i < PORTS_EACH; i++) {
		struct evtchn_bind_ipi op = { .vcpu = 0 };
		long rc = HC2(event_channel_op, EVTCHNOP_bind_ipi, &op);

		if (rc)
			return rc;
		ports[who][i] = op.port;
	}
	return 0;
}

static long close_ports(unsigned int who)
{
	for (unsigned int i = 0; i < PORTS_EACH; i++) {
		struct evtchn_close op = { .port = ports[who][i] };
		long rc = HC2(event_channel_op, EVTCHNOP_close, &op);

		if (rc)
			return rc;
	}
	return 0;
}

static long bind_mine(void) { return bind_ports(0); }
static long bind_theirs(void) { return bind_ports(1); }
static long close_mine(void) { return close_ports(0); }
static long close_theirs(void) { return close_ports(1); }

CLAIM(ports_both, "two vCPUs that open and close ports at the same time get ports that all differ, and close their own")
{
	together_start();
	for (unsigned int round = 0; round < 50; round++) {
		static bool seen[NR_PORTS];

		both_lists(bind_mine, bind_theirs);
		memset(seen, 0, sizeof(seen));
		for (unsigned int i = 0; i < 2 * PORTS_EACH; i++) {
			uint32_t port = ports[i / PORTS_EACH][i % PORTS_EACH];

			CHECK_SAY(port < NR_PORTS && !seen[port], "port %u is given out twice", port);
			seen[port] = true;
		}
		both_lists(close_mine, close_theirs);
	}
	together_stop();
}

static long take_watchdog(void)
{
	struct sched_watchdog w = { .timeout = 1000 };

	return HC2(sched_op, SCHEDOP_watchdog, &w);
}

static long put_watchdog_away(unsigned int id)
{
	struct sched_watchdog w = { .id = id };

	return HC2(sched_op, SCHEDOP_watchdog, &w);
}

CLAIM(watchdogs_both, "two vCPUs that ask for a watchdog at the same time get one each")
{
	together_start();
	for (unsigned int round = 0; round < 1000; round++) {
		struct answers a = together(take_watchdog, take_watchdog);

		CHECK_SAY(a.mine + a.theirs == 3 && a.mine > 0 && a.theirs > 0, "answers %ld and %ld, round %u", a.mine, a.theirs,
			  round);
		CHECK_OK(put_watchdog_away(1));
		CHECK_OK(put_watchdog_away(2));
	}
	together_stop();
}

/* ---- vCPUs that do not run yet ---- */

static struct vcpu_guest_context contexts[2];

static struct {
	uint8_t image[512];
} __attribute__((aligned(16))) fpu_seen;
static volatile bool fpu_done;
static unsigned int fpu_vcpu;

void races_fpu_entry(void);
asm(".text\n"
    "races_fpu_entry:\n\t"
    "fxsave64 fpu_seen(%rip)\n\t"
    "movb	$1, fpu_done(%rip)\n"
    "1:\n\t"
    "mov	$2, %edi\n\t"			/* VCPUOP_down */
    "mov	fpu_vcpu(%rip), %esi\n\t"
    "xor	%edx, %edx\n\t"
    "call	hypercall_page + 24 * 32\n\t"	/* vcpu_op */
    "jmp	1b\n");

/* Bring up a vCPU with @c, which stores its FPU state and goes down. */
static void fpu_run(struct vcpu_guest_context *c)
{
	static uint8_t stack[PAGE_BYTES] __attribute__((aligned(16)));

	fpu_vcpu = spare_vcpu();
	shared->vcpu_info[fpu_vcpu].evtchn_upcall_mask = 1;
	c->user_regs.rip = ARG(races_fpu_entry);
	c->user_regs.rsp = c->kernel_sp = ARG(stack + sizeof(stack) - 64);
	fpu_done = false;
	memset(&fpu_seen, 0xee, sizeof(fpu_seen));
	CHECK_OK(HC3(vcpu_op, VCPUOP_initialise, fpu_vcpu, c));
	CHECK_OK(HC3(vcpu_op, VCPUOP_up, fpu_vcpu, 0));
	CHECK(WAIT_FOR(fpu_done, 5000));
	CHECK(WAIT_FOR(HC3(vcpu_op, VCPUOP_is_up, fpu_vcpu, 0) == 0, 5000));
}

CLAIM(initialise_fpu, "the FPU state given with VGCF_i387_valid is what a new vCPU has at its first instruction")
{
	struct vcpu_guest_context *c = &contexts[0];
	uint8_t *image = (uint8_t *)&c->fpu_ctxt;

	sibling_context(c);
	c->flags |= VGCF_i387_valid;
	*(uint16_t *)image = 0x027f;			/* FCW: double precision */
	*(uint32_t *)(image + 24) = 0x1fa0;		/* MXCSR: a flag is up */
	*(uint32_t *)(image + 28) = 0xffff;
	for (unsigned int i = 0; i < 16 * 16; i++)	/* XMM0 to 15 */
		image[160 + i] = (uint8_t)(i * 11 + 1);
	fpu_run(c);
	CHECK_EQ(*(uint16_t *)fpu_seen.image, 0x027f);
	CHECK_EQ(*(uint32_t *)(fpu_seen.image + 24), 0x1fa0);
	for (unsigned int i = 0; i < 16 * 16; i++)
		CHECK_SAY(fpu_seen.image[160 + i] == (uint8_t)(i * 11 + 1), "byte %u of the XMM registers is 0x%x", i,
			  fpu_seen.image[160 + i]);
}

CLAIM(initialise_no_fpu, "without VGCF_i387_valid a new vCPU starts with the FPU as after reset, whatever the context has there")
{
	struct vcpu_guest_context *c = &contexts[0];

	sibling_context(c);
	memset(&c->fpu_ctxt, 0x77, sizeof(c->fpu_ctxt));
	fpu_run(c);
	CHECK_EQ(*(uint32_t *)(fpu_seen.image + 24), 0x1f80);
	for (unsigned int i = 0; i < 16 * 16; i++)
		CHECK_SAY(fpu_seen.image[160 + i] == 0, "byte %u of the XMM registers is 0x%x", i, fpu_seen.image[160 + i]);
}

static long initialise_mine(void)
{
	return HC3(vcpu_op, VCPUOP_initialise, spare, &contexts[0]);
}

static long initialise_theirs(void)
{
	return HC3(vcpu_op, VCPUOP_initialise, spare, &contexts[1]);
}

CLAIM(initialise_both, "of two vCPUs that initialise a third at the same time one does, and the other is told "
      "-EEXIST; only one set of "
      "references is taken")
{
	spare = spare_vcpu();
	together_start();
	for (unsigned int i = 0; i < 8 && HC3(vcpu_op, VCPUOP_is_up, spare, 0) == 0; i++, spare = spare_vcpu()) {
		uint64_t *gdt[2] = { table_alloc(), table_alloc() };
		struct answers a;

		for (unsigned int c = 0; c < 2; c++) {
			sibling_context(&contexts[c]);
			contexts[c].gdt_frames[0] = mfn_of(gdt[c]);
			contexts[c].gdt_ents = 512;
		}
		a = together(initialise_mine, initialise_theirs);
		CHECK_SAY((a.mine == 0 && a.theirs == -XEN_EEXIST) || (a.theirs == 0 && a.mine == -XEN_EEXIST),
			  "answers %ld and %ld", a.mine, a.theirs);
		CHECK_ERR(make_writable(gdt[a.mine ? 1 : 0]), XEN_EBUSY);
		CHECK_OK(make_writable(gdt[a.mine ? 0 : 1]));
		if (HC3(vcpu_op, VCPUOP_is_up, spare + 1, 0) < 0)
			break;
	}
	together_stop();
}

/* ---- Old views of what has become something else ---- */

static uint64_t *volatile target;
static volatile uint64_t stores;

static void job_store(void)
{
	while (!stop) {
		/* Never a present entry, one that names a frame, or a large page: L1TF's rule refuses absent ones too. */
		other_write(target, (stores & 0x3f) << 1);
		stores++;
	}
}

/*
 * The sibling writes to a page until it is a table (TLB-1, XSA-401): what it held when the call was over, it holds from then on.
 * Not for L1 tables: stores into those are emulated.
 */
static void stale_writable(long (*become)(void), long (*cease)(void))
{
	other_start();
	target = page_alloc();
	stop = false;
	job = job_store;
	for (unsigned int round = 0; round < 50; round++) {
		uint64_t seen, at, faults;

		CHECK_OK(make_writable(target));
		at = *(volatile uint64_t *)target;
		CHECK(WAIT_FOR(*(volatile uint64_t *)target != at, 5000));
		CHECK_OK(HC3(update_va_mapping, target, make_pte(mfn_of(target), PTE_RO_PAGE), UVMF_NONE));
		CHECK_OK(become());
		seen = *(volatile uint64_t *)target;
		faults = smp_faults;
		CHECK(WAIT_FOR(smp_faults > faults + 3, 5000));
		CHECK_EQ(*(volatile uint64_t *)target, seen);
		CHECK_OK(cease());
	}
	stop = true;
	other_stop();
}

static long unpin_target(void)
{
	return mmuext(MMUEXT_UNPIN_TABLE, mfn_of(target), 0);
}

static long pin_target_l3(void)
{
	return mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(target), 0);
}

static long pin_target_l4(void)
{
	return mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(target), 0);
}

static long hook_target(void)
{
	return write_entry(l4_slot(SLOT), table_pte(target));
}

static long unhook_target(void)
{
	return write_entry(l4_slot(SLOT), 0);
}

static long load_target_user(void)
{
	return mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(target), 0);
}

static long unload_target_user(void)
{
	return mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0);
}

static long gdt_target(void)
{
	unsigned long frame = mfn_of(target);

	return HC2(set_gdt, &frame, 512);
}

static long no_gdt(void)
{
	return HC2(set_gdt, 0, 0);
}

#define STALE_WRITABLE(how) "a page that another vCPU keeps writing " how " without any flush by us: from then on its " \
	"contents stand still"
CLAIM(stale_writable_l3, STALE_WRITABLE("becomes an L3 table")) { stale_writable(pin_target_l3, unpin_target); }
CLAIM(stale_writable_l4, STALE_WRITABLE("becomes an L4 table")) { stale_writable(pin_target_l4, unpin_target); }
CLAIM(stale_writable_hooked, STALE_WRITABLE("is hooked into the L4 in use")) { stale_writable(hook_target, unhook_target); }
CLAIM(stale_writable_user, STALE_WRITABLE("becomes the user's L4")) { stale_writable(load_target_user, unload_target_user); }
CLAIM(stale_writable_gdt, STALE_WRITABLE("becomes part of our GDT")) { stale_writable(gdt_target, no_gdt); }

static void job_read(void)
{
	while (!stop) {
		uint64_t v = other_read(SLOT_VA, FAULTED);

		if (v != 1 && v != FAULTED)
			wrong = v;
		rounds_done++;
	}
}

/*
 * XSA-286, XSA-408: a table is unhooked at @level without any flush by us, written as data, with an entry of ours that no
 * hypervisor has looked at, and hooked again. The sibling, which has the root loaded and goes on reading, must never get to where
 * the forged entry leads.
 */
static void stale_table(unsigned int level)
{
	uint64_t *page = page_alloc(), *decoy = page_alloc();
	struct way w = way_build(rw_pte(page)), forged = way_build(rw_pte(decoy));

	page[0] = 1;
	decoy[0] = 0xbad;
	other_start();
	stop = false;
	wrong = rounds_done = 0;
	job = job_read;
	CHECK_OK(write_entry(l4_slot(SLOT), table_pte(w.t[3])));
	for (unsigned int round = 0; round < 100; round++) {
		uint64_t before = rounds_done, right = w.t[level][0];

		CHECK(WAIT_FOR(rounds_done > before + 5, 5000));
		CHECK_OK(write_entry(slot_of(&w, level), 0));
		CHECK_OK(HC3(update_va_mapping, w.t[level], rw_pte(w.t[level]), UVMF_INVLPG));
		w.t[level][0] = forged.t[level][0];
		before = rounds_done;
		CHECK(WAIT_FOR(rounds_done > before + 5, 5000));
		w.t[level][0] = right;
		CHECK_OK(make_readonly(w.t[level]));
		CHECK_OK(write_entry(slot_of(&w, level), table_pte(w.t[level])));
	}
	stop = true;
	other_stop();
	CHECK_EQ(wrong, 0);
	CHECK_OK(write_entry(l4_slot(SLOT), 0));
}

#define STALE_TABLE(level) "an L" #level " table unhooked without any flush by us, then written as data, is no way to " \
	"other frames for the " \
	"vCPU that was using it"
CLAIM(stale_l2, STALE_TABLE(2)) { stale_table(2); }
CLAIM(stale_l3, STALE_TABLE(3)) { stale_table(3); }

/* ---- Long work, interrupted ---- */

#define BIG_L1 24u
static uint64_t *big_l3, *big_l2, *big_l1[BIG_L1];

/* One L3, one L2 and 24 full L1 tables: 12,000 entries to look at. */
static void big_build(void)
{
	uint64_t *page = page_alloc();

	big_l3 = page_alloc();
	big_l2 = page_alloc();
	for (unsigned int i = 0; i < BIG_L1; i++) {
		big_l1[i] = page_alloc();
		for (unsigned int e = 0; e < 512; e++)
			big_l1[i][e] = rw_pte(page);
		CHECK_OK(make_readonly(big_l1[i]));
		big_l2[i * 21] = table_pte(big_l1[i]);
	}
	big_l3[511] = table_pte(big_l2);
	CHECK_OK(make_readonly(big_l2));
	CHECK_OK(make_readonly(big_l3));
}

static void big_plain(void)
{
	CHECK_OK(make_writable(big_l3));
	CHECK_OK(make_writable(big_l2));
	for (unsigned int i = 0; i < BIG_L1; i++)
		CHECK_OK(make_writable(big_l1[i]));
}

/* A timer that interrupts often, for as long as the claim runs. */
static void interrupt_often(void)
{
	struct vcpu_set_periodic_timer t = { .period_ns = MS_NS };

	CHECK_OK(HC3(vcpu_op, VCPUOP_set_periodic_timer, 0, &t));
}

static void interrupt_no_more(void)
{
	HC3(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
}

CLAIM(interrupted_pin, "a large tree is pinned and unpinned whole, however often that is interrupted (XSA-45, 290)")
{
	big_build();
	interrupt_often();
	for (unsigned int round = 0; round < 50; round++) {
		CHECK_OK(mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(big_l3), 0));
		CHECK_ERR(make_writable(big_l1[BIG_L1 - 1]), XEN_EBUSY);
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l3), 0));
	}
	interrupt_no_more();
	big_plain();
}

CLAIM(interrupted_bad_pin, "a large tree with a wrong entry at its end is refused, however often that is interrupted, "
      "and all its tables are "
      "plain pages again (XSA-58, 299, 310)")
{
	big_build();
	CHECK_OK(make_writable(big_l1[BIG_L1 - 1]));
	big_l1[BIG_L1 - 1][511] = make_pte(NOBODYS_MFN, PTE_RW_PAGE);
	CHECK_OK(make_readonly(big_l1[BIG_L1 - 1]));
	interrupt_often();
	for (unsigned int round = 0; round < 50; round++)
		CHECK_ERR(mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(big_l3), 0), XEN_EINVAL);
	interrupt_no_more();
	big_plain();
}

CLAIM(interrupted_hook, "a large tree is hooked and unhooked whole by mmu_update, however often that is interrupted")
{
	big_build();
	interrupt_often();
	for (unsigned int round = 0; round < 50; round++) {
		CHECK_OK(write_entry(l4_slot(SLOT), table_pte(big_l3)));
		CHECK_ERR(make_writable(big_l1[BIG_L1 - 1]), XEN_EBUSY);
		CHECK_OK(write_entry(l4_slot(SLOT), 0));
	}
	interrupt_no_more();
	big_plain();
}

static void job_pin_big(void)
{
	while (!stop) {
		if (!mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(big_l3), 0))
			mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l3), 0);
		if (!mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(big_l2), 0))
			mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l2), 0);
		rounds_done++;
	}
}

static void race_big(bool bad)
{
	big_build();
	if (bad) {
		CHECK_OK(make_writable(big_l1[BIG_L1 - 1]));
		big_l1[BIG_L1 - 1][511] = make_pte(NOBODYS_MFN, PTE_RW_PAGE);
		CHECK_OK(make_readonly(big_l1[BIG_L1 - 1]));
	}
	other_start();
	stop = false;
	rounds_done = 0;
	interrupt_often();
	job = job_pin_big;
	for (unsigned int round = 0; round < 50 || rounds_done < 30; round++) {
		long rc = write_entry(l4_slot(SLOT), table_pte(big_l3));

		/* -EINVAL also while the sibling's own try fails half-way. */
		CHECK_SAY(bad ? rc < 0 : rc == 0 || rc == -XEN_EINVAL, "hook answers %ld", rc);
		CHECK_OK(write_entry(l4_slot(SLOT), 0));
	}
	interrupt_no_more();
	stop = true;
	other_stop();
	mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l3), 0);
	mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l2), 0);
	big_plain();
}

CLAIM(interrupted_both, "two vCPUs validate one large tree at the same time, interrupted over and over; in the end "
      "its tables are plain "
      "pages again (XSA-299)")
{
	race_big(false);
}

CLAIM(interrupted_bad_both, "two vCPUs are refused one large tree with a wrong entry at its end, at the same time; in "
      "the end its tables are plain "
      "pages again (XSA-299, 310)")
{
	race_big(true);
}
