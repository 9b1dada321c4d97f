/* SPDX-License-Identifier: MIT */
/*
 * What a domain has that runs with the processor's own assistance (PVH), beside what every domain
 * has. A public object: numbers. It comes before the domain's vcpus and lasts as long as it.
 */
#pragma once

#include <isola/domain.h>
#include <isola/timer.h>
#include <asm/ioreq.h>
#include <asm/p2m.h>
#include <asm/page_ref.h>
#include <xen/hvm/params.h>

#define HVM_GRANT_FRAMES 64	/* GNTTAB_MAX_FRAMES, of a room above */

/* How a local APIC is addressed: by its APICBASE and DFR. */
enum apic_mode { APIC_OFF, APIC_FLAT, APIC_CLUSTER, APIC_X2 };

/*
 * Of a vcpu, for its siblings and timers: numbers. Interrupts for its local APIC are posted here as
 * ports are in struct vcpu, and folded in by itself (hvm/vlapic_irq.c).
 */
struct hvm_vcpu {
	u32 posted[8];			/* bit n of all: vector n, edge-triggered; atomically */
	/* how it is addressed: written by itself, or while it is down */
	u32 apic_id, logical_id;
	u8 mode;			/* enum apic_mode */
	u8 upcall_vector;		/* HVMOP_set_evtchn_upcall_vector; 0: none */
	mfn_t vendor_mfn;		/* the vendor's, of class vcpu, mapped nowhere; 0: none */
	bool timer_fired;		/* its APIC's; set by the handler, taken by itself */
	struct timer timer;
};

struct hvm_domain {
	struct p2m p2m;
	struct ioreq_servers ioreq;		/* device models */
	struct hvm_vcpu *vcpu[MAX_VCPUS];	/* as many as there are vcpus */
	u64 ram_end;			/* RAM is gfns below it */
	/* where it has shared_info, and its grant table's frames; ~0: nowhere. Under vcpus_lock */
	u64 shared_info_gfn;
	u64 grant_gfn[HVM_GRANT_FRAMES];
	/* the vector that an upcall is, level-like, by HVM_PARAM_CALLBACK_IRQ; 0: none */
	u8 callback_vector;
	u64 param[HVM_NR_PARAMS];	/* as the guest set or is told them */
};

static inline bool is_hvm_domain(const struct domain *d) { return d->hvm; }

/* What @d, which is loaded, calls frame @nr of its own, with a reference; NULL: there is none. */
static inline struct page_info *__must_check page_get_named(const struct domain *d, u64 nr)
{
	return d->hvm ? p2m_get_page(d, &d->hvm->p2m, _gfn(nr)) : page_get_from_mfn(_mfn(nr), d);
}

/*
 * @d, which has no vcpu yet, is to be one, with gfns below @end. -ENOMEM: then it is as it was. The
 * machine offers it.
 */
int __must_check hvm_domain_create(struct domain *d, u64 end);
/*
 * @d dies, no vcpu of it runs again: some of its tables are freed. True: there are more. And what
 * is left of it all, if anything, with the last reference.
 */
bool __must_check hvm_domain_destroy_some(struct domain *d);
void hvm_domain_destroy(struct domain *d);

/* After root_create_vcpu(): what an HVM vcpu has in its area. -ENOMEM: root_destroy_vcpu() then. */
int __must_check hvm_vcpu_create(struct vcpu *v);

/*
 * Boot, when all CPUs are up: does this machine offer it? Says so, or why not, in one line.
 * hvm_why_not: NULL, or the reason.
 */
void hvm_init(void);
extern const char *hvm_why_not;
