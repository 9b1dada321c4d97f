/* SPDX-License-Identifier: MIT */
/*
 * Calls that name memory by gfn: see asm/by_gfn.h.
 */
#include <isola/errno.h>
#include <asm/by_gfn.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/hvm_domain.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pgentry.h>
#include <asm/precondition.h>
#include <xen/xen.h>

#define REQUEST_TYPE	7ul		/* of mmu_update, in the low bits of ptr */

int hvm_request_by_gfn(struct domain *owner, u64 ptr, u64 val, void *state,
		       int (*request)(void *state, u64 ptr, u64 val))
{
	struct page_info *pg;
	int rc;

	/* ABI: its numbers are given by whoever gives it memory. */
	if ((ptr & REQUEST_TYPE) == MMU_MACHPHYS_UPDATE)
		return -EINVAL;
	if ((ptr & REQUEST_TYPE) == MMU_PT_UPDATE_NO_TRANSLATE || !pte_present(val))
		return request(state, ptr, val);
	pg = p2m_get_foreign(owner, &owner->hvm->p2m, _gfn(mfn_x(pte_mfn(val))));
	if (!pg)
		return -EINVAL;
	rc = request(state, ptr, (val & ~PTE_ADDR) | mfn_to_maddr(page_mfn(pg)));
	page_put_foreign(pg);
	return rc;
}

/* ---- Extents --------------------------------------------------------------------------------- */

/* What show() has just put: leaves of 4 KiB, so that none has to be split, which could fail. */
static void take_back(struct domain *d, u64 gfn, u64 nr)
{
	mfn_t was;

	for (u64 i = 0; i < nr; i++)
		BUG_ON(p2m_remove(d, &d->hvm->p2m, _gfn(gfn + i), &was) == -ENOMEM);
}

static int show(struct domain *d, u64 gfn, mfn_t first, unsigned order)
{
	unsigned leaf = order == P2M_LARGE ? P2M_LARGE : 0;
	int rc = 0;

	for (u64 i = 0; i < 1ul << order; i += 1ul << leaf) {
		rc = p2m_add(d, &d->hvm->p2m, _gfn(gfn + i), mfn_add(first, i), leaf);
		if (rc) {
			take_back(d, gfn, i);
			break;
		}
	}
	return rc;
}

int hvm_show_extent(struct domain *d, u64 gfn, mfn_t first, unsigned order)
{
	int rc = gfn & ((1ul << order) - 1) ? -EINVAL : show(d, gfn, first, order);

	/* Those that a vcpu has given back by now stay what they are; so do a dying @d's. */
	for (u64 i = 0; rc && i < 1ul << order; i++)
		if (domain_release_page(d, mfn_add(first, i)))
			continue;
	return rc;
}

/* vcpus_lock held. All of it RAM, and nothing that has another use? */
static int check_extent(const struct domain *d, u64 gfn, u32 nr)
{
	ASSERT_LOCKED(&d->vcpus_lock);
	if (gfn & (nr - 1))
		return -EINVAL;
	for (u32 i = 0; i < nr; i++) {
		mfn_t m = p2m_lookup(&d->hvm->p2m, _gfn(gfn + i));

		if (!mfn_is_valid_num(m) || READ_ONCE(page_of(m)->type_info) & PGT_special)
			return -EINVAL;
	}
	return 0;
}

/* What d itself still has some use for is put back: a leaf's place, once there, cannot fail. */
static int release_page(struct domain *d, u64 gfn)
{
	mfn_t was;
	int rc = p2m_remove(d, &d->hvm->p2m, _gfn(gfn), &was);

	if (rc)
		return rc;
	rc = domain_release_page(d, was);
	if (rc && p2m_add(d, &d->hvm->p2m, _gfn(gfn), was, 0))
		return -EBUSY;		/* d dies, and takes it with it */
	return rc;
}

static int release(struct domain *d, u64 gfn, u32 nr)
{
	int rc = check_extent(d, gfn, nr);

	for (u32 i = 0; i < nr && !rc; i++)
		rc = release_page(d, gfn + i);
	return rc;
}

int hvm_release_extent(struct domain *d, u64 gfn, u32 nr)
{
	int rc;

	spin_lock(&d->vcpus_lock);
	rc = release(d, gfn, nr);
	spin_unlock(&d->vcpus_lock);
	return rc;
}
