/* SPDX-License-Identifier: MIT */
/*
 * Pirqs: see asm/pirq.h. Mapping is pirq_map.c's.
 *
 *   edge, message  the interrupt is posted to the port, and that is all
 *   level          the line is masked before the local APIC's EOI, and unmasked by the domain's
 *
 * A source that interrupts without pause rests: masked, whatever else it waits for, and told once a
 * second. After that an edge may have been missed, so one more is posted.
 *
 * Invariants: everything changes under gsi_lock. A vector is one source's, on all CPUs. A line
 * keeps the one that it was once given, so an interrupt on its way while the line is unbound, or
 * moved to another CPU, finds its own record, and its EOI the redirection entry that it came from.
 * A message has one for as long as it is mapped; vectors are given out in turn, and what comes late
 * is a spurious event of the next owner's, no more. A source whose port is 0, or that rests, is
 * masked. A port is told under the lock: after pirq_unbind() nothing arrives at it any more.
 */
#include "pirq_record.h"
#include <asm/window.h>
#include <asm/ioapic.h>
#include <asm/irq.h>
#include <asm/percpu.h>
#include <asm/pirq.h>
#include <asm/precondition.h>
#include <asm/storm.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lock_order.h>
#include <isola/nospec.h>
#include <isola/printk.h>
#include <isola/spinlock.h>
#include <isola/timer.h>
#include <isola/vcpu.h>
#include <isola/lib/bitmap.h>

#define NR_ISA_IRQS 16
#define ISA_TIMER   0
#define MAX_APIC_ID 254                 /* eight bits, 255 is everybody */

/* As the MPS INTI flags of an override say it: ACPI 6.4, table 5.26. */
#define POLARITY(flags) ((flags) & 3)
#define TRIGGER(flags)  ((flags) >> 2 & 3)
#define ACTIVE_LOW      3
#define LEVEL           3

struct pirq pirqs[NR_PIRQS];
unsigned nr_gsis;

/* The pirq that has the vector, 0: none. */
static u16 pirq_of_vector[256];
/* Given out last: the next is looked for behind it. */
static u8 last_vector = VECTOR_LAST_DEVICE;

static struct timer rest_timer;         /* armed while a line rests */
static void end_rests(void *data);

bool pirq_exists(u32 pirq)
{
	return pirq < NR_PIRQS && (pirq >= nr_gsis || ioapic_has(pirq));
}

struct pirq *pirq_lock(u32 n, u64 *flags)
{
	if (!pirq_exists(n))
		return NULL;
	*flags = spin_lock_irqsave(&gsi_lock);
	return pirq_at(n);
}

void pirq_unlock(u64 flags)
{
	spin_unlock_irqrestore(&gsi_lock, flags);
}

/* ---- Boot ----------------------------------------------------------------------------------- */

/* The line that ISA's interrupt @irq comes in on, and how it is wired. */
static u32 isa_gsi(const struct acpi_info *acpi, u8 irq, u16 *flags)
{
	*flags = 0;
	for (unsigned i = 0; i < acpi->nr_overrides; i++) {
		if (acpi->override[i].irq != irq)
			continue;
		*flags = acpi->override[i].flags;
		return acpi->override[i].gsi;
	}
	return irq;
}

/* ISA is edge and high unless the override says so, PCI level and low. */
static void wire(const struct acpi_info *acpi)
{
	for (u32 n = 0; n < nr_gsis; n++)
		pirqs[n].level = pirqs[n].low = n >= NR_ISA_IRQS;
	for (u8 irq = 0; irq < NR_ISA_IRQS; irq++) {
		u16 flags;
		u32 n = isa_gsi(acpi, irq, &flags);

		if (n >= nr_gsis)
			continue;
		pirqs[n].level = TRIGGER(flags) == LEVEL;
		pirqs[n].low = POLARITY(flags) == ACTIVE_LOW;
	}
}

/* The line, which is the hypervisor's from now on, or 0. Lock held. */
static u32 keep(const struct acpi_info *acpi, u8 isa_irq)
{
	u16 flags;
	u32 n = isa_gsi(acpi, isa_irq, &flags);

	ASSERT_LOCKED(&gsi_lock);
	if (n >= nr_gsis)
		return 0;
	pirq_at(n)->is_ours = true;
	return n;
}

u32 pirq_keep(const struct acpi_info *acpi, u8 isa_irq, u8 vector)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	u32 n = keep(acpi, isa_irq), apic_id = cpu_public[0].apic_id;
	const struct pirq *p = pirq_at(n);
	bool can = n && ioapic_has(n) && apic_id <= MAX_APIC_ID;

	if (can) {
		ioapic_route(n, vector, apic_id, p->level, p->low);
		ioapic_unmask(n);
	}
	spin_unlock_irqrestore(&gsi_lock, flags);
	return can ? n : 0;
}

