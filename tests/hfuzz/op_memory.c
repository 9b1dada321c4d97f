/* SPDX-License-Identifier: MIT */
/*
 * Operations on the amount of memory. What is given takes the place of a sandbox frame that was
 * lost; what finds no place goes back.
 */
#include "ops.h"
#include <xen/memory.h>

#define MAX_EXTENTS 4u

static struct xen_memory_reservation reservation(struct me *m, uint64_t list, unsigned int nr)
{
	struct xen_memory_reservation r = { .nr_extents = nr, .domid = any_domid(m) };

	r.extent_start.p = (void *)list;
	if (one_in(m, 8))
		r.extent_order = (unsigned int)below(m, 12);
	if (one_in(m, 6))
		r.mem_flags = (unsigned int)border(m);
	return r;
}

/* Is a place free for frame @mfn? */
static bool settle(uint64_t mfn)
{
	for (unsigned int i = 0; i < NR_SAND; i++) {
		uint64_t none = 0;

		if (!sand_frame[i] &&
		    __atomic_compare_exchange_n(&sand_frame[i], &none, mfn, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return true;
	}
	return false;
}

/* @nr frames, listed at the second argument page. */
static void give_back(struct me *m, unsigned int nr)
{
	struct xen_memory_reservation r = { .nr_extents = nr, .domid = DOMID_SELF };

	r.extent_start.p = (void *)(m->arg + PAGE_BYTES);
	memcpy(m->arg, &r, sizeof(r));
	CALL(m, memory_op, XENMEM_decrease_reservation, m->arg, 0, 0, 0);
}

/* Frames that a call gave: @nr extents of 2^@order. */
static void take(struct me *m, const unsigned long *list, unsigned long nr, unsigned int order)
{
	unsigned long *surplus = (unsigned long *)(m->arg + PAGE_BYTES);
	unsigned int n = 0;

	for (unsigned long i = 0; i < nr << order; i++) {
		unsigned long mfn = list[i >> order] + (i & ((1ul << order) - 1));

		if (settle(mfn))
			continue;
		surplus[n++] = mfn;
		if (n == PAGE_BYTES / sizeof(*surplus)) {
			give_back(m, n);
			n = 0;
		}
	}
	if (n)
		give_back(m, n);
}

/* Frames that a call has taken: their places are free. */
static void forget(const unsigned long *list, unsigned long nr, unsigned int order)
{
	for (unsigned long i = 0; i < nr; i++)
		for (unsigned int k = 0; k < NR_SAND; k++)
			if (sand_frame[k] - list[i] < 1ul << order)
				sand_frame[k] = 0;
}

/* One to be given away: of the sandbox, but for now and then. */
static uint64_t some_mfn(struct me *m)
{
	return one_in(m, 16) ? refused_mfn(m) : sand_mfn(m, (unsigned int)below(m, 5));
}

/*
 * The list stands in the argument pages and is read back: a bad address for it only where nothing
 * is given.
 */
long op_reservation(struct me *m, unsigned int cmd)
{
	unsigned long frames[MAX_EXTENTS], *list = (unsigned long *)(m->arg + 512);
	unsigned int nr = 1 + (unsigned int)below(m, MAX_EXTENTS);
	struct xen_memory_reservation a, b;
	uint64_t at;
	long rc;

	for (unsigned int i = 0; i < nr; i++)
		frames[i] = cmd != XENMEM_decrease_reservation ? below(m, 1ul << 20) : some_mfn(m);
	memcpy(list, frames, sizeof(frames));
	a = reservation(m, ARG(list), nr);
	b = reservation(m, ARG(list), nr);
	if (cmd != XENMEM_decrease_reservation && one_in(m, 2))
		a.extent_order = b.extent_order = 0;
	b.extent_order = a.extent_order;
	memcpy(m->arg + 1024, &a, sizeof(a));
	at = ARG(m->arg + 1024);
	if (one_in(m, 30))
		at = bad_address(m);
	rc = CALL(m, memory_op, cmd, at, 0, 0, 0);
	if (rc > 0 && rc <= (long)nr && cmd == XENMEM_decrease_reservation)
		forget(frames, (unsigned long)rc, a.extent_order);
	else if (rc > 0 && rc <= (long)nr) {
		memcpy(frames, list, sizeof(frames));
		take(m, frames, (unsigned long)rc, a.extent_order);
	}
	return rc;
}

long op_exchange(struct me *m, unsigned int flipped)
{
	unsigned long *in = (unsigned long *)(m->arg + 512), *out = (unsigned long *)(m->arg + 640);
	unsigned int nr = 1 + (unsigned int)below(m, MAX_EXTENTS);
	struct xen_memory_exchange e = { 0 }, other;
	unsigned long gone[MAX_EXTENTS], got[MAX_EXTENTS];
	long rc;

	for (unsigned int i = 0; i < MAX_EXTENTS; i++) {
		gone[i] = in[i] = some_mfn(m);
		out[i] = one_in(m, 8) ? border(m) : below(m, 1ul << 20);
	}
	e.in = reservation(m, ARG(in), nr);
	e.out = reservation(m, ARG(out), one_in(m, 12) ? (unsigned int)border(m) : nr);
	e.in.extent_order = e.out.extent_order = one_in(m, 6) ? (unsigned int)below(m, 3) : 0;
	e.nr_exchanged = one_in(m, 12) ? border(m) : 0;
	other = e;
	other.in.domid = any_domid(m);
	other.out.domid = any_domid(m);
	other.nr_exchanged = border(m);
	rc = CALL(m, memory_op, XENMEM_exchange,
		  flipped ? arg_flipped(m, &e, &other, sizeof(e)) : arg(m, &e, sizeof(e)), 0, 0, 0);
	if (rc || e.in.extent_order)
		return rc;		/* the next healing finds out */
	memcpy(got, out, sizeof(got));
	forget(gone, nr, 0);
	for (unsigned int i = 0; i < nr; i++)
		if (!is_control(got[i]))
			settle(got[i]);
	return rc;
}

/* Every other command, known or not. What changes the amount has its own operations. */
long op_memory_ask(struct me *m, unsigned int nothing)
{
	uint64_t a[8], cmd = below(m, 32), buffer[16] = { 0 };

	if (cmd == XENMEM_increase_reservation || cmd == XENMEM_decrease_reservation ||
	    cmd == XENMEM_populate_physmap || cmd == XENMEM_exchange)
		cmd = XENMEM_current_reservation;
	for (unsigned int i = 0; i < 8; i++)
		a[i] = border(m);
	if (one_in(m, 2))
		memset(a, 0, sizeof(a));
	*(uint16_t *)a = any_domid(m);
	if (cmd == XENMEM_memory_map || cmd == XENMEM_machine_memory_map) {
		a[0] = below(m, 8);
		a[1] = arg(m, buffer, sizeof(buffer));
	}
	if (one_in(m, 10))
		cmd |= border(m) << 6;
	return CALL(m, memory_op, cmd, arg(m, a, sizeof(a)), 0, 0, 0);
}
