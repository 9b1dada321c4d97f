/* SPDX-License-Identifier: MIT */
/*
 * transitions: what a frame may become, from each use that it can have.
 *
 * The rule (TYP-1, TYP-7): a frame is writable, a table of one level, or part of a descriptor table, one at a time and only while
 * something uses it so; a request that would give it a second use is refused and leaves it in the first. One claim per use and
 * request: the frame is brought into the use, the request made, and undone if it was granted; then the frame must still have its
 * first use, and after that must be able to become an ordinary page again. Of two requests for uses that exclude each other, made
 * by two vCPUs at the same time, one at most is granted.
 */
#define TOPIC "transitions"
#include "../claim.h"
#include "../lending.h"
#include "../memory.h"
#include "../sibling.h"
#include "../text.h"

#define SLOT 5u			/* free in our L4 */

/* ---- Uses: how a fresh page gets there, and leaves it if it still has it ---- */

static void enter_unmapped(uint64_t *page)
{
	CHECK_OK(remap(page, 0));
}

static void leave_unmapped(uint64_t *page)
{
	CHECK(!(l1e(page) & PTE_P));
}

static void enter_read_only(uint64_t *page)
{
	CHECK_OK(make_readonly(page));
}

static void leave_read_only(uint64_t *page)
{
	CHECK_EQ(l1e(page) & (PTE_P | PTE_RW), PTE_P);
}

static void enter_writable(uint64_t *page)
{
	CHECK_EQ(l1e(page) & (PTE_P | PTE_RW), PTE_P | PTE_RW);
}

static void leave_writable(uint64_t *page)
{
	*(volatile uint64_t *)page = 1;		/* no fault */
}

static void enter_table(uint64_t *page, unsigned int pin)
{
	CHECK_OK(make_readonly(page));
	CHECK_OK(mmuext(pin, mfn_of(page), 0));
}

static void leave_table(uint64_t *page)
{
	CHECK_ERR(make_writable(page), XEN_EBUSY);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));
}

#define TABLE_USE(use, level)                                                           \
	static void enter_##use(uint64_t *page)                                         \
	{                                                                               \
		enter_table(page, MMUEXT_PIN_L##level##_TABLE);                         \
	}                                                                               \
	static void leave_##use(uint64_t *page)                                         \
	{                                                                               \
		leave_table(page);                                                      \
	}
TABLE_USE(l1, 1)
TABLE_USE(l2, 2)
TABLE_USE(l3, 3)

/* As full as the L4 in use, so that it may be loaded. */
static void enter_l4(uint64_t *page)
{
	memcpy(page, (void *)start->pt_base, PAGE_BYTES);
	enter_table(page, MMUEXT_PIN_L4_TABLE);
}

static void leave_l4(uint64_t *page)
{
	leave_table(page);
}

static long gdt(uint64_t *page)
{
	unsigned long frame = mfn_of(page);

	return HC2(set_gdt, &frame, 512);
}

static void enter_segments(uint64_t *page)
{
	CHECK_OK(make_readonly(page));
	CHECK_OK(gdt(page));
}

static void leave_segments(uint64_t *page)
{
	CHECK_ERR(make_writable(page), XEN_EBUSY);
	CHECK_OK(HC2(set_gdt, 0, 0));
}

static struct gnttab_map_grant_ref loan;

static void enter_lent(uint64_t *page)
{
	CHECK_OK(make_readonly(page));
	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	loan = grant_map(FIRST_REF, ARG(window(1)), GNTMAP_host_map);
	CHECK_OK(loan.status);
}

static void leave_lent(uint64_t *page)
{
	*(volatile uint64_t *)window(1) = 0x4e7;
	CHECK_EQ(*(volatile uint64_t *)page, 0x4e7);
	CHECK_OK(grant_unmap(loan.handle, ARG(window(1)), 0));
}

/* ---- Requests: the answer, and back to where it was after a granted one ---- */

static long ask_map_writable(uint64_t *page)
{
	return remap(window(0), rw_pte(page));
}

static long ask_map_read_only(uint64_t *page)
{
	return remap(window(0), make_pte(mfn_of(page), PTE_RO_PAGE));
}

static void undo_map(void)
{
	CHECK_OK(remap(window(0), rw_pte(window(0))));
}

static void undo_map_writable(uint64_t *page)
{
	(void)page;
	undo_map();
}

static void undo_map_read_only(uint64_t *page)
{
	(void)page;
	undo_map();
}

#define PIN_REQUEST(level)                                                              \
	static long ask_pin_l##level(uint64_t *page)                                    \
	{                                                                               \
		return mmuext(MMUEXT_PIN_L##level##_TABLE, mfn_of(page), 0);            \
	}                                                                               \
	static void undo_pin_l##level(uint64_t *page)                                   \
	{                                                                               \
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));                  \
	}
