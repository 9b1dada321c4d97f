/* SPDX-License-Identifier: MIT */
/*
 * transitions_both: of two requests for uses of one frame that exclude each other, made by two
 * vCPUs at the same time, one at most is granted.
 */
#define TOPIC "transitions"
#include "transitions.h"
#include "../memory.h"
#include "../sibling.h"

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

static long undo_theirs(void)
{
	theirs_undo(raced);
	return 0;
}

static long nothing(void)
{
	return 0;
}

/*
 * What is a vCPU's own, its GDT and base pointers, only itself can give back. All else we give back
 * for it: another meeting takes longer than all the rest of a round.
 */
static bool only_itself_undoes(void)
{
	return theirs_undo == undo_gdt || theirs_undo == undo_load_user;
}

static void race(long (*mine)(uint64_t *), void (*undo_mine)(uint64_t *),
		 long (*theirs)(uint64_t *), void (*undo)(uint64_t *))
{
	unsigned int granted = 0;

	raced = page_alloc();
	mine_ask = mine;
	theirs_ask = theirs;
	theirs_undo = undo;
	together_start();
	for (unsigned int round = 0; together_again(round, 200); round++) {
		struct answers a;

		CHECK_OK(remap(raced, 0));
		a = together(ask_mine, ask_theirs);
		CHECK_SAY(a.mine || a.theirs, "both were granted, in round %u", round);
		granted += !a.mine + !a.theirs;
		if (!a.theirs && only_itself_undoes())
			together(nothing, undo_theirs);
		else if (!a.theirs)
			theirs_undo(raced);
		if (!a.mine)
			undo_mine(raced);
		CHECK_OK(make_writable(raced));
		*(volatile uint64_t *)raced = 0;
	}
	together_stop();
	CHECK(granted > 0);
}

#define RACE_SENTENCE(mine, theirs) \
	"a frame that nothing maps: of " SAY_##mine ", and from another vCPU " \
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
