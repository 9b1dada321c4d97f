/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of an HVM vcpu, emulated: xAPIC by its page, x2APIC by MSRs. SDM vol. 3 chapter
 * 11. State is the vcpu's own (struct hvm_private); what others need of it, and what they and its
 * timer have for it, is in struct hvm_vcpu (asm/hvm_domain.h).
 *
 * Registers are named by their offsets in the page; MSR 800H + n is offset 16 n. Everything here is
 * about the current vcpu, on its kernel root, but where a vcpu or a page is given.
 */
#pragma once

#include <isola/vcpu.h>
#include <xen/xen.h>
#include <xen/hvm/save.h>

#define VLAPIC_BASE	0xfee00000ul
#define APICBASE_BSP	(1ul << 8)
#define APICBASE_EXTD	(1ul << 10)
#define APICBASE_ENABLE	(1ul << 11)

#define MSR_APICBASE	0x1bu
#define MSR_X2APIC	0x800u
#define MSR_X2APIC_LAST	0x8ffu

#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define VLAPIC_VERSION	0x50014u	/* six LVTs */
#define VLAPIC_DFR_ONES	0x0fffffffu
#define VLAPIC_SVR_VALID 0x1ffu		/* focus checking and suppressed EOIs: not offered */
#define VLAPIC_ICR_VALID 0xccfffu	/* low half, but for the delivery status: always idle */

enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, NR_LVTS };

/* Where each LVT is, and what may stand in it but for mask and vector (apic_check.c). */
struct vlapic_lvt { u16 offset; u32 valid; };
extern const struct vlapic_lvt vlapic_lvts[NR_LVTS];

/* A bit for each vector. */
struct vector_set { u32 word[8]; };

struct vlapic {
	u64 base;			/* APICBASE */
	u8 tpr_low;			/* TPR but for its class, which is CR8 */
	u32 ldr, dfr, svr;
	u32 esr, esr_new;		/* as it is read; what has been found since then */
	u64 icr;
	u32 lvt[NR_LVTS];
	struct vector_set irr, isr;
	/* The timer: what it counts from, how many ns a count is, when it began. */
	u32 initial, divide;		/* the registers */
	u64 started;			/* ns */
	u64 deadline;			/* instead: TSC_DEADLINE; 0: none. Only in its mode */
};

/* Modes of the timer, in its LVT: SDM vol. 3 figure 11-8. Neither bit: one-shot. */
#define VLAPIC_TIMER_MODE	0x60000u
#define VLAPIC_PERIODIC		0x20000u
#define VLAPIC_DEADLINE		0x40000u

static inline bool vlapic_has_deadline(u32 lvt)
{
	return (lvt & VLAPIC_TIMER_MODE) == VLAPIC_DEADLINE;
}

/* ABI: as the MADT and CPUID say. */
static inline u32 vlapic_id(const struct vcpu *v) { return 2 * v->id; }

/* ---- vlapic_mode.c: modes and resets --------------------------------------------------------- */

/* The state after a reset of @v, mapped at @a; @v is down, or current. Its mode is told. */
void vlapic_reset(struct vcpu *v, struct vlapic *a);
/* INIT: the same, but that mode and id stay. */
void vlapic_init(struct vcpu *v, struct vlapic *a);
bool vlapic_is_x2(void);
/* Is its page there? */
bool vlapic_has_page(void);
/* APICBASE is written. -EINVAL. */
int __must_check vlapic_set_base(u64 val);
/* Tell what others must know of it: of the current vcpu, or of one that is down. */
void vlapic_publish(struct vcpu *v, const struct vlapic *a);

/* ---- vlapic.c: registers --------------------------------------------------------------------- */

/* The aligned 32-bit register at @offset of the page. */
u32 vlapic_read(u32 offset);
/* -ERESTART: the same once more. */
int __must_check vlapic_write(u32 offset, u32 val);
/* MSRs 800H to 8FFH and 1BH. 0; -EINVAL: #GP; -ERESTART: the same instruction once more. */
int __must_check vlapic_rdmsr(u32 msr, u64 *val);
int __must_check vlapic_wrmsr(u32 msr, u64 val);

/* ---- vlapic_irq.c: what is requested, and in service ----------------------------------------- */

/* The priority below which nothing is delivered. */
u8 vlapic_ppr(void);
/* An interrupt for the current vcpu, or for another of its domain. Any vector from 16 on. */
void vlapic_set_irq(u8 vector);
void vlapic_post(struct vcpu *v, u8 vector);
/* ABI: an upcall is requested of an APIC that is off, too, and delivered when it is on. From 16. */
void vlapic_request(u8 vector);
/*
 * The vector that is to be delivered next, -1: none. *@held_back: there is one that CR8 alone holds
 * back. What has been posted is folded in before (event.c).
 */
int vlapic_next(bool *held_back);
/* It is delivered. */
void vlapic_take(u8 vector);
void vlapic_eoi(void);
/* Bits of ESR, and the interrupt that comes with one. */
#define ESR_SEND_ILLEGAL	(1u << 5)
#define ESR_RECEIVE_ILLEGAL	(1u << 6)
void vlapic_error(u32 bits);

static inline int vector_set_highest(const struct vector_set *s)
{
	for (int i = 7; i >= 0; i--)
		if (s->word[i])
			return i * 32 + 31 - __builtin_clz(s->word[i]);
	return -1;
}

/* ---- vlapic_icr.c: interrupts between vcpus -------------------------------------------------- */

/* The command @icr. -ERESTART: once more. */
int __must_check vlapic_send(u64 icr);

/* ---- vlapic_timer.c -------------------------------------------------------------------------- */

void vlapic_timer_init(struct vcpu *v);
void vlapic_timer_set(u32 initial);
/* The mode or the divisor has changed: it counts on, by the new one, from now. */
void vlapic_timer_change(u32 lvt, u32 divide);
u32 vlapic_timer_now(void);
/* TSC_DEADLINE is read, and written: in another mode it is 0, and stays so. */
u64 vlapic_deadline(void);
void vlapic_set_deadline(u64 tsc);
/* It has come to its end: an interrupt, and a periodic one begins anew. */
void vlapic_timer_end(void);
/* @v, paused, with @a: it counts from its beginning, if it counts. */
void vlapic_timer_restart(struct vcpu *v, struct vlapic *a);
/* What timer_divisor is in a record: how many counts of the bus one of the timer's is. */
u32 vlapic_timer_divisor(const struct vlapic *a);

/* ---- vlapic_record.c ------------------------------------------------------------------------- */

/* The register at @offset of the ABI's record. */
static inline u32 vlapic_reg(const struct hvm_hw_lapic_regs *r, u32 offset)
{
	return *(const u32 *)(r->data + offset);
}

/*
 * @v, paused, with @a and @cr8, as records have it: what is posted counts as requested. And the
 * other way; the records have been checked (hvm_check_apic()), and are of when the TSC was @tsc.
 * Gives CR8. ABI: as on Xen the timer begins anew, and an error that has not been read yet is
 * forgotten. A deadline is as far as it was: the TSC is this machine's from now on.
 */
void vlapic_save(const struct vcpu *v, const struct vlapic *a, u8 cr8, struct hvm_hw_lapic *l,
		 struct hvm_hw_lapic_regs *r);
u8 vlapic_load(struct vcpu *v, struct vlapic *a, const struct hvm_hw_lapic *l,
	       const struct hvm_hw_lapic_regs *r, u64 tsc);
