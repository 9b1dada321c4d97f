/* SPDX-License-Identifier: MIT */
/*
 * FIFO event channels. The domain goes to FIFO with the first control block that the hypervisor
 * takes, and back to two levels with op_event_reset_own(): so each runs for a part of the time.
 *
 * Control blocks and pages of words are frames of the sandbox, which other operations write to and
 * take away as they do with any. Where they stand at home is remembered here: for a kernel that
 * takes its events off the queues, and for one that writes what the ABI forbids. What is remembered
 * may be out of date, but is never control memory.
 */
#include "ops.h"
#include <xen/event_channel.h>

#define NR_BLOCKS 32u
#define NR_WORD_PAGES 32u
#define WORDS_PER_PAGE (PAGE_BYTES / sizeof(event_word_t))
#define NR_QUEUES (EVTCHN_FIFO_PRIORITY_MIN + 1u)
#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define BUSY (1u << EVTCHN_FIFO_BUSY)

typedef volatile struct evtchn_fifo_control_block block_t;

/* Addresses; 0: not known. */
static volatile uint64_t blocks[NR_BLOCKS], pages[NR_WORD_PAGES];

void fifo_arg(struct me *m, unsigned int cmd, uint32_t a[6])
{
	uint64_t gfn = one_in(m, 6) ? any_mfn(m, (unsigned int)below(m, 5)) : sand_mfn(m, 0);

	if (cmd == EVTCHNOP_set_priority) {
		a[1] = one_in(m, 8) ? (uint32_t)border(m) : (uint32_t)below(m, NR_QUEUES);
		return;
	}
	a[0] = (uint32_t)gfn;
	a[1] = (uint32_t)(gfn >> 32);
	a[2] = one_in(m, 6) ? (uint32_t)border(m) : 8 * (uint32_t)below(m, 512);
	a[3] = any_vcpu(m);
}

void fifo_given(unsigned int cmd, const volatile uint32_t *a)
{
	uint64_t home = home_of(a[0] | (uint64_t)a[1] << 32);

	if (cmd == EVTCHNOP_init_control && home && a[3] < NR_BLOCKS)
		blocks[a[3]] = home + (a[2] & (PAGE_BYTES - 8));
	for (unsigned int i = 0; cmd == EVTCHNOP_expand_array && i < NR_WORD_PAGES; i++)
		if (!pages[i]) {
			pages[i] = home ?: ~0ul;	/* one that is not at home */
			break;
		}
}

/* NULL: none is known. It may not be mapped. */
static block_t *block_of(unsigned int vcpu)
{
	return vcpu < NR_BLOCKS ? (block_t *)blocks[vcpu] : NULL;
}

static volatile event_word_t *word_of(uint32_t port)
{
	uint64_t page = port / WORDS_PER_PAGE < NR_WORD_PAGES ? pages[port / WORDS_PER_PAGE] : 0;

	return page + 1 > 1 ? (volatile event_word_t *)page + port % WORDS_PER_PAGE : NULL;
}

/* A kernel begins: a block for each vCPU, as good as they come, and some words. */
long op_fifo_begin(struct me *m, unsigned int nothing)
{
	uint64_t mfn;
	long rc = 0;

	for (unsigned int v = 0; v < nr_vcpus; v++) {
		struct evtchn_init_control op = { .offset = 8 * (uint32_t)below(m, 500),
						  .vcpu = v };

		sand_home(m, 0, &mfn);
		op.control_gfn = mfn;
		memcpy(m->arg, &op, sizeof(op));
		rc = CALL(m, event_channel_op, EVTCHNOP_init_control, ARG(m->arg), 0, 0, 0);
		if (!rc)
			fifo_given(EVTCHNOP_init_control, (const volatile uint32_t *)m->arg);
	}
	for (unsigned int i = 0; i <= below(m, 3); i++) {
		struct evtchn_expand_array op;

		sand_home(m, 0, &mfn);
		op.array_gfn = mfn;
		memcpy(m->arg, &op, sizeof(op));
		if (!CALL(m, event_channel_op, EVTCHNOP_expand_array, ARG(m->arg), 0, 0, 0))
			fifo_given(EVTCHNOP_expand_array, (const volatile uint32_t *)m->arg);
	}
	return rc;
}

/* Off @b's queue of @priority, as the ABI has it; a ring of links ends somewhere. */
static void take_queue(block_t *b, unsigned int priority)
{
	uint32_t port = b->head[priority];

	for (unsigned int n = 0; port && n < 100; n++) {
		volatile event_word_t *w = word_of(port);
		event_word_t was;

		if (!w)
			break;
		was = __atomic_fetch_and(w, ~(LINKED | EVTCHN_FIFO_LINK_MASK), __ATOMIC_SEQ_CST);
		if (!(was & MASKED))
			__atomic_fetch_and(w, ~PENDING, __ATOMIC_SEQ_CST);
		port = was & EVTCHN_FIFO_LINK_MASK;
		b->head[priority] = port;
	}
}

long op_fifo_take(struct me *m, unsigned int nothing)
{
	block_t *b = block_of(m->id);
	uint32_t ready;

	if (!b)
		return -XEN_EAGAIN;
	ready = __atomic_exchange_n(&b->ready, 0, __ATOMIC_SEQ_CST);
	for (unsigned int q = 0; q < NR_QUEUES; q++)
		if (ready >> q & 1)
			take_queue(b, q);
	return 0;
}

/* What no kernel writes, to a control block or a word. */
long op_fifo_write(struct me *m, unsigned int nothing)
{
	static const event_word_t state[] = {
		0, 0, MASKED, PENDING, PENDING | LINKED, LINKED, PENDING | MASKED, BUSY,
		LINKED | BUSY, PENDING | LINKED | BUSY,
	};
	block_t *b = block_of((unsigned int)below(m, nr_vcpus));
	volatile event_word_t *w = word_of(any_port(m));

	if (b && one_in(m, 4)) {
		if (one_in(m, 2))
			b->ready = one_in(m, 2) ? 0 : (uint32_t)border(m);
		else
			b->head[below(m, NR_QUEUES)] = one_in(m, 2) ? any_port(m) :
							     (uint32_t)border(m);
		return 0;
	}
	if (!w)
		return -XEN_EAGAIN;
	if (one_in(m, 6))
		*w = (uint32_t)border(m);
	else
		*w = PICK(m, state) |
		     (one_in(m, 2) ? any_port(m) & EVTCHN_FIFO_LINK_MASK : 0);
	return 0;
}

/* A sibling may change that at once. */
static bool is_writable(const volatile void *p)
{
	return p && (*entry_of((void *)p, 1) & (PTE_P | PTE_RW)) == (PTE_P | PTE_RW);
}

/* This vCPU's timer is heard, if its block and its word are at home. */
void fifo_listen(struct me *m)
{
	volatile event_word_t *w = word_of(m->timer_port);
	block_t *b = block_of(m->id);

	if (is_writable(w))
		*w = 0;
	if (is_writable(b))
		b->ready = 0;
}

void fifo_forget(void)
{
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		blocks[i] = 0;
	for (unsigned int i = 0; i < NR_WORD_PAGES; i++)
		pages[i] = 0;
}