void pirq_init(const struct acpi_info *acpi)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);

	ioapic_init(acpi);
	nr_gsis = ioapic_nr_gsis();
	timer_init(&rest_timer, end_rests, NULL);
	wire(acpi);
	(void)keep(acpi, ISA_TIMER);
	spin_unlock_irqrestore(&gsi_lock, flags);
}

/* ---- For physdev_op ------------------------------------------------------------------------- */

static void mask(u32 n, struct pirq *p)
{
	if (pirq_is_msi(p))
		msi_mask(&p->msi);
	else
		ioapic_mask(n);
}

static void unmask(u32 n, struct pirq *p)
{
	if (pirq_is_msi(p))
		msi_unmask(&p->msi);
	else
		ioapic_unmask(n);
}

void pirq_silence(u32 n, struct pirq *p)
{
	ASSERT_LOCKED(&gsi_lock);
	mask(n, p);
	p->port = 0;
	p->waits = false;
}

void pirq_let_speak(u32 n, struct pirq *p)
{
	ASSERT_LOCKED(&gsi_lock);
	if (p->port && !p->rests_until)
		unmask(n, p);
}

int pirq_setup(u32 n, bool level, bool low)
{
	u64 flags;
	struct pirq *p = n < nr_gsis ? pirq_lock(n, &flags) : NULL;
	int rc = -EEXIST;

	if (!p)
		return -EINVAL;
	if (!p->is_ours && !p->is_set_up && !p->port) {
		p->level = level;
		p->low = low;
		p->is_set_up = true;
		rc = 0;
	}
	pirq_unlock(flags);
	return rc;
}

int pirq_eoi(struct domain *d, u32 n)
{
	u64 flags;
	struct pirq *p = pirq_lock(n, &flags);
	int rc = -EINVAL;

	if (!p)
		return rc;
	if (p->owner == d) {
		if (p->waits && !p->rests_until)
			unmask(n, p);
		p->waits = false;
		rc = 0;
	}
	pirq_unlock(flags);
	return rc;
}

int pirq_apic_read(u64 maddr, u32 reg, u32 *val)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	bool found = ioapic_read(maddr, reg, val);

	spin_unlock_irqrestore(&gsi_lock, flags);
	return found ? 0 : -EINVAL;
}

/* ---- For common/evtchn.c: isola/evtchn.h ---------------------------------------------------- */

u8 pirq_free_vector(void)
{
	const unsigned nr = VECTOR_LAST_DEVICE - VECTOR_FIRST_DEVICE + 1;

	ASSERT_LOCKED(&gsi_lock);
	for (unsigned i = 1; i <= nr; i++) {
		unsigned v = VECTOR_FIRST_DEVICE + (last_vector - VECTOR_FIRST_DEVICE + i) % nr;

		if (!pirq_of_vector[v] && v != VECTOR_INT80)
			return v;
	}
	return 0;
}

void pirq_take_vector(u32 n, u8 vector)
{
	ASSERT_LOCKED(&gsi_lock);
	pirq_at(n)->vector = vector;
	pirq_of_vector[vector] = n;
	last_vector = vector;
}

void pirq_put_vector(u32 n)
{
	struct pirq *p = pirq_at(n);

	ASSERT_LOCKED(&gsi_lock);
	pirq_of_vector[p->vector] = 0;
	p->vector = 0;
}

/* A CPU whose id a message can name: @cpu, or the first that has such an id. */
u32 pirq_apic_id(u32 cpu)
{
	for (u32 i = 0; cpu_public[cpu].apic_id > MAX_APIC_ID && i < nr_cpus; i++)
		if (cpu_public[i].apic_id <= MAX_APIC_ID)
			cpu = i;
	return cpu_public[cpu].apic_id;
}

/* Lock held: may @d bind line @n? */
static int may_bind(const struct domain *d, const struct pirq *p)
{
	ASSERT_LOCKED(&gsi_lock);
	if (p->owner != d)
		return -EPERM;
	if (p->is_ours)
		return -EBUSY;
	if (p->port)
		return -EEXIST;
	return p->vector || pirq_free_vector() ? 0 : -ENOSPC;
}

/* Lock held. */
static void route(u32 n, struct pirq *p, u32 apic_id)
{
	ASSERT_LOCKED(&gsi_lock);
	if (!p->vector)
		pirq_take_vector(n, pirq_free_vector());
	p->apic_id = apic_id;
	if (pirq_is_msi(p))
		msi_write(&p->msi, p->vector, apic_id);
	else
		ioapic_route(n, p->vector, apic_id, p->level, p->low);
}

/* The domain's page says which pirqs need an EOI: those where one is waited for. */
static void show_eoi(const struct domain *d, u32 n, bool needed)
{
	u64 maddr = READ_ONCE(d->pirq_eoi_maddr);
	unsigned long *bits = (unsigned long *)(VA_WINDOW + maddr);

	if (!maddr)
		return;
	if (needed)
		atomic_bitmap_set(bits, n);
	else
		atomic_bitmap_clear(bits, n);
}

