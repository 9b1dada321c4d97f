/* SPDX-License-Identifier: MIT */
/*
 * Short-lived mappings of foreign frames. On the boot root, which shows all RAM, the window serves
 * instead.
 */
#include <isola/printk.h>
#include <isola/vcpu.h>
#include <asm/cpu_area.h>
#include <asm/domain_map.h>
#include <asm/mapcache.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/tlb.h>

static u64 slot_va(unsigned slot)
{
	return VA_MAPCACHE + ((u64)slot << PAGE_SHIFT);
}

void *map_domain_page(mfn_t m)
{
	struct vcpu *v = current;

	if (boot_root_loaded())
		return window_ptr(m);
	BUG_ON(vcpu_is_idle(v));
	/* From where the last one was taken: slots in use are skipped. */
	for (unsigned tried = 0; tried < VCPU_MAPCACHE_SLOTS; tried++) {
		unsigned slot = v->mapcache_next++ % VCPU_MAPCACHE_SLOTS;
		pte_t *pe = &v->mapcache_l1[slot];

		if (!pte_present(pte_read(pe))) {
			pte_write(pe, pte_make(m, PAGE_HV_RW));
			return (void *)slot_va(slot);
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
	pte_write(&current->mapcache_l1[(va - VA_MAPCACHE) >> PAGE_SHIFT], 0);
	tlb_invlpg(va);
}
