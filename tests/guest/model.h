/* SPDX-License-Identifier: MIT */
/*
 * A device model of ours: this guest, as dom0, makes a domain of type=pvh whose vCPUs do what they
 * are told (model_guest.S), and answers what they ask of devices.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "hypercall.h"
#include <xen/hvm/ioreq.h>

typedef uint16_t ioservid_t;

#define MODEL_VCPUS	2u
#define MODEL_MMIO	0xe0000000ul	/* nothing is there; 2 MiB of it its tables map */
#define MODEL_SPARE	0x400ul		/* gfns of 512 pages that it can do without */
#define MODEL_WAIT_MS	2000u

enum model_op {
	DO_OUT8, DO_OUT16, DO_OUT32, DO_IN8, DO_IN16, DO_IN32,
	DO_STORE8, DO_STORE16, DO_STORE32, DO_STORE64,	/* of one byte: of %ah */
	DO_LOAD8, DO_LOAD16, DO_LOAD32, DO_LOAD64,	/* to %ah */
	DO_GIVE,		/* decrease_reservation of one page */
	DO_GIVE_ALL,		/* of so many, one by one */
	DO_NOTHING,
	DO_IN_MANY,		/* IN of 8 bits, so often */
	DO_STORE_MANY,		/* of 16 bits, so often: how many are left, this one too */
	DO_COVER,		/* add_to_physmap of shared_info, over a gfn */
	DO_EVENT,		/* event_channel_op of this command, of this port */
};

/* model_guest.S has these offsets, too. */
struct mailbox {
	volatile uint64_t posted, done;
	volatile uint64_t op, addr, data, result;
	volatile uint64_t count, missed;	/* INVALIDATEs answered for it; give without one */
	struct xen_memory_reservation reservation;
	volatile uint64_t gfn;
	uint64_t calls;		/* where its hypercall page is to be */
	struct xen_add_to_physmap physmap;
};

/* Its number, with @vcpus vCPUs that run. Skips where there is no nested paging. */
domid_t model_domain(unsigned int vcpus);
/* Its vCPUs begin anew. */
void model_restart(domid_t d, unsigned int vcpus);
/* It is destroyed, and nothing of it is left. */
void model_end(domid_t d);
struct mailbox *mailbox(unsigned int vcpu);
/* Have vCPU @vcpu do something; is it done? */
void post(unsigned int vcpu, enum model_op op, uint64_t addr, uint64_t data);
bool is_done(unsigned int vcpu);
/* The same, and wait: what rax is then. */
uint64_t result(unsigned int vcpu);

/* Wait for @condition, letting others run; its final value. */
#define YIELD_FOR(condition) YIELD_FOR_MS(condition, MODEL_WAIT_MS)
#define YIELD_FOR_MS(condition, ms)						\
	({									\
		uint64_t yield_end = clock_ns() + (ms) * MS_NS;			\
		bool yield_met;							\
		while (!(yield_met = (condition)) && clock_ns() < yield_end)	\
			HC2(sched_op, SCHEDOP_yield, 0);			\
		yield_met;							\
	})

/* ---- Servers --------------------------------------------------------------------------------- */

/* dm_op @op of domain @d: @body of @bytes, which comes back. */
long dm_op(domid_t d, uint32_t op, void *body, uint32_t bytes);
long server_create(domid_t d, uint8_t buffers);		/* its id */
long server_range(domid_t d, long id, uint32_t type, uint64_t first, uint64_t last, bool add);
long server_enable(domid_t d, long id, bool on);
long server_destroy(domid_t d, long id);
/* The number of its page @n, mapped at window @w. */
volatile void *server_page(domid_t d, long id, unsigned int n, unsigned int w);

struct server {
	domid_t d;
	long id;
	volatile struct ioreq *slot;
	int port[MODEL_VCPUS];
};

/* One with its page at window @w, enabled, its ports bound. Ranges: before, or later. */
void server_begin(struct server *s, domid_t d, unsigned int w);
void server_begin_with(struct server *s, domid_t d, unsigned int w, uint8_t buffers);
/* Is there a request of vCPU @vcpu's? */
bool has_request(const struct server *s, unsigned int vcpu);
void answer(const struct server *s, unsigned int vcpu, uint64_t data);
/* The request's state becomes @state, and the vCPU is told. */
void set_state(const struct server *s, unsigned int vcpu, uint8_t state);
/*
 * vCPU @vcpu's next request, which is @type of @addr and @size, and @dir. The claim ends if it is
 * not.
 */
void expect(const struct server *s, unsigned int vcpu, uint8_t type, uint64_t addr, uint32_t size,
	    uint8_t dir);
