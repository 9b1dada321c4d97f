/* SPDX-License-Identifier: MIT */
/*
 * A domain: one guest machine. A public object (class "public"): it holds numbers and links, never
 * a guest's register, buffer or memory.
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>
#include <isola/domain_log.h>
#include <isola/spinlock.h>
#include <isola/printk.h>
#include <isola/sched_cap.h>
#include <isola/timer.h>
#include <asm/layout.h>
#include <asm/preempt.h>
#include <xen/xen.h>

struct vcpu;
struct evtchn;
struct evtchn_fifo;
struct memory_map;
struct own_policy;
struct hvm_domain;

#define MAX_VCPUS 32                    /* of one domain: slots of vcpu_info in shared_info */
#define DOMID_DOM0 0
#define DOMID_ANY 0xffffu                /* to domain_create(): one that nobody has */
#define DOMAIN_HANDLE_BYTES 16
#define DOMAIN_NAME_BYTES 16            /* the NUL included */
#define NR_WATCHDOGS 2                  /* of a domain, as Xen has them */

struct domain {
	domid_t domid;
	u64 serial;                     /* of its creation: from 1 on, never used again */
	char name[DOMAIN_NAME_BYTES];   /* of a static domain; "": none */
	/* the tools' name for it (a UUID), for them alone */
	u8 handle[DOMAIN_HANDLE_BYTES];

	/* Atomically. Holders: below. 0: it is being taken apart. */
	u32 refs;
	/* Being made: no lookup finds it yet. Under the list's lock. */
	bool is_hidden;
	/* Being taken apart: no lookup finds it any more. Under the list's lock. */
	bool is_dying;
	bool is_dead;                   /* and that is done: its own reference is gone */
	struct domain *next_in_list;    /* under the list's lock */
	bool is_privileged;             /* dom0: may use console, ports, platform calls */
	bool msr_relaxed;               /* unknown MSRs read as 0, and take any value; or #GP */
	bool is_shut_down;
	u32 control_pauses;             /* by the control domain; under vcpus_lock */
	bool has_begun;                 /* a vcpu of it could have run; under vcpus_lock */
	bool ends_machine;              /* with it: dom0, and a static domain with onend=halt */
	bool restarts;                  /* when it ends: a static domain with onend=restart */
	u8 static_nr;                   /* of a static domain's line, from 1 on; 0: none */
	bool is_unpacker;               /* the builder's own: an orderly end needs no line */
	bool is_counted;                /* among those that have begun, and not ended; atomically */
	u32 shutdown_code;              /* SHUTDOWN_* that the guest said beforehand, or... */
#define SHUTDOWN_CODE_NONE (~0u)
	unsigned long vm_assist;        /* VMASST_TYPE_* bits, atomically */

	/* protects nr_pages, page_list, leaving_list and the window's tables */
	spinlock_t page_lock;
	/* frames assigned, special ones (shared_info) not counted; <= max_pages */
	u32 nr_pages;
	u32 max_pages;
	u32 claimed;                    /* that it will be given: page_claim()'s */
	/* head of the list of owned frames through page_info.next; 0 = empty */
	u32 page_list;
	/*
	 * frames that name it as owner, wherever they are listed; atomically. They hold a reference
	 */
	u32 nr_owned;

	/* frames out of the window that wait for domain_release_flush(); 0 = empty */
	u32 leaving_list;
	/* window tables that nobody needs (asm/window_tables.h), likewise; 0 = empty */
	u32 window_idle;

	/* One CPU at a time visits it (asm/visit.h): taken atomically. */
	bool is_visited;
	/* The visitors' alone: parked (PRE-3), the first first. */
	mfn_t visit_parked[NR_PARKED];
	/*
	 * What an operation has come to that goes on while something is parked, by its command and
	 * frame (INVALID_MFN: none).
	 */
	struct {
		u32 cmd;
		int rc;
		mfn_t mfn;
	} visit_left;

	/* How far its end has come (control/domain_destroy.c), by domctl, one at a time. */
	u8 end_stage;                   /* stages that are done */
	u32 end_frame;                  /* of its list, the next to be looked at; 0 = none */
	u32 window_cleared;             /* GiB of the window that show nothing any more */

	/* owned by the domain, type writable; holds one reference */
	mfn_t shared_info_mfn;
	/* L3 tables behind slots 262..271; INVALID_MFN where empty */
	mfn_t window_l3[NR_WINDOW_SLOTS];
	u32 nr_window_tables;           /* for the memory figures in the log */

