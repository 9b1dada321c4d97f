/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: a table of operations, their argument copied in once, and back where it holds a result.
 */
#include <asm/hypercall.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
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

static const struct op {
	long (*fn)(struct domain *d, void *arg);
	u8 bytes;               /* of the argument */
	bool out;               /* copied back on success */
	bool unlocked;          /* takes evtchn_lock by itself */
} ops[] = {
	[EVTCHNOP_bind_interdomain] = { evtchn_bind_interdomain, sizeof(struct evtchn_bind_interdomain), true, false },
	[EVTCHNOP_bind_virq]        = { evtchn_bind_virq, sizeof(struct evtchn_bind_virq), true, false },
	[EVTCHNOP_close]            = { evtchn_close, sizeof(struct evtchn_close), false, false },
	[EVTCHNOP_send]             = { evtchn_send, sizeof(struct evtchn_send), false, false },
	[EVTCHNOP_status]           = { evtchn_status, sizeof(struct evtchn_status), true, false },
	[EVTCHNOP_alloc_unbound]    = { evtchn_alloc_unbound, sizeof(struct evtchn_alloc_unbound), true, false },
	[EVTCHNOP_bind_ipi]         = { evtchn_bind_ipi, sizeof(struct evtchn_bind_ipi), true, false },
	[EVTCHNOP_bind_vcpu]        = { evtchn_bind_vcpu, sizeof(struct evtchn_bind_vcpu), false, false },
	[EVTCHNOP_unmask]           = { evtchn_unmask, sizeof(struct evtchn_unmask), false, false },
	[EVTCHNOP_reset]            = { reset, sizeof(struct evtchn_reset), false, true },
	/* Not built, politely: bind_pirq (no interrupts for guests yet), FIFO ports (init_control, expand_array, set_priority). */
};

#define MAX_ARG_BYTES sizeof(struct evtchn_status)
static_assert(sizeof(struct evtchn_status) == 24, "the largest argument, without padding");

long hc_event_channel_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
	u64 buf[DIV_ROUND_UP(MAX_ARG_BYTES, 8)] = { 0 };
	struct domain *d = current->domain;
	const struct op *op;
	long rc;

	(void)a3, (void)a4, (void)a5, (void)a6;
	if ((u32)cmd >= ARRAY_SIZE(ops) || !ops[(u32)cmd].fn)
		return -ENOSYS;
	op = &ops[(u32)cmd];
	if (copy_from_guest(buf, arg, op->bytes))
		return -EFAULT;
	if (op->unlocked) {
		rc = op->fn(d, buf);
	} else {
		spin_lock(&d->evtchn_lock);
		rc = op->fn(d, buf);
		spin_unlock(&d->evtchn_lock);
	}
	if (rc == -ERESTART)
		return hypercall_continue(__HYPERVISOR_event_channel_op, cmd, arg, 0, 0, 0);
	if (!rc && op->out && copy_to_guest(arg, buf, op->bytes))
		rc = -EFAULT;
	return rc;
}
