/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_domctl: what the control domain asks of one domain. <xen/domctl.h>.
 */
#define __XEN_TOOLS__ 1
#include <isola/domain.h>
#include <isola/errno.h>
#include <asm/control_op.h>
#include <asm/control_refused.h>
#include <asm/domain_context.h>
#include <asm/domain_destroy.h>
#include <asm/domain_info.h>
#include <asm/domain_make.h>
#include <asm/domain_policy.h>
#include <asm/domain_save.h>
#include <asm/domain_settings.h>
#include <asm/hvm_context.h>
#include <asm/hypercall.h>
#include <asm/log_dirty.h>
#include <asm/percpu.h>
#include <asm/pvclock.h>
#include <isola/vcpu.h>
#include <isola/vcpu_nmi.h>
#include <isola/virq_handler.h>
#include <asm/uaccess.h>
#include <asm/vcpu_affinity.h>
#include <isola/lib/string.h>
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

/* ABI: a number that no domain can have asks for the next. */
static long create_domain(struct xen_domctl *op)
{
	domid_t domid = op->domain && op->domain < DOMID_FIRST_RESERVED ? op->domain : DOMID_ANY;
	struct domain *d;
	long rc = domain_make(domid, &op->u.createdomain, &d);

	if (rc)
		return rc;
	op->domain = d->domid;
	put_domain(d);
	return 0;
}

static long max_vcpus(struct domain *d, struct xen_domctl *op)
{
	return domain_make_vcpus(d, op->u.max_vcpus.max);
}

static long max_mem(struct domain *d, struct xen_domctl *op)
{
	return domain_set_max_mem(d, op->u.max_mem.max_memkb);
}

static long set_handle(struct domain *d, struct xen_domctl *op)
{
	memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
	return 0;
}

static long set_time_offset(struct domain *d, struct xen_domctl *op)
{
	pvclock_set_offset(d, (u64)op->u.settimeoffset.time_offset_seconds);
	return 0;
}

static long get_tsc_info(struct domain *d, struct xen_domctl *op)
{
	domain_get_tsc(d, &op->u.tsc_info);
	return 0;
}

static long get_cpu_policy(struct domain *d, struct xen_domctl *op)
{
	return domain_get_cpu_policy(d, &op->u.cpu_policy);
}

/* What has a file of its own is passed on, with the part of @op that it is about. */
#define PASSED_ON(name, fn, part)						\
static long name(struct domain *d, struct xen_domctl *op)			\
{										\
	return fn(d, &op->u.part);						\
}

PASSED_ON(set_tsc_info, domain_set_tsc, tsc_info)
PASSED_ON(set_cpu_policy, domain_set_cpu_policy, cpu_policy)
PASSED_ON(get_vcpu_info, vcpu_info, getvcpuinfo)
PASSED_ON(get_affinity, vcpu_affinity_get, vcpuaffinity)
PASSED_ON(set_affinity, vcpu_affinity_set, vcpuaffinity)
PASSED_ON(set_vcpu_context, domain_set_vcpu_context, vcpucontext)
PASSED_ON(get_vcpu_context, domain_get_vcpu_context, vcpucontext)
PASSED_ON(page_uses, domain_page_uses, getpageframeinfo3)
PASSED_ON(get_ext_context, domain_get_ext_context, ext_vcpucontext)
PASSED_ON(set_ext_context, domain_set_ext_context, ext_vcpucontext)
PASSED_ON(get_xstate, domain_get_xstate, vcpuextstate)
PASSED_ON(set_xstate, domain_set_xstate, vcpuextstate)
PASSED_ON(get_msrs, domain_get_msrs, vcpu_msrs)
PASSED_ON(set_msrs, domain_set_msrs, vcpu_msrs)
PASSED_ON(shadow_op, domain_log_dirty, shadow_op)
PASSED_ON(get_hvm_context, domain_get_hvm_context, hvmcontext)
PASSED_ON(get_hvm_record, domain_get_hvm_record, hvmcontext_partial)
PASSED_ON(set_hvm_context, domain_set_hvm_context, hvmcontext)
PASSED_ON(get_pool, domain_get_pool, paging_mempool)
PASSED_ON(set_pool, domain_set_pool, paging_mempool)
PASSED_ON(hypercall_init, domain_fill_hypercall_page, hypercall_init)

