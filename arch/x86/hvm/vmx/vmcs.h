/* SPDX-License-Identifier: MIT */
/*
 * The VMCS, and what a vcpu has beside it: SDM vol. 3 chapter 24 and appendix B, in the numbering
 * of its 2021 edition, as everywhere in vmx/.
 *
 * A VMCS is a frame of class vcpu that is mapped nowhere: the processor has it, whole or in part,
 * from VMPTRLD to VMCLEAR, and it is read and written by VMREAD and VMWRITE. So it is loaded where
 * its vcpu's turn begins, and cleared where it ends (hvm_vendor.ready_cpu, .leave), or it would be
 * lost to whoever runs the vcpu next. That of a vcpu at rest is visited, with interrupts off.
 */
#pragma once

#include <asm/hvm.h>
#include <asm/insn.h>

/* Segments: these 8, then GDTR and IDTR, which have neither selector nor rights. */
enum vmcs_segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_GDTR,
		    SEG_IDTR };
#define VMCS_SELECTOR(s)	(0x0800 + 2 * (s))
#define VMCS_LIMIT(s)		(0x4800 + 2 * (s))
#define VMCS_RIGHTS(s)		(0x4814 + 2 * (s))
#define VMCS_BASE(s)		(0x6806 + 2 * (s))

enum vmcs_field {
	VMCS_VPID = 0x0000,
	VMCS_HOST_ES = 0x0c00, VMCS_HOST_CS = 0x0c02, VMCS_HOST_SS = 0x0c04, VMCS_HOST_DS = 0x0c06,
	VMCS_HOST_FS = 0x0c08, VMCS_HOST_GS = 0x0c0a, VMCS_HOST_TR = 0x0c0c,
	VMCS_VIRTUAL_APIC = 0x2012, VMCS_EPTP = 0x201a, VMCS_GPA = 0x2400, VMCS_LINK = 0x2800,
	VMCS_DEBUGCTL = 0x2802, VMCS_EFER = 0x2806, VMCS_PDPTE0 = 0x280a, VMCS_HOST_EFER = 0x2c02,
	VMCS_PIN = 0x4000, VMCS_PRIMARY = 0x4002, VMCS_EXCEPTIONS = 0x4004,
	VMCS_PF_MASK = 0x4006, VMCS_PF_MATCH = 0x4008, VMCS_CR3_TARGETS = 0x400a,
	VMCS_EXIT_STORES = 0x400e, VMCS_EXIT_LOADS = 0x4010, VMCS_ENTRY_LOADS = 0x4014,
	VMCS_EXIT_CONTROLS = 0x400c, VMCS_ENTRY_CONTROLS = 0x4012, VMCS_ENTRY_EVENT = 0x4016,
	VMCS_ENTRY_ERROR = 0x4018, VMCS_TPR_THRESHOLD = 0x401c, VMCS_SECONDARY = 0x401e,
	VMCS_INSN_ERROR = 0x4400, VMCS_EXIT_REASON = 0x4402, VMCS_EXIT_EVENT = 0x4404,
	VMCS_CUT_OFF = 0x4408, VMCS_CUT_OFF_ERROR = 0x440a, VMCS_INSN_LENGTH = 0x440c,
	VMCS_SHADOW = 0x4824, VMCS_ACTIVITY = 0x4826, VMCS_SYSENTER_CS = 0x482a,
	VMCS_HOST_SYSENTER_CS = 0x4c00,
	VMCS_CR0_MASK = 0x6000, VMCS_CR4_MASK = 0x6002, VMCS_CR0_SEEN = 0x6004,
	VMCS_CR4_SEEN = 0x6006, VMCS_QUALIFICATION = 0x6400,
	VMCS_CR0 = 0x6800, VMCS_CR3 = 0x6802, VMCS_CR4 = 0x6804, VMCS_DR7 = 0x681a,
	VMCS_RSP = 0x681c, VMCS_RIP = 0x681e, VMCS_RFLAGS = 0x6820, VMCS_PENDING_DEBUG = 0x6822,
	VMCS_SYSENTER_ESP = 0x6824, VMCS_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00, VMCS_HOST_CR3 = 0x6c02, VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06, VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a, VMCS_HOST_GDTR = 0x6c0c, VMCS_HOST_IDTR = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10, VMCS_HOST_SYSENTER_EIP = 0x6c12, VMCS_HOST_RIP = 0x6c16,
};

/* Of PRIMARY. */
#define PRIMARY_WINDOW		(1u << 2)	/* stop when an interrupt can be delivered */
#define PRIMARY_NMI_WINDOW	(1u << 22)	/* or an NMI: the last one's IRET is over */
/* Of ENTRY_CONTROLS. */
#define ENTRY_LONG_MODE		(1u << 9)
/* Of the fields of events. */
#define EVENT_TYPE(x)		((x) >> 8 & 7)
#define EVENT_HAS_ERROR		(1u << 11)
#define EVENT_NMI_UNBLOCKED	(1u << 12)
#define EVENT_VALID		(1u << 31)
#define EVENT_ICEBP		5u		/* its type */
/* Of EXIT_REASON: the entry has not been made. */
#define REASON_FAILED		(1u << 31)
/* Of SHADOW: what holds off interrupts. */
#define SHADOW_STI		(1u << 0)
#define SHADOW_MOV_SS		(1u << 1)
#define SHADOW_NMI		(1u << 3)
/* Of rights. */
#define RIGHTS_UNUSABLE		(1u << 16)
#define RIGHTS_L		(1u << 13)
#define RIGHTS_D		(1u << 14)

