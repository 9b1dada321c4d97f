/* SPDX-License-Identifier: MIT */
/*
 * Domains that the control domain makes: asm/domain_make.h.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lib/string.h>
#include <isola/printk.h>
#include <asm/domain_make.h>
#include <asm/gnttab.h>
#include <asm/hvm.h>
#include <asm/pv_domain.h>
#include <xen/domctl.h>

/* What means nothing here, and may be said. */
#define FLAGS_TAKEN	(XEN_DOMCTL_CDF_s3_integrity | XEN_DOMCTL_CDF_oos_off)
#define FLAGS_HVM	(XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap)	/* both or none */
#define POOL_PAGES	256u		/* that an HVM domain's tables begin with, as in Xen */
#define GRANT_VERSION	1u		/* what there is */
#define HANDLES_PER_FRAME 256u		/* of a mapper's table, as the ABI's limit counts them */

static_assert(sizeof(xen_domain_handle_t) == DOMAIN_HANDLE_BYTES, "the ABI's");

/* A limit of the ABI's: below 0 it is @most. False: it is beyond that. */
static bool take_limit(s32 asked, u32 most, u32 *limit)
{
	*limit = asked < 0 ? most : (u32)asked;
	return *limit <= most;
}

struct limits {
	u32 grant_frames, maptrack_frames;
};

/* Of type=pvh; type=hvm wants devices that are not built. */
static long check_kind(const struct xen_domctl_createdomain *c)
{
	u32 kind = c->flags & FLAGS_HVM;

	if (!kind)
		return c->arch.emulation_flags ? -EINVAL : 0;
	if (kind != FLAGS_HVM || !hvm)
		return -EINVAL;
	if (c->arch.emulation_flags == XEN_X86_EMU_LAPIC)
		return 0;
	pr_info("A domain of type=hvm is not made: emulated devices (%#x) are not built",
		c->arch.emulation_flags);
	return -EOPNOTSUPP;
}

/* Everything that can be refused is, before there is a domain. */
static long check(const struct xen_domctl_createdomain *c, struct limits *l)
{
	long rc = check_kind(c);

	if (rc)
		return rc;
	if (c->flags & ~(FLAGS_TAKEN | FLAGS_HVM) || c->iommu_opts || c->vmtrace_size)
		return -EINVAL;
	if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS)
		return -EINVAL;
	if (c->arch.misc_flags & ~XEN_X86_MSR_RELAXED)
		return -EINVAL;
	if (c->cpupool_id)
		return -ENOENT;
	if (c->grant_opts != XEN_DOMCTL_GRANT_version(GRANT_VERSION))
		return -EINVAL;
	if (!take_limit(c->max_grant_frames, GNTTAB_MAX_FRAMES, &l->grant_frames) ||
	    !take_limit(c->max_maptrack_frames, 1024, &l->maptrack_frames) || !l->grant_frames)
		return -EINVAL;
	return 0;
}

static void configure(struct domain *d, const struct xen_domctl_createdomain *c)
{
	d->max_vcpus = c->max_vcpus;
	d->msr_relaxed = c->arch.misc_flags & XEN_X86_MSR_RELAXED;
	d->control_pauses = 1;
	memcpy(d->handle, c->handle, sizeof(d->handle));
	evtchn_limit(d, c->max_evtchn_port);
}

/* All gfns that there are: its pool bounds what it takes to name them. */
static int make_hvm(struct domain *d)
{
	if (hvm_domain_create(d, ~0ul))
		return -ENOMEM;
	d->hvm->p2m.max_tables = POOL_PAGES;
	return 0;
}

static void configure_grants(struct grant_table *t, const struct limits *l)
{
	t->max_frames = l->grant_frames;
	t->max_handles = min(t->max_handles, l->maptrack_frames * HANDLES_PER_FRAME);
}

long domain_make(domid_t domid, struct xen_domctl_createdomain *config, struct domain **made)
{
	struct limits l;
	struct domain *d;
	long rc = check(config, &l);

	if (!rc)
		rc = domain_create(domid, false, &d);
	if (rc)
		return rc;
	configure(d, config);
	if ((config->flags & XEN_DOMCTL_CDF_hvm && make_hvm(d)) || pv_domain_make_parts(d)) {
		pv_domain_abandon(d);
		return -ENOMEM;
	}
	configure_grants(d->grants, &l);
	if (!d->hvm)
		config->flags |= XEN_DOMCTL_CDF_oos_off;	/* ABI: PV domains always have it */
	get_knownalive_domain(d);
	domain_count(d);
	domain_show(d);
	*made = d;
	return 0;
}

long domain_make_vcpus(struct domain *d, u32 nr)
{
	return nr == d->max_vcpus ? pv_domain_make_vcpus(d) : -EINVAL;
}