int pirq_bind(struct domain *d, u32 n, u32 port, bool will_share, u32 cpu)
{
	u64 flags;
	struct pirq *p = pirq_lock(n, &flags);
	int rc;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!p)
		return -EINVAL;
	rc = may_bind(d, p);
	if (!rc) {
		show_eoi(d, n, p->level || will_share);
		p->port = port;
		route(n, p, pirq_apic_id(cpu));
		pirq_let_speak(n, p);
	}
	pirq_unlock(flags);
	return rc;
}

void pirq_unbind(struct domain *d, u32 n, u32 port)
{
	struct pirq *p = pirq_at(n);
	u64 flags = spin_lock_irqsave(&gsi_lock);

	if (p->owner == d && p->port == port)
		pirq_silence(n, p);
	spin_unlock_irqrestore(&gsi_lock, flags);
}

static void set_dest(u32 n, struct pirq *p, u32 apic_id)
{
	p->apic_id = apic_id;
	if (pirq_is_msi(p))
		msi_set_dest(&p->msi, apic_id);
	else
		ioapic_set_dest(n, apic_id);
}

void pirq_move(struct domain *d, u32 n, u32 port, u32 cpu)
{
	struct pirq *p = pirq_at(n);
	u64 flags = spin_lock_irqsave(&gsi_lock);

	if (p->owner == d && p->port == port)
		set_dest(n, p, pirq_apic_id(cpu));
	spin_unlock_irqrestore(&gsi_lock, flags);
}

/* ---- Storms --------------------------------------------------------------------------------- */

/* Lock held. */
static void rest(u32 n, struct pirq *p)
{
	u64 now = now_ns();
	u32 nr = storm_tell(&p->told, now);

	ASSERT_LOCKED(&gsi_lock);
	if (!p->level)
		mask(n, p);
	p->rests_until = now + STORM_REST;
	if (!rest_timer.armed)
		timer_set(&rest_timer, p->rests_until);
	if (nr)
		pr_warn("%s %u interrupts without pause: masked for %lu ms, %u times since last "
			"told",
			pirq_is_msi(p) ? "MSI, pirq" : "GSI", n, STORM_REST / MILLISECS(1), nr);
}

/* Lock held. */
static void go_on(u32 n, struct pirq *p)
{
	ASSERT_LOCKED(&gsi_lock);
	p->rests_until = 0;
	if (!p->port || p->waits)
		return;
	unmask(n, p);
	if (!p->level)
		(void)send_pirq(p->owner, p->port);
}

static void end_rests(void *data __maybe_unused)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	u64 now = now_ns(), next = 0;

	for (u32 n = 0; n < NR_PIRQS; n++) {
		struct pirq *p = &pirqs[n];

		if (p->rests_until && p->rests_until <= now)
			go_on(n, p);
		if (p->rests_until && (!next || p->rests_until < next))
			next = p->rests_until;
	}
	if (next)
		timer_set(&rest_timer, next);
	pirq_unlock(flags);
}

/* ---- Interrupts ----------------------------------------------------------------------------- */

/*
 * A vcpu that is told of an interrupt by the CPU that it runs on needs no kick: where it has gone
 * for good its interrupts go after it. Not at once, for it may be back soon. Lock held.
 */
#define FOLLOW_AFTER 16

static void follow(u32 n, struct pirq *p, u32 cpu)
{
	ASSERT_LOCKED(&gsi_lock);
	if (cpu == smp_cpu_id()) {
		p->nr_astray = 0;
		return;
	}
	if (++p->nr_astray < FOLLOW_AFTER)
		return;
	p->nr_astray = 0;
	if (pirq_apic_id(cpu) != p->apic_id)
		set_dest(n, p, pirq_apic_id(cpu));
}

bool pirq_interrupt(u8 vector)
{
	u32 n = pirq_of_vector[vector];
	struct pirq *p = &pirqs[n];

	ASSERT_IRQS_OFF();
	if (!n)
		return false;
	spin_lock(&gsi_lock);
	if (p->level)
		ioapic_mask(n);
	if (p->port) {
		p->waits = p->level;
		follow(n, p, send_pirq(p->owner, p->port));
	}
	if (storm_count(&p->storm, now_ns()) && !p->rests_until)
		rest(n, p);
	spin_unlock(&gsi_lock);
	return true;
}

/* ---- For who looks --------------------------------------------------------------------------- */

bool pirq_look(u32 n, struct pirq_look *look)
{
	const struct pirq *p;
	u64 flags;

	if (n >= NR_PIRQS)
		return false;
	flags = spin_lock_irqsave(&gsi_lock);
	p = pirq_at(n);
	*look = (struct pirq_look){ p->owner ? p->owner->domid : DOMID_INVALID, p->port, p->vector,
				    p->level, p->waits, p->rests_until != 0,
				    pirq_is_msi(p), p->msi.bdf };
	spin_unlock_irqrestore(&gsi_lock, flags);
	return true;
}
