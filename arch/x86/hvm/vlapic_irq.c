/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of a local APIC: requested, delivered, ended. All are edge-triggered: there are no
 * lines. What comes from elsewhere is posted first (struct hvm_vcpu) and told by a wake and a kick;
 * it is folded in by the vcpu itself, with interrupts off before it enters its guest, so that what
 * is posted after that ends the guest's run (HVM-8).
 */
#include <isola/sched.h>
#include <asm/apic.h>
#include <asm/hvm.h>
#include <asm/percpu.h>

static bool has(const struct vector_set *s, u8 v)
{
	return s->word[v / 32] & 1u << v % 32;
}

static void put(struct vector_set *s, u8 v)
{
	s->word[v / 32] |= 1u << v % 32;
}

static void drop(struct vector_set *s, u8 v)
{
	s->word[v / 32] &= ~(1u << v % 32);
}

/* Does it take interrupts? */
static bool is_on(const struct vlapic *a)
{
	return a->base & APICBASE_ENABLE && a->svr & APIC_SVR_ENABLED;
}

u8 vlapic_ppr(void)
{
	const struct vlapic *a = &this_hvm.apic;
	int in_service = vector_set_highest(&a->isr);
	u8 tpr = hvm->get(HVM_CR8) << 4 | a->tpr_low;

	if (in_service < 0 || (in_service & 0xf0) <= (tpr & 0xf0))
		return tpr;
	return in_service & 0xf0;
}

void vlapic_error(u32 bits)
{
	struct vlapic *a = &this_hvm.apic;
	u32 lvt = a->lvt[LVT_ERROR];

	/* Once: the interrupt of an error makes no other (XSA-462). */
	if ((a->esr_new & bits) == bits)
		return;
	a->esr_new |= bits;
	if (!(lvt & APIC_LVT_MASKED) && (lvt & 0xff) >= 16)
		vlapic_set_irq(lvt);
}

void vlapic_set_irq(u8 vector)
{
	struct vlapic *a = &this_hvm.apic;

	if (!is_on(a))
		return;
	if (vector < 16)
		vlapic_error(ESR_RECEIVE_ILLEGAL);
	else
		put(&a->irr, vector);
}

void vlapic_request(u8 vector)
{
	put(&this_hvm.apic.irr, vector);
}

void vlapic_post(struct vcpu *v, u8 vector)
{
	struct hvm_vcpu *h = v->domain->hvm->vcpu[v->id];

	__atomic_fetch_or(&h->posted[vector / 32], 1u << vector % 32, __ATOMIC_SEQ_CST);
	vcpu_unblock(v);
	vcpu_kick(v);
}

int vlapic_next(bool *held_back)
{
	const struct vlapic *a = &this_hvm.apic;
	int vector = vector_set_highest(&a->irr), in_service;

	*held_back = false;
	if (likely(vector < 0) || !is_on(a))
		return -1;
	if ((vector & 0xf0) > (vlapic_ppr() & 0xf0))
		return vector;
	in_service = vector_set_highest(&a->isr);
	*held_back = in_service < 0 || (vector & 0xf0) > (in_service & 0xf0);
	return -1;
}

void vlapic_take(u8 vector)
{
	struct vlapic *a = &this_hvm.apic;

	ASSERT(has(&a->irr, vector));
	drop(&a->irr, vector);
	put(&a->isr, vector);
}

void vlapic_eoi(void)
{
	int vector = vector_set_highest(&this_hvm.apic.isr);

	if (vector >= 0)
		drop(&this_hvm.apic.isr, vector);
}
