/* SPDX-License-Identifier: MIT */
/*
 * Lines and messages mapped for a domain, as pirqs; see asm/pirq.h.
 *
 * Invariants: a message is mapped for one domain, by one pirq, and only of a device that was told
 * of (XSA-237); all that can be refused is refused before anything changes, and no memory is
 * allocated (XSA-83). While a device has mapped entries its table is guarded (asm/iomem.h). A
 * message that is no longer mapped is masked and zero, and disabled if it is an MSI's (XSA-360).
 */
#include "pirq_record.h"
#include <asm/iomem.h>
#include <asm/page_ref.h>
#include <asm/pci_conf.h>
#include <asm/pirq.h>
#include <asm/precondition.h>
#include <isola/errno.h>
#include <isola/lock_order.h>

#define FIRST_PCI_LINE	16

/* ---- Lines ----------------------------------------------------------------------------------- */

int pirq_map(struct domain *d, u32 n)
{
	u64 flags;
	struct pirq *p = n < nr_gsis ? pirq_lock(n, &flags) : NULL;
	int rc = 0;

	if (!p)
		return -EINVAL;
	if (!n)
		rc = -EPERM;
	else if (p->owner && p->owner != d)
		rc = -EBUSY;
	else
		p->owner = d;
	pirq_unlock(flags);
	return rc;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Nobody has it, nor has been promised it. Lock held. */
static bool is_free(u32 n)
{
	const struct pirq *p = pirq_at(n);

	ASSERT_LOCKED(&gsi_lock);
	return !p->owner && !p->is_taken && !p->is_ours;
}

/* From the top, as in Xen; 0: all are given away. Lock held. */
static u32 free_number(void)
{
	ASSERT_LOCKED(&gsi_lock);
	for (u32 n = NR_PIRQS - 1; n >= nr_gsis; n--)
		if (is_free(n))
			return n;
	return 0;
}

/* Lock held. */
static u32 free_line(void)
{
	ASSERT_LOCKED(&gsi_lock);
	for (u32 n = FIRST_PCI_LINE; n < nr_gsis; n++)
		if (pirq_exists(n) && is_free(n))
			return n;
	return 0;
}

int pirq_take_number(bool is_line, u32 *n)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);

	*n = is_line ? free_line() : free_number();
	if (*n)
		pirq_at(*n)->is_taken = true;
	spin_unlock_irqrestore(&gsi_lock, flags);
	return *n ? 0 : -ENOSPC;
}

/* The number for a mapping: @wanted, or any. Lock held. */
static int choose_number(int wanted, u32 *n)
{
	ASSERT_LOCKED(&gsi_lock);
	if (wanted < 0) {
		*n = free_number();
		return *n ? 0 : -ENOSPC;
	}
	if ((u32)wanted < nr_gsis || wanted >= NR_PIRQS)
		return -EINVAL;         /* XSA-16 */
	*n = wanted;
	return pirq_at(*n)->owner ? -EEXIST : 0;
}

/* ---- Guards ---------------------------------------------------------------------------------- */

/* The frames of @piece of @dev; nr 0: it lies where a device's memory is not. */
static struct pci_guard frames_of(const struct pci_dev *dev, const struct pci_piece *piece)
{
	u64 base = pci_bar_read(dev->bdf, piece->bar), start = base + piece->offset;
	struct pci_guard none = { 0 };

	if (!base || !msi_may_lie(start, piece->bytes))
		return none;
	return (struct pci_guard){ start >> PAGE_SHIFT, ((start + piece->bytes - 1) >> PAGE_SHIFT) -
				   (start >> PAGE_SHIFT) + 1 };
}

void pirq_unguard(struct pci_dev *dev)
{
	ASSERT_LOCKED(&gsi_lock);
	for (unsigned i = 0; i < ARRAY_SIZE(dev->guard); i++) {
		if (dev->guard[i].nr)
			iomem_unguard(_mfn(dev->guard[i].first), dev->guard[i].nr);
		dev->guard[i].nr = 0;
	}
}

