/* SPDX-License-Identifier: MIT */
/*
 * Records of machine checks, kept for dom0 until it acknowledges them. Those that an exception told
 * of are urgent; what was found in the banks is not. Two queues, which lose what comes when they
 * are full: the log has a line of each.
 */
#pragma once

#include <asm/mce.h>

/* The queues. Boot CPU, before the first mce_init_cpu(). */
void mca_init(void);
/* All CPUs' banks are looked into from time to time from now on. Boot CPU, timers run. */
void mca_start(void);

/* The oldest record of a queue, which stays there: its id, or 0 if there is none. */
u64 mca_record_oldest(bool is_urgent, struct mce_record *m);
/* Record @id is not needed any more; nothing, if it is not the oldest. */
void mca_record_done(bool is_urgent, u64 id);
