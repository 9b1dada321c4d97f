/* SPDX-License-Identifier: MIT */
/*
 * E820 maps for guests. The machine's ranges come sorted and without overlap; the
 * limits of I/O memory, sorted too, are shown as reserved where they lie in the gaps between them.
 */
#include <asm/iomem.h>
#include <asm/memory_map.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <isola/vcpu.h>
#include <xen/memory.h>

#define E820_RESERVED 2

struct e820_entry {
	u64 addr, size;
	u32 type;
} __packed;

static_assert(sizeof(struct e820_entry) == 20, "the BIOS's own format");

struct out {
	u64 buffer;			/* guest address */
	u32 room, nr;			/* entries */
};

static int emit(struct out *o, u64 addr, u64 end, u32 type)
{
	struct e820_entry e = { addr, end - addr, type };

	if (o->nr == o->room)
		return -EINVAL;
	return copy_to_guest(guest_elem(o->buffer, o->nr++, sizeof(e)), &e, sizeof(e));
}

/* The limits' parts within the gap [@start, @end). */
static int emit_gap(struct out *o, u64 start, u64 end)
{
	mfn_t first, last;
	int rc = 0;

	for (unsigned i = 0; !rc && iomem_limit_at(i, &first, &last); i++) {
		u64 from = max(mfn_to_maddr(first), start);
		u64 to = min(mfn_to_maddr(mfn_add(last, 1)), end);

		if (from >= to)
			continue;
		rc = emit(o, from, to, E820_RESERVED);
		start = to;
	}
	return rc;
}

static int emit_all(struct out *o)
{
	u64 at = 0;
	int rc = 0;

	for (unsigned i = 0; i < memmap_nr() && !rc; i++) {
		const struct memmap_entry *e = memmap_entry(i);

		rc = emit_gap(o, at, e->addr);
		at = e->addr + e->size;
		if (!rc)
			rc = emit(o, e->addr, at, e->type);
	}
	return rc ? rc : emit_gap(o, at, ~0ul);
}

long memory_map_machine(u64 arg)
{
	struct xen_memory_map map;
	struct out o = { 0 };
	int rc;

	if (!domain_may(current->domain, MAY_machine_memory_map))
		return -EPERM;
	if (copy_from_guest(&map, arg, sizeof(map)))
		return -EFAULT;
	o.buffer = (u64)map.buffer.p;
	o.room = map.nr_entries;
	rc = emit_all(&o);
	if (rc)
		return rc;
	map.nr_entries = o.nr;
	return copy_to_guest(arg, &map, sizeof(map));
}

/* ---- Those that the tools set ---------------------------------------------------------------- */

#define MOST_ENTRIES 128		/* as Xen of a boot loader's */

/* Public: numbers of the control domain's choice. It comes whole, and goes when nobody reads it. */
struct memory_map {
	u32 nr;
	struct e820_entry entry[MOST_ENTRIES];
};

/* @d's becomes @map, or goes (NULL). */
static void set_map(struct domain *d, struct memory_map *map)
{
	struct memory_map *was;

	spin_lock(&d->page_lock);
	was = d->memory_map;
	d->memory_map = map;
	spin_unlock(&d->page_lock);
	public_free(was);
}

static long copy_map(struct domain *d, const struct xen_memory_map *from)
{
	struct memory_map *map = public_alloc(sizeof(*map)); /* public: memory maps */

	if (!map)
		return -ENOMEM;
	map->nr = from->nr_entries;
	if (copy_from_guest(map->entry, (u64)from->buffer.p, map->nr * sizeof(map->entry[0]))) {
		public_free(map);
		return -EFAULT;
	}
	set_map(d, map);
	return 0;
}

long memory_map_set(u64 arg)
{
	struct xen_foreign_memory_map op;
	struct domain *d;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.map.nr_entries > MOST_ENTRIES)
		return -EINVAL;
	rc = get_target_domain(MAY_set_memory_map, op.domid, &d);
	if (rc)
		return rc;
	rc = copy_map(d, &op.map);
	put_named_domain(d);
	return rc;
}

/* A copy: the map may be set anew meanwhile. */
static bool read_map(struct domain *d, struct memory_map *map)
{
	bool any;

	spin_lock(&d->page_lock);
	any = d->memory_map;
	if (any)
		memcpy(map, d->memory_map, sizeof(*map));
	spin_unlock(&d->page_lock);
	return any;
}

long memory_map_own(u64 arg)
{
	struct xen_memory_map op;
	struct memory_map map;

	if (!read_map(current->domain, &map))
		return -ENOSYS;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	op.nr_entries = min(op.nr_entries, map.nr);
	if (copy_to_guest((u64)op.buffer.p, map.entry, op.nr_entries * sizeof(map.entry[0])))
		return -EFAULT;
	return copy_to_guest(arg, &op, sizeof(op));
}

void memory_map_destroy(struct domain *d)
{
	set_map(d, NULL);
}
