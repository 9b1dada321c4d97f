/* SPDX-License-Identifier: MIT */
/*
 * Two CPUs at once: each makes calls of the hostile guest on the same frames, and one lets the
 * other go on in the middle of a call, between any two accesses that others can see. When both have
 * come to rest the audit recomputes everything.
 *
 * The product's files are compiled with -fsanitize=thread, and this file stands in for that
 * sanitizer's run-time: its functions are the points where CPUs take turns. All is one thread and
 * one seed: what is found once is found again.
 *
 * In some rounds one CPU walks and the other takes the tables away: see race_point(). Frames
 * outside the window fault (world.h). Arguments: rounds, seed.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/root.h>
#include "guest.h"
#include "tap.h"
#include "world.h"

#define STACK_BYTES	(256 * 1024)

/*
 * How a CPU begins, and where it stopped: a turn ends millions of times, and _longjmp calls no
 * kernel.
 */
static ucontext_t beginning[WORLD_CPUS];
static jmp_buf at_rest, stopped[WORLD_CPUS];
static bool has_begun[WORLD_CPUS];
static char stack[WORLD_CPUS][STACK_BYTES] __attribute__((aligned(16)));
static bool running[WORLD_CPUS], racing, good = true;
static unsigned long switches;
static unsigned turn_rate;		/* of 256 accesses so many end a turn */
/* in this round CPU 0 walks, and CPU 1 takes the tables away */
static bool hunt;
/* of a CPU stopped for long in a walk with interrupts off: what it will read; else 0 */
static unsigned next_table[WORLD_CPUS];

static void go_on_as(unsigned cpu, jmp_buf from)
{
	switches++;
	world_switch(cpu);
	if (_setjmp(from))
		return;
	if (has_begun[cpu])
		_longjmp(stopped[cpu], 1);
	has_begun[cpu] = true;
	setcontext(&beginning[cpu]);
}

static void turn_by_chance(unsigned rate)
{
	if (racing && running[!world_cpu] && tap_random() % 256 < rate)
		go_on_as(!world_cpu, stopped[world_cpu]);
}

/* While the other CPU is stopped for long only a wait ends a turn. */
static void take_turns(bool must)
{
	turn_by_chance(must ? 256 : next_table[!world_cpu] ? 0 : turn_rate);
}

/*
 * Before @m is read through the window. A walk has no more than four such steps. At one step in
 * eight the CPU is stopped until the other waits for it or is through: the other comes as far as it
 * may while interrupts are off here, and taking a table apart alone is a thousand accesses.
 */
void race_point(mfn_t m)
{
	unsigned cpu = world_cpu;
	bool for_long = world_irq_off && tap_random() % 8 == 0;

	next_table[cpu] = for_long ? mfn_x(m) : 0;
	turn_by_chance(for_long ? 256 : next_table[!cpu] ? 0 : turn_rate);
	next_table[cpu] = 0;
}

static void cpu_main(void)
{
	unsigned cpu = world_cpu;

	for (unsigned i = 0; i < 3; i++)
		good &= !hunt ? guest_call(0) : cpu ? guest_cut(next_table[0]) : guest_walk();
	running[cpu] = false;
	if (running[!cpu])
		go_on_as(!cpu, stopped[cpu]);
	else
		_longjmp(at_rest, 1);
}

static bool grow(void)
{
	world_switch(0);
	return guest_grow();
}

static void round_of_calls(void)
{
	for (unsigned cpu = 0; cpu < WORLD_CPUS; cpu++) {
		getcontext(&beginning[cpu]);
		beginning[cpu].uc_stack.ss_sp = stack[cpu];
		beginning[cpu].uc_stack.ss_size = STACK_BYTES;
		makecontext(&beginning[cpu], cpu_main, 0);
		has_begun[cpu] = false;
		running[cpu] = true;
	}
	hunt = tap_random() % 64 == 0 && grow();
	racing = true;
	go_on_as(tap_random() % 2, at_rest);
	racing = false;
}

/* ---- The sanitizer's run-time: points where turns may change ---- */

#define POINT() take_turns(false)

