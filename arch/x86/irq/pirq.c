/* SPDX-License-Identifier: MIT */
/*
 * Pirqs: see asm/pirq.h.
 *
 *   edge   the interrupt is posted to the port, and that is all
 *   level  the line is masked before the local APIC's EOI, and unmasked by the domain's
 *
 * A line that interrupts without pause rests: masked, whatever else it waits for, and told once a
 * second. After that an edge may have been missed, so one more is posted.
 *
 * Invariants: everything changes under gsi_lock. A line keeps the vector that it was once given, so
 * an interrupt on its way while the line is unbound, or moved to another CPU, finds its own record,
 * and its EOI the redirection entry that it came from. A line whose port is 0, or that rests, is
 * masked. A port is told under the lock: after pirq_unbind() nothing arrives at it any more.
 */
#include <asm/window.h>
#include <asm/ioapic.h>
#include <asm/irq.h>
#include <asm/percpu.h>
#include <asm/pirq.h>
#include <asm/precondition.h>
#include <asm/storm.h>
#include <isola/console.h>
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

static struct gsi {
	struct domain *owner;           /* for whom it is mapped, NULL: nobody */
	u32 port;                       /* of the owner; 0: not bound */
	u8 vector;                      /* 0: none yet */
	bool level, low;
	bool is_ours;                   /* the hypervisor's device is on it: never bound */
	bool is_set_up;
	bool waits;                     /* level: masked until the owner's EOI */
	u64 rests_until;                /* ns: masked until then; 0: does not rest */
	struct storm storm;
	struct storm_told told;
} gsis[MAX_GSIS];
static unsigned nr_gsis;                /* constant after pirq_init() */

/* The line that has the vector, 0: none. */
static u8 gsi_of_vector[256];
static_assert(MAX_GSIS <= 256, "a line's number is a byte");

static spinlock_t gsi_lock = SPINLOCK_INIT(LOCK_GSI);
static struct timer rest_timer;         /* armed while a line rests */
static void end_rests(void *data);

static struct gsi *gsi_at(u32 n)
{
	return &gsis[index_nospec(n, MAX_GSIS)];
}

bool pirq_exists(u32 pirq)
{
	return pirq < nr_gsis && ioapic_has(pirq);
}

/* Line @n, locked and interrupts off until unlock(*@flags). NULL: there is none. */
static struct gsi *lock_line(u32 n, u64 *flags)
{
	if (!pirq_exists(n))
		return NULL;
	*flags = spin_lock_irqsave(&gsi_lock);
	return gsi_at(n);
}

static void unlock(u64 flags)
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
		gsis[n].level = gsis[n].low = n >= NR_ISA_IRQS;
	for (u8 irq = 0; irq < NR_ISA_IRQS; irq++) {
		u16 flags;
		u32 n = isa_gsi(acpi, irq, &flags);

		if (n >= nr_gsis)
			continue;
		gsis[n].level = TRIGGER(flags) == LEVEL;
		gsis[n].low = POLARITY(flags) == ACTIVE_LOW;
	}
}

static const struct acpi_info *boot_acpi;       /* during pirq_init() */

static void keep(u8 isa_irq)
{
	u16 flags;
	u32 n = isa_gsi(boot_acpi, isa_irq, &flags);

	if (n < nr_gsis)
		gsis[n].is_ours = true;
}

void pirq_init(const struct acpi_info *acpi)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);

	ioapic_init(acpi);
	nr_gsis = ioapic_nr_gsis();
	timer_init(&rest_timer, end_rests, NULL);
	boot_acpi = acpi;
	wire(acpi);
	keep(ISA_TIMER);
	console_claim_irqs(keep);
	boot_acpi = NULL;
	spin_unlock_irqrestore(&gsi_lock, flags);
}

/* ---- For physdev_op ------------------------------------------------------------------------- */

int pirq_map(struct domain *d, u32 n)
{
	u64 flags;
	struct gsi *g = lock_line(n, &flags);
	int rc = 0;

	if (!g)
		return -EINVAL;
	if (!n)
		rc = -EPERM;
	else if (g->owner && g->owner != d)
		rc = -EBUSY;
	else
		g->owner = d;
	unlock(flags);
	return rc;
}

/* Lock held. */
static void silence(u32 n, struct gsi *g)
{
	ASSERT_LOCKED(&gsi_lock);
	ioapic_mask(n);
	g->port = 0;
	g->waits = false;
}

int pirq_unmap(struct domain *d, u32 n)
{
	u64 flags;
	struct gsi *g = lock_line(n, &flags);
	int rc = -EINVAL;

	if (!g)
		return rc;
	if (g->owner == d) {
		if (g->port)
			silence(n, g);
		g->owner = NULL;
		rc = 0;
	}
	unlock(flags);
	return rc;
}

int pirq_setup(u32 n, bool level, bool low)
{
	u64 flags;
	struct gsi *g = lock_line(n, &flags);
	int rc = -EEXIST;

	if (!g)
		return -EINVAL;
	if (!g->is_ours && !g->is_set_up && !g->port) {
		g->level = level;
		g->low = low;
		g->is_set_up = true;
		rc = 0;
	}
	unlock(flags);
	return rc;
}

