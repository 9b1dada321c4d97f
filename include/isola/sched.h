/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: which vcpu runs on each CPU. One run queue per CPU, round robin by time slice; a
 * vcpu stays on its CPU for now (vcpu n of a domain on CPU n mod nr_cpus).
 * Lock: sched_lock(cpu) protects that CPU's queue and the state of the vcpus whose .cpu it is;
 * taken with interrupts off.
 */
#pragma once

#include <isola/types.h>
#include <isola/vcpu.h>

/* registers SOFTIRQ_SCHEDULE; after cpu_public[].idle_vcpu of the boot CPU is set */
void sched_init(void);

/*
 * Give @v its CPU and its timers; its state stays VCPU_DOWN until vcpu_wake(). Once, before it can
 * run.
 */
void sched_add_vcpu(struct vcpu *v);

/*
 * DOWN, BLOCKED or POLLING -> RUNNABLE; makes its CPU choose again. Does nothing in other states.
 * Any context but NMI.
 */
void vcpu_wake(struct vcpu *v);
/* The same without DOWN: what an event does. Full barrier before the state is read. */
void vcpu_unblock(struct vcpu *v);

/* Make the CPU that runs @v look at its events soon (IPI if it is another CPU). Any context. */
void vcpu_kick(struct vcpu *v);

/*
 * The current vcpu goes to sleep in @state (BLOCKED, POLLING, DOWN, DEAD). Raises SOFTIRQ_SCHEDULE
 * and returns; the vcpu sleeps at the exit to the guest, unless it has been woken by then. Full
 * barrier after the state is set: the caller then looks once more for what it is going to wait for,
 * and calls vcpu_wake(current) if it is there.
 */
void vcpu_sleep(enum vcpu_state state);

/*
 * Any vcpu to @state (DOWN, DEAD): off its queue, and its CPU is told to choose again. It may run
 * on for as long as an interrupt takes. Any context but NMI.
 */
void vcpu_stop(struct vcpu *v, enum vcpu_state state);
void vcpu_yield(void);

/* The runstate clock of @v as of now, consistent; any vcpu. */
struct vcpu_runstate_info;
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info);

/*
 * Hook of the floor above, set once at boot: switch this CPU from @prev to @next; does not return.
 * Interrupts off.
 */
extern void (*sched_context_switch)(struct vcpu *prev, struct vcpu *next) __noreturn;

/* vcpu_timer.c: the three timers of a vcpu, and starting the periodic one (period 0: off). */
void vcpu_timers_init(struct vcpu *v);
void vcpu_periodic_set(struct vcpu *v, u64 period_ns);
void vcpu_timers_stop(struct vcpu *v);
