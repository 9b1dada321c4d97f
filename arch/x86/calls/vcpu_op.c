/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op: what a domain asks about, and does to, its own vcpus.
 *
 * Invariant: another vcpu is reached through its public part only; whatever its guest must be shown
 * is shown by itself, at its next switch-in. A registered vcpu_info frame keeps one general and one
 * writable type reference for the domain's life.
 */
#include <asm/hypercall.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/evtchn_deliver.h>
#include <isola/nospec.h>
#include <isola/sched.h>
#include <isola/time.h>
#include <isola/vcpu_nmi.h>
#include <isola/vcpu_timer.h>
#include <asm/hvm_domain.h>
#include <asm/insn.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/cpu_ids.h>
#include <asm/pvclock.h>
#include <asm/runstate.h>
#include <asm/uaccess.h>
#include <asm/vcpu_context.h>
#include <asm/vcpu_private.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define MIN_PERIOD MILLISECS(1)         /* the ABI allows to refuse shorter ones (TIM-1) */
#define MAX_PERIOD (~0ul >> 2)

/* 5 KiB of context on the stack: nothing below here is deep. */
static long op_initialise(struct vcpu *v, u64 arg)
{
	struct vcpu_guest_context c;
	int rc;

	if (v->initialised)
		return -EEXIST;
	if (copy_from_guest(&c, arg, sizeof(c)))
		return -EFAULT;
	rc = page_type_finish_parked();
	if (!rc)
		rc = vcpu_set_context(v, &c);
	return rc;
}

static long op_up(struct vcpu *v, u64 arg __maybe_unused)
{
	if (!v->initialised)
		return -EINVAL;
	vcpu_up(v); /* DOWN -> RUNNABLE; a vcpu that is up is left as it is by its state */
	return 0;
}

/* What the guest is told: that it has gone down, whether or not it has left its CPU. */
static bool is_down(const struct vcpu *v)
{
	return READ_ONCE(v->state) == VCPU_DOWN;
}

/* The last one down is the end of the domain: nobody could bring one up again. */
static long op_down(struct vcpu *v, u64 arg __maybe_unused)
{
	struct domain *d = v->domain;
	bool others = false;

	for (unsigned i = 0; i < d->nr_vcpus; i++)
		others |= d->vcpu[i] != v && !is_down(d->vcpu[i]);
	if (!others) {
		domain_last_vcpu_down(d);
		return 0;
	}
	timer_stop(&v->periodic_timer);
	if (v == current)
		vcpu_sleep(VCPU_DOWN);
	else
		vcpu_stop(v, VCPU_DOWN);
	return 0;
}

static long op_is_up(struct vcpu *v, u64 arg __maybe_unused)
{
	return !is_down(v);
}

static long op_get_runstate(struct vcpu *v, u64 arg)
{
	struct vcpu_runstate_info info;

	vcpu_runstate_get(v, &info);
	return copy_to_guest(arg, &info, sizeof(info));
}

static long op_register_runstate(struct vcpu *v, u64 arg)
{
	struct vcpu_register_runstate_memory_area op;
	struct vcpu_runstate_info info;
	u64 va;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	va = op.addr.p;
	if (!guest_range_ok(va, sizeof(info)))
		return -EFAULT;
	WRITE_ONCE(v->runstate_va, va);
	if (v == current) {
		runstate_publish();
	} else if (va) {
		vcpu_runstate_get(v, &info);
		if (copy_to_guest(va, &info, sizeof(info)))
			/* registered all the same: it may be mapped by the time it is used */
			return 0;
	}
	return 0;
}

static long op_set_periodic(struct vcpu *v, u64 arg)
{
	struct vcpu_set_periodic_timer op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.period_ns < MIN_PERIOD || op.period_ns > MAX_PERIOD)
		return -EINVAL;
	vcpu_periodic_set(v, op.period_ns);
	return 0;
}

static long op_stop_periodic(struct vcpu *v, u64 arg __maybe_unused)
{
	vcpu_periodic_set(v, 0);
	return 0;
}

static long op_set_singleshot(struct vcpu *v, u64 arg)
{
	struct vcpu_set_singleshot_timer op;

	if (v != current)
		return -EINVAL;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.timeout_abs_ns < now_ns()) {
		if (op.flags & VCPU_SSHOTTMR_future)
			return -ETIME;
		timer_stop(&v->singleshot_timer);
		send_vcpu_virq(v, VIRQ_TIMER);
		return 0;
	}
	timer_set(&v->singleshot_timer, op.timeout_abs_ns);
	return 0;
}

static long op_stop_singleshot(struct vcpu *v, u64 arg __maybe_unused)
{
	if (v != current)
		return -EINVAL;
	timer_stop(&v->singleshot_timer);
	return 0;
}

/*
 * Make @maddr v's vcpu_info: contents move, everything is pending once more (a spurious upcall is
 * what the ABI promises). Under evtchn_lock; who sends meanwhile sees the old place or the new one,
 * before everything is made pending.
 */
