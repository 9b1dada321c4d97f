/* SPDX-License-Identifier: MIT */
/*
 * Short-lived mappings of foreign frames. On the boot root, which shows all RAM, the window serves
 * instead.
 */
#include <isola/printk.h>
#include <isola/vcpu.h>
#include <asm/cpu_area.h>
#include <asm/mapcache.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/pgentry.h>
#include <asm/window.h>

static u64 slot_va(unsigned slot)
{
	return VA_MAPCACHE + ((u64)slot << PAGE_SHIFT);
}

void *map_domain_page(mfn_t m)
{
	struct vcpu *v = current;

	if (boot_root_loaded())
		return window_ptr(m);
	BUG_ON(vcpu_is_idle(v) || this_cpu.visited);
	/* From where the last one was taken: slots in use are skipped. */
	for (unsigned tried = 0; tried < VCPU_MAPCACHE_SLOTS; tried++) {
		u64 va = slot_va(v->mapcache_next++ % VCPU_MAPCACHE_SLOTS);

		if (!perdomain_is_mapped(va)) {
			populate_perdomain_mapping(v, va, 1, &m, PAGE_HV_RW);
			return (void *)va;
		}
	}
	panic("mapcache of d%uv%u: all %u slots are in use", v->domain->domid, v->id,
	      VCPU_MAPCACHE_SLOTS);
}

void unmap_domain_page(const void *p)
{
	u64 va = (u64)p & PAGE_MASK;

	if (va < VA_MAPCACHE || va >= slot_va(VCPU_MAPCACHE_SLOTS))
		return;		/* the window's */
	destroy_perdomain_mapping(current, va, 1);
}
