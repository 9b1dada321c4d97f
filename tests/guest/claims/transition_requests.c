/* SPDX-License-Identifier: MIT */
/*
 * The uses that a frame can have, and the requests for another: how a fresh page gets into a use
 * and leaves it, what a request answers, and how a granted one is undone.
 */
#include "transitions.h"
#include "../lending.h"
#include "../memory.h"
#include "../text.h"

#define SLOT 5u                         /* free in our L4 */

/* ---- Uses: how a fresh page gets there, and leaves it if it still has it ---- */

void enter_unmapped(uint64_t *page)
{
	CHECK_OK(remap(page, 0));
}

void leave_unmapped(uint64_t *page)
{
	CHECK(!(l1e(page) & PTE_P));
}

void enter_read_only(uint64_t *page)
{
	CHECK_OK(make_readonly(page));
}

void leave_read_only(uint64_t *page)
{
	CHECK_EQ(l1e(page) & (PTE_P | PTE_RW), PTE_P);
}

void enter_writable(uint64_t *page)
{
	CHECK_EQ(l1e(page) & (PTE_P | PTE_RW), PTE_P | PTE_RW);
}

void leave_writable(uint64_t *page)
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
	void enter_##use(uint64_t *page)                                         \
	{                                                                               \
		enter_table(page, MMUEXT_PIN_L##level##_TABLE);                         \
	}                                                                               \
	void leave_##use(uint64_t *page)                                         \
	{                                                                               \
		leave_table(page);                                                      \
	}
TABLE_USE(l1, 1)
TABLE_USE(l2, 2)
TABLE_USE(l3, 3)

/* As full as the L4 in use, so that it may be loaded. */
void enter_l4(uint64_t *page)
{
	memcpy(page, (void *)start->pt_base, PAGE_BYTES);
	enter_table(page, MMUEXT_PIN_L4_TABLE);
}

void leave_l4(uint64_t *page)
{
	leave_table(page);
}

static long gdt(uint64_t *page)
{
	unsigned long frame = mfn_of(page);

	return HC2(set_gdt, &frame, 512);
}

void enter_segments(uint64_t *page)
{
	CHECK_OK(make_readonly(page));
	CHECK_OK(gdt(page));
}

void leave_segments(uint64_t *page)
{
	CHECK_ERR(make_writable(page), XEN_EBUSY);
	CHECK_OK(HC2(set_gdt, 0, 0));
}

static struct gnttab_map_grant_ref loan;

void enter_lent(uint64_t *page)
{
	CHECK_OK(make_readonly(page));
	CHECK_OK(remap(window(1), 0));	/* no TLB, a shadow's neither, has what stood there */
	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	loan = grant_map(FIRST_REF, ARG(window(1)), GNTMAP_host_map);
	CHECK_OK(loan.status);
}

void leave_lent(uint64_t *page)
{
	*(volatile uint64_t *)window(1) = 0x4e7;
	CHECK_EQ(*(volatile uint64_t *)page, 0x4e7);
	CHECK_OK(grant_unmap(loan.handle, ARG(window(1)), 0));
}

/* ---- Requests: the answer, and back to where it was after a granted one ---- */

long ask_map_writable(uint64_t *page)
{
	return remap(window(0), rw_pte(page));
}

long ask_map_read_only(uint64_t *page)
{
	return remap(window(0), make_pte(mfn_of(page), PTE_RO_PAGE));
}

static void undo_map(void)
{
	CHECK_OK(remap(window(0), rw_pte(window(0))));
}

void undo_map_writable(uint64_t *page)
{
	undo_map();
}

void undo_map_read_only(uint64_t *page)
{
	undo_map();
}

#define PIN_REQUEST(level)                                                              \
	long ask_pin_l##level(uint64_t *page)                                    \
	{                                                                               \
		return mmuext(MMUEXT_PIN_L##level##_TABLE, mfn_of(page), 0);            \
	}                                                                               \
	void undo_pin_l##level(uint64_t *page)                                   \
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

long ask_hook_in_l2(uint64_t *page)
{
	return hook_below(page, MMUEXT_PIN_L2_TABLE);
}

void undo_hook_in_l2(uint64_t *page)
{
	unhook_below();
}

long ask_hook_in_l3(uint64_t *page)
{
	return hook_below(page, MMUEXT_PIN_L3_TABLE);
}

void undo_hook_in_l3(uint64_t *page)
{
	unhook_below();
}

long ask_hook_in_l4(uint64_t *page)
{
	long rc = write_entry(l4_slot(SLOT), table_pte(page));

	CHECK_EQ(!*l4_slot(SLOT), rc != 0);
	return rc;
}

void undo_hook_in_l4(uint64_t *page)
{
	CHECK_OK(write_entry(l4_slot(SLOT), 0));
}

long ask_load(uint64_t *page)
{
	return mmuext(MMUEXT_NEW_BASEPTR, mfn_of(page), 0);
}

void undo_load(uint64_t *page)
{
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, l4_mfn(), 0));
}

