/* SPDX-License-Identifier: MIT */
/*
 * A domain: one guest machine. A public object (class "public"): it holds numbers and links, never
 * a guest's register, buffer or memory.
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>
#include <isola/spinlock.h>
#include <isola/printk.h>
#include <isola/timer.h>
#include <asm/layout.h>
#include <xen/xen.h>

struct vcpu;
struct evtchn;

#define MAX_VCPUS 32                    /* of one domain: slots of vcpu_info in shared_info */
#define DOMID_DOM0 0
#define NR_WATCHDOGS 2                  /* of a domain, as Xen has them */

struct domain {
	domid_t domid;
	u64 serial;                     /* of its creation: from 1 on, never used again */
	bool is_privileged;             /* dom0: may use console, ports, platform calls */
	bool msr_relaxed;               /* unknown MSRs read as 0, and take any value; or #GP */
	bool is_shut_down;
	u32 shutdown_code;              /* SHUTDOWN_* that the guest said beforehand, or... */
#define SHUTDOWN_CODE_NONE (~0u)
	unsigned long vm_assist;        /* VMASST_TYPE_* bits, atomically */

	/* protects nr_pages, page_list, leaving_list and the window's tables */
	spinlock_t page_lock;
	/* frames assigned, special ones (shared_info) not counted; <= max_pages */
	u32 nr_pages;
	u32 max_pages;
	/* head of the list of owned frames through page_info.next; 0 = empty */
	u32 page_list;

	/* frames out of the window that wait for domain_release_flush(); 0 = empty */
	u32 leaving_list;
	/* window tables that nobody needs (asm/window_tables.h), likewise; 0 = empty */
	u32 window_idle;

	/* owned by the domain, type writable; holds one reference */
	mfn_t shared_info_mfn;
	/* L3 tables behind slots 262..271; INVALID_MFN where empty */
	mfn_t window_l3[NR_WINDOW_SLOTS];
	u32 nr_window_tables;           /* for the memory figures in the log */

	unsigned nr_vcpus;              /* vcpus[0 .. nr_vcpus-1] exist for the domain's life */
	struct vcpu *vcpu[MAX_VCPUS];

	/*
	 * Held while a vcpu is initialised, brought up or down, or its vcpu_info moves: one at a
	 * time.
	 */
	spinlock_t vcpus_lock;

	spinlock_t evtchn_lock;         /* protects every port's state */
	u32 evtchn_first_free;          /* no port below is free */
	unsigned nr_evtchns;            /* valid-port bound; only grows (EVT-1) */
	struct evtchn *evtchn_bucket[64]; /* 64 ports each */

	/* page that shows which pirqs need an EOI, with a reference; 0: none */
	u64 pirq_eoi_maddr;

	/* SCHEDOP_watchdog's. Under the lock: a timer may be armed only while its bit is set. */
	spinlock_t watchdog_lock;
	struct timer watchdog[NR_WATCHDOGS];
	u32 watchdogs_used;

	u32 poll_mask;                  /* bit n: vcpu n is VCPU_POLLING (a superset; atomically) */
	struct log_limit log_limit;     /* printk.c */

	u64 wallclock_version;          /* last published */

	struct grant_table *grants;     /* calls/gnttab.c; for the domain's life */
	struct ioport_rights *ioports;  /* dom0's: pv/emul/ioport.c */
};

extern struct domain *dom0;             /* NULL until built */

/*
 * The domain with @domid, DOMID_SELF included, or NULL. Takes no reference: domains live for ever
 * in this release.
 */
struct domain *domain_by_id(domid_t domid);

/*
 * End the whole domain: never returns to it. @why is one clause for the log ("unhandled #PF at rip
 * ..."). Prints `(isola) Domain <n> crashed: <why>`. Context: the domain's own vcpu. Effects:
 * raises the schedule softirq; the caller returns normally and the vcpu does not run again. For
 * dom0 the machine ends too: machine_end().
 */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);

/*
 * SCHEDOP_shutdown. @reason SHUTDOWN_*, or any number of the guest's; what it said beforehand
 * counts more. For dom0 also ends the machine.
 */
void domain_shutdown(struct domain *d, u32 reason);

/*
 * @d's vcpus are all down, and nobody is left to bring one up: the end, for the reason that the
 * domain said beforehand. If it said none that is no orderly end (a kernel that panics early ends
 * so), and the log says so; the machine is then switched off, as by Xen.
 */
void domain_last_vcpu_down(struct domain *d);

/*
 * Make a domain with @nr_vcpus vcpus and no memory. Returns NULL when memory is short: nothing is
 * left behind then.
 */
struct domain *domain_create(domid_t domid, unsigned nr_vcpus, bool privileged);
/*
 * Undo it: no vcpu has an address space or runs, the domain has neither memory nor open ports, and
 * nobody has a pointer to it.
 */
void domain_destroy(struct domain *d);
