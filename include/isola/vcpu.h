/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU, public part (class "public"): scheduling, events posted to it, its roots' frame
 * numbers. Registers and all other guest state are in struct vcpu_private (asm/vcpu_private.h),
 * mapped on its own roots only.
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>
#include <isola/domain.h>
#include <isola/nospec.h>
#include <isola/timer.h>
#include <isola/lib/bitmap.h>
#include <asm/layout.h>
#include <generated/autoconf.h>

#define EVTCHN_2L_PORTS 4096
#define EVTCHN_FIFO_PORTS 131072
#define POST_WORDS (EVTCHN_2L_PORTS / 64)
#define NO_CPU (~0u)

enum vcpu_state {
	VCPU_DOWN,                      /* never initialised, or VCPUOP_down */
	VCPU_RUNNABLE,                  /* on the run queue, running or not */
	VCPU_BLOCKED,                   /* waits for an event */
	VCPU_POLLING,                   /* SCHEDOP_poll: waits for a listed port or the timeout */
	VCPU_DEAD,                      /* its domain shut down or crashed */
};

/* The source of a root's guest slots. Written on the CPU that runs the vcpu, interrupts off. */
struct root_copy {
	mfn_t l4;                       /* guest L4, INVALID_MFN: none, the slots are empty */
	u64 generation;                 /* l4's when it was copied */
};

struct vcpu {
	struct domain *domain;          /* NULL for idle vcpus */
	u32 id;                         /* within the domain; the CPU number for idle vcpus */
	bool is_idle;
	/*
	 * NULL: its PV guest runs; else this, on its kernel root, anew at each turn: the keeper's
	 * (asm/keeper.h), or what enters an HVM guest
	 */
	void (*loop)(void);
	/* what of such a vcpu the CPU still holds where its turn ends goes back; NULL: nothing */
	void (*leave)(void);

	/* Address space: created once (asi/root.c). */
	mfn_t root_kernel, root_user;   /* for idle vcpus both are the idle root */
	u64 cr3_kernel, cr3_user;       /* the CR3 values that load them */
	/*
	 * The pages whose guest slots follow the guest's L4s: [0] kernel, [1] user. They are the
	 * two roots, but while it is shadowed, when nothing loads them.
	 */
	u64 *mirror[2];
	/* what each one's guest slots were copied from */
	struct root_copy copy[2];
	struct vcpu_shadow shadow;
	mfn_t area_l3;                  /* L3 of the vCPU area: slot 258; INVALID_MFN: none */
	u32 mapcache_next;              /* where the search for a free slot starts */
	mfn_t private_mfn[VCPU_PRIVATE_PAGES];

	/*
	 * Scheduling: written under sched_lock, but for on_cpu's way back to NO_CPU and state's
	 * from RUNNABLE to asleep, which are its own CPU's.
	 */
	enum vcpu_state state;
	u32 cpu;                        /* where it runs or ran last */
	/*
	 * The CPU on which it runs or whose CR3 may still name its root; NO_CPU: its state is in
	 * its private pages, and any CPU may take it.
	 */
	u32 on_cpu;
	bool queued;
	u32 pauses;                     /* how often it has been paused: not 0, it does not run */
	bool yields;                    /* its own: the next choice is to pass it over */
	bool gives_way;                 /* the same, for another that waits; under the lock */
	struct vcpu *runq_next, *runq_prev;     /* valid while queued */
	u64 vruntime;                   /* ns it has run, as the scheduler counts: sched.c */
	u64 charged_at;                 /* while it runs: up to when vruntime counts */
	u32 weight;                     /* 256: vruntime passes as time does */
	DECLARE_BITMAP(affinity, CONFIG_NR_CPUS);       /* where it may run */
	/* where it is put if one idles there: sched_place.c */
	DECLARE_BITMAP(soft_affinity, CONFIG_NR_CPUS);
	bool initialised;               /* VCPUOP_initialise done, or vcpu 0 */

	/*
	 * Events for a vcpu that is not loaded on the sender's CPU with the sender's domain: the
	 * port's bit is set here and the flag raised; the vcpu folds them into its own shared_info
	 * on its own root (evtchn_fold()).
	 */
	u64 posted[POST_WORDS];
	/*
	 * POST_WORDS for each EVTCHN_2L_PORTS ports beyond the first, the first NULL ends them:
	 * they come with the ports, and stay (EVT-1)
	 */
	u64 *posted_more[EVTCHN_FIFO_PORTS / EVTCHN_2L_PORTS - 1];
	/*
	 * bit n: posted[n], or posted_more[...][n], may hold bits; set after them, cleared before
	 * they are taken
	 */
	u64 posted_any;
	/* VCPUOP_register_vcpu_info's place, with a reference; 0: in shared_info */
	u64 vcpu_info_maddr;
	/* look at what is posted, and at vcpu_info, before the next return to the guest: IF_DUE */
	u32 event_check;
	bool nmi_pending;               /* VCPUOP_send_nmi; any vcpu of the domain sets it */
	bool awaits_model;              /* its own: it sleeps until a device model has answered */

	/*
	 * Ports that VCPU_POLLING waits for; written by the vcpu before it sleeps, read by senders
	 * (public).
	 */
	u32 nr_polled;
	u32 polled[8];                  /* the first 8; nr_polled > 8: any event wakes */

	struct timer singleshot_timer, periodic_timer, poll_timer;
	u64 periodic_ns;                /* 0 = off */
	u32 virq_port[24];              /* port bound to a per-vcpu VIRQ, 0 = none */

	/*
	 * guest virtual address of its runstate area, 0 = none; any vcpu of the domain may set it
	 */
	u64 runstate_va;

	/* Runstate accounting: under sched_lock. */
	u32 runstate;                   /* RUNSTATE_* */
	u64 runstate_entry;             /* ns */
	u64 runstate_time[4];           /* ns in each state */
};

/* d's vcpu of a number that a guest gives, under speculation too; NULL: there is none. */
static inline struct vcpu *vcpu_by_id(const struct domain *d, u32 id)
{
	return id < d->nr_vcpus ? d->vcpu[index_nospec(id, d->nr_vcpus)] : NULL;
}

static inline bool vcpu_is_idle(const struct vcpu *v) { return v->is_idle; }
