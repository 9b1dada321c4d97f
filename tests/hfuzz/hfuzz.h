/* SPDX-License-Identifier: MIT */
/*
 * The hostile fuzz guest: a PV kernel whose vCPUs carry out random operations over the whole ABI.
 *
 * It survives its own chaos by construction. Control memory (text, stacks, generators, the tables
 * that map them) is never an operation's object: every frame number, port and address that an
 * operation is given comes from values.c and sandbox.c, which give out the sandbox's own, or
 * what nobody may use. What an operation raises is caught: each vCPU saves a place to come back to
 * first. A vCPU that sleeps, or was put down, is brought back by the others (watch.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "clock.h"
#include "hypercall.h"
#include "memory.h"
#include "text.h"
#include "traps.h"

#define MAX_CPUS 8u
#define AREA_BYTES 0x10000ul	/* of one vCPU: struct me, its two stacks above */
#define ARG_BYTES (2 * PAGE_BYTES)	/* of one vCPU's arguments; nothing is mapped behind */
#define RING_OPS 32u

/* A hypercall as hcall.S makes it. Offsets are known there. */
struct call {
	uint64_t nr, a[6];		/* rdi rsi rdx r10 r8 r9 */
	uint64_t rax, after[6];		/* the same registers behind it */
	uint64_t kept[6];		/* rbx rbp r12 r13 r14 r15 behind it */
	uint64_t mark;			/* what those six held before, each plus its index */
};
void hcall_raw(struct call *c);

/* What a vCPU did last, for whoever looks when it is over: also from outside (tests/hfuzz/run). */
struct record {
	uint64_t number;		/* of the operation, from 0 */
	uint64_t op_result;		/* index in ops[]; above it 0: not ended, or result + 1 */
	uint64_t call[7];		/* the last hypercall of it: number and arguments */
	uint64_t rip;			/* of a trap */
};

struct me {
	uint32_t id;
	bool guarded;			/* a trap is the operation's result, not our fault */
	bool repairing;			/* events stay masked: their callback is anything */
	volatile uint32_t timer_port;
	struct context back;		/* where a trap goes on */
	uint64_t rng;
	volatile uint64_t number;	/* operations done */
	uint64_t seen_number[MAX_CPUS], seen_at[MAX_CPUS];	/* watch.c */
	struct vcpu_info *info;
	uint8_t *arg;
	struct call call;
	const char *wrong;		/* a promise that was broken */
	struct record *ring;
};

union area {
	struct me me;
	uint8_t bytes[AREA_BYTES];
};
extern union area areas[MAX_CPUS];
extern unsigned int nr_cpus, nr_vcpus;	/* those that fuzz; all that there are */
extern uint64_t seed;

/* The record of the operation that runs. */
static inline struct record *here(struct me *m)
{
	return &m->ring[m->number % RING_OPS];
}

/* Ours: the stack says who we are. */
static inline struct me *me_here(void)
{
	uint64_t sp;

	asm("mov %%rsp, %0" : "=r"(sp));
	return (struct me *)(sp & ~(AREA_BYTES - 1));
}

/* ---- Operations: ops.c ---- */

struct op {
	const char *name;
	long (*run)(struct me *m, unsigned int param);
	uint16_t param;
	uint8_t weight;
	bool repairs;			/* it breaks what a vCPU needs: then vcpu_repair() */
};
extern const struct op ops[];
extern const unsigned int nr_ops;
void ops_run(struct me *m);

/* Results: 0 ok; 1..127 errno; 128.. exceptions by vector; 192.. status of a grant. */
#define NR_RESULTS 224u
#define RESULT_TRAP 128u
#define RESULT_STATUS 192u
#define STATUS(s) ((s) ? -(long)(RESULT_STATUS - (s)) : 0)	/* a grant's status as a result */
unsigned int result_of(long rc);

/* record.c */
void record_init(void);
struct record *record_begin(struct me *m, unsigned int op);
void record_end(struct me *m, unsigned int op, unsigned int result);
void table_print(void);
void rings_print(void);

/* A hypercall with registers checked: what it may not change must be as it was. */
long hcall(struct me *m, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
	   uint64_t a5);
