/* SPDX-License-Identifier: MIT */
/*
 * Cross-CPU calls, by value: a function number and up to seven words in the target's public mailbox. No pointer to the caller's
 * stack or private memory ever travels (T32-T34).
 */
#pragma once

#include <isola/types.h>

enum ipi_function { IPI_FLUSH_TLB, IPI_RESYNC_ROOT, NR_IPI_FUNCTIONS };

#define IPI_PAYLOAD_WORDS 7

/* Who does the work of @fn: runs on the target, from the interrupt, on any root. Boot only. */
void ipi_set_function(enum ipi_function fn, void (*handler)(const u64 *payload));

/*
 * Run @fn with @nr words of @payload on online CPU @cpu (not this one) and wait until it is done. Interrupts on, no lock held that an
 * interrupt handler or a waiter on the other CPU needs. While waiting this CPU serves its own mailbox.
 */
void ipi_call(unsigned cpu, enum ipi_function fn, const u64 *payload, unsigned nr);

/* Vectors, and the softirqs' way to another CPU. Boot only. */
void ipi_init(void);
