/* SPDX-License-Identifier: MIT */
/*
 * Choices: a tape of digits, tried in every combination. What a call is asked, what it is answered,
 * and what the guest has written are each a digit.
 */
#include <asm/page_type.h>
#include "exhaust.h"
#include "tap.h"

struct choice tape[MAX_CHOICES];
unsigned tape_used, tape_known;
bool telling;

unsigned choose(unsigned of)
{
	if (of < 2)
		return 0;
	if (tape_used == MAX_CHOICES)
		panic("too many choices");
	if (tape_used == tape_known) {
		tape[tape_known].is = 0;
		tape[tape_known++].of = of;
	}
	return tape[tape_used++].is;
}

/* On to the next combination; false when there is none. */
bool next_tape(void)
{
	tape_known = tape_used;
	while (tape_known) {
		if (++tape[tape_known - 1].is < tape[tape_known - 1].of)
			return true;
		tape_known--;
	}
	return false;
}

bool chance(unsigned rate)
{
	bool yes = rate && choose(2);

	if (telling && yes)
		printf(" [stopped or refused]");
	return yes;
}

/*
 * Frames that nothing names and whose records are alike are not told apart: only the first of them
 * is ever chosen, then the second, and so on.
 */
bool is_plain[N + 1], is_named[N + 1];

static bool is_same_plain(unsigned a, unsigned b)
{
	const struct page_info *x = page_of(_mfn(a)), *y = page_of(_mfn(b));

	return is_plain[a] && is_plain[b] && !is_named[a] && x->type_info == y->type_info &&
	       x->owner == y->owner &&
	       (x->tlb_stamp > world_flushed) == (y->tlb_stamp > world_flushed) &&
	       x->count_info == y->count_info;
}

unsigned choose_frame(void)
{
	unsigned list[N], n = 0, f;

	for (f = 1; f <= N; f++) {
		bool again = false;

		for (unsigned g = 1; g < f && !is_named[f]; g++)
			again |= is_same_plain(g, f);
		if (!again)
			list[n++] = f;
	}
	f = list[choose(n)];
	is_named[f] = true;
	return f;
}

pte_t choose_entry(unsigned level)
{
	unsigned kind = choose(with_bad ? 3 : 2);
	pte_t e = PTE_P | PTE_US;

	if (kind == 0)
		return 0;
	if (kind == 2)
		return BAD_ENTRY;
	e |= (u64)choose_frame() << PAGE_SHIFT;
	return e | (level == 1 && (!with_readonly || choose(2)) ? PTE_RW : 0);
}

pte_t world_decide(const pte_t *p)
{
	unsigned f = mfn_x(window_mfn(p)),
		 slot = (u64)p / sizeof(pte_t) % (PAGE_SIZE / sizeof(pte_t));
	unsigned level = type_level(page_of(_mfn(f))->type_info);
	pte_t e = slot == 1 ? 0 : choose_entry(level);

	if (!level)
		panic("frame %u is read as a table", f);
	if (telling && slot != 1)
		printf(" [frame %u slot %u holds %lx]", f, slot, e);
	frame_ptr(f)[slot] = e;
	return e;
}