static void move_vcpu_info(struct vcpu *v, u64 maddr)
{
	struct vcpu_info *from, *to = (struct vcpu_info *)(VA_WINDOW + maddr);

	spin_lock(&v->domain->evtchn_lock);
	from = vcpu_info_of(v);
	*to = *from;
	if (v != current && !v->initialised && !is_hvm_domain(v->domain))
		to->evtchn_upcall_mask = 1;
	WRITE_ONCE(v->vcpu_info_maddr, maddr);
	evtchn_wait_for_senders();
	WRITE_ONCE(to->evtchn_pending_sel, ~0ul);
	WRITE_ONCE(to->evtchn_upcall_pending, 1);
	spin_unlock(&v->domain->evtchn_lock);
	WRITE_ONCE(v->event_check, 1);
}

static long op_register_vcpu_info(struct vcpu *v, u64 arg)
{
	struct vcpu_register_vcpu_info op;
	struct domain *d = v->domain;
	struct page_info *pg;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.offset > PAGE_SIZE - sizeof(struct vcpu_info) ||
	    op.offset & (_Alignof(struct vcpu_info) - 1))
		return -ENXIO;
	if (v->vcpu_info_maddr || (v != current && !is_down(v)))
		return -EINVAL;
	if (v != current && !vcpu_is_at_rest(v))
		return -ERESTART;
	pg = page_get_named(d, op.mfn);
	if (!pg)
		return -EINVAL;
	if (page_type_get(pg, PGT_writable)) {
		page_put(pg);
		return -EINVAL;
	}
	move_vcpu_info(v, mfn_to_maddr(page_mfn(pg)) + op.offset);
	if (v == current)
		pvclock_update_force();
	return 0;
}

static long op_send_nmi(struct vcpu *v, u64 arg)
{
	if (arg)
		return -EINVAL;
	vcpu_send_nmi(v);
	return 0;
}

/* Only for a vcpu that stays where it is. ABI: APIC id, ACPI id above it. */
static long op_get_physid(struct vcpu *v, u64 arg)
{
	struct vcpu_get_physid op;
	u32 cpu = vcpu_pinned_to(v), apic_id;

	if (cpu == NO_CPU)
		return -EINVAL;
	apic_id = cpu_public[cpu].apic_id;
	op.phys_id = apic_id | (u64)cpu_acpi_id(apic_id) << 32;
	return copy_to_guest(arg, &op, sizeof(op));
}

/*
 * What siblings may not do to the same vcpu at the same time: domain.vcpus_lock. Those that are to
 * be called again, -ERESTART, are so without it.
 */
#define CHANGES_LIFE (1ul << VCPUOP_initialise | 1ul << VCPUOP_up | 1ul << VCPUOP_down | \
		      1ul << VCPUOP_register_vcpu_info)

/* As many as a mask can tell apart (nospec.h). */
static long (*const ops[16])(struct vcpu *v, u64 arg) = {
	[VCPUOP_initialise] = op_initialise,
	[VCPUOP_up] = op_up,
	[VCPUOP_down] = op_down,
	[VCPUOP_is_up] = op_is_up,
	[VCPUOP_get_runstate_info] = op_get_runstate,
	[VCPUOP_register_runstate_memory_area] = op_register_runstate,
	[VCPUOP_set_periodic_timer] = op_set_periodic,
	[VCPUOP_stop_periodic_timer] = op_stop_periodic,
	[VCPUOP_set_singleshot_timer] = op_set_singleshot,
	[VCPUOP_stop_singleshot_timer] = op_stop_singleshot,
	[VCPUOP_register_vcpu_info] = op_register_vcpu_info,
	[VCPUOP_send_nmi] = op_send_nmi,
	[VCPUOP_get_physid] = op_get_physid,
	/*
	 * register_vcpu_time_memory_area: not built; guests then do without a clock in user
	 * space.
	 */
};

/* @op is @cmd's. */
static __noinline long change_life(long (*op)(struct vcpu *v, u64 arg), struct domain *d, u64 cmd,
				   u64 vcpuid, u64 arg)
{
	long rc;

	spin_lock(&d->vcpus_lock);
	rc = op(d->vcpu[index_nospec((u32)vcpuid, d->nr_vcpus)], arg);
	spin_unlock(&d->vcpus_lock);
	if (rc == -ERESTART)
		return hypercall_continue(vcpu_op, cmd, vcpuid, arg);
	return rc;
}

long hc_vcpu_op(u64 cmd, u64 vcpuid, u64 arg)
{
	struct domain *d = current->domain;

	if ((u32)vcpuid >= d->nr_vcpus)
		return -ENOENT;
	if ((u32)cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	cmd = index_nospec((u32)cmd, ARRAY_SIZE(ops));
	if (!ops[cmd])
		return -ENOSYS;
	if (CHANGES_LIFE & 1ul << cmd)
		return change_life(ops[cmd], d, cmd, vcpuid, arg);
	return ops[cmd](d->vcpu[index_nospec((u32)vcpuid, d->nr_vcpus)], arg);
}