PIN_REQUEST(1)
PIN_REQUEST(2)
PIN_REQUEST(3)
PIN_REQUEST(4)

static uint64_t *above;		/* a pinned table in which the page is hooked */

static long hook_below(uint64_t *page, unsigned int pin)
{
	long rc;

	above = table_alloc();
	CHECK_OK(mmuext(pin, mfn_of(above), 0));
	rc = write_entry(above, table_pte(page));
	CHECK_EQ(!*(volatile uint64_t *)above, rc != 0);
	if (rc) {
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(above), 0));
		CHECK_OK(make_writable(above));
	}
	return rc;
}

static void unhook_below(void)
{
	CHECK_OK(write_entry(above, 0));
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(above), 0));
	CHECK_OK(make_writable(above));
}

static long ask_hook_in_l2(uint64_t *page)
{
	return hook_below(page, MMUEXT_PIN_L2_TABLE);
}

static void undo_hook_in_l2(uint64_t *page)
{
	(void)page;
	unhook_below();
}

static long ask_hook_in_l3(uint64_t *page)
{
	return hook_below(page, MMUEXT_PIN_L3_TABLE);
}

static void undo_hook_in_l3(uint64_t *page)
{
	(void)page;
	unhook_below();
}

static long ask_hook_in_l4(uint64_t *page)
{
	long rc = write_entry(l4_slot(SLOT), table_pte(page));

	CHECK_EQ(!*l4_slot(SLOT), rc != 0);
	return rc;
}

static void undo_hook_in_l4(uint64_t *page)
{
	(void)page;
	CHECK_OK(write_entry(l4_slot(SLOT), 0));
}

static long ask_load(uint64_t *page)
{
	return mmuext(MMUEXT_NEW_BASEPTR, mfn_of(page), 0);
}

static void undo_load(uint64_t *page)
{
	(void)page;
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, l4_mfn(), 0));
}

static long ask_load_user(uint64_t *page)
{
	return mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(page), 0);
}

static void undo_load_user(uint64_t *page)
{
	(void)page;
	CHECK_OK(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0));
}

static long ask_gdt(uint64_t *page)
{
	return gdt(page);
}

static void undo_gdt(uint64_t *page)
{
	(void)page;
	CHECK_OK(HC2(set_gdt, 0, 0));
}

static long ask_descriptor(uint64_t *page)
{
	return HC2(update_descriptor, maddr_of(page + 20), 0);
}

static void undo_descriptor(uint64_t *page)
{
	(void)page;
}

static long ask_store(uint64_t *page)
{
	return write_entry(page + 300, 0);
}

static void undo_store(uint64_t *page)
{
	(void)page;
}

static long ask_clear(uint64_t *page)
{
	return mmuext(MMUEXT_CLEAR_PAGE, mfn_of(page), 0);
}

static void undo_clear(uint64_t *page)
{
	(void)page;
}

/* As a word for the errors of grants: refused or not is what matters. */
static long ask_copy_into(uint64_t *page)
{
	struct gnttab_copy c = { .len = 8 };

	c.source.domid = c.dest.domid = DOMID_SELF;
	c.source.u.gmfn = mfn_of(page_alloc());
	c.dest.u.gmfn = mfn_of(page);
	c.dest.offset = 2400;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_copy, &c, 1));
	return c.status ? -XEN_EINVAL : 0;
}

