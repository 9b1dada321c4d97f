/* SPDX-License-Identifier: MIT */
/*
 * What a domain is made of, and a PV vcpu before its first instruction. Any root: what is not
 * the loaded domain's is reached through the mapcache.
 */
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/sched.h>
#include <isola/vcpu_timer.h>
#include <asm/domain_map.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/gnttab.h>
#include <asm/hvm_domain.h>
#include <asm/insn.h>
#include <asm/ioport.h>
#include <asm/mapcache.h>
#include <asm/memory_map.h>
#include <asm/pv_domain.h>
#include <asm/root.h>
#include <asm/switch.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>

#define DR6_INIT 0xffff0ff0ul
#define DR7_INIT 0x400ul

void pv_init(void)
{
	sched_context_switch = context_switch;
	switch_load_cpu_state = pv_cpu_state_load;
}

/* ---- The domain ------------------------------------------------------------------------------ */

static int make_shared_info(struct domain *d)
{
	struct shared_info *s;
	mfn_t m;

	if (domain_prepare_special_page(d, &m))
		return -ENOMEM;
	domain_adopt_special_page(d, m);
	d->shared_info_mfn = m;
	s = map_domain_page(m);
	for (unsigned i = 0; i < ARRAY_SIZE(s->vcpu_info); i++)
		s->vcpu_info[i].evtchn_upcall_mask = !is_hvm_domain(d);
	unmap_domain_page(s);
	return 0;
}

/* In order. */
static const struct {
	int (*make)(struct domain *d);
	const char *what;
} parts[] = {
	{ ioport_rights_create, "no I/O port map" },
	{ window_prepare, "no window tables" },
	{ make_shared_info, "no shared_info page" },
	{ gnttab_create, "no grant table" },
};

const char *pv_domain_make_parts(struct domain *d)
{
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].make(d))
			return parts[i].what;
	return NULL;
}

/* The hook of common/domain.c. Its frames are gone, and some of the parts may never have been. */
void domain_destroy_parts(struct domain *d)
{
	for (unsigned i = d->nr_vcpus; i-- > 0;)
		root_destroy_vcpu(d->vcpu[i]);
	gnttab_destroy(d);
	/* One that came while it was taken apart. */
	BUG_ON(page_claim(&d->claimed, 0));
	window_unprepare(d);
	ioport_rights_destroy(d);
	memory_map_destroy(d);
	public_free(d->cpu_policy);
	hvm_domain_destroy(d);
}

void pv_domain_abandon(struct domain *d)
{
	domain_discard_pages(d);
	domain_kill(d);
}

/* ---- Its vcpus ------------------------------------------------------------------------------- */

/* All know their place in shared_info. */
static void init_private(struct vcpu *v)
{
	struct shared_info *s = window_ptr(v->domain->shared_info_mfn);
	struct vcpu_private *p = map_domain_page(v->private_mfn[0]);
	u8 *fpu;

	/* The pages were zeroed by the allocator: only what is not zero is said here. */
	p->vcpu_info = &s->vcpu_info[v->id];
	p->kernel_mode = 1;
	p->faults_ours = PFEC_R;
	vcpu_private_hold_nothing(p);
	p->debugreg[6] = DR6_INIT;
	p->debugreg[7] = DR7_INIT;
	p->regs.cs = SEL_USER_CS64;
	p->regs.ss = SEL_USER_DS;
	p->regs.rflags = EFLAGS_IF | EFLAGS_MBS;
	unmap_domain_page(p);
	fpu = map_domain_page(v->private_mfn[2]);
	fpu_init_image(fpu);
	unmap_domain_page(fpu);
}

static struct vcpu *make_vcpu(struct domain *d, unsigned id)
{
	struct vcpu *v = vcpu_create(d, id);

	if (!v)
		return NULL;
	sched_add_vcpu(v);
	vcpu_timers_init(v);
	if (root_create_vcpu(v) || (is_hvm_domain(d) && hvm_vcpu_create(v))) {
		root_destroy_vcpu(v);
		vcpu_destroy(v);
		return NULL;
	}
	init_private(v);
	return v;
}

static void unmake_vcpus(struct vcpu *const *v, unsigned nr)
{
	while (nr--) {
		root_destroy_vcpu(v[nr]);
		vcpu_destroy(v[nr]);
	}
}

int pv_domain_make_vcpus(struct domain *d)
{
	struct vcpu *v[MAX_VCPUS];

	for (unsigned i = 0; i < d->max_vcpus; i++) {
		v[i] = make_vcpu(d, i);
		if (!v[i]) {
			unmake_vcpus(v, i);
			return -ENOMEM;
		}
	}
	if (!domain_add_vcpus(d, v))
		unmake_vcpus(v, d->max_vcpus);
	return 0;
}
