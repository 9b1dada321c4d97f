/* SPDX-License-Identifier: MIT */
/*
 * Rows of FIFO event channels, to oneself: masked; the first on its queue, with all that is told of
 * that; and behind another one. Upcalls are held back. Afterwards the guest is two-level again.
 */
#include "bench.h"

#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define DEFAULT EVTCHN_FIFO_PRIORITY_DEFAULT

static struct evtchn_fifo_control_block *block;
static event_word_t *words;
static struct evtchn_send first, next;

static void open_port(struct evtchn_send *s)
{
	struct evtchn_bind_ipi op = { .vcpu = 0 };

	MUST(HC2(event_channel_op, EVTCHNOP_bind_ipi, &op));
	s->port = op.port;
}

/* All is taken off its queue, and nothing is told. */
static void empty(void)
{
	words[first.port] = words[next.port] = 0;
	block->ready = 0;
	vcpu_info->evtchn_upcall_pending = 0;
}

static uint64_t send_masked(void *arg)
{
	empty();
	words[first.port] = MASKED;
	return TIME_HC(event_channel_op, EVTCHNOP_send, &first, 0, 0);
}

static uint64_t send_first(void *arg)
{
	uint64_t ticks;

	empty();
	ticks = TIME_HC(event_channel_op, EVTCHNOP_send, &first, 0, 0);
	if (block->head[DEFAULT] != first.port || !vcpu_info->evtchn_upcall_pending)
		die("port %u is not on its queue", first.port);
	return ticks;
}

static uint64_t send_behind(void *arg)
{
	uint64_t ticks;

	send_first(NULL);
	ticks = TIME_HC(event_channel_op, EVTCHNOP_send, &next, 0, 0);
	if ((words[first.port] & EVTCHN_FIFO_LINK_MASK) != next.port)
		die("port %u is not behind port %u", next.port, first.port);
	return ticks;
}

void bench_fifo(void)
{
	struct evtchn_init_control control = { .vcpu = 0 };
	struct evtchn_expand_array array;
	struct evtchn_reset reset = { .dom = DOMID_SELF };

	block = page_alloc();
	words = page_alloc();
	for (unsigned int i = 0; i < PAGE_BYTES / sizeof(*words); i++)
		words[i] = MASKED;
	control.control_gfn = mfn_of(block);
	array.array_gfn = mfn_of(words);
	MUST(HC2(event_channel_op, EVTCHNOP_init_control, &control));
	MUST(HC2(event_channel_op, EVTCHNOP_expand_array, &array));
	open_port(&first);
	open_port(&next);
	row("fifo-masked", send_masked, NULL, 0);
	row("fifo-first", send_first, NULL, 0);
	row("fifo-behind", send_behind, NULL, 0);
	empty();
	MUST(HC2(event_channel_op, EVTCHNOP_reset, &reset));
}
