/* SPDX-License-Identifier: MIT */
/*
 * Arguments in memory, and siblings that change them while a call reads them.
 *
 * A call that wants to be disturbed publishes two versions of its argument, each of which may be
 * given; any mixture of their words may be, too. A sibling that comes by writes the words of either
 * until the call is over. The call waits a little for one to come. A sibling that has stopped in
 * the middle (emulators stand still, and it may have been put down) keeps the place busy: it is not
 * used for anything else until it has left.
 */
#include "hfuzz.h"

#define FLIP_WORDS 16u
#define NR_FLIPS 4u		/* of each vCPU */

static struct flip {
	volatile bool wanted, busy;
	unsigned int nr;
	uint64_t version[2][FLIP_WORDS];
	volatile uint64_t words[FLIP_WORDS];	/* what the call is given */
} flips[MAX_CPUS][NR_FLIPS];

/* Where @bytes can stand: anywhere in the argument pages, often up to their very end. */
static uint64_t place(struct me *m, size_t bytes)
{
	uint64_t room = ARG_BYTES - ((bytes + 7) & ~7ul);

	if (one_in(m, 4))
		return ARG(m->arg) + room;
	return ARG(m->arg) + (below(m, room + 1) & ~7ul);
}

uint64_t arg(struct me *m, const void *data, size_t bytes)
{
	uint64_t end = ARG(m->arg) + ARG_BYTES, at;

	if (!one_in(m, 40))
		at = place(m, bytes);
	else if (one_in(m, 3))
		at = end - 8 * below(m, 3);
	else
		return bad_address(m);
	/* As much as can be read of it: what was left there could ask for the domain's end. */
	memcpy((void *)at, data, bytes < end - at ? bytes : end - at);
	return at;
}

bool arg_is_good(const struct me *m, uint64_t at, size_t bytes)
{
	return at - ARG(m->arg) <= ARG_BYTES - bytes || at - ARG(flips) < sizeof(flips);
}

static struct flip *free_flip(struct me *m)
{
	for (unsigned int i = 0; i < NR_FLIPS; i++)
		if (!__atomic_load_n(&flips[m->id][i].busy, __ATOMIC_SEQ_CST))
			return &flips[m->id][i];
	return NULL;
}

uint64_t arg_flipped(struct me *m, const void *data, const void *other, size_t bytes)
{
	struct flip *f = free_flip(m);

	if (!f || bytes > sizeof(f->words))
		return arg(m, data, bytes);
	f->nr = (unsigned int)((bytes + 7) / 8);
	memset(f->version, 0, sizeof(f->version));
	memcpy(f->version[0], data, bytes);
	memcpy(f->version[1], other, bytes);
	memcpy((void *)f->words, data, bytes);
	__atomic_store_n(&f->wanted, true, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < 3000 && !f->busy && nr_cpus > 1; i++)
		asm volatile("pause");
	return ARG(f->words);
}

void flip_end(struct me *m)
{
	for (unsigned int i = 0; i < NR_FLIPS; i++)
		__atomic_store_n(&flips[m->id][i].wanted, false, __ATOMIC_SEQ_CST);
}

/* Bounded: whoever wanted it may have been put down. */
static void flip(struct me *m, struct flip *f)
{
	if (__atomic_exchange_n(&f->busy, true, __ATOMIC_SEQ_CST))
		return;
	for (unsigned int i = 0; i < 4000 && __atomic_load_n(&f->wanted, __ATOMIC_SEQ_CST); i++) {
		uint64_t r = rnd(m);
		unsigned int n = (unsigned int)(r >> 8) % f->nr;

		f->words[n] = f->version[r & 1][n];
	}
	__atomic_store_n(&f->busy, false, __ATOMIC_SEQ_CST);
}

void flip_others(struct me *m)
{
	for (unsigned int v = 0; v < nr_cpus; v++)
		for (unsigned int i = 0; i < NR_FLIPS && v != m->id; i++)
			if (flips[v][i].wanted)
				flip(m, &flips[v][i]);
}
