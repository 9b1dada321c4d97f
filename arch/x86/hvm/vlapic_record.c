/* SPDX-License-Identifier: MIT */
/*
 * A local APIC as the ABI's two records have it: see asm/vlapic.h. The registers stand in one where
 * they stand in the page; what the vcpu itself is asked for there is put there as it would read it.
 */
#include <isola/lib/string.h>
#include <asm/apic.h>
#include <asm/hvm.h>

/* ABI: of a record's `disabled`, which Xen believes: by APICBASE, by SVR. */
#define HW_DISABLED	1u
#define SW_DISABLED	2u

static bool is_x2(const struct vlapic *a)
{
	return a->base & APICBASE_EXTD;
}

static void put(struct hvm_hw_lapic_regs *r, u32 offset, u32 val)
{
	*(u32 *)(r->data + offset) = val;
}

/* What is requested of it, and what will be once it has been folded in (event.c). */
static void put_requests(const struct vlapic *a, const struct hvm_vcpu *h,
			 struct hvm_hw_lapic_regs *r)
{
	bool is_on = a->base & APICBASE_ENABLE && a->svr & APIC_SVR_ENABLED;
	u32 lvt = a->lvt[LVT_TIMER], vector = lvt & 0xff;

	for (unsigned i = 0; i < ARRAY_SIZE(h->posted); i++) {
		u32 more = is_on ? READ_ONCE(h->posted[i]) : 0;

		put(r, APIC_IRR + 16 * i, a->irr.word[i] | (i ? more : more & ~0xffffu));
		put(r, APIC_ISR + 16 * i, a->isr.word[i]);
	}
	if (is_on && READ_ONCE(h->timer_fired) && !(lvt & APIC_LVT_MASKED) && vector >= 16) {
		u32 at = APIC_IRR + 16 * (vector / 32);

		put(r, at, vlapic_reg(r, at) | 1u << vector % 32);
	}
}

void vlapic_save(const struct vcpu *v, const struct vlapic *a, u8 cr8, struct hvm_hw_lapic *l,
		 struct hvm_hw_lapic_regs *r)
{
	const struct hvm_vcpu *h = v->domain->hvm->vcpu[v->id];

	*l = (struct hvm_hw_lapic){
		.apic_base_msr = a->base,
		.disabled = (a->svr & APIC_SVR_ENABLED ? 0 : SW_DISABLED) |
			    (a->base & APICBASE_ENABLE ? 0 : HW_DISABLED),
		.timer_divisor = vlapic_timer_divisor(a),
		.tdt_msr = READ_ONCE(h->timer_fired) ? 0 : a->deadline,
	};
	memset(r, 0, sizeof(*r));
	put(r, APIC_ID, is_x2(a) ? vlapic_id(v) : vlapic_id(v) << 24);
	put(r, APIC_VERSION, VLAPIC_VERSION);
	put(r, APIC_TPR, cr8 << 4 | a->tpr_low);
	put(r, APIC_LDR, is_x2(a) ? h->logical_id : a->ldr);
	put(r, APIC_DFR, a->dfr);
	put(r, APIC_SVR, a->svr);
	put(r, APIC_ESR, a->esr);
	put(r, APIC_ICR, a->icr);
	put(r, APIC_ICR_HI, a->icr >> 32);
	for (unsigned i = 0; i < NR_LVTS; i++)
		put(r, vlapic_lvts[i].offset, a->lvt[i]);
	put(r, APIC_TMICT, a->initial);
	put(r, APIC_TDCR, a->divide);
	put_requests(a, h, r);
}

u8 vlapic_load(struct vcpu *v, struct vlapic *a, const struct hvm_hw_lapic *l,
	       const struct hvm_hw_lapic_regs *r, u64 tsc)
{
	struct hvm_vcpu *h = v->domain->hvm->vcpu[v->id];
	u32 tpr = vlapic_reg(r, APIC_TPR);

	*a = (struct vlapic){
		.base = l->apic_base_msr, .tpr_low = tpr & 0xf,
		.dfr = ~0u,
		.svr = vlapic_reg(r, APIC_SVR), .esr = vlapic_reg(r, APIC_ESR),
		.icr = (vlapic_reg(r, APIC_ICR) & VLAPIC_ICR_VALID) |
		       (u64)vlapic_reg(r, APIC_ICR_HI) << 32,
		.initial = vlapic_reg(r, APIC_TMICT), .divide = vlapic_reg(r, APIC_TDCR),
		.deadline = l->tdt_msr ? l->tdt_msr - tsc + rdtsc() : 0,
	};
	if (!is_x2(a)) {
		a->ldr = vlapic_reg(r, APIC_LDR);
		a->dfr = vlapic_reg(r, APIC_DFR);
	}
	for (unsigned i = 0; i < NR_LVTS; i++)
		a->lvt[i] = (vlapic_reg(r, vlapic_lvts[i].offset) &
			     (vlapic_lvts[i].valid | APIC_LVT_MASKED | 0xff)) |
			    (a->svr & APIC_SVR_ENABLED ? 0 : APIC_LVT_MASKED);
	for (unsigned i = 0; i < ARRAY_SIZE(h->posted); i++) {
		a->irr.word[i] = vlapic_reg(r, APIC_IRR + 16 * i);
		a->isr.word[i] = vlapic_reg(r, APIC_ISR + 16 * i);
		WRITE_ONCE(h->posted[i], 0);
	}
	vlapic_publish(v, a);
	vlapic_timer_restart(v, a);
	return tpr >> 4;
}
