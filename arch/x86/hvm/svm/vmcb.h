/* SPDX-License-Identifier: MIT */
/*
 * The VMCB: APM vol. 2, appendix B. A page of class vcpu; the processor reads and writes it by its
 * frame number.
 */
#pragma once

#include <isola/frame_num.h>
#include <isola/types.h>

struct vmcb_segment {
	u16 selector;
	u16 attr;			/* type, S, DPL, P; then AVL, L, D, G */
	u32 limit;
	u64 base;
};

struct vmcb {
	u16 cr_read, cr_write;		/* intercepts, bit n: CRn */
	u16 dr_read, dr_write;
	u32 exceptions;
	u32 general[3];
	u8 pad_018[0x40 - 0x18];
	u64 iopm, msrpm;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control, pad_05d[3];
	u64 vintr;
	u64 shadow;
	u64 exit_code, exit_info1, exit_info2, exit_int_info;
	u64 nested;
	u8 pad_098[0xa8 - 0x98];
	u64 event_inject;
	u64 ncr3;
	u64 lbr;
	u64 clean;
	u64 next_rip;
	u8 pad_0d0[0x400 - 0xd0];
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 pad_4a0[0x4cb - 0x4a0];
	u8 cpl;
	u32 pad_4cc;
	u64 efer;
	u8 pad_4d8[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 pad_580[0x5d8 - 0x580];
	u64 rsp;
	u8 pad_5e0[0x5f8 - 0x5e0];
	u64 rax, star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	u8 pad_648[0x668 - 0x648];
	u64 pat;
	u8 pad_670[PAGE_SIZE - 0x670];
} __packed;

static_assert(offsetof(struct vmcb, exit_code) == 0x70 && offsetof(struct vmcb, ncr3) == 0xb0 &&
		      offsetof(struct vmcb, efer) == 0x4d0 && offsetof(struct vmcb, rip) == 0x578 &&
		      offsetof(struct vmcb, rsp) == 0x5d8 && offsetof(struct vmcb, rax) == 0x5f8 &&
		      offsetof(struct vmcb, pat) == 0x668 && sizeof(struct vmcb) == PAGE_SIZE,
	      "the manual's offsets");

/* general[0] */
#define INTERCEPT_INTR		(1u << 0)
#define INTERCEPT_NMI		(1u << 1)
#define INTERCEPT_SMI		(1u << 2)
#define INTERCEPT_INIT		(1u << 3)
#define INTERCEPT_VINTR		(1u << 4)
#define INTERCEPT_RDPMC		(1u << 15)
#define INTERCEPT_IRET		(1u << 20)
#define INTERCEPT_CPUID		(1u << 18)
#define INTERCEPT_INVD		(1u << 22)
#define INTERCEPT_HLT		(1u << 24)
#define INTERCEPT_INVLPGA	(1u << 26)
#define INTERCEPT_PORTS		(1u << 27)
#define INTERCEPT_MSRS		(1u << 28)
#define INTERCEPT_TASK_SWITCH	(1u << 29)
#define INTERCEPT_FERR_FREEZE	(1u << 30)
#define INTERCEPT_SHUTDOWN	(1u << 31)
/* general[1]: VMRUN, VMMCALL, VMLOAD, VMSAVE, STGI, CLGI, SKINIT; ICEBP; WBINVD .. RDPRU */
#define INTERCEPT_SVM		0x7fu
#define INTERCEPT_ICEBP		(1u << 8)
#define INTERCEPT_WBINVD	(1u << 9)
#define INTERCEPT_MONITOR	(1u << 10)
#define INTERCEPT_MWAIT		(3u << 11)
#define INTERCEPT_XSETBV	(1u << 13)
#define INTERCEPT_RDPRU		(1u << 14)

#define EFER_SVME		(1ul << 12)
#define TLB_FLUSH_ALL		1u
#define VINTR_TPR		0xfful
#define VINTR_IRQ		(1ul << 8)
#define VINTR_PRIO_MOST		(0xful << 16)
#define VINTR_IGN_TPR		(1ul << 20)
#define VINTR_MASKING		(1ul << 24)
#define NESTED_PAGING		(1ul << 0)
#define EVENT_HAS_ERROR		(1ul << 11)
#define EVENT_VALID		(1ul << 31)

/* Exit codes. */
#define VMEXIT_CR_READ		0x00u
#define VMEXIT_CR_WRITE		0x10u
#define VMEXIT_DR_READ		0x20u
#define VMEXIT_DR_WRITE		0x30u
#define VMEXIT_EXCEPTION	0x40u
#define VMEXIT_INTR		0x60u
#define VMEXIT_NMI		0x61u
#define VMEXIT_SMI		0x62u
#define VMEXIT_INIT		0x63u
#define VMEXIT_VINTR		0x64u
#define VMEXIT_RDPMC		0x6fu
#define VMEXIT_CPUID		0x72u
#define VMEXIT_IRET		0x74u
#define VMEXIT_INVD		0x76u
#define VMEXIT_HLT		0x78u
#define VMEXIT_INVLPGA		0x7au
#define VMEXIT_PORT		0x7bu
#define VMEXIT_MSR		0x7cu
#define VMEXIT_TASK_SWITCH	0x7du
#define VMEXIT_SHUTDOWN		0x7fu
#define VMEXIT_VMRUN		0x80u
#define VMEXIT_VMMCALL		0x81u
#define VMEXIT_SKINIT		0x86u
#define VMEXIT_ICEBP		0x88u
#define VMEXIT_WBINVD		0x89u
#define VMEXIT_MONITOR		0x8au
#define VMEXIT_MWAIT_IF		0x8cu
#define VMEXIT_XSETBV		0x8du
#define VMEXIT_RDPRU		0x8eu
#define VMEXIT_NPF		0x400u
/* 64 ones; QEMU's TCG gives 32. */
#define VMEXIT_INVALID		0xffffffffu

/*
 * entry/svm.S: run the guest of the VMCB at @guest until it stops; the CPU's own VMLOAD state is at
 * @host. General registers but rax and rsp go by guest_regs(). Interrupts off, before and after.
 */
void svm_enter(u64 guest, u64 host);