#define CALL(m, name, a1, a2, a3, a4, a5) \
	hcall(m, __HYPERVISOR_##name, ARG(a1), ARG(a2), ARG(a3), ARG(a4), ARG(a5))

/* ---- Values: values.c ---- */

uint64_t rnd(struct me *m);
static inline uint64_t below(struct me *m, uint64_t n)
{
	return rnd(m) % n;
}

#define PICK(m, list) ((list)[below(m, sizeof(list) / sizeof((list)[0]))])
static inline bool one_in(struct me *m, unsigned int n)
{
	return rnd(m) % n == 0;
}
uint64_t border(struct me *m);		/* any number, near a border more often than not */
uint64_t word(struct me *m);		/* to be written anywhere: names no control frame */
uint64_t entry(struct me *m, unsigned int level);	/* a page-table entry, mostly sensible */
uint64_t bad_address(struct me *m);	/* unmapped, not canonical, the hypervisor's */
uint64_t code_address(struct me *m);	/* for handlers: nothing is mapped there */
uint16_t any_domid(struct me *m);
uint32_t any_port(struct me *m);	/* none of those that we live on */
uint16_t any_selector(struct me *m);
unsigned int any_vcpu(struct me *m);

/*
 * An argument: @bytes copied to this vCPU's argument pages, at their end now and then; or, one time
 * in forty, an address where it cannot be read or written.
 */
uint64_t arg(struct me *m, const void *data, size_t bytes);
/* The same, @other being what a sibling may make of it, word by word, while the call runs. */
uint64_t arg_flipped(struct me *m, const void *data, const void *other, size_t bytes);
/* Can it be read back? */
bool arg_is_good(const struct me *m, uint64_t at, size_t bytes);
void flip_end(struct me *m);		/* after the call */
void flip_others(struct me *m);		/* be the sibling, if somebody asks for one */

/* ---- The sandbox: sandbox.c ---- */

#define NR_SAND 96u		/* frames that operations play with */
#define NR_WINS 32u		/* addresses with nothing of our own behind */
#define NR_ROOTS 4u		/* pinned L4s that map control memory too: may be loaded */
#define KEPT_SLOT 511u		/* of those: control memory */

void sandbox_init(void);
void sandbox_heal(struct me *m);	/* alone: frames that were lost are got back */
bool is_control(uint64_t mfn);
/* A frame that is mostly used as a table of @level, 0: for data; and its home address. */
uint64_t sand_mfn(struct me *m, unsigned int level);
uint64_t sand_home(struct me *m, unsigned int level, uint64_t *mfn);
uint64_t any_mfn(struct me *m, unsigned int level);	/* and others, none of them control */
uint64_t refused_mfn(struct me *m);	/* control frames too: only where the answer is no */
uint64_t io_mfn(struct me *m);
uint64_t root_mfn(struct me *m);	/* one that may be loaded */
bool is_loadable(uint64_t mfn);
uint64_t sand_page(struct me *m);	/* an address whose L1 entry may be changed */
uint64_t sand_address(struct me *m);	/* any address in the sandbox, eight-byte aligned */
uint64_t entry_address(struct me *m, unsigned int *level);	/* machine address of an entry */
uint64_t home_of(uint64_t mfn);		/* of a sandbox frame; 0: it is none */
extern volatile uint64_t sand_frame[NR_SAND];	/* 0: lost */

/* ---- vCPUs: vcpus.c, watch.c, traps.c ---- */

void vcpus_init(void);
/* All of them run @run, this one too. */
void vcpus_start(void (*run)(void) __attribute__((noreturn)));
void bind_timer(struct me *m);		/* m->timer_port; 0: others have it */
void vcpu_repair(struct me *m);		/* on itself: traps, callbacks, kernel stack */
void expendable_context(struct me *m, struct vcpu_guest_context *c, unsigned int vcpu);
void watch(struct me *m);		/* wake who does not get on */
void audit(struct me *m);		/* vCPU 0: everybody down, recount, everybody up */
void sleep_for_audit(struct me *m);	/* the others, when it is wanted */
extern unsigned long nr_audits;
void integrity_init(void);
void integrity_check(void);		/* control memory is as it was */

void die(const char *f, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define MUST(call)                                              \
	do {                                                    \
		long must_rc = (call);                          \
		if (must_rc)                                    \
			die("%s is %ld", #call, must_rc);       \
	} while (0)
