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
 * takes of it), and on success it is copied @back FROM a member to its end. OP: about the caller;
 * OP_TARGET: about the domain that it names by op.dom.
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
#define OP_TARGET(name, back)						\
static long do_##name(u64 cmd __maybe_unused, u64 arg)			\
{									\
	struct evtchn_##name op;					\
	struct domain *d;						\
	long rc;							\
									\
	if (unlikely(copy_from_guest(&op, arg, sizeof(op))))		\
		return -EFAULT;						\
	rc = get_target_domain(MAY_evtchn_##name, op.dom, &d);		\
	if (rc)								\
		return rc;						\
	spin_lock(&d->evtchn_lock);					\
	rc = evtchn_##name(d, &op);					\
	spin_unlock(&d->evtchn_lock);					\
	put_named_domain(d);						\
	return rc ? rc : back;						\
}
#define FROM(member)							\
	copy_to_guest(arg + offsetof(typeof(op), member),		\
		      (char *)&op + offsetof(typeof(op), member),	\
		      sizeof(op) - offsetof(typeof(op), member))
OP_TARGET(alloc_unbound, FROM(port))
OP_TARGET(status, FROM(dom))
OP(bind_virq, &op, FROM(port))
OP(bind_pirq, &op, FROM(port))
OP(bind_ipi, &op, FROM(port))
OP(bind_vcpu, &op, 0)
OP(unmask, op.port, 0)

/* Anybody may name anybody: the port says who may bind it. */
static long do_bind_interdomain(u64 cmd __maybe_unused, u64 arg)
{
	struct domain *d = current->domain, *rd;
	struct evtchn_bind_interdomain op;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rd = get_named_domain(op.remote_dom);
	if (!rd)
		return -ESRCH;
	spin_lock_pair(&d->evtchn_lock, &rd->evtchn_lock);
	rc = evtchn_bind_interdomain(d, rd, &op);
	spin_unlock_pair(&d->evtchn_lock, &rd->evtchn_lock);
	put_named_domain(rd);
	return rc ? rc : FROM(local_port);
}
#undef FROM
#undef OP_TARGET
#undef OP

static long do_close(u64 cmd __maybe_unused, u64 arg)
{
	struct evtchn_close op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	return evtchn_close(current->domain, op.port);
}

static __always_inline long send(u64 arg)
{
	struct evtchn_send op;
	long rc;

	if (unlikely(copy_from_guest(&op, arg, sizeof(op))))
		return -EFAULT;
	rc = evtchn_send(current->domain, op.port);
	return likely(rc != -ERESTART) ? rc :
		       hypercall_continue(event_channel_op, EVTCHNOP_send, arg);
}

/*
 * So many ports at a time. Progress is in the ports: what is closed stays closed. Another domain's,
 * only while the control domain has it paused; there is no call for that yet (domctl).
 */
static long do_reset(u64 cmd, u64 arg)
{
	struct evtchn_reset op;
	struct domain *d;
	bool is_self;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_target_domain(MAY_evtchn_reset, op.dom, &d);
	if (rc)
		return rc;
	is_self = d == current->domain;
	put_named_domain(d);
	if (!is_self)
		return -EINVAL;
	while (evtchn_close_some(d, CLOSE_BATCH) == CLOSE_BATCH)
		if (hypercall_preempt_check())
			return hypercall_continue(event_channel_op, cmd, arg);
	return 0;
}

/* All but send. As many as a mask can tell apart (nospec.h). */
static long (*const ops[16])(u64 cmd, u64 arg) = {
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
