/* SPDX-License-Identifier: MIT */
/*
 * Events: the two-level event channel ABI as a guest sees it, and the harness's own timer port.
 *
 * evtchn_count[port] counts deliveries of each port since the claim began. Outside of claims about
 * events only the watchdog's port is unmasked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "hypercall.h"

#define NR_PORTS 4096u

extern volatile uint32_t evtchn_count[NR_PORTS];
extern volatile uint32_t upcall_count;		/* entries at the event callback */
extern volatile uint64_t upcall_frame[5];	/* rip cs rflags rsp ss of the last one */
extern volatile uint8_t upcall_mask_inside;	/* evtchn_upcall_mask while the last one ran */
extern volatile uint64_t upcall_rflags_inside;
extern void (*upcall_hook)(void);	/* the next upcall calls it at its end, once */
/* A claim uses FIFO: events_reset() goes back to two-level. */
extern bool events_use_fifo;
extern uint32_t timer_port;			/* VIRQ_TIMER of vCPU 0; 0: not bound */

/* Called from trap_enter() with the frame's rip cs rflags rsp ss. */
void events_upcall(const uint64_t *hw);

/* Mask everything, bind the timer. */
void events_init(void);
/* No port is open any more, whoever closed them: begin again. */
void events_lost(void);
/* Close every port a claim opened, clear the counters, mask all ports but the watchdog's. */
void events_reset(void);

/* Upcall mask of vCPU 0. Unmasking also asks for what is pending to be delivered now. */
void upcalls_mask(void);
void upcalls_unmask(void);

/* Bits in shared_info. */
void port_mask(uint32_t port);
void port_unmask(uint32_t port);
bool port_pending(uint32_t port);
void port_clear(uint32_t port);

/* Open a port; the port number, or negative errno. events_reset() closes it. */
int port_bind_ipi(uint32_t vcpu);
int port_bind_virq(uint32_t virq, uint32_t vcpu);
int port_bind_pirq(uint32_t pirq, uint32_t flags);
int port_alloc_unbound(domid_t remote);
int port_bind_interdomain(domid_t remote, uint32_t remote_port);
long port_close(uint32_t port);
long port_send(uint32_t port);
long port_status(uint32_t port, struct evtchn_status *status);

/* VIRQ_TIMER at @ns absolute system time; 0 cancels. Through set_timer_op. */
long timer_set(uint64_t ns);
