/* SPDX-License-Identifier: MIT */
/*
 * Simulated shadows: see roots_shadow.h.
 */
#include <string.h>
#include <asm/layout.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/shadow.h>
#include <isola/page_alloc.h>
#include "roots_parts.h"
#include "roots_shadow.h"
#include "tap.h"

#define NR_VCPUS 5

static struct {
	u64 has[2][PT_ENTRIES], forgotten_at[2], page_forgotten_at;
	u64 *root[2];
} shadows[NR_VCPUS];

static bool is_guests(unsigned slot)
{
	return slot < L4_SLOT_HV_FIRST || slot > L4_SLOT_HV_LAST;
}

void shadow_sees(const struct vcpu *v, unsigned which, unsigned slot, unsigned id)
{
	shadows[roots_vcpu(v)].has[which][slot] |= 1ul << id;
}

u64 shadow_has(const struct vcpu *v, unsigned which, unsigned slot)
{
	return shadows[roots_vcpu(v)].has[which][slot];
}

u64 shadow_forgotten_at(const struct vcpu *v)
{
	const u64 *at = shadows[roots_vcpu(v)].forgotten_at;

	return at[0] < at[1] ? at[0] : at[1];
}

u64 shadow_page_forgotten_at(const struct vcpu *v)
{
	u64 all = shadow_forgotten_at(v), one = shadows[roots_vcpu(v)].page_forgotten_at;

	return one > all ? one : all;
}

void shadow_rots(const struct vcpu *v)
{
	if (v->shadow.on)
		memset(shadows[roots_vcpu(v)].has, 0xff, sizeof(shadows[0].has));
}

void shadow_flip(struct vcpu *v)
{
	u64 **root = shadows[roots_vcpu(v)].root;

	v->shadow.on = !v->shadow.on;
	for (unsigned which = 0; which < 2; which++) {
		if (!root[which])
			root[which] = alloc_public_page();
		for (unsigned i = 0; i < PT_ENTRIES; i++)
			root[which][i] = is_guests(i) ? 0 : v->mirror[which][i];
	}
	v->root_kernel = public_mfn(v->shadow.on ? root[0] : v->mirror[0]);
	v->root_user = public_mfn(v->shadow.on ? root[1] : v->mirror[1]);
	v->cr3_kernel = mfn_to_maddr(v->root_kernel);
	v->cr3_user = mfn_to_maddr(v->root_user);
	shadow_rots(v);
}

unsigned long shadows_started;

/* As change_root() of shadow/create.c. */
void shadow_start(struct vcpu *v)
{
	if (v != this_cpu.curr || v->shadow.on || this_cpu.cr3 != v->cr3_kernel)
		return;
	world_irq_off = true;
	shadow_flip(v);
	shadow_forget(v);
	this_cpu.shadowed = true;
	root_adopt(v->cr3_kernel);
	world_irq_off = false;
	shadows_started++;
}

/* ---- What the product calls ---- */

void shadow_forget_tree(struct vcpu *v, enum shadow_tree tree)
{
	check(world_irq_off && v->shadow.on, "a shadow forgets with interrupts off");
	memset(shadows[roots_vcpu(v)].has[tree], 0, sizeof(shadows[0].has[0]));
	shadows[roots_vcpu(v)].forgotten_at[tree] = roots_now();
}

void shadow_forget(struct vcpu *v)
{
	shadow_forget_tree(v, SHADOW_KERNEL);
	shadow_forget_tree(v, SHADOW_USER);
}

void shadow_forget_page(u64 va)
{
	struct vcpu *v = this_cpu.curr;

	check(v->shadow.on && va == 0x1000, "a page of it, too");
	shadows[roots_vcpu(v)].page_forgotten_at = roots_now();
}
