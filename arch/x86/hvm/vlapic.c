/* SPDX-License-Identifier: MIT */
/*
 * The registers of a local APIC: see asm/vlapic.h.
 *
 * A row for each register that there is. What has none is in x2APIC mode #GP, in the page zero, and
 * writes to it vanish but for ESR's bit of an illegal register, which is not told.
 */
#include <isola/errno.h>
#include <isola/nospec.h>
#include <asm/apic.h>
#include <asm/hvm.h>
#include <asm/percpu.h>

#define APIC_PPR	0xa0
#define SELF_IPI	0x3f0

static struct vlapic *apic(void)
{
	return &this_hvm.apic;
}

/* ---- Registers ------------------------------------------------------------------------------- */

static u8 tpr(void)
{
	return hvm->get(HVM_CR8) << 4 | apic()->tpr_low;
}

static void set_tpr(u32 val)
{
	apic()->tpr_low = val & 0xf;
	hvm->set(HVM_CR8, val >> 4 & 0xf);
}

/* Switched off by software, it has its LVTs masked, and takes nothing. */
static void set_svr(u32 val)
{
	struct vlapic *a = apic();

	a->svr = val & VLAPIC_SVR_VALID;
	for (unsigned i = 0; i < NR_LVTS && !(val & APIC_SVR_ENABLED); i++)
		a->lvt[i] |= APIC_LVT_MASKED;
}

/* What has been found since the last write can be read after the next. */
static void set_esr(u32 val __maybe_unused)
{
	apic()->esr = apic()->esr_new;
	apic()->esr_new = 0;
}

static void set_ldr(u32 val)
{
	apic()->ldr = val & 0xff000000;
	vlapic_publish(current, apic());
}

static void set_dfr(u32 val)
{
	apic()->dfr = val | VLAPIC_DFR_ONES;
	vlapic_publish(current, apic());
}

static void set_eoi(u32 val __maybe_unused)
{
	vlapic_eoi();
}

static void set_icr_high(u32 val)
{
	apic()->icr = (u32)apic()->icr | (u64)(val & 0xff000000) << 32;
}

static void set_divide(u32 val)
{
	vlapic_timer_change(apic()->lvt[LVT_TIMER], val & 0xb);
}

static int lvt_at(u32 offset)
{
	for (int i = 0; i < NR_LVTS; i++)
		if (vlapic_lvts[i].offset == offset)
			return i;
	return -1;
}

static void set_lvt(unsigned i, u32 val)
{
	struct vlapic *a = apic();

	val &= vlapic_lvts[i].valid | APIC_LVT_MASKED | 0xff;
	if (!(a->svr & APIC_SVR_ENABLED))
		val |= APIC_LVT_MASKED;
	if (i == LVT_TIMER)
		vlapic_timer_change(val, a->divide);
	else
		a->lvt[i] = val;
}

/* One of the three sets' words; @offset is between APIC_ISR and the end of IRR. */
static u32 set_word(u32 offset)
{
	const struct vlapic *a = apic();
	unsigned i = index_nospec(offset >> 4 & 7, 8);

	if (offset >= APIC_IRR)
		return a->irr.word[i];
	/* Nothing is level-triggered: TMR is empty. */
	return offset < APIC_TMR ? a->isr.word[i] : 0;
}

/* False: there is no such register, or it is not to be read. */
static bool read_register(u32 offset, u32 *val)
{
	const struct hvm_vcpu *h = current->domain->hvm->vcpu[current->id];
	const struct vlapic *a = apic();
	bool x2 = vlapic_is_x2();
	int lvt = lvt_at(offset);

	if (lvt >= 0) {
		*val = a->lvt[lvt];
		return true;
	}
	if (offset >= APIC_ISR && offset < APIC_IRR + 0x80) {
		*val = set_word(offset);
		return true;
	}
	switch (offset) {
	case APIC_ID:		*val = x2 ? h->apic_id : h->apic_id << 24; break;
	case APIC_VERSION:	*val = VLAPIC_VERSION; break;
	case APIC_TPR:		*val = tpr(); break;
	case APIC_PPR:		*val = vlapic_ppr(); break;
	case APIC_LDR:		*val = x2 ? h->logical_id : a->ldr; break;
	case APIC_SVR:		*val = a->svr; break;
	case APIC_ESR:		*val = a->esr; break;
	case APIC_ICR:		*val = a->icr; break;
	case APIC_TMICT:	*val = a->initial; break;
	case APIC_TMCCT:	*val = vlapic_timer_now(); break;
	case APIC_TDCR:		*val = a->divide; break;
	case APIC_DFR:		*val = a->dfr; return !x2;
	case APIC_ICR_HI:	*val = a->icr >> 32; return !x2;
	default:		return false;
	}
	return true;
}