/*
 * Page 0 of a vcpu (asm/hvm.h). Registers that only an exit can change are kept here, as they are
 * in the VMCS or on the CPU, so that they need not be read there.
 */
struct vmx_vcpu {
	u64 host_rsp;			/* as it is in the VMCS: entry/vmx.S */
	u64 vmcs;			/* its machine address */
	u64 cr0, cr4;			/* as the guest sees them */
	u64 efer;
	u64 dr6, dr7;			/* DR6 is nowhere else */
	u64 cr2;			/* on the CPU while the guest runs */
	/* On the CPU during its turn; kernel_gs_base only there: SWAPGS changes it. */
	u64 star, lstar, cstar, sfmask;
	u64 kernel_gs_base;
	u64 rip, rsp;			/* as they are in the VMCS */
	u64 rflags;
	/* The page serves as the virtual-APIC page, too: of it there is the TPR alone, CR8. */
	u32 vtpr;
	u32 tpr_threshold;
	u32 primary, entry;		/* controls that change */
	u64 host_cr4;
	u32 mapped;			/* vcpu.mapcache_next at the last entry */
	/* Read at most once behind an exit. */
	u32 shadow, cs_rights;
	bool knows_shadow, knows_cs;
	bool launched;			/* the next entry is a VMRESUME */
	bool pdptes_due;		/* of PAE paging, to be read before the next entry */
};

static_assert(!offsetof(struct vmx_vcpu, host_rsp), "entry/vmx.S");
static_assert(offsetof(struct vmx_vcpu, vtpr) == 0x80, "SDM vol. 3 §29.1.1");

/* The one VPID of guests: what is cached by it goes at each turn. */
#define GUEST_VPID	1u

#define this_vmx ((struct vmx_vcpu *)this_hvm_vendor)

/* A field that there is, of the VMCS that is loaded. */
static inline u64 vmread(u32 field)
{
	u64 val;

	asm volatile ("vmread %1, %0" : "=r"(val) : "r"((u64)field) : "cc");
	return val;
}

void vmwrite_failed(u32 field, u64 val);
static inline void vmwrite(u32 field, u64 val)
{
	bool failed;

	asm volatile ("vmwrite %2, %1" : "=@ccna"(failed) : "r"((u64)field), "r"(val));
	if (unlikely(failed))
		vmwrite_failed(field, val);
}

/* The same where @is is what it holds. */
static inline void vmwrite_if(u32 field, u64 *is, u64 val)
{
	if (*is != val)
		vmwrite(field, val);
	*is = val;
}

/* entry/vmx.S */
bool vmx_enter(bool launched);
extern const char vmx_exited[];

/* ---- vmx_cpu.c: what the processor has, and each CPU made ready ------------------------------ */

/* Controls, as they begin. */
struct vmx_controls {
	u32 pin, primary, secondary, exit, entry;
	/* Bits of CR0 and CR4 that are one while a guest runs, whatever it sees. */
	u64 cr0_ones, cr4_ones;
	u32 revision;			/* of a VMCS */
};
extern struct vmx_controls vmx_controls;
/* NULL: all CPUs are as we need them, and have memory; or why not. Boot. */
const char *vmx_check(void);
/* Is it a processor that executable leaves of 2 MiB may stop (XSA-304)? */
bool vmx_must_split(void);
/*
 * The VMCS at @maddr is the one of this CPU, which is in VMX operation from now on; 0: there is
 * none. Interrupts off. What it was before.
 */
u64 vmx_load(u64 maddr);
/* It goes back to memory, and is none's. */
void vmx_clear(u64 maddr);
/* This CPU's end: panic.h's cpu_leaves. */
void vmx_off(void);

/* ---- vmx_state.c: as asm/hvm.h says of a vendor ---------------------------------------------- */

int __must_check vmx_init(struct vcpu *v, void *page);
void vmx_start32(void *page);
void vmx_start_real(void *page, u8 page_nr);
void vmx_start_as(void *page, const struct hvm_first *f);
void vmx_get_context(const void *page, struct hvm_hw_cpu *c);
void vmx_set_context(void *page, const struct hvm_hw_cpu *c);
u8 vmx_get_cr8(const void *page);
void vmx_set_cr8(void *page, u8 cr8);

/* ---- vmx_regs.c: registers of the VMCS that is loaded, and of @p, whose it is ---------------- */

void vmx_set_cr0(struct vmx_vcpu *p, u64 val);
void vmx_set_cr4(struct vmx_vcpu *p, u64 val);
void vmx_set_efer(struct vmx_vcpu *p, u64 val);
void vmx_set_dr7(struct vmx_vcpu *p, u64 val);
/* Of PAE paging, which the processor reads at a write of CR3 alone. The current vcpu's. */
void vmx_load_pdptes(struct vmx_vcpu *p);
u64 vmx_get(enum hvm_reg r);
void vmx_set(enum hvm_reg r, u64 val);
void vmx_code_segment(struct hvm_code_segment *cs);
unsigned vmx_cpl(void);
/* What holds off interrupts: SHADOW_*. */
u32 vmx_shadow(void);
void vmx_set_shadow_bits(u32 bits);

/* ---- vmx_exit.c ------------------------------------------------------------------------------ */

/* Why the guest has stopped, which VMCS_EXIT_REASON says is @reason. */
void vmx_read_exit(u32 reason, struct hvm_exit *e, struct hvm_event *cut_off);
