/* SPDX-License-Identifier: MIT */
/*
 * A shadow comes and goes while its vcpu waits, or comes while it runs this itself: two roots, the
 * pages of the trees, and the word that sends the guest's page faults to us. The roots that follow
 * the guest's L4s stay as they are, and are followed with; they are loaded again behind it.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/insn.h>
#include <asm/loaded.h>
#include <asm/mapcache.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/regs.h>
#include <asm/root.h>
#include <asm/shadow.h>
#include <asm/vcpu_private.h>

/* The hypervisor's slots of @mirror, and none of the guest's. INVALID_MFN: no memory. */
static mfn_t make_root(const u64 *mirror)
{
	u64 *root = alloc_public_page(); /* public: roots */

	if (!root)
		return INVALID_MFN;
	memcpy(root + L4_SLOT_HV_FIRST, mirror + L4_SLOT_HV_FIRST,
	       (L4_SLOT_HV_LAST - L4_SLOT_HV_FIRST + 1) * sizeof(*root));
	return public_mfn(root);
}

static void free_root(mfn_t m)
{
	if (mfn_is_valid_num(m))
		free_public_page(public_ptr(m));
}

static void load_from_now_on(struct vcpu *v, mfn_t kernel, mfn_t user)
{
	v->root_kernel = kernel;
	v->root_user = user;
	v->cr3_kernel = mfn_to_maddr(kernel);
	v->cr3_user = mfn_to_maddr(user);
}

static void set_faults_ours(struct vcpu *v, u32 bits)
{
	struct vcpu_private *p = map_domain_page(v->private_mfn[0]);

	p->faults_ours = bits;
	unmap_domain_page(p);
}

/*
 * The current vcpu, from the root that shows its guest's tables to the one that shows trees, which
 * are empty. Whoever has found it without a shadow and has not asked this CPU to flush has changed
 * tables before: no walk of ours sees what was there (TLB-8).
 */
static void change_root(struct vcpu *v, mfn_t kernel, mfn_t user)
{
	ASSERT_KERNEL_ROOT();
	irq_disable();
	v->shadow = (struct vcpu_shadow){ .on = true };
	load_from_now_on(v, kernel, user);
	this_cpu.shadowed = true;
	root_adopt(v->cr3_kernel);
	irq_enable();
}

int shadow_create(struct vcpu *v)
{
	mfn_t kernel = make_root(v->mirror[0]), user = make_root(v->mirror[1]);

	ASSERT((v->on_cpu == NO_CPU || v == current) && !v->shadow.on);
	if (!mfn_is_valid_num(kernel) || !mfn_is_valid_num(user) ||
	    create_perdomain_mapping(v, VA_SHADOW, VCPU_SHADOW_PAGES, true)) {
		destroy_perdomain_mapping(v, VA_SHADOW, VCPU_SHADOW_PAGES);
		free_root(kernel);
		free_root(user);
		return -ENOMEM;
	}
	set_faults_ours(v, PFEC_R | PFEC_U);
	if (v == current) {
		change_root(v, kernel, user);
	} else {
		v->shadow = (struct vcpu_shadow){ .on = true, .absent = v->shadow.absent };
		load_from_now_on(v, kernel, user);
	}
	return 0;
}

void shadow_destroy(struct vcpu *v)
{
	mfn_t kernel = v->root_kernel, user = v->root_user;

	if (!v->shadow.on)
		return;
	ASSERT(v->on_cpu == NO_CPU);
	v->shadow.on = false;
	set_faults_ours(v, PFEC_R);
	load_from_now_on(v, public_mfn(v->mirror[0]), public_mfn(v->mirror[1]));
	destroy_perdomain_mapping(v, VA_SHADOW, VCPU_SHADOW_PAGES);
	free_root(kernel);
	free_root(user);
}
