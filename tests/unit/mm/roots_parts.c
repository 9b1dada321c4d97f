/* SPDX-License-Identifier: MIT */
/*
 * What asi/root.c takes from elsewhere: see roots_parts.h.
 */
#include <stdlib.h>
#include <asm/asi_policy.h>
#include <asm/cpu_area.h>
#include <asm/cpu_window.h>
#include <asm/domain_map.h>
#include <asm/hyper_pt.h>
#include <asm/vcpu_area.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include "roots_parts.h"
#include "tap.h"

u8 hv_zero_page[PAGE_SIZE];
mfn_t idle_area_l3 = { 0x2ffe }, cpu_areas_l3 = { 0x2fff };
struct asi_policy asi_policy = { .pv = { true, true, true }, .dom0 = { true, true, true } };

void cpu_relax(void) { }

void *alloc_public_page(void)
{
	static unsigned used;

	return no_pages || used == NR_PUBLIC ? NULL : public_ptr(_mfn(used++));
}

/* A root's parts that are not a guest's: kept apart by recognisable values. */
void hyper_fill_root(u64 *l4, bool m2p)
{
	l4[L4_SLOT_PUBLIC] = 1;
	l4[L4_SLOT_M2P] = m2p;
}

void window_fill_root(u64 *l4, const struct domain *d)
{
	l4[L4_SLOT_WINDOW_FIRST] = d ? 2 + d->domid : 0;
}
const struct asi_class *asi_class_of(const struct domain *d)
{
	return d->is_privileged ? &asi_policy.dom0 : &asi_policy.pv;
}

int vcpu_area_create(struct vcpu *v)
{
	if (no_pages && tap_random() % 2)
		return -ENOMEM;
	v->area_l3 = _mfn(AREA_L3 + 16 + roots_vcpu(v));
	return 0;
}

void vcpu_area_destroy(struct vcpu *v) { v->area_l3 = INVALID_MFN; }
void free_public_page(void *page) { (void)page; }

void *cpu_window_map(enum cpu_window w, mfn_t m, u64 flags)
{
	check(w == WINDOW_ROOT && flags == PAGE_HV_RO && world_irq_off,
	      "a guest L4 is read through the CPU's window");
	return window_ptr(m);
}

void cpu_window_unmap(enum cpu_window w) { (void)w; }
