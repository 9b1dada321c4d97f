/* SPDX-License-Identifier: MIT */
/*
 * E820 maps for guests. The machine's ranges come sorted and without overlap; the
 * limits of I/O memory, sorted too, are shown as reserved where they lie in the gaps between them.
 */
#include <asm/iomem.h>
#include <asm/memory_map.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <isola/errno.h>
#include <isola/memmap.h>
#include <isola/privilege.h>
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

long memory_map_own(u64 arg __maybe_unused)
{
	return -ENOSYS;
}
