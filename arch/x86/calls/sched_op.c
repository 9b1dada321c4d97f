/* SPDX-License-Identifier: MIT */
/*
 * sched_op: yield, block, poll, shutdown, watchdogs.
 *
 * Invariant: a sleeping state is entered first and what is waited for is looked at afterwards
 * (vcpu_sleep() is a full barrier), so an event that comes in between finds a sleeper to wake. The
 * call's result is given before the vcpu sleeps: it has no stack to come back to.
 */
#include <asm/hypercall.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/nospec.h>
#include <isola/privilege.h>
#include <isola/sched.h>
#include <isola/watchdog.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <xen/sched.h>

#define MAX_POLLED 128          /* the ABI's limit */

static long op_yield(u64 arg __maybe_unused)
{
	vcpu_yield();
	return 0;
}

static long op_block(u64 arg __maybe_unused)
{
	WRITE_ONCE(vcpu_info_of(current)->evtchn_upcall_mask, 0);
	if (evtchn_upcall_due())
		return 0;
	vcpu_sleep(VCPU_BLOCKED);
	if (evtchn_upcall_due() || READ_ONCE(current->nmi_pending))
		vcpu_unblock(current);
	return 0;
}

static long op_shutdown(u64 arg)
{
	struct sched_shutdown op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	domain_shutdown(current->domain, op.reason);
	return 0;
}

/* The reason of the end, whenever and however that comes. The first word counts. */
static long op_shutdown_code(u64 arg)
{
	struct sched_shutdown op;
	struct domain *d = current->domain;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (d->shutdown_code == SHUTDOWN_CODE_NONE)
		d->shutdown_code = op.reason;
	return 0;
}

/*
 * Of the control domain, also to itself; there is no other. DOMID_SELF is nobody here, as in Xen.
 */
static long op_remote_shutdown(u64 arg)
{
	struct sched_remote_shutdown op;
	struct domain *d = current->domain;

	if (!domain_may(d, MAY_remote_shutdown))
		return -EPERM;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.domain_id != d->domid)
		return -ESRCH;
	domain_shutdown(d, op.reason);
	return 0;
}

static long op_watchdog(u64 arg)
{
	struct sched_watchdog op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	return watchdog_set(current->domain, op.id, op.timeout);
}

/*
 * Is one of the ports pending, or an upcall due? -EINVAL for a port there is not. Consumes nothing.
 */
static int poll_look(const u32 *ports, u32 nr)
{
	struct domain *d = current->domain;

	if (evtchn_upcall_due())
		return 1;
	for (u32 i = 0; i < nr; i++) {
		if (!evtchn_port_is_valid(d, ports[i]))
			return -EINVAL;
		evtchn_fold_port(d, ports[i]);
		if (evtchn_is_pending(ports[i]))
			return 1;
	}
	return 0;
}

static void poll_enter(const u32 *ports, u32 nr)
{
	struct vcpu *v = current;

	for (u32 i = 0; i < min_t(u32, nr, ARRAY_SIZE(v->polled)); i++)
		WRITE_ONCE(v->polled[i], ports[i]);
	WRITE_ONCE(v->nr_polled, nr);
	__atomic_fetch_or(&v->domain->poll_mask, 1u << v->id, __ATOMIC_SEQ_CST);
	vcpu_sleep(VCPU_POLLING);
}

static long op_poll(u64 arg)
{
	struct sched_poll op;
	u32 ports[MAX_POLLED];
	struct vcpu *v = current;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.nr_ports > MAX_POLLED)
		return -EINVAL;
	if (op.nr_ports &&
	    copy_from_guest(ports, *(u64 *)&op.ports, op.nr_ports * sizeof(ports[0])))
		return -EFAULT;
	rc = poll_look(ports, op.nr_ports);
	if (rc)
		return rc < 0 ? rc : 0;
	timer_stop(&v->poll_timer);
	poll_enter(ports, op.nr_ports);
	if (poll_look(ports, op.nr_ports) || READ_ONCE(v->nmi_pending))
		vcpu_unblock(v);
	else if (op.timeout)
		timer_set(&v->poll_timer, op.timeout);
	return 0;
}

long hc_sched_op(u64 cmd, u64 arg)
{
	/* pin_override is not built. */
	static long (*const ops[])(u64 arg) = {
		[SCHEDOP_yield] = op_yield, [SCHEDOP_block] = op_block,
		[SCHEDOP_shutdown] = op_shutdown, [SCHEDOP_poll] = op_poll,
		[SCHEDOP_shutdown_code] = op_shutdown_code, [SCHEDOP_watchdog] = op_watchdog,
		[SCHEDOP_remote_shutdown] = op_remote_shutdown,
	};

	if ((u32)cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	cmd = index_nospec((u32)cmd, ARRAY_SIZE(ops));
	if (!ops[cmd])
		return -ENOSYS;
	return ops[cmd](arg);
}
