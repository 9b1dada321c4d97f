/* SPDX-License-Identifier: MIT */
/*
 * Operations, by the file that has them. Each makes its arguments, does one thing, and returns what
 * the table is to count: a hypercall's result, or a grant's STATUS().
 */
#pragma once

#include "hfuzz.h"

#define MS (1000 * 1000ul)              /* ns */

/* op_mmu.c */
long op_mmu_update(struct me *m, unsigned int flipped);
long op_update_va(struct me *m, unsigned int otherdomain);
long op_mmuext(struct me *m, unsigned int cmd);
long op_mmuext_list(struct me *m, unsigned int flipped);
long op_make_table(struct me *m, unsigned int level);
long op_descriptor(struct me *m, unsigned int nothing);
long op_set_gdt(struct me *m, unsigned int flipped);

/* op_memory.c */
long op_reservation(struct me *m, unsigned int cmd);
long op_exchange(struct me *m, unsigned int flipped);
long op_memory_ask(struct me *m, unsigned int nothing);

/* op_grant.c */
long op_grant_entry(struct me *m, unsigned int nothing);
long op_grant_map(struct me *m, unsigned int flipped);
long op_grant_unmap(struct me *m, unsigned int replace);
long op_grant_copy(struct me *m, unsigned int flipped);
long op_grant_ask(struct me *m, unsigned int nothing);

/* op_event.c */
long op_event(struct me *m, unsigned int cmd);
long op_event_reset(struct me *m, unsigned int nothing);
long op_event_reset_own(struct me *m, unsigned int nothing);
long op_timer(struct me *m, unsigned int nothing);
long op_sched(struct me *m, unsigned int cmd);
long op_watchdog(struct me *m, unsigned int nothing);
long op_shared_info(struct me *m, unsigned int nothing);

/* op_fifo.c */
/* The argument of EVTCHNOP_@cmd: init_control, expand_array, set_priority. */
void fifo_arg(struct me *m, unsigned int cmd, uint32_t a[6]);
/* One of the first two was done with @a. */
void fifo_given(unsigned int cmd, const volatile uint32_t *a);
void fifo_listen(struct me *m);
void fifo_forget(void);
long op_fifo_begin(struct me *m, unsigned int nothing);
long op_fifo_take(struct me *m, unsigned int nothing);
long op_fifo_write(struct me *m, unsigned int nothing);

/* op_vcpu.c */
long op_vcpu(struct me *m, unsigned int cmd);
long op_trap_table(struct me *m, unsigned int nothing);
long op_callback(struct me *m, unsigned int cmd);
long op_set_callbacks(struct me *m, unsigned int nothing);
long op_stack_switch(struct me *m, unsigned int nothing);
long op_segment_base(struct me *m, unsigned int nothing);
long op_debugreg(struct me *m, unsigned int get);
long op_assist(struct me *m, unsigned int nothing);
long op_taskswitch(struct me *m, unsigned int nothing);

/* op_platform.c */
long op_physdev(struct me *m, unsigned int cmd);
long op_platform(struct me *m, unsigned int cmd);
long op_version(struct me *m, unsigned int nothing);
long op_console(struct me *m, unsigned int nothing);
long op_mca(struct me *m, unsigned int nothing);
long op_any(struct me *m, unsigned int nothing);
long op_multicall(struct me *m, unsigned int flipped);

/* op_insn.c, insns.S */
long op_insn(struct me *m, unsigned int nothing);
long op_store(struct me *m, unsigned int nothing);
long op_access(struct me *m, unsigned int kind);
long op_port(struct me *m, unsigned int nothing);
long op_iret(struct me *m, unsigned int nothing);

/* op_user.c */
void user_init(void);
long op_user(struct me *m, unsigned int kind);
