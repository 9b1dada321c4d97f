/* SPDX-License-Identifier: MIT */
/*
 * Every lock of the hypervisor, once, in the order in which they may be taken: a CPU that holds one
 * may take only locks with a larger number. irq: also taken by interrupt handlers, hence always
 * with interrupts off.
 */
#pragma once

enum lock_order {
	LOCK_NONE,              /* unordered: not checked */
	LOCK_VCPUS,             /* domain.vcpus_lock: vcpu_op that changes a vcpu's life */
	LOCK_IOREQ,             /* ioreq_servers.lock: a domain's device models */
	LOCK_EVTCHN,            /* domain.evtchn_lock: port states of a domain; two by address */
	/* evtchn_fifo.lock: queues of a domain; interrupts on, or off on the way to the guest */
	LOCK_EVTCHN_FIFO,
	/* grant_table.lock: frames, pins, handles of a domain (calls/gnttab.c) */
	LOCK_GRANT,
	LOCK_WATCHDOG,          /* domain.watchdog_lock: a domain's watchdogs */
	LOCK_DOMAIN_PAGES,      /* domain.page_lock: nr_pages, its lists, the window's tables */
	LOCK_P2M,               /* p2m.lock: edits of nested tables */
	LOCK_DOMAIN_LIST,       /* common/domain_list.c: which domains there are; nothing inside */
	LOCK_KEYS,              /* common/debug_keys.c: keys that wait; nothing inside */
	LOCK_EFI,               /* control/firmware_root.c: EFI's runtime services, one call */
	LOCK_HEAP,              /* arch/x86/frames/heap.c: public objects */
	LOCK_PAGE_ALLOC,        /* arch/x86/frames/page_alloc.c: free lists */
	LOCK_HYPER_PT,          /* frames/hyper_pt.c: the hypervisor's shared tables (SWI-5) */
	/* asi/pvclock.c: shared_info.wc_*; taken with interrupts off at switch-in */
	LOCK_WALLCLOCK,
	/* irq: irq/pirq.c: interrupts of devices, PCI devices, I/O APIC and MSI registers */
	LOCK_GSI,
	LOCK_PCI_CONF,          /* irq: base/pci_conf.c: the ports of configuration space */
	LOCK_TIMER,             /* irq: common/timer.c, one per CPU */
	/* irq: common/sched_state.c: the run queue, state and runstate of all vcpus */
	LOCK_SCHED,
	LOCK_RECEIVE,           /* irq: common/console_receive.c: receivers, and what they bring */
	LOCK_CONSOLE,           /* irq: common/base/console.c: what is added to the ring */
	LOCK_LAST,
};