	unsigned max_vcpus;             /* as many as it is to have, once it has any */
	/* 0, then max_vcpus: they come together (domain_add_vcpus()), and stay for its life */
	unsigned nr_vcpus;
	struct vcpu *vcpu[MAX_VCPUS];

	/*
	 * Held while a vcpu is initialised, brought up or down, or its vcpu_info moves: one at a
	 * time.
	 */
	spinlock_t vcpus_lock;

	spinlock_t evtchn_lock;         /* protects every port's state */
	u32 evtchn_first_free;          /* no port below is free */
	unsigned nr_evtchns;            /* valid-port bound; only grows (EVT-1) */
	u32 max_evtchn_port;            /* the highest number that it may have: evtchn_limit() */
	/*
	 * ports below are there, and a free one may be had at once; 0: not so in FIFO, while it is
	 * reset, and when it is dying. Under the lock
	 */
	u32 evtchn_end;
	u32 evtchn_reset_at;            /* how far evtchn_reset() has come; 0: none is under way */
	bool evtchn_reset_disturbed;    /* ports have been opened meanwhile. Both under the lock */
	/* evtchn_destroy() has closed the ports from here on; 0: it has not begun */
	u32 evtchns_destroyed;
	/* 64 ports each: the first table, or one that has room for all of FIFO's (EVT-1) */
	struct evtchn **evtchn_bucket;
	struct evtchn *evtchn_bucket_2l[64];
	struct evtchn_fifo *evtchn_fifo; /* evtchn_fifo.h; NULL: two-level */

	/*
	 * The console's ring of a static domain, held for its life, of which the hypervisor is the
	 * other end (calls/console_ring.c); INVALID_MFN: none.
	 */
	mfn_t console_mfn;
	u32 console_sends;              /* calls that have not been seen to; the first does it */
	u32 console_sent;               /* characters of the next line that have left */

	/* page that shows which pirqs need an EOI, with a reference; 0: none */
	u64 pirq_eoi_maddr;

	/* SCHEDOP_watchdog's. Under the lock: a timer may be armed only while its bit is set. */
	spinlock_t watchdog_lock;
	struct timer watchdog[NR_WATCHDOGS];
	u32 watchdogs_used;

	u32 poll_mask;                  /* bit n: vcpu n is VCPU_POLLING (a superset; atomically) */
	struct log_limit log_limit;     /* printk.c */

	/* under sched_lock */
	u32 weight;                     /* of each of its vcpus */
	struct sched_cap cap;           /* of all of them together */
	u64 wallclock_version, time_offset;     /* last published; seconds, modulo 2^64 */
	/* as the tools set them, for them: TSC_MODE_*, how often it has been restored */
	u32 tsc_mode, tsc_incarnation;
	struct memory_map *memory_map;  /* calls/memory_map.c: XENMEM_set_memory_map's; NULL */

	/* what it is shown of the CPU (asm/own_policy.h), before it begins; NULL: what all are */
	struct own_policy *cpu_policy;
	struct domain_log log;          /* of what it writes */
	struct grant_table *grants;     /* calls/gnttab.c; for the domain's life */
	struct ioport_rights *ioports;  /* dom0's: pv/emul/ioport.c */
	/* asm/hvm_domain.h; NULL: a PV domain. Constant from before it has vcpus */
	struct hvm_domain *hvm;
};

extern struct domain *dom0;             /* NULL until built */

/*
 * References (DOM-1). They keep a domain as an object, and its number its own: the last to go takes
 * it off the list and apart (domain_destroy()). Holders:
 *   the domain itself, from domain_create() to domain_kill()
 *   its frames, together one, while any has it as its owner
 *   each lookup by number, until it is given back
 *   each global VIRQ that is raised for it by the control domain's wish (virq_handler.h)
 * A running vcpu needs none: a domain is killed when its vcpus have stopped.
 */

/*
 * The domain with number @domid, with a reference; NULL: there is none, or it is dying. For what a
 * call names see domain_lookup.h. Interrupts on.
 */
struct domain *__must_check get_domain_by_id(domid_t domid);
/*
 * The first domain, dying or not, whose number is not below @domid, with a reference; NULL: none.
 */
struct domain *__must_check get_domain_from(domid_t domid);
/* One more, for who holds one or whom one stands behind. */
void get_knownalive_domain(struct domain *d);
/* Give one back. No lock is held: it may be the last. */
void put_domain(struct domain *d);
/*
 * The domain that an allocated frame's record names, dying or not, without a reference: the frame's
 * holds while the caller has one on the frame.
 */
