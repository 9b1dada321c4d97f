/* SPDX-License-Identifier: MIT */
/*
 * Parking: tables that are dropped half done (PRE-3), one and two at once.
 */
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include "cases.h"
#include "guest.h"

/*
 * The answers to preemption checks, and what another vcpu does meanwhile, told by the case: check
 * @n, from 0 on. None means that it is always "stop".
 */
static bool (*at_check)(unsigned n);
static bool (*by_chance)(unsigned rate);
static unsigned nr_checks, nr_stops;

static bool told(unsigned rate)
{
	bool stop = rate && (!at_check || at_check(nr_checks++));

	nr_stops += stop;
	return stop;
}

static void tell_checks(bool (*at)(unsigned n))
{
	by_chance = world_chance;
	world_chance = told;
	at_check = at;
	nr_checks = nr_stops = 0;
	preempt_rate = 256;
}

static void tell_no_more(void)
{
	world_chance = by_chance;
	preempt_rate = 0;
}

/* All tables from @l4 down have one entry, and the L1, in frame @l4 - 3, is full. */
static void fill_tree(unsigned l4, unsigned slot)
{
	frame_ptr(l4)[slot] = names(l4 - 1);
	frame_ptr(l4 - 1)[0] = names(l4 - 2);
	frame_ptr(l4 - 2)[0] = names(l4 - 3);
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		frame_ptr(l4 - 3)[i] = names(20);
}

static bool is_partial(unsigned f) { return page_of(_mfn(f))->type_info & PGT_partial; }

static bool are_parked(unsigned first, unsigned second)
{
	return mfn_x(this_vcpu.old_guest_table[0]) == first &&
	       mfn_x(this_vcpu.old_guest_table[1]) == second && is_partial(first) &&
	       is_partial(second);
}

static int get_patiently(unsigned l4)
{
	int rc;

	do
		rc = page_get_and_type(page_of(_mfn(l4)), &world_domain, PGT_l4);
	while (rc == -ERESTART);
	return rc;
}

/* Stopped at every check, the second first; nothing is forgotten on the way. */
static void finish_both(void)
{
	unsigned nr = 0;

	at_check = NULL;
	while (page_type_finish_parked()) {
		check(mfn_is_valid_num(this_vcpu.old_guest_table[0]),
		      "the first place is empty before the second");
		check(++nr < 10000, "it does not end");
	}
	check(nr >= 2, "finished after %u stops", nr);
	check(!page_type_is_parked() && !mfn_is_valid_num(this_vcpu.old_guest_table[1]),
	      "something stays parked");
	tell_no_more();
}

/*
 * As get_bases() in vcpu_context.c: the user's L4 is refused at its very end, then the kernel's is
 * given back.
 */
static void parked_by_refusal(void)
{
	guest_start();
	fill_tree(14, 0);
	fill_tree(18, 0);
	frame_ptr(15)[PT_ENTRIES - 1] |= 1ul << 45;		/* beyond all machines */
	tell_checks(NULL);
	check(get_patiently(14) == 0, "the kernel's L4");
	check(get_patiently(18) == -EINVAL, "the user's L4 has a bad entry");
	check(mfn_x(this_vcpu.old_guest_table[0]) == 18 && is_partial(18), "it is parked");
	nr_stops = 0;
	page_put_and_type(page_of(_mfn(14)));
	check(nr_stops == 1 && are_parked(18, 14), "then the kernel's, at the first stop (%u)",
	      nr_stops);
	check(world_audit() == 0, "while two are parked");
	finish_both();
	audited("a refused table and another that goes with it are both parked");
}

/* The other vcpu unpins @l4, which this one holds locked. */
static void other_unpins(unsigned l4)
{
	struct page_info *pg = page_of(_mfn(l4));

	if (!(pg->type_info & PGT_pinned) || !(pg->type_info & PGT_locked))
		return;
	__atomic_fetch_and(&pg->type_info, ~PGT_pinned, __ATOMIC_SEQ_CST);
	check(page_type_put_live(pg), "the lock's reference is left");
	page_put(pg);
}

/* Between the list's two entries the held table is unpinned; after that this CPU is wanted. */
static bool held_is_unpinned(unsigned n)
{
	if (n == 0)
		other_unpins(14);
	return n > 0;
}

/* The same; and the second entry's table, too, if it is held. */
static bool both_are_unpinned(unsigned n)
{
	if (n > 0)
		other_unpins(24);
	return held_is_unpinned(n);
}

/*
 * To its end, as the guest's CPU would: each call stops soon, which is at @most checks that say so.
 */
static long patient_update(struct mmu_update *req, unsigned nr, unsigned most)
{
	struct continuation *c = &world_continuation;
	long rc;

	*c = (struct continuation){ .arg = { (u64)req, nr, 0, DOMID_SELF } };
	for (unsigned again = 0; again < 10000; again++) {
		c->pending = false;
		nr_stops = 0;
		rc = hc_mmu_update(c->arg[0], c->arg[1], c->arg[2], c->arg[3]);
		check(nr_stops <= most, "call %u: %u checks said stop", again, nr_stops);
		check(world_audit() == 0, "after call %u", again);
		if (!c->pending)
			return rc;
		at_check = NULL;
	}
	return -ERESTART;
}

/* The table held through a list, and the L3 that an entry of it named. */
static void parked_by_list(void)
{
	struct mmu_update req[2] = { { entry_at(14, 1), 0 }, { entry_at(14, 0), 0 } };

	guest_start();
	fill_tree(14, 0);
	frame_ptr(14)[2] = names(17);
	fill_tree(18, 0);
	check(ext(MMUEXT_PIN_L4_TABLE, 14, 0) == 0, "pinned");
	tell_checks(held_is_unpinned);
	check(hc_mmu_update((u64)req, 2, 0, DOMID_SELF) == __HYPERVISOR_mmu_update,
	      "to be continued");
	check(nr_stops == 2 && are_parked(14, 13), "both are parked, at their first stops (%u)",
	      nr_stops);
	check(world_audit() == 0, "while two are parked");
	finish_both();
	check(page_of(_mfn(14))->type_info == PGT_l4 && page_of(_mfn(13))->type_info == PGT_l3,
	      "both are idle");
	audited("a table held, unpinned meanwhile, and an old L3 are both parked");
}

/* Three that could go in one call: the list stops when the first of them has been parked. */
static void three_by_list(void)
{
	struct mmu_update req[2] = { { entry_at(14, 0), 0 }, { entry_at(24, 0), 0 } };

	guest_start();
	fill_tree(14, 0);
	frame_ptr(14)[2] = names(17);
	fill_tree(18, 0);
	fill_tree(24, 0);
	frame_ptr(24)[2] = names(29);
	fill_tree(30, 0);
	check(ext(MMUEXT_PIN_L4_TABLE, 14, 0) == 0 && ext(MMUEXT_PIN_L4_TABLE, 24, 0) == 0,
	      "pinned");
	tell_checks(both_are_unpinned);
	check(patient_update(req, 2, 2) == 0, "the list is done");
	tell_no_more();
	check(frame_ptr(24)[0] == 0, "its second entry, too");
	check(ext(MMUEXT_UNPIN_TABLE, 24, 0) == 0, "it was not held when the list stopped");
	audited("a list stops before it could park a third");
}

void parking(void)
{
	parked_by_refusal();
	parked_by_list();
	three_by_list();
}
