/* SPDX-License-Identifier: MIT */
/*
 * Interrupt vectors of the hypervisor.
 */
#pragma once

#define VECTOR_FIRST_EXTERNAL 0x20
/* Devices': above what a masked 8259 could still send, below the hypervisor's own in priority. */
#define VECTOR_FIRST_DEVICE   0x30
#define VECTOR_LAST_DEVICE    0xef
#define VECTOR_INT80          0x80      /* the one gate guests may use directly (DPL 3) */
#define VECTOR_CONSOLE        0xf0      /* console_line.c: something has been typed */
#define VECTOR_SPURIOUS       0xff
#define VECTOR_APIC_ERROR     0xfe
#define VECTOR_TIMER          0xfd      /* LAPIC timer: deadline.c */
#define VECTOR_EVENT_CHECK    0xfc      /* look at softirq_pending and event_check on the way out */
#define VECTOR_MAILBOX        0xfa      /* ipi.c: by-value cross-CPU call */