/* As Xen does, but a cap is refused before the weight is taken. */
static long put_share(struct domain *d, u32 weight, u32 cap)
{
	if (cap > 100 * d->nr_vcpus)
		return -EINVAL;
	if (weight)
		sched_set_weight(d, weight);
	sched_set_cap(d, cap);
	return 0;
}

static long scheduler(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->sched_id != XEN_SCHEDULER_CREDIT2)
		return -EINVAL;
	switch (s->cmd) {
	case XEN_DOMCTL_SCHEDOP_getinfo:
		s->u.credit2.weight = sched_weight(d);
		s->u.credit2.cap = sched_cap(d);
		return 0;
	case XEN_DOMCTL_SCHEDOP_putinfo:
		return put_share(d, s->u.credit2.weight, s->u.credit2.cap);
	default:
		return -EINVAL;
	}
}

/* ABI: compatible ones have 32, which are not built. */
static long set_address_size(struct domain *d __maybe_unused, struct xen_domctl *op)
{
	u32 size = op->u.address_size.size;

	return size == 64 ? 0 : size == 32 ? -EOPNOTSUPP : -EINVAL;
}

static long get_address_size(struct domain *d __maybe_unused, struct xen_domctl *op)
{
	op->u.address_size.size = 64;
	return 0;
}

static long pause_domain(struct domain *d, struct xen_domctl *op __maybe_unused)
{
	return domain_pause_by_control(d);
}

static long unpause_domain(struct domain *d, struct xen_domctl *op __maybe_unused)
{
	return domain_unpause_by_control(d);
}

static long set_nodes(struct domain *d __maybe_unused, struct xen_domctl *op)
{
	return domain_set_nodes(&op->u.nodeaffinity);
}

static long get_nodes(struct domain *d __maybe_unused, struct xen_domctl *op)
{
	return domain_get_nodes(&op->u.nodeaffinity);
}

static long resume(struct domain *d, struct xen_domctl *op __maybe_unused)
{
	return domain_resume(d);
}

static long set_virq_handler(struct domain *d, struct xen_domctl *op)
{
	return set_global_virq_handler(d, op->u.set_virq_handler.virq);
}

/* ABI: a PV domain has no buttons, and no processor that could be reset. */
static long send_trigger(struct domain *d, struct xen_domctl *op)
{
	struct vcpu *v = vcpu_by_id(d, op->u.sendtrigger.vcpu);

	if (!v)
		return -ESRCH;
	switch (op->u.sendtrigger.trigger) {
	case XEN_DOMCTL_SENDTRIGGER_NMI:
		vcpu_send_nmi(v);
		return 0;
	case XEN_DOMCTL_SENDTRIGGER_POWER:
	case XEN_DOMCTL_SENDTRIGGER_SLEEP:
		return -EINVAL;
	default:
		return -ENOSYS;
	}
}