long ask_load_user(uint64_t *page)
{
	return mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(page), 0);
}

void undo_load_user(uint64_t *page)
{
	CHECK_OK(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0));
}

long ask_gdt(uint64_t *page)
{
	return gdt(page);
}

void undo_gdt(uint64_t *page)
{
	CHECK_OK(HC2(set_gdt, 0, 0));
}

long ask_descriptor(uint64_t *page)
{
	return HC2(update_descriptor, maddr_of(page + 20), 0);
}

void undo_descriptor(uint64_t *page)
{
}

long ask_store(uint64_t *page)
{
	return write_entry(page + 300, 0);
}

void undo_store(uint64_t *page)
{
}

long ask_clear(uint64_t *page)
{
	return mmuext(MMUEXT_CLEAR_PAGE, mfn_of(page), 0);
}

void undo_clear(uint64_t *page)
{
}

/* As a word for the errors of grants: refused or not is what matters. */
long ask_copy_into(uint64_t *page)
{
	struct gnttab_copy c = { .len = 8 };

	c.source.domid = c.dest.domid = DOMID_SELF;
	c.source.u.gmfn = mfn_of(page_alloc());
	c.dest.u.gmfn = mfn_of(page);
	c.dest.offset = 2400;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_copy, &c, 1));
	return c.status ? -XEN_EINVAL : 0;
}

void undo_copy_into(uint64_t *page)
{
}

static struct gnttab_map_grant_ref second;

long ask_lend(uint64_t *page)
{
	grant(FIRST_REF + 1, mfn_of(page), GTF_permit_access);
	second = grant_map(FIRST_REF + 1, ARG(window(2)), GNTMAP_host_map);
	CHECK_EQ(grant_flags(FIRST_REF + 1) & IN_USE, second.status ? 0 : IN_USE);
	return second.status ? -XEN_EINVAL : 0;
}

void undo_lend(uint64_t *page)
{
	CHECK_OK(grant_unmap(second.handle, ARG(window(2)), 0));
}

static unsigned long exchanged_for;

long ask_exchange(uint64_t *page)
{
	unsigned long in = mfn_of(page), out = pfn_of(page);
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .nr_extents = 1, .domid = DOMID_SELF },
	};
	long rc;

	x.in.extent_start.p = &in;
	x.out.extent_start.p = &out;
	rc = HC2(memory_op, XENMEM_exchange, &x);
	CHECK_EQ(x.nr_exchanged, rc ? 0 : 1);
	exchanged_for = out;
	return rc;
}

/*
 * In our list only here: a request that another vCPU makes meanwhile is for the frame that it was.
 */
void undo_exchange(uint64_t *page)
{
	((unsigned long *)start->mfn_list)[pfn_of(page)] = exchanged_for;
}

long ask_give_back(uint64_t *page)
{
	unsigned long list = mfn_of(page);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = &list;
	return HC2(memory_op, XENMEM_decrease_reservation, &r) == 1 ? 0 : -XEN_EBUSY;
}

void undo_give_back(uint64_t *page)
{
	unsigned long list = pfn_of(page);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = &list;
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 1);
	((unsigned long *)start->mfn_list)[pfn_of(page)] = list;
}