int pirq_eoi(struct domain *d, u32 n)
{
	u64 flags;
	struct gsi *g = lock_line(n, &flags);
	int rc = -EINVAL;

	if (!g)
		return rc;
	if (g->owner == d) {
		if (g->waits && !g->rests_until)
			ioapic_unmask(n);
		g->waits = false;
		rc = 0;
	}
	unlock(flags);
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

/* The next that no line has; 0: all are given away. Lock held. */
static u8 free_vector(void)
{
	ASSERT_LOCKED(&gsi_lock);
	for (unsigned v = VECTOR_FIRST_DEVICE; v <= VECTOR_LAST_DEVICE; v++)
		if (!gsi_of_vector[v] && v != VECTOR_INT80)
			return v;
	return 0;
}

/* A CPU whose id the I/O APIC can name: @cpu, or the first that has such an id. */
static u32 reachable_apic_id(u32 cpu)
{
	for (u32 i = 0; cpu_public[cpu].apic_id > MAX_APIC_ID && i < nr_cpus; i++)
		if (cpu_public[i].apic_id <= MAX_APIC_ID)
			cpu = i;
	return cpu_public[cpu].apic_id;
}

/* Lock held: may @d bind line @n? */
static int may_bind(const struct domain *d, const struct gsi *g)
{
	ASSERT_LOCKED(&gsi_lock);
	if (g->owner != d)
		return -EPERM;
	if (g->is_ours)
		return -EBUSY;
	if (g->port)
		return -EEXIST;
	return g->vector || free_vector() ? 0 : -ENOSPC;
}

static void give_vector(u32 n, struct gsi *g)
{
	ASSERT_LOCKED(&gsi_lock);
	if (g->vector)
		return;
	g->vector = free_vector();
	gsi_of_vector[g->vector] = n;
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
	struct gsi *g = lock_line(n, &flags);
	int rc;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!g)
		return -EINVAL;
	rc = may_bind(d, g);
	if (!rc) {
		give_vector(n, g);
		show_eoi(d, n, g->level || will_share);
		g->port = port;
		ioapic_route(n, g->vector, reachable_apic_id(cpu), g->level, g->low);
		if (!g->rests_until)
			ioapic_unmask(n);
	}
	unlock(flags);
	return rc;
}

void pirq_unbind(struct domain *d, u32 n, u32 port)
{
	struct gsi *g = gsi_at(n);
	u64 flags = spin_lock_irqsave(&gsi_lock);

	if (g->owner == d && g->port == port)
		silence(n, g);
	spin_unlock_irqrestore(&gsi_lock, flags);
}

void pirq_move(struct domain *d, u32 n, u32 port, u32 cpu)
{
	struct gsi *g = gsi_at(n);
	u64 flags = spin_lock_irqsave(&gsi_lock);

	if (g->owner == d && g->port == port)
		ioapic_set_dest(n, reachable_apic_id(cpu));
	spin_unlock_irqrestore(&gsi_lock, flags);
}

/* ---- Storms --------------------------------------------------------------------------------- */

/* Lock held. */
static void rest(u32 n, struct gsi *g)
{
	u64 now = now_ns();
	u32 nr = storm_tell(&g->told, now);

	ASSERT_LOCKED(&gsi_lock);
	if (!g->level)
		ioapic_mask(n);
	g->rests_until = now + STORM_REST;
	if (!rest_timer.armed)
		timer_set(&rest_timer, g->rests_until);
	if (nr)
		pr_warn("GSI %u interrupts without pause: masked for %lu ms, %u times since last "
			"told",
			n, STORM_REST / MILLISECS(1), nr);
}

/* Lock held. */
static void go_on(u32 n, struct gsi *g)
{
	ASSERT_LOCKED(&gsi_lock);
	g->rests_until = 0;
	if (!g->port || g->waits)
		return;
	ioapic_unmask(n);
	if (!g->level)
		send_pirq(g->owner, g->port);
}

static void end_rests(void *data __maybe_unused)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	u64 now = now_ns(), next = 0;

	for (u32 n = 0; n < nr_gsis; n++) {
		struct gsi *g = &gsis[n];

		if (g->rests_until && g->rests_until <= now)
			go_on(n, g);
		if (g->rests_until && (!next || g->rests_until < next))
			next = g->rests_until;
	}
	if (next)
		timer_set(&rest_timer, next);
	unlock(flags);
}

/* ---- Interrupts ----------------------------------------------------------------------------- */

bool pirq_interrupt(u8 vector)
{
	u32 n = gsi_of_vector[vector];
	struct gsi *g = &gsis[n];

	ASSERT_IRQS_OFF();
	if (!n)
		return false;
	spin_lock(&gsi_lock);
	if (g->level)
		ioapic_mask(n);
	if (g->port) {
		g->waits = g->level;
		send_pirq(g->owner, g->port);
	}
	if (storm_count(&g->storm, now_ns()) && !g->rests_until)
		rest(n, g);
	spin_unlock(&gsi_lock);
	return true;
}

/* ---- For who looks --------------------------------------------------------------------------- */

bool pirq_look(u32 n, struct pirq_look *look)
{
	const struct gsi *g;
	u64 flags;

	if (n >= nr_gsis)
		return false;
	flags = spin_lock_irqsave(&gsi_lock);
	g = gsi_at(n);
	*look = (struct pirq_look){ g->owner ? g->owner->domid : DOMID_INVALID, g->port, g->vector,
				    g->level, g->waits, g->rests_until != 0 };
	spin_unlock_irqrestore(&gsi_lock, flags);
	return true;
}
