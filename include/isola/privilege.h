/* SPDX-License-Identifier: MIT */
/*
 * Privileges: which domain may have which operation done, and on whom. Asked before anything else
 * is looked at or looked up, so that a refusal says nothing about others (PRIV-1).
 *
 * What is no right but a setting of one kind of domain (asi=, pv-l1tf=) is not here, nor what every
 * domain may do to itself and no domain to another. What an object allows decides itself: a port
 * says who may bind it, a grant entry who may map it.
 */
#pragma once

#include <asm/percpu.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

/* Who may. */
enum privilege_class {
	BY_ANYBODY,             /* for itself; whom it names, if anybody, decides */
	BY_TARGET,              /* the domain that it is about, and the control domain */
	BY_CONTROL,             /* the control domain, about any, itself included */
	BY_HARDWARE,            /* the domain that drives the machine's devices */
};

/* Each operation, once. Where nothing is said, as the Xen 4.17 of the ABI has it. */
#define PRIVILEGES(OP)							\
	/* console */							\
	OP(console_io, BY_CONTROL)					\
	/* the machine */						\
	OP(platform_op, BY_CONTROL)					\
	OP(mca, BY_CONTROL)						\
	OP(sysctl, BY_CONTROL)						\
	OP(domctl, BY_CONTROL)						\
	OP(hypfs, BY_CONTROL)						\
	OP(machine_memory_map, BY_CONTROL)				\
	OP(version_commandline, BY_CONTROL)	/* "<denied>" */	\
	OP(version_build_id, BY_CONTROL)				\
	OP(audit, BY_CONTROL)			/* not in Xen */	\
	/* devices */							\
	OP(map_io_memory, BY_HARDWARE)					\
	OP(io_ports, BY_HARDWARE)					\
	OP(flush_caches, BY_HARDWARE)		/* -EACCES */		\
	OP(choose_cache_type, BY_HARDWARE)	/* in L1 entries */	\
	OP(see_mtrrs, BY_HARDWARE)		/* CPUID shows them */	\
	OP(see_whole_m2p, BY_HARDWARE)					\
	OP(feature_dom0, BY_HARDWARE)					\
	OP(set_iopl, BY_ANYBODY)		/* virtual */		\
	OP(set_iobitmap, BY_ANYBODY)					\
	OP(eoi, BY_ANYBODY)			/* of its own lines */	\
	OP(irq_status_query, BY_ANYBODY)				\
	OP(pirq_eoi_gmfn, BY_ANYBODY)					\
	OP(alloc_irq_vector, BY_ANYBODY)	/* does nothing */	\
	OP(map_pirq, BY_CONTROL)					\
	OP(unmap_pirq, BY_CONTROL)					\
	OP(setup_gsi, BY_CONTROL)					\
	OP(apic_read, BY_CONTROL)					\
	OP(pci_device_add, BY_CONTROL)					\
	OP(pci_device_remove, BY_CONTROL)				\
	OP(manage_pci_add, BY_CONTROL)					\
	OP(manage_pci_add_ext, BY_CONTROL)				\
	OP(manage_pci_remove, BY_CONTROL)				\
	OP(restore_msi, BY_CONTROL)					\
	OP(restore_msi_ext, BY_CONTROL)					\
	OP(prepare_msix, BY_CONTROL)					\
	OP(release_msix, BY_CONTROL)					\
	OP(get_free_pirq, BY_CONTROL)		/* numbers are the machine's */ \
	OP(pci_mmcfg_reserved, BY_CONTROL)				\
	/* a domain's life */						\
	OP(remote_shutdown, BY_CONTROL)					\
	OP(hvm_param, BY_TARGET)		/* by a PV domain */	\
	/* memory */							\
	OP(reservation_read, BY_TARGET)					\
	OP(reservation_change, BY_TARGET)	/* none done */		\
	OP(set_memory_map, BY_TARGET)					\
	OP(get_vnumainfo, BY_TARGET)					\
	OP(exchange, BY_TARGET)						\
	OP(add_to_physmap, BY_TARGET)					\
	OP(name_frames, BY_TARGET)		/* in L1 entries */	\
	OP(change_tables, BY_TARGET)		/* by mmu_update */	\
	OP(claim_pages, BY_CONTROL)					\
	OP(pod_target, BY_CONTROL)					\
	OP(acquire_resource, BY_CONTROL)				\
	OP(dm_op, BY_CONTROL)			/* no stub domains */	\
	/* event channels */						\
	OP(evtchn_alloc_unbound, BY_TARGET)				\
	OP(evtchn_bind_interdomain, BY_ANYBODY)	/* the port decides */	\
	OP(evtchn_status, BY_TARGET)					\
	OP(evtchn_reset, BY_TARGET)					\
	/* grants: by status, but for get_version */			\
	OP(gnttab_setup_table, BY_TARGET)				\
	OP(gnttab_query_size, BY_TARGET)				\
	OP(gnttab_get_version, BY_TARGET)

enum privilege {
#define OP(name, who) MAY_##name,
	PRIVILEGES(OP)
#undef OP
	NR_PRIVILEGES
};

/* Constant: a question about a constant operation costs one test at most. */
static const u8 privilege_class[NR_PRIVILEGES] = {
#define OP(name, who) [MAY_##name] = who,
	PRIVILEGES(OP)
#undef OP
};

/* dom0, which drives the machine's devices, too. */
static __always_inline bool is_control_domain(const struct domain *d)
{
	return d->is_privileged;
}

/* May @d do @op, which is about nobody in particular, or about @d itself? */
static __always_inline bool domain_may(const struct domain *d, enum privilege op)
{
	switch (privilege_class[op]) {
	case BY_CONTROL:
	case BY_HARDWARE:
		return is_control_domain(d);
	default:
		return true;
	}
}

/*
 * May the current domain do @op to the one that it names by @domid? 0 or -EPERM. Whether there is
 * one of that number is not looked at.
 */
static __always_inline int __must_check may_act_on(enum privilege op, domid_t domid)
{
	const struct domain *d = current->domain;
	bool is_self = domid == DOMID_SELF || domid == d->domid;

	if (privilege_class[op] == BY_TARGET)
		return likely(is_self) || is_control_domain(d) ? 0 : -EPERM;
	return domain_may(d, op) ? 0 : -EPERM;
}
