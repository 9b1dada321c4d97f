/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs: see asm/ioapic.h.
 *
 * A register is reached in two steps, index and data: gsi_lock makes them one. Interrupts go to one
 * CPU, by its APIC id.
 */
#include <asm/cpu_window.h>
#include <asm/ioapic.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <isola/lib/string.h>
#include <isola/lock_order.h>
#include <isola/printk.h>

/* Offsets of the two words, and registers behind them. */
#define IOREGSEL        0x00
#define IOWIN           0x10
#define REG_VERSION     1
#define REG_RTE_LOW(n)  (0x10 + 2 * (n))
#define REG_RTE_HIGH(n) (0x11 + 2 * (n))

/* A redirection entry. */
#define RTE_MODE        (7u << 8)
#define RTE_MODE_SMI    (2u << 8)
#define RTE_LOW_ACTIVE  (1u << 13)
#define RTE_LEVEL       (1u << 15)
#define RTE_MASKED      (1u << 16)
#define RTE_DEST_SHIFT  24

/* Constant after ioapic_init(). */
static struct ioapic {
	u64 maddr;
	u32 gsi_base;
	u32 nr_pins;
} ioapic[ACPI_MAX_IOAPICS];
static unsigned nr_ioapics;

spinlock_t gsi_lock = SPINLOCK_INIT(LOCK_GSI);

/* ---- Registers ------------------------------------------------------------------------------ */

static volatile u32 *word_at(u64 maddr, unsigned offset)
{
	mfn_t m = maddr_to_mfn(maddr);

	if (mfn_x(pte_mfn(this_cpu.window_l1[WINDOW_IOAPIC])) != mfn_x(m))
		cpu_window_map(WINDOW_IOAPIC, m, PAGE_HV_UC);
	return (volatile u32 *)((u8 *)cpu_window_ptr(WINDOW_IOAPIC) + maddr % PAGE_SIZE + offset);
}

static u32 reg_read(u64 maddr, u8 reg)
{
	*word_at(maddr, IOREGSEL) = reg;
	return *word_at(maddr, IOWIN);
}

static void reg_write(u64 maddr, u8 reg, u32 val)
{
	*word_at(maddr, IOREGSEL) = reg;
	*word_at(maddr, IOWIN) = val;
}

/* ---- Finding them --------------------------------------------------------------------------- */

static bool is_known(const struct ioapic *a)
{
	for (unsigned i = 0; i < nr_ioapics; i++)
		if (a->maddr == ioapic[i].maddr)
			return true;
	return false;
}

static bool overlaps(const struct ioapic *a)
{
	for (unsigned i = 0; i < nr_ioapics; i++)
		if (a->gsi_base < ioapic[i].gsi_base + ioapic[i].nr_pins &&
		    ioapic[i].gsi_base < a->gsi_base + a->nr_pins)
			return true;
	return false;
}

/* Why @a is not used, or NULL. */
static const char *unusable(struct ioapic *a)
{
	u32 version;

	if (a->maddr % 16)
		return "no register can be there";
	if (!is_io_frame(maddr_to_mfn(a->maddr)))
		return "it lies in RAM";
	if (is_known(a))
		return "it is listed twice";
	version = reg_read(a->maddr, REG_VERSION);
	if (version == ~0u || !version)
		return "nothing answers there";
	a->nr_pins = min((version >> 16 & 0xff) + 1, (0x100u - REG_RTE_LOW(0)) / 2);
	if (a->gsi_base >= MAX_GSIS)
		return "its lines have numbers that are too high";
	return overlaps(a) ? "another one has the same lines" : NULL;
}

/* All but what firmware delivers as SMI to itself. */
static void mask_all(const struct ioapic *a)
{
	for (u32 pin = 0; pin < a->nr_pins; pin++) {
		if ((reg_read(a->maddr, REG_RTE_LOW(pin)) & RTE_MODE) == RTE_MODE_SMI)
			continue;
		reg_write(a->maddr, REG_RTE_LOW(pin), RTE_MASKED);
		reg_write(a->maddr, REG_RTE_HIGH(pin), 0);
	}
}

void ioapic_init(const struct acpi_info *acpi)
{
	for (unsigned i = 0; i < acpi->nr_ioapics; i++) {
		struct ioapic a = { .maddr = acpi->ioapic[i].maddr,
				    .gsi_base = acpi->ioapic[i].gsi_base };
		const char *why = unusable(&a);

		if (a.nr_pins)
			mask_all(&a);
		if (why) {
			pr_warn("I/O APIC at 0x%lx is not used: %s", a.maddr, why);
			continue;
		}
		a.nr_pins = min(a.nr_pins, MAX_GSIS - a.gsi_base);
		ioapic[nr_ioapics++] = a;
		pr_info("I/O APIC at 0x%lx: GSIs %u to %u", a.maddr, a.gsi_base,
			a.gsi_base + a.nr_pins - 1);
	}
}

/* ---- Lines ---------------------------------------------------------------------------------- */

unsigned ioapic_nr_gsis(void)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < nr_ioapics; i++)
		nr = max(nr, ioapic[i].gsi_base + ioapic[i].nr_pins);
	return nr;
}

/* Unsigned: a line below the base is beyond the last pin too. */
static const struct ioapic *ioapic_of(u32 gsi)
{
	for (unsigned i = 0; i < nr_ioapics; i++)
		if (gsi - ioapic[i].gsi_base < ioapic[i].nr_pins)
			return &ioapic[i];
	return NULL;
}

bool ioapic_has(u32 gsi)
{
	return ioapic_of(gsi);
}

void ioapic_set_dest(u32 gsi, u32 apic_id)
{
	const struct ioapic *a = ioapic_of(gsi);

	ASSERT(apic_id < 255);		/* eight bits, 255 is everybody */
	reg_write(a->maddr, REG_RTE_HIGH(gsi - a->gsi_base), apic_id << RTE_DEST_SHIFT);
}

void ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool low)
{
	const struct ioapic *a = ioapic_of(gsi);

	reg_write(a->maddr, REG_RTE_LOW(gsi - a->gsi_base),
		  RTE_MASKED | vector | (level ? RTE_LEVEL : 0) | (low ? RTE_LOW_ACTIVE : 0));
	ioapic_set_dest(gsi, apic_id);
}

static void set_mask(u32 gsi, u32 mask)
{
	const struct ioapic *a = ioapic_of(gsi);
	u8 reg = REG_RTE_LOW(gsi - a->gsi_base);

	reg_write(a->maddr, reg, (reg_read(a->maddr, reg) & ~RTE_MASKED) | mask);
}

void ioapic_mask(u32 gsi)
{
	const struct ioapic *a = ioapic_of(gsi);

	set_mask(gsi, RTE_MASKED);
	reg_read(a->maddr, REG_RTE_LOW(gsi - a->gsi_base));	/* pushes the write ahead of it */
}

void ioapic_unmask(u32 gsi)
{
	set_mask(gsi, 0);
}

bool ioapic_read(u64 maddr, u8 reg, u32 *val)
{
	for (unsigned i = 0; i < nr_ioapics; i++) {
		if (ioapic[i].maddr != maddr)
			continue;
		*val = reg_read(maddr, reg);
		return true;
	}
	return false;
}
