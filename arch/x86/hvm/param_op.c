/* SPDX-License-Identifier: MIT */
/*
 * hvm_op of a PV domain: the control domain's, which sets and reads the parameters of HVM domains.
 * <xen/hvm/hvm_op.h>, <xen/hvm/params.h>. A guest's own: params.c.
 */
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <asm/hvm_domain.h>
#include <asm/hypercall.h>
#include <asm/uaccess.h>
#include <xen/hvm/hvm_op.h>

/*
 * Those that can be set, and the most that can be. Where things lie, and by which ports, the guest
 * reads; rings of devices that there are none of, and how time is told to guests with a PIT, are
 * nobody's.
 */
static const struct {
	u32 index;
	u64 most;
} settable[] = {
	{ HVM_PARAM_STORE_PFN, ~0ul }, { HVM_PARAM_STORE_EVTCHN, ~0u },
	{ HVM_PARAM_CONSOLE_PFN, ~0ul }, { HVM_PARAM_CONSOLE_EVTCHN, ~0u },
	{ HVM_PARAM_IOREQ_PFN, ~0ul }, { HVM_PARAM_BUFIOREQ_PFN, ~0ul },
	{ HVM_PARAM_IDENT_PT, ~0ul }, { HVM_PARAM_PAGING_RING_PFN, ~0ul },
	{ HVM_PARAM_MONITOR_RING_PFN, ~0ul }, { HVM_PARAM_SHARING_RING_PFN, ~0ul },
	{ HVM_PARAM_TIMER_MODE, HVMPTM_one_missed_tick_pending },
	{ HVM_PARAM_ALTP2M, XEN_ALTP2M_disabled }, { HVM_PARAM_VIRIDIAN, 0 },
};

static long set(struct domain *d, const struct xen_hvm_param *op)
{
	for (unsigned i = 0; i < ARRAY_SIZE(settable); i++) {
		if (settable[i].index != op->index)
			continue;
		if (op->value > settable[i].most)
			return -EINVAL;
		WRITE_ONCE(d->hvm->param[index_nospec(op->index, HVM_NR_PARAMS)], op->value);
		return 0;
	}
	return -EOPNOTSUPP;
}

static long get(struct domain *d, struct xen_hvm_param *op, u64 arg)
{
	op->value = READ_ONCE(d->hvm->param[index_nospec(op->index, HVM_NR_PARAMS)]);
	return copy_to_guest(arg, op, sizeof(*op));
}

/* -EPERM: not the caller's to name; -EINVAL: no such parameter, or no HVM domain; -ESRCH. */
static long param(bool write, u64 arg)
{
	struct xen_hvm_param op;
	struct domain *d;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_target_domain(MAY_hvm_param, op.domid, &d);
	if (rc)
		return rc;
	if (!d->hvm || op.index >= HVM_NR_PARAMS)
		rc = -EINVAL;
	else
		rc = write ? set(d, &op) : get(d, &op, arg);
	put_named_domain(d);
	return rc;
}

long hc_hvm_op(u64 cmd, u64 arg)
{
	switch ((u32)cmd) {
	case HVMOP_set_param:
		return param(true, arg);
	case HVMOP_get_param:
		return param(false, arg);
	default:
		return -ENOSYS;
	}
}
