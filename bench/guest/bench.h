/* SPDX-License-Identifier: MIT */
/*
 * Rows: one measured operation each, printed as "bench KEY INSTRUCTIONS". What a key stands for and
 * what it should cost is in bench/rows.
 *
 * A row is the median of NR_SAMPLES single operations after NR_WARM_UP unmeasured ones, less what
 * timed_nothing() takes and less the guest's own handlers. What an operation needs or leaves behind
 * is put right between the samples.
 */
#pragma once

#include <stdint.h>
#include "hypercall.h"
#include "memory.h"
#include "text.h"
#include "timed.h"

#define NR_WARM_UP 8u
#define NR_SAMPLES 51u

/*
 * One row: @op(arg) gives the TSC difference of one operation, @own instructions of it the guest's.
 */
void row(const char *key, uint64_t (*op)(void *arg), void *arg, unsigned int own);
/* The same for @values measured already; sorts them. @per: operations in each. */
void row_of(const char *key, uint64_t *values, unsigned int nr, unsigned int own, unsigned int per);
/* The same operation, divided among the @per parts it has. */
void row_per(const char *key, uint64_t (*op)(void *arg), void *arg, unsigned int own,
	     unsigned int per);

/* "trace=KEY" on the command line: stop bench/trace-op here, before a sample of that row. */
void trace(const char *key);
void trace_here(void);

/* Hypercall @nr between two RDTSCs; the run fails unless it answers @expected. */
uint64_t time_hypercall(unsigned int nr, long expected, unsigned long a1, unsigned long a2,
			unsigned long a3, unsigned long a4);
#define TIME_HC(name, a, b, c, d) \
	time_hypercall(__HYPERVISOR_##name, 0, ARG(a), ARG(b), ARG(c), ARG(d))

/* An event is sent, and then one comes back by a port below 64, which event_entry_0 takes. */
struct ping {
	struct evtchn_send there;
	uint32_t back;
};
/* @arg: such a one; timed from the one to the other. */
uint64_t ping_pong(void *arg);

/* Grant @ref of @dom, mapped at @va, where nothing is in between. */
struct lent {
	void *va;
	uint32_t flags;			/* GNTMAP_* */
	uint32_t ref;
	domid_t dom;
	bool map;			/* time the map; else the unmap */
};
/* Two rows of it, whatever @l.map. */
void grant_mapping(const char *map, const char *unmap, struct lent l);
uint64_t grant_copy(void *arg);		/* @arg: a struct gnttab_copy, which stays as it is */

/* Further vCPUs there are beside the one that measures; ids 1 to @others. */
extern unsigned int others;
void others_start(void);
/* Initialise vCPU @id and bring it up at @entry, events masked. */
void vcpu_start(unsigned int id, const char *entry, const char *event_entry);

/* End the run as failed. */
void die(const char *f, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define MUST(call)                                                                              \
	do {                                                                                    \
		long must_rc = (call);                                                          \
		if (must_rc)                                                                    \
			die("%s:%d: %s is %ld", __FILE__, __LINE__, #call, must_rc);            \
	} while (0)

void bench_hypercalls(void);
void bench_mmu(void);
void bench_traps(void);
void bench_user(void);
void bench_events(void);
void bench_fifo(void);
void bench_messages(void);
void bench_grants(void);
void bench_domains(void);
