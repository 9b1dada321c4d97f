/* SPDX-License-Identifier: MIT */
/*
 * What is not built, and how that is said: as Debian's Xen 4.17 says it of a PV domain, on a
 * machine without the hardware that the call is about. A tool then says why, and goes on. What
 * would switch something on succeeds if it is to be off.
 */
#define __XEN_TOOLS__ 1
#include <asm/control_refused.h>
#include <isola/errno.h>
#include <asm/percpu.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

struct answer {
	u32 cmd;
	int rc;
};

static const struct answer domctls[] = {
	/* Nobody has a device, a line or a port to pass on but dom0, which keeps them. */
	{ XEN_DOMCTL_irq_permission, -EPERM },
	{ XEN_DOMCTL_iomem_permission, -EPERM },
	{ XEN_DOMCTL_ioport_permission, -EINVAL },
	{ XEN_DOMCTL_assign_device, -EOPNOTSUPP },
	{ XEN_DOMCTL_test_assign_device, -EOPNOTSUPP },
	{ XEN_DOMCTL_deassign_device, -EOPNOTSUPP },
	{ XEN_DOMCTL_get_device_group, -EOPNOTSUPP },
	{ XEN_DOMCTL_bind_pt_irq, -EINVAL },
	{ XEN_DOMCTL_unbind_pt_irq, -EINVAL },
	{ XEN_DOMCTL_memory_mapping, -EINVAL },
	{ XEN_DOMCTL_ioport_mapping, -EOPNOTSUPP },
	/* Of hardware-assisted domains. */
	{ XEN_DOMCTL_soft_reset, -EINVAL },
	{ XEN_DOMCTL_set_target, -EOPNOTSUPP },
	{ XEN_DOMCTL_debug_op, -EINVAL },
	{ XEN_DOMCTL_set_broken_page_p2m, -EINVAL },
	{ XEN_DOMCTL_monitor_op, -EOPNOTSUPP },
	{ XEN_DOMCTL_vmtrace_op, -EINVAL },
	/* Of several nodes, and of processors that can be told to share their caches. */
	{ XEN_DOMCTL_setvnumainfo, -EINVAL },
	{ XEN_DOMCTL_psr_cmt_op, -ENODEV },
	{ XEN_DOMCTL_psr_alloc, -ENODEV },
};

static const struct answer sysctls[] = {
	{ XEN_SYSCTL_get_pmstat, -ENODEV },
	{ XEN_SYSCTL_coverage_op, -EOPNOTSUPP },
	{ XEN_SYSCTL_psr_cmt_op, -ENODEV },
	{ XEN_SYSCTL_psr_alloc, -ENODEV },
	{ XEN_SYSCTL_pcitopoinfo, -EINVAL },
};

static long find(const struct answer *a, unsigned nr, u32 cmd)
{
	for (unsigned i = 0; i < nr; i++)
		if (a[i].cmd == cmd)
			return a[i].rc;
	return -ENOSYS;
}

/* To switch off what is never on succeeds. */
static long only_off(bool on)
{
	return on ? -EOPNOTSUPP : 0;
}

long domctl_refused(const struct xen_domctl *op)
{
	switch (op->cmd) {
	case XEN_DOMCTL_setdebugging:
		return only_off(op->u.setdebugging.enable);
	case XEN_DOMCTL_set_access_required:
		return only_off(op->u.access_required.access_required);
	default:
		return find(domctls, ARRAY_SIZE(domctls), op->cmd);
	}
}

/* CPUs stay as they are: one that there is is on. */
static long hotplug(const struct xen_sysctl_cpu_hotplug *h)
{
	if (h->op != XEN_SYSCTL_CPU_HOTPLUG_ONLINE)
		return -EOPNOTSUPP;
	return h->cpu < nr_cpus ? -EEXIST : -EINVAL;
}

long sysctl_refused(const struct xen_sysctl *op)
{
	if (op->cmd == XEN_SYSCTL_cpu_hotplug)
		return hotplug(&op->u.cpu_hotplug);
	return find(sysctls, ARRAY_SIZE(sysctls), op->cmd);
}
