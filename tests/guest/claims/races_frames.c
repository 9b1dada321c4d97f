/* SPDX-License-Identifier: MIT */
/*
 * races_frames: two vCPUs and one frame, or one entry.
 *
 * The rule: a frame is one thing at a time, whoever asks first; one that is becoming the
 * hypervisor's can be given back by nobody.
 */
#define TOPIC "races"
#include "../claim.h"
#include "../lending.h"
#include "races.h"
#include "../clock.h"
#include "../text.h"

static volatile uint64_t wrong, rounds_done;

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
	for (unsigned int round = 0; together_again(round, 1000); round++) {
		struct answers a;

		CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, shared_mfn, 0));
		a = together(unpin_shared, unpin_shared);
		CHECK_SAY((!a.mine && a.theirs == -XEN_EINVAL) ||
				  (!a.theirs && a.mine == -XEN_EINVAL),
			  "answers %ld and %ld, round %u", a.mine, a.theirs, round);
	}
	together_stop();
	CHECK_OK(make_writable(shared_table));
}

#define ENTRY_LIST 64u
static struct mmu_update entry_lists[2][ENTRY_LIST];

static long write_mine(void) { return HC4(mmu_update, entry_lists[0], ENTRY_LIST, 0, DOMID_SELF); }
static long write_theirs(void)
{
	return HC4(mmu_update, entry_lists[1], ENTRY_LIST, 0, DOMID_SELF);
}

CLAIM(entry_both, "two vCPUs that write one page-table entry over and over at the same time leave "
		  "what the last one wrote, and no frame in use that it does not name")
{
	uint64_t *page[2] = { page_alloc(), page_alloc() }, *table = table_alloc();

	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0));
	for (unsigned int i = 0; i < 2 * ENTRY_LIST; i++)
		entry_lists[i / ENTRY_LIST][i % ENTRY_LIST] = (struct mmu_update){
			maddr_of(table) | MMU_NORMAL_PT_UPDATE,
			i % 3 ? make_pte(mfn_of(page[i / ENTRY_LIST]),
					 i % 3 == 1 ? PTE_RW_PAGE : PTE_RO_PAGE)
			      : 0
		};
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

/*
 * Empty entries are copied over it, and the same with a last one that no table may have: what is
 * written last is looked at last.
 */
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

#define COPIED \
	"writes a page to its end before another vCPU can make it a table, or is refused: what " \
	"is a table stands still"
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

CLAIM(grant_frame_given_back, "a frame that becomes part of the grant table while another vCPU "
			      "gives back that very frame stays, and is a grant frame")
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

CLAIM(record_pinned, "of registering a frame as a vcpu_info and making it a page table from "
		     "another vCPU one at most is granted")
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

CLAIM_ISOLA_ONLY(record_given_back,
		 "of registering a frame as a vcpu_info and giving it back from another vCPU one "
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