#define ATOMIC_RMW(name, op) ATOMIC_RMW_OF(u64, 64, name, op)
#define ATOMIC_RMW_OF(type, bits, name, op)					\
	type __tsan_atomic##bits##_##name(volatile type *p, type v, int order);	\
	type __tsan_atomic##bits##_##name(volatile type *p, type v, int order)	\
	{									\
		type old;							\
										\
		POINT();							\
		old = *p;							\
		*p = op;							\
		POINT();							\
		return old;							\
	}

ATOMIC_RMW(exchange, v)
ATOMIC_RMW(fetch_add, old + v)
ATOMIC_RMW(fetch_sub, old - v)
ATOMIC_RMW(fetch_and, old & v)
ATOMIC_RMW(fetch_or, old | v)
ATOMIC_RMW_OF(u32, 32, fetch_add, old + v)
ATOMIC_RMW_OF(u32, 32, fetch_sub, old - v)
ATOMIC_RMW_OF(u16, 16, fetch_and, old & v)
ATOMIC_RMW_OF(u8, 8, exchange, v)

#define ATOMIC_CAS(type, bits) \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *p, type *old, type v, \
							  int order, int fail); \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *p, type *old, type v, \
							  int order, int fail) \
	{ \
		bool same; \
\
		POINT(); \
		same = *p == *old; \
		if (same) \
			*p = v; \
		else \
			*old = *p; \
		POINT(); \
		return same; \
	}

ATOMIC_CAS(u64, 64)
ATOMIC_CAS(u32, 32)

#define ATOMIC_STORE(type, bits) \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int order); \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int order) \
	{ \
		POINT(); \
		*p = v; \
		POINT(); \
	}

ATOMIC_STORE(u64, 64)
ATOMIC_STORE(u8, 8)

#define ACCESS(name)						\
	void __tsan_##name(void *p);				\
	void __tsan_##name(void *p)				\
	{							\
		POINT();					\
	}
#define ACCESSES(kind) \
	ACCESS(kind##1) ACCESS(kind##2) ACCESS(kind##4) ACCESS(kind##8) ACCESS(kind##16)

ACCESSES(read)
ACCESSES(write)
ACCESSES(volatile_read)
ACCESSES(volatile_write)

void __tsan_read_range(void *p, unsigned long bytes);
void __tsan_read_range(void *p, unsigned long bytes) { (void)p, (void)bytes; }
void __tsan_write_range(void *p, unsigned long bytes);
void __tsan_write_range(void *p, unsigned long bytes) { (void)p, (void)bytes; }
void __tsan_init(void);
void __tsan_init(void) { }
void __tsan_func_entry(void *p);
void __tsan_func_entry(void *p) { (void)p; }
void __tsan_func_exit(void);
void __tsan_func_exit(void) { }

/* ---- The run ---- */

static void start(void)
{
	const mfn_t l4 = _mfn(4);

	guest_start();
	world_add_cpu();
	world_yield = take_turns;
	world_switch(1);
	if (page_get_and_type(page_of(l4), &world_domain, PGT_l4))
		printf("Bail out! an L4 in use cannot be used twice\n");
	root_set_kernel(l4);
	world_switch(0);
}

int main(int argc, char **argv)
{
	static const unsigned preempts[] = { 0, 64, 200 }, turns[] = { 2, 16, 64, 128 };
	unsigned long nr = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000,
		      seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

	world_guarded = true;
	tap_random_state += 2 * seed;
	world_seed(seed);
	for (unsigned long i = 0; i < nr && good; i++) {
		if (i % 1000 == 0) {
			start();
			preempt_rate = preempts[i / 1000 % 3];
			turn_rate = turns[i / 1000 % 4];
		}
		round_of_calls();
		good &= check(world_audit() == 0, "the audit after round %lu", i);
	}
	check(good, "a call went wrong");
	all_ok("what two CPUs do at once leaves every count, flag and TLB entry right");
	printf("# calls %lu: %lu done, %lu refused, %lu continued; %lu turns taken; parked %lu "
	       "(%lu times two), %lu frames exchanged\n",
	       seen.calls, seen.ok, seen.refused, seen.continued, switches, seen.parked,
	       seen.parked_two, seen.exchanged);
	ok(seen.ok > seen.calls / 50 && switches > nr, "calls succeed, and CPUs take turns");
	printf("# tables taken from a walk: %lu; walks that met one outside the window: %lu\n",
	       seen.cut, world_fixups);
	ok(world_fixups, "walks meet tables that have left the window");
	return done();
}