struct domain *domain_of_frames(domid_t domid);
/*
 * What an operation that is built for the caller itself alone answers if it may name another, and
 * names @domid: -ESRCH, there is none; -EPERM. By refuse_other() in domain_lookup.h.
 */
int __must_check domain_not_self(domid_t domid);

/* domain_create(): @d has its number, or gets the next. -EEXIST: it is taken; -ENOMEM: all are. */
int __must_check domain_list_add(struct domain *d);
int __must_check domain_list_add_next(struct domain *d);
/* @d is complete: from now on it is found. */
void domain_show(struct domain *d);
/* For domain_ref.c: no lookup finds @d any more; false: none did before. At last, unlink it. */
bool __must_check domain_list_mark_dying(struct domain *d);
void domain_list_remove(struct domain *d);

/* @d is one more whose end counts: without any the machine ends. */
void domain_count(struct domain *d);
/* @d is taken apart: it counts no more, and the machine does not end with it. */
void domain_uncount(struct domain *d);
/* @d is built: it counts, and its first vcpu runs. */
void domain_begin(struct domain *d);
/*
 * Hook: @d, which restarts, has ended for @reason (SHUTDOWN_*). True: it will be built anew, and
 * counts as running meanwhile: until the new one begins, by the second, or it is given up, by the
 * third.
 */
bool domain_restart(struct domain *d, u32 reason);
void domain_begin_anew(struct domain *d);
void domain_give_up(const char *name);

/*
 * No vcpu of @d but the current one runs any more, beside what else has it wait: they have left
 * their CPUs when it returns. No lock held, interrupts on.
 */
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
/*
 * The control domain has @d, another, wait, or go on: its vcpus rest when the first returns. They
 * are counted. 0; -EOVERFLOW: too often; -EINVAL: not paused. No lock held, interrupts on.
 */
int __must_check domain_pause_by_control(struct domain *d);
int __must_check domain_unpause_by_control(struct domain *d);

/*
 * End the whole domain: never returns to it. @why is one clause for the log ("unhandled #PF at rip
 * ..."). Prints `(isola) Domain <n> crashed: <why>`. Context: the domain's own vcpu. Effects:
 * raises the schedule softirq; the caller returns normally and the vcpu does not run again. For
 * dom0 the machine ends too: machine_end(), its vcpu's registers and stack having been told.
 */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);

/*
 * SCHEDOP_shutdown. @reason SHUTDOWN_*, or any number of the guest's; what it said beforehand
 * counts more. For dom0 also ends the machine.
 */
void domain_shutdown(struct domain *d, u32 reason);
/*
 * @d, another domain, has shut down to be suspended, and goes on where it was; or it has not shut
 * down. 0; -EINVAL: it has, for good. No lock held.
 */
int __must_check domain_resume(struct domain *d);

/*
 * @d's vcpus are all down, and nobody is left to bring one up: the end, for the reason that the
 * domain said beforehand. If it said none that is no orderly end (a kernel that panics early ends
 * so), and the log says so; the machine is then switched off, as by Xen.
 */
void domain_last_vcpu_down(struct domain *d);

/*
 * Make a domain without vcpus and memory, for domain_kill() to end; hidden until domain_show().
 * @domid: DOMID_ANY, the next that is free. 0; -ENOMEM; -EEXIST: the number is taken: nothing is
 * left behind then.
 */
int __must_check domain_create(domid_t domid, bool privileged, struct domain **made);
/* One of d's vcpus, down, that d does not know yet; NULL: no memory. Undone by vcpu_destroy(). */
struct vcpu *__must_check vcpu_create(struct domain *d, unsigned id);
/* @v has no address space, and runs nowhere. */
void vcpu_destroy(struct vcpu *v);
/* All of d's vcpus, whole, which wait if @d does. False: it has them already. */
bool __must_check domain_add_vcpus(struct domain *d, struct vcpu *const *v);
/*
 * From now on nobody finds it; it goes when nobody holds it. No vcpu has an address space or runs,
 * and no port is open.
 */
void domain_kill(struct domain *d);
/*
 * Undo all that was made of it, by the last put: it has no memory, and nobody has a pointer. Its
 * end is told to the control domain. By the hook of tools/layers what it has of upper rooms goes.
 */
void domain_destroy(struct domain *d);
void domain_destroy_parts(struct domain *d);
