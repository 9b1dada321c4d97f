/* SPDX-License-Identifier: MIT */
/*
 * Messages of devices: see asm/msi.h.
 *
 * Invariants: a table is touched only while its device answers to memory accesses and its base
 * register still says what it said when the message was mapped: what a domain moves there meanwhile
 * is not written to. Messages are written while masked, but for an MSI's destination,
 * which is one write of 32 bits. The number of messages of an MSI is one: with more the device
 * would change the vector's low bits.
 */
#include "pirq_record.h"
#include <asm/cpu_window.h>
#include <asm/msi.h>
#include <asm/pci_conf.h>
#include <asm/percpu.h>
#include <asm/precondition.h>

/* Bits of an MSI's control word. */
#define MSI_ENABLE      0x0001u
#define MSI_NR_USED     0x0070u
#define MSI_LOW         4
#define MSI_HIGH        8               /* if it is wide */

/* Dwords of a table's entry. */
enum { ENTRY_LOW, ENTRY_HIGH, ENTRY_DATA, ENTRY_CONTROL };
#define ENTRY_MASKED    1u

#define ADDRESS(apic_id) (0xfee00000u | (apic_id) << 12)

/* ---- Registers ------------------------------------------------------------------------------- */

static bool in_reach(const struct msi *m)
{
	return pci_memory_is_on(m->bdf) && pci_bar_read(m->bdf, m->bar) == m->bar_maddr;
}

/* Entries are aligned to eight bytes: one may lie in two frames, a word does not. */
static volatile u32 *word_at(const struct msi *m, unsigned i)
{
	u64 maddr = m->maddr + 4 * i;
	mfn_t frame = maddr_to_mfn(maddr);

	if (mfn_x(pte_mfn(this_cpu.window_l1[WINDOW_MSIX])) != mfn_x(frame))
		cpu_window_map(WINDOW_MSIX, frame, PAGE_HV_UC);
	return (volatile u32 *)((u8 *)cpu_window_ptr(WINDOW_MSIX) + maddr % PAGE_SIZE);
}

/* Returns whether it was masked. It must be in reach. */
static bool set_entry_mask(const struct msi *m, bool masked)
{
	u32 was = *word_at(m, ENTRY_CONTROL);

	*word_at(m, ENTRY_CONTROL) = (was & ~ENTRY_MASKED) | (masked ? ENTRY_MASKED : 0);
	(void)*word_at(m, ENTRY_CONTROL);       /* pushes the write ahead of it */
	return was & ENTRY_MASKED;
}

/* Enable is what the domain wants, if it may be on. */
static void put_control(const struct msi *m, u16 control)
{
	control &= ~(MSI_ENABLE | MSI_NR_USED);
	if (m->is_wanted && !m->is_held)
		control |= MSI_ENABLE;
	pci_conf_write16(m->bdf, m->cap + CAP_CONTROL, control);
}

static u16 get_control(const struct msi *m)
{
	return pci_conf_read16(m->bdf, m->cap + CAP_CONTROL);
}

/* ---- Masking --------------------------------------------------------------------------------- */

static void set_mask(struct msi *m, bool masked)
{
	if (m->is_x) {
		if (in_reach(m))
			set_entry_mask(m, masked);
		return;
	}
	if (m->has_mask)
		pci_conf_write(m->bdf, m->cap + (m->is_wide ? 16 : 12), masked);
	m->is_held = masked && !m->has_mask;
	put_control(m, get_control(m));
}

void msi_mask(struct msi *m)
{
	ASSERT_LOCKED(&gsi_lock);
	set_mask(m, true);
}

void msi_unmask(struct msi *m)
{
	ASSERT_LOCKED(&gsi_lock);
	set_mask(m, false);
}

/* ---- Messages -------------------------------------------------------------------------------- */

static void put_entry(const struct msi *m, u32 low, u32 data)
{
	*word_at(m, ENTRY_LOW) = low;
	*word_at(m, ENTRY_HIGH) = 0;
	*word_at(m, ENTRY_DATA) = data;
}

static void put_message(const struct msi *m, u32 low, u16 data)
{
	if (m->is_x) {
		if (in_reach(m))
			put_entry(m, low, data);
		return;
	}
	pci_conf_write(m->bdf, m->cap + MSI_LOW, low);
	if (m->is_wide)
		pci_conf_write(m->bdf, m->cap + MSI_HIGH, 0);
	pci_conf_write16(m->bdf, m->cap + (m->is_wide ? 12 : 8), data);
}

void msi_write(struct msi *m, u8 vector, u32 apic_id)
{
	ASSERT_LOCKED(&gsi_lock);
	set_mask(m, true);
	put_message(m, ADDRESS(apic_id), vector);
}

static void set_entry_dest(const struct msi *m, u32 apic_id)
{
	bool was_masked;

	if (!in_reach(m))
		return;
	/* What comes while it is masked waits in the device. */
	was_masked = set_entry_mask(m, true);
	*word_at(m, ENTRY_LOW) = ADDRESS(apic_id);
	set_entry_mask(m, was_masked);
}

void msi_set_dest(struct msi *m, u32 apic_id)
{
	ASSERT_LOCKED(&gsi_lock);
	if (m->is_x)
		set_entry_dest(m, apic_id);
	else
		pci_conf_write(m->bdf, m->cap + MSI_LOW, ADDRESS(apic_id));
}

void msi_end(struct msi *m)
{
	ASSERT_LOCKED(&gsi_lock);
	m->is_wanted = false;
	set_mask(m, true);
	put_message(m, 0, 0);
	m->cap = 0;
}

void msi_control(struct msi *m, u16 control)
{
	ASSERT_LOCKED(&gsi_lock);
	m->is_wanted = control & MSI_ENABLE;
	put_control(m, control);
}
