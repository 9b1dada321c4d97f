/* SPDX-License-Identifier: MIT */
/*
 * Modes and resets of a local APIC, and what is told of it to those who address it.
 */
#include <isola/errno.h>
#include <asm/apic.h>
#include <asm/hvm.h>
#include <asm/percpu.h>

#define DFR_FLAT	~0u

static bool is_x2(const struct vlapic *a)
{
	return a->base & APICBASE_EXTD;
}

bool vlapic_is_x2(void)
{
	return is_x2(&this_hvm.apic);
}

bool vlapic_has_page(void)
{
	return (this_hvm.apic.base & (APICBASE_ENABLE | APICBASE_EXTD)) == APICBASE_ENABLE;
}

void vlapic_publish(struct vcpu *v, const struct vlapic *a)
{
	struct hvm_vcpu *h = v->domain->hvm->vcpu[v->id];
	u32 id = vlapic_id(v);

	WRITE_ONCE(h->apic_id, id);
	WRITE_ONCE(h->logical_id, is_x2(a) ? (id & ~0xfu) << 12 | 1u << (id & 0xf) : a->ldr >> 24);
	WRITE_ONCE(h->mode, !(a->base & APICBASE_ENABLE) ? APIC_OFF : is_x2(a) ? APIC_X2 :
			    a->dfr == DFR_FLAT ? APIC_FLAT : APIC_CLUSTER);
}

void vlapic_init(struct vcpu *v, struct vlapic *a)
{
	*a = (struct vlapic){ .base = a->base, .dfr = DFR_FLAT, .svr = 0xff };
	for (unsigned i = 0; i < NR_LVTS; i++)
		a->lvt[i] = APIC_LVT_MASKED;
	timer_stop(&v->domain->hvm->vcpu[v->id]->timer);
	vlapic_publish(v, a);
}

void vlapic_reset(struct vcpu *v, struct vlapic *a)
{
	a->base = VLAPIC_BASE | APICBASE_ENABLE | (v->id ? 0 : APICBASE_BSP);
	vlapic_init(v, a);
}

/*
 * Off, xAPIC, x2APIC: to the next, and off from either (SDM vol. 3 figure 11-27). The page does not
 * move, and who is the boot processor stays so (docs/limits.md).
 */
int vlapic_set_base(u64 val)
{
	struct vlapic *a = &this_hvm.apic;
	u64 mode = val & (APICBASE_ENABLE | APICBASE_EXTD);
	u64 old = a->base & (APICBASE_ENABLE | APICBASE_EXTD);

	if ((val ^ a->base) & ~(APICBASE_ENABLE | APICBASE_EXTD) || mode == APICBASE_EXTD ||
	    (is_x2(a) && mode == APICBASE_ENABLE) || (!old && mode & APICBASE_EXTD))
		return -EINVAL;
	if (mode == old)
		return 0;
	a->base = val;
	if (!mode || !old) {
		vlapic_init(current, a);
		this_hvm.upcall_told = false;
	} else {
		vlapic_publish(current, a);
	}
	return 0;
}
