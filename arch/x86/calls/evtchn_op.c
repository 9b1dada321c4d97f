/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: send by itself; a table of the other operations, their argument copied in once,
 * and back where it holds a result.
 */
#include <asm/hypercall.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/nospec.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <xen/event_channel.h>

#define CLOSE_BATCH 64          /* ports closed between two preemption checks */

/* Takes the lock by itself. Progress is in the ports: what is closed stays closed. */
static long reset(struct domain *d, void *arg)
{
	struct evtchn_reset *op = arg;

	if (domain_by_id(op->dom) != d)
		return -ESRCH;
	while (evtchn_close_some(d, CLOSE_BATCH) == CLOSE_BATCH)
		if (hypercall_preempt_check())
			return -ERESTART;
	return 0;
}

#define OP_OUT      1           /* the argument is copied back on success */
#define OP_UNLOCKED 2           /* takes evtchn_lock by itself */

static const struct op {
	long (*fn)(struct domain *d, void *arg);
	u8 bytes;               /* of the argument */
	u8 flags;
} ops[] = {
#define OP(name, flags) [EVTCHNOP_##name] = { evtchn_##name, sizeof(struct evtchn_##name), flags }
	OP(bind_interdomain, OP_OUT),
	OP(bind_virq, OP_OUT),
	OP(bind_pirq, OP_OUT),
	OP(close, 0),
	OP(status, OP_OUT),
	OP(alloc_unbound, OP_OUT),
	OP(bind_ipi, OP_OUT),
	OP(bind_vcpu, 0),
	OP(unmask, 0),
	[EVTCHNOP_reset] = { reset, sizeof(struct evtchn_reset), OP_UNLOCKED },
#undef OP
	/* Not built, politely: FIFO ports (init_control, expand_array, set_priority). */
};

#define MAX_ARG_BYTES sizeof(struct evtchn_status)
static_assert(sizeof(struct evtchn_status) == 24, "the largest argument, without padding");

static long send(u64 arg)
{
	u32 port;

	if (unlikely(copy_from_guest(&port, arg, sizeof(port))))
		return -EFAULT;
	return evtchn_send(current->domain, port);
}
static_assert(sizeof(struct evtchn_send) == sizeof(u32), "a port, and nothing else");

/* All but send. */
static __noinline long by_table(u64 cmd, u64 arg)
{
	u64 buf[DIV_ROUND_UP(MAX_ARG_BYTES, 8)] = { 0 };
	struct domain *d = current->domain;
	const struct op *op;
	long rc;

	if ((u32)cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	op = &ops[index_nospec((u32)cmd, ARRAY_SIZE(ops))];
	if (!op->fn)
		return -ENOSYS;
	if (copy_from_guest(buf, arg, op->bytes))
		return -EFAULT;
	if (op->flags & OP_UNLOCKED) {
		rc = op->fn(d, buf);
	} else {
		spin_lock(&d->evtchn_lock);
		rc = op->fn(d, buf);
		spin_unlock(&d->evtchn_lock);
	}
	if (rc == -ERESTART)
		return hypercall_continue(event_channel_op, cmd, arg);
	if (!rc && (op->flags & OP_OUT) && copy_to_guest(arg, buf, op->bytes))
		rc = -EFAULT;
	return rc;
}

long hc_event_channel_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
	(void)a3, (void)a4, (void)a5, (void)a6;
	return likely((u32)cmd == EVTCHNOP_send) ? send(arg) : by_table(cmd, arg);
}
