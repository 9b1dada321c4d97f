/* SPDX-License-Identifier: MIT */
/*
 * The PV clock: the time record in vcpu_info and the wall clock in shared_info, as the current
 * vcpu's guest reads them.
 *
 * Both are written by the guest's own vcpu on its own kernel root, by version: nobody else's memory
 * is touched when the clock changes. Readers use the version as a sequence count, so it is odd
 * while the record is inconsistent, and what the guest put there is never read back (FETCH-2).
 */
#include <asm/pvclock.h>
#include <isola/evtchn.h>
#include <isola/softirq.h>
#include <isola/lock_order.h>
#include <isola/spinlock.h>
#include <isola/time.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>

/* shared_info.wc_* of every domain, and domain.time_offset */
static spinlock_t wallclock_lock = SPINLOCK_INIT(LOCK_WALLCLOCK);

/*
 * this_vcpu.time_version: even, the guest's version; its upper half is the scale's version last
 * written.
 */
static void write_time(struct vcpu_time_info *t, const struct tsc_scale *s)
{
	u32 version = (u32)this_vcpu.time_version + 2;

	WRITE_ONCE(t->version, version - 1);
	barrier();                      /* x86 keeps stores in order: only the compiler must */
	t->tsc_timestamp = s->tsc_stamp;
	t->system_time = s->ns_stamp;
	t->tsc_to_system_mul = s->mul;
	t->tsc_shift = s->shift;
	t->flags = tsc_is_invariant() ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
	barrier();
	WRITE_ONCE(t->version, version);
	this_vcpu.time_version = (u64)s->version << 32 | version;
}

static void write_wallclock(struct domain *d)
{
	struct shared_info *s = window_ptr(d->shared_info_mfn);
	u64 flags = spin_lock_irqsave(&wallclock_lock);
	u64 version = wallclock_version();      /* before the value: see wallclock.c */
	u64 base = wallclock_base_ns(), seconds = base / SECONDS(1) + d->time_offset;
	u32 seq = (u32)version * 2;

	WRITE_ONCE(s->wc_version, seq - 1);
	barrier();
	s->wc_sec = (u32)seconds;
	s->wc_sec_hi = seconds >> 32;
	s->wc_nsec = base % SECONDS(1);
	barrier();
	WRITE_ONCE(s->wc_version, seq);
	d->wallclock_version = version;
	spin_unlock_irqrestore(&wallclock_lock, flags);
}

static void update(bool force)
{
	struct domain *d = current->domain;
	const struct tsc_scale *s = time_scale();

	this_vcpu.vcpu_info = vcpu_info_of(current);
	if (force || this_vcpu.time_version >> 32 != s->version)
		write_time(&this_vcpu.vcpu_info->time, s);
	if (force || READ_ONCE(d->wallclock_version) != wallclock_version())
		write_wallclock(d);
}

void pvclock_update(void)
{
	update(false);
}

void pvclock_update_force(void)
{
	update(true);
}

/* SOFTIRQ_CLOCK, on whatever root this CPU's vcpu has left for the hypervisor. */
static void catch_up(void)
{
	bool from_user;
	u64 flags;

	if (vcpu_is_idle(current))
		return;
	flags = irq_save();
	from_user = !this_vcpu.kernel_mode;
	if (from_user)
		root_peek_kernel();
	pvclock_update();
	if (from_user)
		root_peek_done();
	irq_restore(flags);
}

void pvclock_init(void)
{
	softirq_register(SOFTIRQ_CLOCK, catch_up);
}

/* A CPU that is switching meanwhile looks at the version by itself. */
static void tell_all(void)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		if (READ_ONCE(cpu_public[cpu].online))
			softirq_raise_on(cpu, SOFTIRQ_CLOCK);
}

void pvclock_set_wallclock(u64 base_ns)
{
	wallclock_set(base_ns);
	tell_all();
}

void pvclock_set_offset(struct domain *d, u64 seconds)
{
	u64 flags = spin_lock_irqsave(&wallclock_lock);

	d->time_offset = seconds;
	d->wallclock_version = 0;		/* none: what stands there is out of date */
	spin_unlock_irqrestore(&wallclock_lock, flags);
	tell_all();
}
