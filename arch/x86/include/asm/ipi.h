/* SPDX-License-Identifier: MIT */
/*
 * Cross-CPU calls, by value: a function number and up to seven words in the target's public
 * mailbox. No pointer to the caller's stack or private memory ever travels (T32-T34).
 */
#pragma once

#include <isola/types.h>

enum ipi_function { IPI_FLUSH_TLB, IPI_RESYNC_ROOT, IPI_FLUSH_CACHE, IPI_CPU_FEATURES,
		    IPI_VMX_CHECK, NR_IPI_FUNCTIONS };

#define IPI_PAYLOAD_WORDS 7

/* Who does the work of @fn: runs on the target, from the interrupt, on any root. Boot only. */
void ipi_set_function(enum ipi_function fn, void (*handler)(const u64 *payload));

/*
 * Have every CPU whose bit is set in @cpus (online ones, not this one) run @fn with @nr words of
 * @payload, all at the same time, and wait until they are done. Interrupts on, or off where nobody
 * holds a lock that an answering CPU needs; no lock held that an interrupt handler takes. While
 * waiting this CPU serves its own mailbox.
 */
#define IPI_CPU_WORDS DIV_ROUND_UP(CONFIG_NR_CPUS, 64)
void ipi_call(const u64 cpus[IPI_CPU_WORDS], enum ipi_function fn, const u64 *payload, unsigned nr);

/* Vectors, and the softirqs' way to another CPU. Boot only. */
void ipi_init(void);
