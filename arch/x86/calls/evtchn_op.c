/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: a function for each operation, its argument copied in once, and back where it
 * holds a result.
 */
#include <asm/hypercall.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/nospec.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <xen/event_channel.h>

#define CLOSE_BATCH 64          /* ports closed between two preemption checks */

/*
 * Each by its structure: it is copied in, worked on under the lock (@operand: what the function
 * takes of it), and on success it is copied @back FROM a member to its end.
 */
#define OP(name, operand, back)						\
static long do_##name(u64 cmd __maybe_unused, u64 arg)			\
{									\
	struct domain *d = current->domain;				\
	struct evtchn_##name op;					\
	long rc;							\
									\
	if (unlikely(copy_from_guest(&op, arg, sizeof(op))))		\
		return -EFAULT;						\
	spin_lock(&d->evtchn_lock);					\
	rc = evtchn_##name(d, operand);					\
	spin_unlock(&d->evtchn_lock);					\
	return rc ? rc : back;						\
}
#define FROM(member)							\
	copy_to_guest(arg + offsetof(typeof(op), member),		\
		      (char *)&op + offsetof(typeof(op), member),	\
		      sizeof(op) - offsetof(typeof(op), member))
OP(bind_interdomain, &op, FROM(local_port))
OP(bind_virq, &op, FROM(port))
OP(bind_pirq, &op, FROM(port))
OP(close, op.port, 0)
OP(status, &op, FROM(dom))
OP(alloc_unbound, &op, FROM(port))
OP(bind_ipi, &op, FROM(port))
OP(bind_vcpu, &op, 0)
OP(unmask, op.port, 0)
#undef FROM
#undef OP

static __always_inline long send(u64 arg)
{
	struct evtchn_send op;

	if (unlikely(copy_from_guest(&op, arg, sizeof(op))))
		return -EFAULT;
	return evtchn_send(current->domain, op.port);
}

/*
 * The lock is taken for so many ports at a time. Progress is in the ports: what is closed stays
 * closed.
 */
static long do_reset(u64 cmd, u64 arg)
{
	struct evtchn_reset op;
	struct domain *d = current->domain;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.dom != DOMID_SELF && op.dom != d->domid)
		return refuse_other(MAY_evtchn_reset, op.dom);
	while (evtchn_close_some(d, CLOSE_BATCH) == CLOSE_BATCH)
		if (hypercall_preempt_check())
			return hypercall_continue(event_channel_op, cmd, arg);
	return 0;
}

/* All but send. */
static long (*const ops[])(u64 cmd, u64 arg) = {
	[EVTCHNOP_bind_interdomain] = do_bind_interdomain,
	[EVTCHNOP_bind_virq] = do_bind_virq,
	[EVTCHNOP_bind_pirq] = do_bind_pirq,
	[EVTCHNOP_close] = do_close,
	[EVTCHNOP_status] = do_status,
	[EVTCHNOP_alloc_unbound] = do_alloc_unbound,
	[EVTCHNOP_bind_ipi] = do_bind_ipi,
	[EVTCHNOP_bind_vcpu] = do_bind_vcpu,
	[EVTCHNOP_unmask] = do_unmask,
	[EVTCHNOP_reset] = do_reset,
	/* Not built, politely: FIFO ports (init_control, expand_array, set_priority). */
};

long hc_event_channel_op(u64 cmd, u64 arg)
{
	if (likely((u32)cmd == EVTCHNOP_send))
		return send(arg);
	if ((u32)cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	cmd = index_nospec((u32)cmd, ARRAY_SIZE(ops));
	return ops[cmd] ? ops[cmd](cmd, arg) : -ENOSYS;
}