#define NOT_SELF	1u	/* -EINVAL for the caller itself, which cannot wait for itself */
#define PV_ONLY		2u	/* -EOPNOTSUPP for an HVM domain, where it is not built */
static const struct {
	u32 cmd;
	long (*fn)(struct domain *d, struct xen_domctl *op);
	u8 limits;
} ops[] = {
	{ XEN_DOMCTL_pausedomain, pause_domain, NOT_SELF },
	{ XEN_DOMCTL_unpausedomain, unpause_domain, 0 },
	{ XEN_DOMCTL_setvcpuaffinity, set_affinity, 0 },
	{ XEN_DOMCTL_max_mem, max_mem, 0 },
	{ XEN_DOMCTL_setvcpucontext, set_vcpu_context, NOT_SELF },
	{ XEN_DOMCTL_getvcpucontext, get_vcpu_context, NOT_SELF },
	{ XEN_DOMCTL_getvcpuinfo, get_vcpu_info, 0 },
	{ XEN_DOMCTL_max_vcpus, max_vcpus, NOT_SELF },
	{ XEN_DOMCTL_hypercall_init, hypercall_init, NOT_SELF | PV_ONLY },
	{ XEN_DOMCTL_resumedomain, resume, NOT_SELF },
	{ XEN_DOMCTL_sendtrigger, send_trigger, PV_ONLY },
	{ XEN_DOMCTL_shadow_op, shadow_op, NOT_SELF },
	{ XEN_DOMCTL_get_ext_vcpucontext, get_ext_context, NOT_SELF | PV_ONLY },
	{ XEN_DOMCTL_set_ext_vcpucontext, set_ext_context, NOT_SELF | PV_ONLY },
	{ XEN_DOMCTL_getpageframeinfo3, page_uses, NOT_SELF },
	{ XEN_DOMCTL_getvcpuextstate, get_xstate, NOT_SELF | PV_ONLY },
	{ XEN_DOMCTL_setvcpuextstate, set_xstate, NOT_SELF | PV_ONLY },
	{ XEN_DOMCTL_get_vcpu_msrs, get_msrs, NOT_SELF | PV_ONLY },
	{ XEN_DOMCTL_set_vcpu_msrs, set_msrs, NOT_SELF | PV_ONLY },
	{ XEN_DOMCTL_scheduler_op, scheduler, 0 },
	{ XEN_DOMCTL_setdomainhandle, set_handle, 0 },
	{ XEN_DOMCTL_getvcpuaffinity, get_affinity, 0 },
	{ XEN_DOMCTL_set_address_size, set_address_size, 0 },
	{ XEN_DOMCTL_get_address_size, get_address_size, 0 },
	{ XEN_DOMCTL_settimeoffset, set_time_offset, 0 },
	{ XEN_DOMCTL_gettscinfo, get_tsc_info, 0 },
	{ XEN_DOMCTL_settscinfo, set_tsc_info, NOT_SELF },
	{ XEN_DOMCTL_set_virq_handler, set_virq_handler, 0 },
	{ XEN_DOMCTL_setnodeaffinity, set_nodes, 0 },
	{ XEN_DOMCTL_getnodeaffinity, get_nodes, 0 },
	{ XEN_DOMCTL_get_cpu_policy, get_cpu_policy, 0 },
	{ XEN_DOMCTL_set_cpu_policy, set_cpu_policy, NOT_SELF },
	{ XEN_DOMCTL_gethvmcontext, get_hvm_context, NOT_SELF },
	{ XEN_DOMCTL_sethvmcontext, set_hvm_context, NOT_SELF },
	{ XEN_DOMCTL_gethvmcontext_partial, get_hvm_record, NOT_SELF },
	{ XEN_DOMCTL_get_paging_mempool_size, get_pool, 0 },
	{ XEN_DOMCTL_set_paging_mempool_size, set_pool, 0 },
};

static long do_op(struct domain *d, struct xen_domctl *op)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		if (ops[i].cmd != op->cmd)
			continue;
		if (ops[i].limits & NOT_SELF && d == current->domain)
			return -EINVAL;
		return ops[i].limits & PV_ONLY && d->hvm ? -EOPNOTSUPP : ops[i].fn(d, op);
	}
	return domctl_refused(op);
}

/* ABI: the domain that @op names is looked for before the operation is. */
static long do_named(struct xen_domctl *op)
{
	struct domain *d = get_domain_by_id(op->domain);
	long rc;

	if (!d)
		return -ESRCH;
	rc = do_op(d, op);
	put_domain(d);
	return rc;
}

/*
 * One at a time, as in Xen: a domain is not taken apart while it is filled. Nobody waits: who finds
 * another at work goes on later.
 */
static bool is_busy;

bool domctl_begin(void)
{
	return !__atomic_exchange_n(&is_busy, true, __ATOMIC_ACQUIRE);
}

void domctl_end(void)
{
	__atomic_store_n(&is_busy, false, __ATOMIC_RELEASE);
}

/*
 * 0; -EPERM not the control domain; -EACCES wrong interface version; -EFAULT; -ESRCH no such
 * domain; what is not built: control_refused.h; the operation's own.
 */
long hc_domctl(u64 arg)
{
	struct xen_domctl op;
	long rc = control_op_get(MAY_domctl, &op, sizeof(op), arg,
				 XEN_DOMCTL_INTERFACE_VERSION);

	if (rc)
		return rc;
	if (!domctl_begin())
		return hypercall_continue(domctl, arg);
	switch (op.cmd) {
	case XEN_DOMCTL_createdomain:
		rc = create_domain(&op);
		break;
	case XEN_DOMCTL_destroydomain:
		rc = domain_destroy_by_control(op.domain);
		break;
	case XEN_DOMCTL_getdomaininfo:
		rc = get_domain_info(&op);
		break;
	default:
		rc = do_named(&op);
	}
	domctl_end();
	if (rc == -ERESTART)
		return hypercall_continue(domctl, arg);
	/* ABI: it says which leaf or MSR was refused. */
	if (rc && op.cmd == XEN_DOMCTL_set_cpu_policy && copy_to_guest(arg, &op, sizeof(op)))
		return -EFAULT;
	return control_op_end(arg, &op, sizeof(op), rc);
}
