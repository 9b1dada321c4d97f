/* SPDX-License-Identifier: MIT */
/*
 * memory_op of an HVM guest: its memory map, and what it has put where.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <asm/domain_map.h>
#include <asm/gnttab.h>
#include <asm/hvm.h>
#include <asm/hypercall.h>
#include <asm/memory_map.h>
#include <asm/memory_op.h>
#include <asm/percpu.h>
#include <asm/precondition.h>
#include <asm/uaccess.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/memory.h>

#define MEMOP_CMD_MASK ((1u << MEMOP_CMD_BITS) - 1)

/* Below 1 MiB: what a PC has there is no RAM. The special pages: below the local APIC. */
#define LOW_END		0xa0000ul
#define SPECIAL_START	0xfeff8000ul
#define SPECIAL_END	0xff000000ul

bool hvm_map_entry(const struct domain *d, unsigned i, struct hvm_map_entry *e)
{
	u64 end = d->hvm->ram_end << PAGE_SHIFT, low = min(end, HVM_HOLE_GFN << PAGE_SHIFT);
	const struct hvm_map_entry entries[] = {
		{ 0, min(low, LOW_END), XEN_HVM_MEMMAP_TYPE_RAM },
		{ LOW_END, MIB(1) - LOW_END, XEN_HVM_MEMMAP_TYPE_RESERVED },
		{ MIB(1), low > MIB(1) ? low - MIB(1) : 0, XEN_HVM_MEMMAP_TYPE_RAM },
		{ SPECIAL_START, SPECIAL_END - SPECIAL_START, XEN_HVM_MEMMAP_TYPE_RESERVED },
		{ GIB(4), end > GIB(4) ? end - GIB(4) : 0, XEN_HVM_MEMMAP_TYPE_RAM },
	};

	for (unsigned k = 0; k < ARRAY_SIZE(entries); k++)
		if (entries[k].size && !i--) {
			*e = entries[k];
			return true;
		}
	return false;
}

static long op_memory_map(u64 arg)
{
	struct { u64 addr, size; u32 type; } __packed out;
	struct xen_memory_map map;
	struct hvm_map_entry e;
	unsigned nr = 0;
	long rc = memory_map_own(arg);

	/* What the tools have set, or what the builder made. */
	if (rc != -ENOSYS || !current->domain->hvm->ram_end)
		return rc;
	if (copy_from_guest(&map, arg, sizeof(map)))
		return -EFAULT;
	for (; hvm_map_entry(current->domain, nr, &e); nr++) {
		if (nr == map.nr_entries)
			return -EINVAL;
		out.addr = e.addr;
		out.size = e.size;
		out.type = e.type;
		if (copy_to_guest(guest_elem((u64)map.buffer.p, nr, sizeof(out)), &out,
				  sizeof(out)))
			return -EFAULT;
	}
	map.nr_entries = nr;
	return copy_to_guest(arg, &map, sizeof(map));
}

/* ---- What is put where ----------------------------------------------------------------------- */

static_assert(HVM_GRANT_FRAMES == GNTTAB_MAX_FRAMES, "a gfn for each");

/* Is @m one that lasts as long as the domain (HVM-2)? *@at: its record of where it is. */
static bool is_special(struct domain *d, mfn_t m, u64 **at)
{
	struct hvm_domain *h = d->hvm;

	*at = &h->shared_info_gfn;
	if (mfn_eq(m, d->shared_info_mfn))
		return true;
	for (u32 i = 0; i < READ_ONCE(d->grants->nr_frames); i++) {
		*at = &h->grant_gfn[i];
		if (mfn_eq(m, d->grants->frame[i]))
			return true;
	}
	return false;
}

/*
 * Nothing is behind @gfn any more. What was, if it was RAM, is the domain's no longer; what is
 * special stays what it is, and is nowhere.
 */
static int unhook(struct domain *d, u64 gfn)
{
	u64 *at;
	mfn_t was;
	int rc = p2m_remove(d, &d->hvm->p2m, _gfn(gfn), &was);

	if (rc == -ENOENT)
		return 0;
	if (rc)
		return rc;
	if (is_special(d, was, &at)) {
		*at = ~0ul;
		return 0;
	}
	/* The console's ring has references of its own: it is the domain's still, and nowhere. */
	rc = domain_release_page(d, was);
	domain_release_flush(d);
	return rc == -EBUSY ? 0 : rc;
}

/* vcpus_lock held: one vcpu at a time. ABI: @m, which is at *@at, leaves there. */
static int put(struct domain *d, u64 gfn, mfn_t m, u64 *at)
{
	struct hvm_domain *h = d->hvm;
	int rc = 0;

	ASSERT_LOCKED(&d->vcpus_lock);
	if (gfn >= h->p2m.end)
		return -EINVAL;
	if (*at != ~0ul)
		rc = unhook(d, *at);
	if (!rc)
		rc = unhook(d, gfn);
	if (!rc)
		rc = p2m_add(d, &h->p2m, _gfn(gfn), m, 0);
	if (!rc)
		*at = gfn;
	return rc;
}

/* The table is made so long, if it is not. Frames of statuses there are none: version 1. */
static int put_grant_frame(struct domain *d, u64 gfn, u64 idx)
{
	if (idx >= d->grants->max_frames)
		return -EINVAL;
	idx = index_nospec(idx, HVM_GRANT_FRAMES);
	if (gnttab_grow(d, idx + 1))
		return -ENOMEM;
	return put(d, gfn, d->grants->frame[idx], &d->hvm->grant_gfn[idx]);
}

static int put_by_space(struct domain *d, const struct xen_add_to_physmap *op)
{
	switch (op->space) {
	case XENMAPSPACE_shared_info:
		return op->idx ? -EINVAL : put(d, op->gpfn, d->shared_info_mfn,
					       &d->hvm->shared_info_gfn);
	case XENMAPSPACE_grant_table:
		return put_grant_frame(d, op->gpfn, op->idx);
	default:
		return -EOPNOTSUPP;
	}
}

static long op_add_to_physmap(u64 arg)
{
	struct domain *d = current->domain;
	struct xen_add_to_physmap op;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.domid != DOMID_SELF && op.domid != d->domid)
		return -EPERM;
	spin_lock(&d->vcpus_lock);
	rc = put_by_space(d, &op);
	spin_unlock(&d->vcpus_lock);
	return rc;
}

long hvm_memory_op(u64 cmd, u64 arg)
{
	switch (cmd & MEMOP_CMD_MASK) {
	case XENMEM_memory_map:
		return op_memory_map(arg);
	case XENMEM_add_to_physmap:
		return op_add_to_physmap(arg);
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_ram_page:
		return hc_memory_op(cmd, arg);
	default:
		return -ENOSYS;
	}
}
