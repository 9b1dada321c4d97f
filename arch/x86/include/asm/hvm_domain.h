/* SPDX-License-Identifier: MIT */
/*
 * What a domain has that runs with the processor's own assistance (PVH), beside what every domain
 * has. A public object: numbers. It comes before the domain's vcpus and lasts as long as it.
 */
#pragma once

#include <isola/domain.h>
#include <asm/p2m.h>
#include <xen/hvm/params.h>

struct hvm_domain {
	struct p2m p2m;
	u64 ram_end;			/* RAM is gfns below it */
	u64 shared_info_gfn;		/* where it has shared_info; ~0: nowhere */
	/* the vector that an upcall is, level-like, by HVM_PARAM_CALLBACK_IRQ; 0: none */
	u8 callback_vector;
	u64 param[HVM_NR_PARAMS];	/* as the guest set or is told them */
};

static inline bool is_hvm_domain(const struct domain *d) { return d->hvm; }

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
