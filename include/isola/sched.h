/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: which vcpu runs on each CPU. One queue for all CPUs, by virtual run time: whoever
 * has had least of those that may run on a CPU runs there, for a time slice at most. A CPU idles
 * only while nobody waits that may run there, or may where somebody is who may run there.
 * Lock: sched_lock protects the queue and the state of all vcpus; taken with interrupts off.
 */
#pragma once

#include <isola/types.h>
#include <isola/vcpu.h>
#include <asm/insn.h>

/* Registers SOFTIRQ_SCHEDULE. */
void sched_init(void);
/* This CPU, idle, can be given work from now on. Each CPU, once. */
void sched_init_cpu(void);

/*
 * Say where @v may run (all CPUs, or one: dom0_vcpus_pin); its state stays VCPU_DOWN until
 * vcpu_wake(). Once, before it can run.
 */
void sched_add_vcpu(struct vcpu *v);
/*
 * Before @v can run: @pin, of CONFIG_NR_CPUS bits, is where it may, if any is set; then one of a
 * CPU that there is.
 */
void sched_set_pin(struct vcpu *v, const unsigned long *pin);

#define DEFAULT_WEIGHT 256              /* as in Xen's schedulers */
/* A new domain's, and before it goes, when none of its vcpus can run any more. */
void sched_domain_init(struct domain *d);
void sched_domain_kill(struct domain *d);
/* Of what CPU time there is, each of d's vcpus against others' 256; @weight: 1 to 65535. */
u32 sched_weight(const struct domain *d);
void sched_set_weight(struct domain *d, u32 weight);
/* As much as all of d's vcpus get together, in percent of one CPU; 0: no cap. */
u32 sched_cap(const struct domain *d);
void sched_set_cap(struct domain *d, u32 percent);
/* For who looks: the run queue's entries from the one at @first on, up to @nr; how many. */
struct sched_place {
	domid_t domid;
	u32 id, on_cpu, weight;
	u64 vruntime;
};
u32 sched_look(u32 first, struct sched_place *to, u32 nr);
/* Who runs on @cpu; false: nobody does. */
bool sched_look_at(u32 cpu, struct sched_place *to);
/* From now on @v runs where @mask, of CONFIG_NR_CPUS bits, has a CPU that there is. */
void sched_set_affinity(struct vcpu *v, const unsigned long *mask);
/* If a CPU idles both there and where it may, it is put on one of those. */
void sched_set_soft_affinity(struct vcpu *v, const unsigned long *mask);
/* How long who has begun to run is not displaced by another; 0 is what there is at first. */
u64 sched_rate_limit(void);
void sched_set_rate_limit(u64 ns);
/* The one CPU that @v may run on; NO_CPU: there are several. */
u32 vcpu_pinned_to(const struct vcpu *v);

/*
 * DOWN -> RUNNABLE; an idle CPU, or the one whose vcpu has had most more than it, chooses again.
 * Does nothing in other states: to bring up one that sleeps is no wake-up. Any context but NMI.
 * True: it was DOWN.
 */
bool vcpu_wake(struct vcpu *v);
/* The same for BLOCKED or POLLING: what an event does. Full barrier before the state is read. */
void vcpu_unblock(struct vcpu *v);

/*
 * A device model has answered @v, or will not: it goes on, if it waits for that. What it looks at
 * then was stored before. Hypercall context.
 */
static inline void vcpu_answered(struct vcpu *v)
{
	smp_mb();
	if (READ_ONCE(v->awaits_model))
		vcpu_unblock(v);
}

/* Make the CPU that runs @v look at its events soon (IPI if it is another CPU). Any context. */
void vcpu_kick(struct vcpu *v);

/*
 * The current vcpu goes to sleep in @state (BLOCKED, POLLING, DOWN, DEAD). Raises SOFTIRQ_SCHEDULE
 * and returns; the vcpu sleeps at the exit to the guest, unless it has been woken by then. Full
 * barrier after the state is set: the caller then looks once more for what it is going to wait for,
 * and calls vcpu_unblock(current) if it is there.
 */
void vcpu_sleep(enum vcpu_state state);

/*
 * Any vcpu to @state (DOWN, DEAD): off the queue, and its CPU is told to choose again. It may run
 * on for as long as an interrupt takes. Any context but NMI.
 */
void vcpu_stop(struct vcpu *v, enum vcpu_state state);
/*
 * Does @v rest: down, and off the CPU it ran on? State DOWN alone says that its CPU has been told;
 * until that chooses again @v may still be in the middle of a call. It stays so for as long as
 * domain.vcpus_lock is held, which the caller does. A CPU that waits for a vcpu to come to rest
 * gives the lock back meanwhile: the vcpu may be spinning for it.
 */
bool vcpu_is_at_rest(const struct vcpu *v);
/*
 * @v does not run until it has been unpaused as often as it was paused; what wakes it meanwhile is
 * not lost. It may run on for as long as an interrupt takes: on_cpu is NO_CPU when it has left.
 */
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
/* The current vcpu lets one other run first, if any waits. Raises SOFTIRQ_SCHEDULE. */
void vcpu_yield(void);

/* The runstate clock of @v as of now, consistent; any vcpu. */
struct vcpu_runstate_info;
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info);
/* How long @cpu has had nobody to run, in ns. */
u64 sched_idle_time(u32 cpu);

/*
 * Hook of the floor above, set once at boot: switch this CPU from @prev to @next; does not return.
 * Interrupts off. It calls sched_left(@prev) when all of prev's state is in prev's memory and CR3
 * names another root: not before that does another CPU take it.
 */
extern void (*sched_context_switch)(struct vcpu *prev, struct vcpu *next) __noreturn;

void sched_left(struct vcpu *prev);
