/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_domctl: what the control domain asks of one domain. <xen/domctl.h>.
 */
#define __XEN_TOOLS__ 1
#include <isola/domain.h>
#include <isola/errno.h>
#include <asm/control_op.h>
#include <asm/domain_info.h>
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <isola/vcpu.h>
#include <asm/vcpu_affinity.h>
#include <isola/sched.h>
#include <xen/domctl.h>

/* ABI: the first domain whose number is not below the one asked for. */
static long get_domain_info(struct xen_domctl *op)
{
	struct domain *d = get_domain_from(op->domain);

	if (!d)
		return -ESRCH;
	domain_info(d, &op->u.getdomaininfo);
	op->domain = d->domid;
	put_domain(d);
	return 0;
}

static long get_vcpu_info(struct domain *d, struct xen_domctl *op)
{
	return vcpu_info(d, &op->u.getvcpuinfo);
}

/* Caps are not built: 0, none. */
static long scheduler(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->sched_id != XEN_SCHEDULER_CREDIT2)
		return -EINVAL;
	switch (s->cmd) {
	case XEN_DOMCTL_SCHEDOP_getinfo:
		s->u.credit2.weight = sched_weight(d);
		s->u.credit2.cap = 0;
		return 0;
	case XEN_DOMCTL_SCHEDOP_putinfo:
		if (s->u.credit2.cap)
			return -EOPNOTSUPP;
		if (s->u.credit2.weight)
			sched_set_weight(d, s->u.credit2.weight);
		return 0;
	default:
		return -EINVAL;
	}
}

static long get_address_size(struct domain *d __maybe_unused, struct xen_domctl *op)
{
	op->u.address_size.size = 64;
	return 0;
}

/* Oneself cannot be waited for. */
static long pause_domain(struct domain *d, struct xen_domctl *op __maybe_unused)
{
	return d == current->domain ? -EINVAL : domain_pause_by_control(d);
}

static long unpause_domain(struct domain *d, struct xen_domctl *op __maybe_unused)
{
	return domain_unpause_by_control(d);
}

static long get_affinity(struct domain *d, struct xen_domctl *op)
{
	return vcpu_affinity_get(d, &op->u.vcpuaffinity);
}

static long set_affinity(struct domain *d, struct xen_domctl *op)
{
	return vcpu_affinity_set(d, &op->u.vcpuaffinity);
}

static const struct {
	u32 cmd;
	long (*fn)(struct domain *d, struct xen_domctl *op);
} ops[] = {
	{ XEN_DOMCTL_pausedomain, pause_domain },
	{ XEN_DOMCTL_unpausedomain, unpause_domain },
	{ XEN_DOMCTL_setvcpuaffinity, set_affinity },
	{ XEN_DOMCTL_getvcpuinfo, get_vcpu_info },
	{ XEN_DOMCTL_scheduler_op, scheduler },
	{ XEN_DOMCTL_getvcpuaffinity, get_affinity },
	{ XEN_DOMCTL_get_address_size, get_address_size },
};

/* Of the domain that @op names. */
static long do_named(struct xen_domctl *op)
{
	long rc = -ENOSYS;

	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		struct domain *d;

		if (ops[i].cmd != op->cmd)
			continue;
		d = get_domain_by_id(op->domain);
		if (!d)
			return -ESRCH;
		rc = ops[i].fn(d, op);
		put_domain(d);
	}
	return rc;
}

/*
 * 0; -EPERM not the control domain; -EACCES wrong interface version; -EFAULT; -ESRCH no such
 * domain; -ENOSYS; the operation's own.
 */
long hc_domctl(u64 arg)
{
	struct xen_domctl op;
	long rc = control_op_get(MAY_domctl, &op, sizeof(op), arg,
				 XEN_DOMCTL_INTERFACE_VERSION);

	if (rc)
		return rc;
	rc = op.cmd == XEN_DOMCTL_getdomaininfo ? get_domain_info(&op) : do_named(&op);
	return control_op_end(arg, &op, sizeof(op), rc);
}