int pirq_guard(struct pci_dev *dev)
{
	struct pci_guard wanted[ARRAY_SIZE(dev->guard)] = { frames_of(dev, &dev->table),
							    frames_of(dev, &dev->pba) };

	ASSERT_LOCKED(&gsi_lock);
	if (dev->nr_mapped || dev->is_prepared)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!wanted[i].nr)
			continue;
		if (iomem_guard(_mfn(wanted[i].first), wanted[i].nr)) {
			pirq_unguard(dev);
			return -ENOMEM;
		}
		dev->guard[i] = wanted[i];
	}
	return 0;
}

/* ---- Mapping --------------------------------------------------------------------------------- */

u32 pirq_of_message(u16 bdf, int entry)
{
	ASSERT_LOCKED(&gsi_lock);
	for (u32 n = nr_gsis; n < NR_PIRQS; n++) {
		const struct pirq *p = pirq_at(n);

		if (pirq_is_msi(p) && p->msi.bdf == bdf && (entry < 0 || p->msi.entry == entry))
			return n;
	}
	return 0;
}

/* Is the message mapped, or the other kind? Lock held. */
static int is_in_use(const struct pci_dev *dev, const struct pirq_msi *op)
{
	ASSERT_LOCKED(&gsi_lock);
	if (op->is_x)
		return dev->msi_pirq ? -EBUSY : pirq_of_message(dev->bdf, op->entry) ? -EEXIST : 0;
	return dev->msi_pirq ? -EEXIST : dev->nr_mapped ? -EBUSY : 0;
}

/* What it all depends on. Lock held. */
static int may_map(struct pci_dev *dev, const struct pirq_msi *op, struct msi *m, u32 *n)
{
	int rc;

	ASSERT_LOCKED(&gsi_lock);
	if (!dev || pci_conf_is_kept(dev->bdf))
		return -ENODEV;
	rc = msi_find(dev, op->is_x, op->entry, m);
	if (!rc)
		rc = is_in_use(dev, op);
	if (!rc)
		rc = choose_number(op->pirq, n);
	if (!rc && !pirq_free_vector())
		rc = -ENOSPC;
	if (!rc && op->is_x)
		rc = pirq_guard(dev);
	return rc;
}

int pirq_map_msi(struct domain *d, struct pirq_msi *op)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	struct pci_dev *dev = pci_dev_find(op->bdf);
	struct msi m;
	u32 n;
	int rc = may_map(dev, op, &m, &n);

	if (!rc) {
		struct pirq *p = pirq_at(n);

		*p = (struct pirq){ .owner = d, .msi = m };
		if (op->is_x)
			dev->nr_mapped++;
		else
			dev->msi_pirq = n;
		pirq_take_vector(n, pirq_free_vector());
		p->apic_id = pirq_apic_id(0);
		msi_write(&p->msi, p->vector, p->apic_id);
		op->pirq = n;
	}
	spin_unlock_irqrestore(&gsi_lock, flags);
	return rc;
}

/* ---- The end of a mapping -------------------------------------------------------------------- */

void pirq_msi_end(u32 n, struct pirq *p)
{
	struct pci_dev *dev = pci_dev_find(p->msi.bdf);

	ASSERT_LOCKED(&gsi_lock);
	msi_end(&p->msi);
	pirq_put_vector(n);
	if (!p->msi.is_x)
		dev->msi_pirq = 0;
	else if (!--dev->nr_mapped && !dev->is_prepared)
		pirq_unguard(dev);
	*p = (struct pirq){ 0 };
}

int pirq_unmap(struct domain *d, u32 n)
{
	u64 flags;
	struct pirq *p = pirq_lock(n, &flags);
	int rc = -EINVAL;

	if (!p)
		return rc;
	if (p->owner == d) {
		if (p->port)
			pirq_silence(n, p);
		p->owner = NULL;
		if (pirq_is_msi(p))
			pirq_msi_end(n, p);
		rc = 0;
	}
	pirq_unlock(flags);
	return rc;
}