static void undo_copy_into(uint64_t *page)
{
	(void)page;
}

static struct gnttab_map_grant_ref second;

static long ask_lend(uint64_t *page)
{
	grant(FIRST_REF + 1, mfn_of(page), GTF_permit_access);
	second = grant_map(FIRST_REF + 1, ARG(window(2)), GNTMAP_host_map);
	CHECK_EQ(grant_flags(FIRST_REF + 1) & IN_USE, second.status ? 0 : IN_USE);
	return second.status ? -XEN_EINVAL : 0;
}

static void undo_lend(uint64_t *page)
{
	(void)page;
	CHECK_OK(grant_unmap(second.handle, ARG(window(2)), 0));
}

static unsigned long exchanged_for;

static long ask_exchange(uint64_t *page)
{
	unsigned long in = mfn_of(page), out = pfn_of(page);
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF }, .out = { .nr_extents = 1, .domid = DOMID_SELF },
	};
	long rc;

	x.in.extent_start.p = &in;
	x.out.extent_start.p = &out;
	rc = HC2(memory_op, XENMEM_exchange, &x);
	CHECK_EQ(x.nr_exchanged, rc ? 0 : 1);
	exchanged_for = out;
	return rc;
}

/* In our list only here: a request that another vCPU makes meanwhile is for the frame that it was. */
static void undo_exchange(uint64_t *page)
{
	((unsigned long *)start->mfn_list)[pfn_of(page)] = exchanged_for;
}

static long ask_give_back(uint64_t *page)
{
	unsigned long list = mfn_of(page);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = &list;
	return HC2(memory_op, XENMEM_decrease_reservation, &r) == 1 ? 0 : -XEN_EBUSY;
}

static void undo_give_back(uint64_t *page)
{
	unsigned long list = pfn_of(page);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = &list;
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 1);
	((unsigned long *)start->mfn_list)[pfn_of(page)] = list;
}

static void transition(void (*enter)(uint64_t *), long (*ask)(uint64_t *), void (*undo)(uint64_t *),
		       void (*leave)(uint64_t *), long expected)
{
	uint64_t *page = page_alloc();
	long rc;

	enter(page);
	rc = ask(page);
	CHECK_SAY(rc == expected, "the answer is %ld, expected %ld", rc, expected);
	if (!rc)
		undo(page);
	leave(page);
	CHECK_OK(make_writable(page));
	*(volatile uint64_t *)page = 0;
}

/* ---- The table ---- */

#define SAY_unmapped "that nothing maps"
#define SAY_read_only "that is mapped read-only"
#define SAY_writable "that is mapped writable"
#define SAY_l1 "that is an L1 table"
#define SAY_l2 "that is an L2 table"
#define SAY_l3 "that is an L3 table"
#define SAY_l4 "that is an L4 table"
#define SAY_segments "of the GDT"
#define SAY_lent "that a grant maps writable"

#define SAY_map_writable "mapping it writable"
#define SAY_map_read_only "mapping it read-only"
#define SAY_pin_l1 "pinning it as an L1 table"
#define SAY_pin_l2 "pinning it as an L2 table"
#define SAY_pin_l3 "pinning it as an L3 table"
#define SAY_pin_l4 "pinning it as an L4 table"
#define SAY_hook_in_l2 "hooking it into an L2 table"
#define SAY_hook_in_l3 "hooking it into an L3 table"
#define SAY_hook_in_l4 "hooking it into the L4 in use"
#define SAY_load "NEW_BASEPTR with it"
#define SAY_load_user "NEW_USER_BASEPTR with it"
#define SAY_gdt "set_gdt with it"
#define SAY_descriptor "update_descriptor in it"
#define SAY_store "mmu_update of a word of it"
#define SAY_clear "CLEAR_PAGE of it"
#define SAY_copy_into "grant copy into it"
#define SAY_lend "granting it to be mapped writable"
#define SAY_exchange "exchanging it"
#define SAY_give_back "giving it back"

