/* SPDX-License-Identifier: MIT */
/*
 * The console, of either kind: <xen/io/console.h>.
 */
#include "console.h"
#include "hypercall.h"
#include "memory.h"
#include <xen/event_channel.h>
#include <xen/io/console.h>
#include <xen/sched.h>

static void notify(void)
{
	struct evtchn_send send = { .port = start->console.domU.evtchn };

	HC2(event_channel_op, EVTCHNOP_send, &send);
}

static void ring_write(struct xencons_interface *ring, const char *text, size_t n)
{
	XENCONS_RING_IDX prod = ring->out_prod;

	for (size_t i = 0; i < n; i++) {
		while (prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) ==
		       sizeof(ring->out)) {
			notify();
			HC2(sched_op, SCHEDOP_yield, 0);
		}
		ring->out[MASK_XENCONS_IDX(prod++, ring->out)] = text[i];
		__atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
	}
	notify();
}

bool is_console_port(uint32_t port)
{
	return !(start->flags & SIF_INITDOMAIN) && port == start->console.domU.evtchn;
}

void console_write(const char *text, size_t n)
{
	if (start->flags & SIF_INITDOMAIN)
		HC3(console_io, CONSOLEIO_write, n, text);
	else
		ring_write(va_of_mfn(start->console.domU.mfn), text, n);
}

static size_t ring_read(struct xencons_interface *ring, char *buf, size_t n)
{
	XENCONS_RING_IDX cons = ring->in_cons, prod;
	size_t got = 0;

	prod = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE);
	while (cons != prod && got < n)
		buf[got++] = ring->in[MASK_XENCONS_IDX(cons++, ring->in)];
	__atomic_store_n(&ring->in_cons, cons, __ATOMIC_RELEASE);
	return got;
}

size_t console_read(char *buf, size_t n)
{
	long got;

	if (!(start->flags & SIF_INITDOMAIN))
		return ring_read(va_of_mfn(start->console.domU.mfn), buf, n);
	got = HC3(console_io, CONSOLEIO_read, n, buf);
	return got > 0 ? (size_t)got : 0;
}
