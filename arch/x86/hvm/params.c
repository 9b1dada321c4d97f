/* SPDX-License-Identifier: MIT */
/*
 * hvm_op: parameters, and the time. <xen/hvm/hvm_op.h>, <xen/hvm/params.h>.
 */
#include <isola/clock.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <asm/hvm.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <xen/hvm/hvm_op.h>

#define CALLBACK_TYPE(val)	((val) >> 56)

/*
 * The way in which a guest is told of an upcall: 0, none, or a vector. A GSI is taken, and nothing
 * comes by it, as there is no I/O APIC: Linux names one, for show, beside vectors of its vcpus'
 * own.
 */
static long set_callback(struct domain *d, u64 val)
{
	u8 vector = CALLBACK_TYPE(val) == HVM_PARAM_CALLBACK_TYPE_VECTOR ? val : 0;

	if (CALLBACK_TYPE(val) != HVM_PARAM_CALLBACK_TYPE_GSI && vector < 16)
		return -EOPNOTSUPP;
	d->hvm->param[HVM_PARAM_CALLBACK_IRQ] = val;
	WRITE_ONCE(d->hvm->callback_vector, vector);
	return 0;
}

/* What a guest may read, and write: those without a function are kept for it, and do nothing. */
static const struct {
	u8 index;
	bool may_write;
	long (*set)(struct domain *d, u64 val);
} rows[] = {
	{ HVM_PARAM_CALLBACK_IRQ, true, set_callback },
	{ HVM_PARAM_STORE_PFN, false, NULL }, { HVM_PARAM_STORE_EVTCHN, true, NULL },
	{ HVM_PARAM_CONSOLE_PFN, false, NULL }, { HVM_PARAM_CONSOLE_EVTCHN, true, NULL },
	{ HVM_PARAM_VM86_TSS, true, NULL }, { HVM_PARAM_VM86_TSS_SIZED, true, NULL },
	{ HVM_PARAM_VM_GENERATION_ID_ADDR, true, NULL },
};

/* Its row; -1: it is not a guest's. */
static int row_of(u32 index)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].index == index)
			return i;
	return -1;
}

static long set(struct domain *d, u32 index, u64 val)
{
	int row = row_of(index);

	if (row < 0 || !rows[row].may_write)
		return -EPERM;
	if (rows[row].set)
		return rows[row].set(d, val);
	WRITE_ONCE(d->hvm->param[index], val);
	return 0;
}

/* -EINVAL: no such number; -EPERM: not a guest's. */
static long param(bool write, u64 arg)
{
	struct domain *d = current->domain;
	struct xen_hvm_param op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.index >= HVM_NR_PARAMS)
		return -EINVAL;
	if (op.domid != DOMID_SELF && op.domid != d->domid)
		return -EPERM;
	op.index = index_nospec(op.index, HVM_NR_PARAMS);
	if (write)
		return set(d, op.index, op.value);
	if (row_of(op.index) < 0)
		return -EPERM;
	op.value = READ_ONCE(d->hvm->param[op.index]);
	return copy_to_guest(arg, &op, sizeof(op));
}

static long get_time(u64 arg)
{
	struct xen_hvm_get_time op = { .now = now_ns() };

	return copy_to_guest(arg, &op, sizeof(op));
}

/* The vector of a vcpu's upcalls, by its local APIC; it is told at once, whatever is pending. */
static long set_upcall_vector(u64 arg)
{
	struct domain *d = current->domain;
	struct xen_hvm_evtchn_upcall_vector op;
	struct vcpu *v;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.vector < 16)
		return -EINVAL;
	v = vcpu_by_id(d, op.vcpu);
	if (!v)
		return -ENOENT;
	WRITE_ONCE(d->hvm->vcpu[v->id]->upcall_vector, op.vector);
	vlapic_post(v, op.vector);
	return 0;
}

long hvm_hvm_op(u64 cmd, u64 arg)
{
	switch ((u32)cmd) {
	case HVMOP_set_param:
		return param(true, arg);
	case HVMOP_get_param:
		return param(false, arg);
	case HVMOP_set_evtchn_upcall_vector:
		return set_upcall_vector(arg);
	case HVMOP_get_time:
		return get_time(arg);
	default:
		return -ENOSYS;
	}
}