#define ANSWER_OK 0
#define ANSWER_EBUSY -XEN_EBUSY
#define ANSWER_EINVAL -XEN_EINVAL

#define SENTENCE(use, request, answer) "a frame " SAY_##use ": " SAY_##request " answers " #answer
#define BODY(use, request, answer)                                                      \
	{                                                                               \
		transition(enter_##use, ask_##request, undo_##request, leave_##use, ANSWER_##answer); \
	}
#define GO(use, request, answer)                                                        \
	CLAIM(use##_##request, SENTENCE(use, request, answer)) BODY(use, request, answer)
/* Xen takes the frame out of the reservation at once, and frees it when its last use ends. */
#define GO_ISOLA(use, request, answer)                                                  \
	CLAIM_ISOLA_ONLY(use##_##request, SENTENCE(use, request, answer),               \
			 "Xen lets go of it when its last use ends") BODY(use, request, answer)

GO(unmapped, map_writable, OK)
GO(unmapped, map_read_only, OK)
GO(unmapped, pin_l1, OK)
GO(unmapped, pin_l2, OK)
GO(unmapped, pin_l3, OK)
GO(unmapped, pin_l4, OK)
GO(unmapped, hook_in_l2, OK)
GO(unmapped, hook_in_l3, OK)
GO(unmapped, hook_in_l4, OK)
GO(unmapped, load_user, OK)
GO(unmapped, gdt, OK)
GO(unmapped, descriptor, OK)
GO(unmapped, store, OK)
GO(unmapped, clear, OK)
GO(unmapped, copy_into, OK)
GO(unmapped, lend, OK)
GO(unmapped, exchange, OK)
GO(unmapped, give_back, OK)

GO(read_only, map_writable, OK)
GO(read_only, map_read_only, OK)
GO(read_only, pin_l1, OK)
GO(read_only, pin_l2, OK)
GO(read_only, pin_l3, OK)
GO(read_only, pin_l4, OK)
GO(read_only, hook_in_l2, OK)
GO(read_only, hook_in_l3, OK)
GO(read_only, hook_in_l4, OK)
GO(read_only, load_user, OK)
GO(read_only, gdt, OK)
GO(read_only, descriptor, OK)
GO(read_only, store, OK)
GO(read_only, clear, OK)
GO(read_only, copy_into, OK)
GO(read_only, lend, OK)
GO(read_only, exchange, EINVAL)
GO_ISOLA(read_only, give_back, EBUSY)

GO(writable, map_writable, OK)
GO(writable, map_read_only, OK)
GO(writable, pin_l1, EINVAL)
GO(writable, pin_l2, EINVAL)
GO(writable, pin_l3, EINVAL)
GO(writable, pin_l4, EINVAL)
GO(writable, hook_in_l2, EINVAL)
GO(writable, hook_in_l3, EINVAL)
GO(writable, hook_in_l4, EINVAL)
GO(writable, load, EINVAL)
GO(writable, load_user, EINVAL)
GO(writable, gdt, EINVAL)
GO(writable, descriptor, OK)
GO(writable, store, OK)
GO(writable, clear, OK)
GO(writable, copy_into, OK)
GO(writable, lend, OK)
GO(writable, exchange, EINVAL)
GO_ISOLA(writable, give_back, EBUSY)

GO(l1, map_writable, EBUSY)
GO(l1, map_read_only, OK)
GO(l1, pin_l1, EINVAL)
GO(l1, pin_l2, EINVAL)
GO(l1, pin_l3, EINVAL)
GO(l1, pin_l4, EINVAL)
GO(l1, hook_in_l2, OK)
GO(l1, hook_in_l3, EINVAL)
GO(l1, hook_in_l4, EINVAL)
GO(l1, load, EINVAL)
GO(l1, load_user, EINVAL)
GO(l1, gdt, EINVAL)
GO(l1, descriptor, EINVAL)
GO(l1, store, OK)
GO(l1, clear, EINVAL)
GO(l1, copy_into, EINVAL)
GO(l1, lend, EINVAL)
GO(l1, exchange, EINVAL)
GO_ISOLA(l1, give_back, EBUSY)

GO(l2, map_writable, EBUSY)
GO(l2, map_read_only, OK)
GO(l2, pin_l1, EINVAL)
GO(l2, pin_l2, EINVAL)
GO(l2, pin_l3, EINVAL)
GO(l2, pin_l4, EINVAL)
GO(l2, hook_in_l2, EINVAL)
GO(l2, hook_in_l3, OK)
GO(l2, hook_in_l4, EINVAL)
GO(l2, load, EINVAL)
GO(l2, load_user, EINVAL)
GO(l2, gdt, EINVAL)
GO(l2, descriptor, EINVAL)
GO(l2, store, OK)
GO(l2, clear, EINVAL)
GO(l2, copy_into, EINVAL)
GO(l2, lend, EINVAL)
GO(l2, exchange, EINVAL)
GO_ISOLA(l2, give_back, EBUSY)

GO(l3, map_writable, EBUSY)
GO(l3, map_read_only, OK)
GO(l3, pin_l1, EINVAL)
GO(l3, pin_l2, EINVAL)
GO(l3, pin_l3, EINVAL)
GO(l3, pin_l4, EINVAL)
GO(l3, hook_in_l2, EINVAL)
GO(l3, hook_in_l3, EINVAL)
GO(l3, hook_in_l4, OK)
GO(l3, load, EINVAL)
GO(l3, load_user, EINVAL)
GO(l3, gdt, EINVAL)
GO(l3, descriptor, EINVAL)
GO(l3, store, OK)
GO(l3, clear, EINVAL)
GO(l3, copy_into, EINVAL)
GO(l3, lend, EINVAL)
GO(l3, exchange, EINVAL)
GO_ISOLA(l3, give_back, EBUSY)

GO(l4, map_writable, EBUSY)
GO(l4, map_read_only, OK)
GO(l4, pin_l1, EINVAL)
GO(l4, pin_l2, EINVAL)
GO(l4, pin_l3, EINVAL)
GO(l4, pin_l4, EINVAL)
GO(l4, hook_in_l2, EINVAL)
GO(l4, hook_in_l3, EINVAL)
GO(l4, hook_in_l4, EINVAL)
GO(l4, load, OK)
GO(l4, load_user, OK)
GO(l4, gdt, EINVAL)
GO(l4, descriptor, EINVAL)
GO(l4, store, OK)
GO(l4, clear, EINVAL)
GO(l4, copy_into, EINVAL)
GO(l4, lend, EINVAL)
GO(l4, exchange, EINVAL)
GO_ISOLA(l4, give_back, EBUSY)

GO(segments, map_writable, EBUSY)
GO(segments, map_read_only, OK)
GO(segments, pin_l1, EINVAL)
GO(segments, pin_l2, EINVAL)
GO(segments, pin_l3, EINVAL)
GO(segments, pin_l4, EINVAL)
GO(segments, hook_in_l2, EINVAL)
GO(segments, hook_in_l3, EINVAL)
GO(segments, hook_in_l4, EINVAL)
GO(segments, load, EINVAL)
GO(segments, load_user, EINVAL)
GO(segments, descriptor, OK)
GO(segments, store, EINVAL)
GO(segments, clear, EINVAL)
GO(segments, copy_into, EINVAL)
GO(segments, lend, EINVAL)
GO(segments, exchange, EINVAL)
GO_ISOLA(segments, give_back, EBUSY)

GO(lent, map_writable, OK)
GO(lent, map_read_only, OK)
GO(lent, pin_l1, EINVAL)
GO(lent, pin_l2, EINVAL)
GO(lent, pin_l3, EINVAL)
GO(lent, pin_l4, EINVAL)
GO(lent, hook_in_l2, EINVAL)
GO(lent, hook_in_l3, EINVAL)
GO(lent, hook_in_l4, EINVAL)
GO(lent, load, EINVAL)
GO(lent, load_user, EINVAL)
GO(lent, gdt, EINVAL)
GO(lent, descriptor, OK)
GO(lent, store, OK)
GO(lent, clear, OK)
GO(lent, copy_into, OK)
GO(lent, lend, OK)
GO(lent, exchange, EINVAL)
GO_ISOLA(lent, give_back, EBUSY)

/* ---- Two requests at once, from two vCPUs ---- */

static uint64_t *raced;
static long (*mine_ask)(uint64_t *), (*theirs_ask)(uint64_t *);
static void (*theirs_undo)(uint64_t *);

static long ask_mine(void)
{
	return mine_ask(raced);
}

static long ask_theirs(void)
{
	return theirs_ask(raced);
}

/* What is a vCPU's own, its GDT and base pointers, only itself can give back. */
static long undo_theirs(void)
{
	theirs_undo(raced);
	return 0;
}

static long nothing(void)
{
	return 0;
}

static void race(long (*mine)(uint64_t *), void (*undo_mine)(uint64_t *), long (*theirs)(uint64_t *), void (*undo)(uint64_t *))
{
	unsigned int granted = 0;

	raced = page_alloc();
	mine_ask = mine;
	theirs_ask = theirs;
	theirs_undo = undo;
	together_start();
	for (unsigned int round = 0; round < 200; round++) {
		struct answers a;

		CHECK_OK(remap(raced, 0));
		a = together(ask_mine, ask_theirs);
		CHECK_SAY(a.mine || a.theirs, "both were granted, in round %u", round);
		granted += !a.mine + !a.theirs;
		if (!a.theirs)
			together(nothing, undo_theirs);
		if (!a.mine)
			undo_mine(raced);
		CHECK_OK(make_writable(raced));
		*(volatile uint64_t *)raced = 0;
	}
	together_stop();
	CHECK(granted > 0);
}

#define RACE_SENTENCE(mine, theirs) "a frame that nothing maps: of " SAY_##mine ", and from another vCPU " \
	"" SAY_##theirs ", one at most is granted"
#define RACE_BODY(mine, theirs)                                                         \
	{                                                                               \
		race(ask_##mine, undo_##mine, ask_##theirs, undo_##theirs);             \
	}
#define RACE(mine, theirs)                                                              \
	CLAIM(race_##mine##_##theirs, RACE_SENTENCE(mine, theirs)) RACE_BODY(mine, theirs)
#define RACE_ISOLA(mine, theirs)                                                        \
	CLAIM_ISOLA_ONLY(race_##mine##_##theirs, RACE_SENTENCE(mine, theirs),           \
			 "Xen lets go of it when its last use ends") RACE_BODY(mine, theirs)

RACE(pin_l1, map_writable)
RACE(pin_l2, map_writable)
RACE(pin_l3, map_writable)
RACE(pin_l4, map_writable)
RACE(hook_in_l2, map_writable)
RACE(hook_in_l3, map_writable)
RACE(hook_in_l4, map_writable)
RACE(load_user, map_writable)
RACE(gdt, map_writable)
RACE(pin_l1, pin_l1)
RACE(pin_l1, pin_l2)
RACE(pin_l2, pin_l3)
RACE(pin_l3, pin_l4)
RACE(hook_in_l2, pin_l2)
RACE(hook_in_l4, pin_l4)
RACE(gdt, pin_l1)
RACE(load_user, pin_l3)
RACE(lend, pin_l1)
RACE(lend, pin_l4)
RACE(lend, gdt)
RACE(lend, load_user)
RACE(exchange, map_writable)
RACE(exchange, map_read_only)
RACE(exchange, pin_l1)
RACE(exchange, gdt)
RACE(exchange, load_user)
RACE(exchange, give_back)
RACE_ISOLA(give_back, give_back)
RACE_ISOLA(give_back, map_writable)
RACE_ISOLA(give_back, pin_l1)
RACE_ISOLA(give_back, pin_l4)
RACE_ISOLA(give_back, gdt)
RACE_ISOLA(give_back, load_user)
RACE_ISOLA(lend, give_back)