/* Bits that x2APIC mode refuses; what is not here is not to be written. */
static const struct {
	u16 offset;
	bool only_page;
	u32 reserved;
	void (*set)(u32 val);
} writes[] = {
	{ APIC_TPR, false, ~0xffu, set_tpr }, { APIC_EOI, false, ~0u, set_eoi },
	{ APIC_SVR, false, ~0x13ffu, set_svr }, { APIC_ESR, false, ~0u, set_esr },
	{ APIC_TMICT, false, 0, vlapic_timer_set }, { APIC_TDCR, false, ~0xbu, set_divide },
	{ APIC_LDR, true, 0, set_ldr }, { APIC_DFR, true, 0, set_dfr },
	{ APIC_ICR_HI, true, 0, set_icr_high },
};

/* -EINVAL: no such register, or a bit that must not be. */
static int write_register(u32 offset, u32 val)
{
	int lvt = lvt_at(offset);

	if (lvt >= 0) {
		if (vlapic_is_x2() && val & ~(vlapic_lvts[lvt].valid | APIC_LVT_MASKED | 0x10ffu))
			return -EINVAL;
		set_lvt(lvt, val);
		return 0;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
		if (writes[i].offset != offset)
			continue;
		if (vlapic_is_x2() && (writes[i].only_page || val & writes[i].reserved))
			return -EINVAL;
		writes[i].set(val);
		return 0;
	}
	return -EINVAL;
}

/* ---- By the page, by MSRs -------------------------------------------------------------------- */

u32 vlapic_read(u32 offset)
{
	u32 val = 0;

	return read_register(offset, &val) ? val : 0;
}

int vlapic_write(u32 offset, u32 val)
{
	struct vlapic *a = apic();
	int rc;

	if (offset != APIC_ICR) {
		rc = write_register(offset, val);
		return rc == -EINVAL ? 0 : rc;
	}
	a->icr = (a->icr & ~0xfffffffful) | (val & VLAPIC_ICR_VALID);
	return vlapic_send(a->icr);
}

/* A self-IPI: fixed, by its vector alone. */
static int write_self(u64 val)
{
	if (val & ~0xfful)
		return -EINVAL;
	return vlapic_send(1u << 18 | val);
}

static int write_x2(u32 offset, u64 val)
{
	if (offset == APIC_ICR) {
		if ((u32)val & ~VLAPIC_ICR_VALID)
			return -EINVAL;
		apic()->icr = val;
		return vlapic_send(val);
	}
	if (offset == SELF_IPI)
		return write_self(val);
	return val >> 32 ? -EINVAL : write_register(offset, val);
}

int vlapic_rdmsr(u32 msr, u64 *val)
{
	u32 low = 0;

	if (msr == MSR_APICBASE) {
		*val = apic()->base;
		return 0;
	}
	if (!vlapic_is_x2() || !read_register((msr - MSR_X2APIC) << 4, &low))
		return -EINVAL;
	*val = msr == MSR_X2APIC + (APIC_ICR >> 4) ? apic()->icr : low;
	return 0;
}

int vlapic_wrmsr(u32 msr, u64 val)
{
	if (msr == MSR_APICBASE)
		return vlapic_set_base(val);
	return vlapic_is_x2() ? write_x2((msr - MSR_X2APIC) << 4, val) : -EINVAL;
}
