/* SPDX-License-Identifier: MIT */
/*
 * Hidden rings: see isola/hidden_ring.h.
 *
 * Invariant: a byte that is not between the two counts is zero.
 */
#include <isola/hidden_ring.h>
#include <isola/page_alloc.h>
#include <asm/cpu_window.h>
#include <asm/insn.h>

bool hidden_ring_create(struct hidden_ring *r)
{
	r->mfn = alloc_cpu_page();
	r->is_there = mfn_is_valid_num(r->mfn);
	return r->is_there;
}

u32 hidden_ring_used(const struct hidden_ring *r)
{
	return __atomic_load_n(&r->prod, __ATOMIC_SEQ_CST) -
	       __atomic_load_n(&r->cons, __ATOMIC_SEQ_CST);
}

u32 hidden_ring_room(const struct hidden_ring *r)
{
	return r->is_there ? PAGE_SIZE - hidden_ring_used(r) : 0;
}

/* The ring's page, until unmap(flags): interrupts are off meanwhile. */
static char *map(const struct hidden_ring *r, u64 *flags)
{
	*flags = irq_save();
	return cpu_window_map(WINDOW_INPUT, r->mfn, PAGE_HV_RW);
}

static void unmap(u64 flags)
{
	cpu_window_unmap(WINDOW_INPUT);
	irq_restore(flags);
}

void hidden_ring_put(struct hidden_ring *r, const char *buf, u32 n)
{
	u64 flags;
	char *page = map(r, &flags);

	for (u32 i = 0; i < n; i++)
		page[(r->prod + i) % PAGE_SIZE] = buf[i];
	unmap(flags);
	__atomic_store_n(&r->prod, r->prod + n, __ATOMIC_SEQ_CST);
}

u32 hidden_ring_look(const struct hidden_ring *r, char *buf, u32 n)
{
	u64 flags;
	char *page;

	n = min(n, hidden_ring_used(r));
	if (!n)
		return 0;
	page = map(r, &flags);
	for (u32 i = 0; i < n; i++)
		buf[i] = page[(r->cons + i) % PAGE_SIZE];
	unmap(flags);
	return n;
}

void hidden_ring_drop(struct hidden_ring *r, u32 n)
{
	u64 flags;
	char *page;

	if (!n)
		return;
	page = map(r, &flags);
	for (u32 i = 0; i < n; i++)
		page[(r->cons + i) % PAGE_SIZE] = 0;
	unmap(flags);
	__atomic_store_n(&r->cons, r->cons + n, __ATOMIC_SEQ_CST);
}
