/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's private state (class "vcpu"): what its guest owns of the CPU. It stands at one constant
 * address, in the vCPU area of the loaded root: this_vcpu.x is the current vcpu's, and no other
 * vcpu's can be named. No pointer to it may leave the vCPU. Interrupt handlers must not touch it.
 *
 *   page 0  struct vcpu_private    page 1  trap table    pages 2-3  FPU (XSAVE) image
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>
#include <asm/preempt.h>
#include <asm/regs.h>
#include <xen/xen.h>
#include <xen/vcpu.h>

#define PV_GDT_FRAMES 14                     /* FIRST_RESERVED_GDT_PAGE */
#define PV_LDT_FRAMES 16
#define MAX_HYPERCALL_ARGS 5                 /* the ABI has no call with six */

/* A callback the guest registered. address 0 = none. */
struct pv_callback {
	u64 address;
	bool mask_events;
};

/* The instruction by which the frame is to be left that HYPERVISOR_iret has filled. */
enum { IRET_NONE, IRET_BY_SYSRET, IRET_BY_IRET };

/* One guest trap gate. address 0 = not set: the exception crashes the domain. */
struct pv_trap {
	u64 address;
	u8 dpl;                              /* who may INT n: 3 = user too; kernel counts as 1 */
	bool mask_events;
	u16 pad[3];
};

struct vcpu_private {
	/* Hot: entry and exit. */
	/* 1: guest kernel (root_kernel loaded), 0: guest user */
	u8 kernel_mode;
	u8 iopl;                             /* virtual IOPL, 0..3 */
	u8 ts;                               /* virtual CR0.TS */
	bool nmi_masked;                     /* from an NMI frame to the next iret */
	u8 bad_selectors;                    /* BAD_* of segments.h: the failsafe callback is due */
	/* From HYPERVISOR_iret to the way out of its hypercall, else IRET_NONE. */
	u8 iret;
	struct vcpu_info *vcpu_info;         /* by window address: kernel root only */

	/* Error-code bits that make a page fault ours to look at: PFEC_R; all, under a shadow. */
	u32 faults_ours;
	u64 kernel_sp;                       /* HYPERVISOR_stack_switch */
	struct pv_callback event, failsafe, syscall, syscall32, sysenter; /* NMI: trap 2 */

	u64 cr2;                             /* guest's, as MOV from CR2 shows it */
	u64 cr4;                             /* guest-settable bits as the guest set them */
	/* as the guest set it; 0 = never, counts as x87 alone */
	u64 xcr0;
	u32 tsc_aux;                         /* MSR_TSC_AUX: what RDTSCP and RDPID give */
	bool cpuid_faulting;                 /* guest asked that CPUID fault in its user mode */
	u64 debugreg[8];                     /* dr0-3, 6, 7 as the guest set them */

	/*
	 * Segments. In kernel mode hardware GS base is the kernel's and KERNEL_GS_BASE the user's;
	 * swapgs on each toggle.
	 */
	u64 fs_base, gs_base_kernel, gs_base_user; /* valid while switched out */
	u16 ds, es, fs, gs;                        /* likewise */

	/* INVALID_MFN where none; each holds a seg_desc type reference */
	mfn_t gdt_frame[PV_GDT_FRAMES];
	u64 ldt_base;                        /* guest virtual, page aligned */
	u32 ldt_ents;
	/* mapped lazily; INVALID_MFN where none; sparse (T28) */
	mfn_t ldt_frame[PV_LDT_FRAMES];

	/* guest L4s; each holds a type reference (CR3 counts as one) */
	mfn_t kernel_l4, user_l4;
	/* parked (PRE-3), the first first; INVALID_MFN where none */
	mfn_t old_guest_table[NR_PARKED];

	bool in_multicall;                   /* an entry of a multicall is being carried out */
	/* it was preempted: what to do next is in the two fields below */
	bool multicall_continued;
	u32 multicall_nr_args;
	u64 multicall_args[MAX_HYPERCALL_ARGS];

	u64 time_version;                    /* of the clock last written (pvclock.c) */

	u64 iobitmap_va;                     /* guest's PHYSDEVOP_set_iobitmap */
	u32 nr_ioports;

	struct regs regs;                    /* valid while switched out */
};

/* @p holds no frame, as before its first context; what it held has been given back. */
static inline void vcpu_private_hold_nothing(struct vcpu_private *p)
{
	p->kernel_l4 = p->user_l4 = INVALID_MFN;
	for (unsigned i = 0; i < NR_PARKED; i++)
		p->old_guest_table[i] = INVALID_MFN;
	for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
		p->gdt_frame[i] = INVALID_MFN;
	for (unsigned i = 0; i < PV_LDT_FRAMES; i++)
		p->ldt_frame[i] = INVALID_MFN;
}

/* At VA_VCPU_PRIVATE and the pages after it, by the linker script. */
extern struct vcpu_private this_vcpu;
extern struct pv_trap this_vcpu_traps[256];
extern u8 this_vcpu_fpu[2 * PAGE_SIZE];

static_assert(sizeof(struct vcpu_private) <= PAGE_SIZE, "page 0 of the private pages");
static_assert(sizeof(struct pv_trap) * 256 <= PAGE_SIZE, "page 1 of the private pages");
