/* SPDX-License-Identifier: MIT */
/*
 * A vcpu that runs in the processor's guest mode: what its own CPU keeps of it, and the one table
 * by which a vendor's extension is driven. Everything here is about the current vcpu, on its kernel
 * root, but where it says otherwise.
 *
 * Pages of class vcpu stand behind the other private ones of its area:
 *   page 0  the vendor's: on SVM the VMCB, which the processor writes by its frame number; on VMX
 *           struct vmx_vcpu (the VMCS is mapped nowhere)
 *   page 1  struct hvm_private
 *   pages 2 to 4  for the control domain's sethvmcontext: struct hvm_incoming, and the FPU image
 *           that comes with it
 * General registers stand where a PV guest's do, in guest_regs(); the FPU's image, XCR0 and TSC_AUX
 * likewise, and are switched with them (asi/switch.c).
 */
#pragma once

#include <asm/decode.h>
#include <asm/hvm_domain.h>
#include <asm/hvm_records.h>
#include <asm/vlapic.h>
#include <isola/vcpu.h>
#include <asm/regs.h>

enum hvm_event_type {			/* as SVM and VMX number them */
	HVM_EVENT_INTERRUPT = 0, HVM_EVENT_NMI = 2, HVM_EVENT_EXCEPTION = 3, HVM_EVENT_SOFTWARE = 4,
};

struct hvm_event {
	bool valid, has_error;
	u8 vector, type;
	u32 error;
};

/* One access of the guest's to what is not RAM, from its exit to its end. */
struct hvm_access {
	bool is_port, is_read;
	u8 bytes;
	u8 length;			/* of the instruction */
	u64 addr, data;			/* data: what is written, no more than its bytes */
	struct insn insn;		/* of a memory access: MOV, as a store */
};

/* What device models have been asked, and have not answered (hvm/requests.c). */
struct hvm_io {
	u8 asked;			/* bit n: server n */
	u8 seen[MAX_IOREQ_SERVERS];	/* the state of its slot, when last looked at */
	bool is_access;			/* .access is what is asked; else it has no end */
	bool has_left;			/* pages may have: look at p2m.left */
	struct hvm_access access;
	u64 data;			/* the answer; all ones: there was none */
};

struct hvm_private {
	u64 vendor_maddr;		/* of page 0, for the processor */
	/* To be delivered at the next entry, before anything else: what was cut off, or is new. */
	struct hvm_event event;
	bool flush;			/* the next entry flushes what is cached of the guest */
	u64 p2m_stamp;			/* hvm_domain.p2m.stamp, at the last flush */
	u64 dr[4];			/* DR0 to DR3 */
	u64 batch;			/* WBINVD waits for this one; 0: there is none */
	u64 pat;			/* as it was written: the processor has all write-back */
	bool in_nmi;			/* from an NMI to the next IRET: no other */
	/* an upcall by its own vector has been requested since the flag was last seen down */
	bool upcall_told;
	struct vlapic apic;
	struct hvm_io io;
	u64 mtrr_def_type;		/* likewise, by the tools: the guest has no MTRRs */
};

/*
 * Nothing is on its way to the guest, which begins another state: no event, NMI, WBINVD. A device
 * model's answer is still waited for, and makes no difference.
 */
static inline void hvm_forget_pending(struct hvm_private *h)
{
	h->event.valid = h->in_nmi = h->upcall_told = false;
	h->batch = 0;
	h->io.is_access = false;
}

extern struct hvm_private this_hvm;	/* by the linker script */
extern u8 this_hvm_vendor[PAGE_SIZE];

static_assert(sizeof(struct hvm_private) <= PAGE_SIZE, "page 1");
static_assert(sizeof(struct hvm_incoming) <= PAGE_SIZE, "page 2");

/* Registers that the vendor's page holds. */
enum hvm_reg {
	HVM_CR0, HVM_CR2, HVM_CR3, HVM_CR4, HVM_EFER, HVM_DR6, HVM_DR7, HVM_FS_BASE, HVM_GS_BASE,
	HVM_KERNEL_GS_BASE, HVM_STAR, HVM_LSTAR, HVM_CSTAR, HVM_SFMASK, HVM_SYSENTER_CS,
	HVM_SYSENTER_ESP, HVM_SYSENTER_EIP, HVM_CR8, HVM_NR_REGS
};

struct hvm_code_segment {
	u64 base;
	bool is_64, is_32;		/* L with LMA; D */
};

/* What a vcpu begins with. */
struct hvm_segment {
	u32 base, limit;
	u16 attr;			/* type, S, DPL, P; then AVL, L, D, G */
};
struct hvm_first {
	struct regs regs;
	u64 cr0, cr3, cr4, efer;
	struct hvm_segment segment[5];	/* CS, DS, SS, ES, TR */
};

/* Why the guest has stopped. rip is still that of the instruction. */
enum hvm_exit_kind {
	HVM_EXIT_UNKNOWN,
	HVM_EXIT_HOST,			/* for us: an interrupt or NMI, which comes when it can */
	HVM_EXIT_MACHINE_CHECK,		/* for us, and has to be called for */
	HVM_EXIT_WINDOW,		/* an interrupt can be delivered now */
	HVM_EXIT_HYPERCALL, HVM_EXIT_CPUID, HVM_EXIT_HLT, HVM_EXIT_PORT, HVM_EXIT_RDMSR,
	HVM_EXIT_WRMSR, HVM_EXIT_CR_WRITE, HVM_EXIT_DR_READ, HVM_EXIT_DR_WRITE, HVM_EXIT_XSETBV,
	HVM_EXIT_CACHE,			/* INVD, WBINVD */
	HVM_EXIT_MEMORY,		/* .gpa: nothing is there, or no right */
	HVM_EXIT_TABLES,		/* .gpa: the processor does not take nested tables' entry */
	HVM_EXIT_DEBUG,			/* #DB, which has not been delivered; DR6 is set */
	HVM_EXIT_ICEBP, HVM_EXIT_ALIGN,	/* #AC likewise */
	HVM_EXIT_NOT_OFFERED,		/* an instruction that we do not offer: #UD */
	HVM_EXIT_RDPMC,			/* or that faults */
	HVM_EXIT_IRET,			/* it was to be told: with it the NMI is over */
	HVM_EXIT_NMI_OVER,		/* or is over */
	HVM_EXIT_TASK_SWITCH, HVM_EXIT_TRIPLE_FAULT,
	HVM_EXIT_INVALID,		/* the processor refuses what it is to enter */
	HVM_NR_EXITS
};

struct hvm_exit {
	enum hvm_exit_kind kind;
	u64 code;			/* the vendor's, for the log */
	const char *what;		/* of HVM_EXIT_INVALID: the vendor's, what... */
	u64 detail;			/* ...this is */
	u64 gpa;
	u64 next_rip;			/* 0: not known, decode */
	u16 port;
	u8 bytes, number;		/* of a port access; of a CR or DR */
	bool is_in, is_string, is_rep;
	bool is_fetch;			/* of HVM_EXIT_MEMORY: an instruction's, if it is known */
	bool is_store;			/* of the same: a store, or a walk's to guest tables */
};

struct hvm_vendor {
	const char *name;
	u8 hypercall_opcode;		/* of 0f 01 xx */
	const struct p2m_format *p2m_format;
	/* At each turn, interrupts off: this CPU can enter the current guest from now on. */
	void (*ready_cpu)(void);
	/* And where the turn ends (vcpu.leave); NULL: there is nothing to be done. */
	void (*leave)(void);
	/*
	 * The vendor's page of @v, which does not run yet, mapped at @page: what never changes.
	 * -ENOMEM.
	 */
	int __must_check (*init)(struct vcpu *v, void *page);
	/* And the state of a PVH start, but for general registers: 32-bit, flat, no paging. */
	void (*start32)(void *page);
	/* The same as INIT and SIPI leave it: real mode, at page @page_nr. */
	void (*start_real)(void *page, u8 page_nr);
	void (*start_as)(void *page, const struct hvm_first *f);
	/*
	 * Enter the guest until it stops, interrupts off, with @flush of all that is cached of it.
	 * An event whose delivery was cut off is in *@cut_off, if valid.
	 */
	void (*run)(struct hvm_exit *e, bool flush, struct hvm_event *cut_off);
	void (*inject)(const struct hvm_event *e);	/* at the next entry */
	/* Stop when an interrupt can be delivered, or no more. */
	void (*want_window)(bool want);
	void (*want_cr8)(bool want);	/* the same when CR8 is written */
	void (*want_iret)(bool want);	/* or an IRET is to come */
	/* STI or MOV SS holds interrupts off for one instruction. */
	bool (*in_shadow)(void);
	void (*set_shadow)(bool on);
	u64 (*get)(enum hvm_reg r);
	void (*set)(enum hvm_reg r, u64 val);
	void (*code_segment)(struct hvm_code_segment *cs);
	unsigned (*cpl)(void);
	/* What the vendor's page of a vcpu that does not run, at @page, has of a processor. */
	void (*get_context)(const void *page, struct hvm_hw_cpu *c);
	/* And from @c, which has been checked. The guest can have set up that state itself. */
	void (*set_context)(void *page, const struct hvm_hw_cpu *c);
	/* And CR8, which that record has not. */
	u8 (*get_cr8)(const void *page);
	void (*set_cr8)(void *page, u8 cr8);
};

extern const struct hvm_vendor *hvm;	/* NULL: hvm_why_not */
/* If this machine has it as we need it; or NULL, and *@why. Memory for all CPUs is taken. */
const struct hvm_vendor *svm_probe(const char **why);
const struct hvm_vendor *vmx_probe(const char **why);

/* turns.c: the turns of an HVM vcpu (vcpu.loop). Interrupts off. */
void hvm_vcpu_loop(void);

/* ---- event.c --------------------------------------------------------------------------------- */

/* An exception for the guest, in place of the instruction: what it was cut off at counts. */
void hvm_inject(u8 vector, bool has_error, u32 error);
static inline void hvm_inject_gp(void) { hvm_inject(TRAP_GP, true, 0); }
static inline void hvm_inject_ud(void) { hvm_inject(TRAP_UD, false, 0); }
/* At each exit: is the flag of upcalls down? Kernel root. */
void hvm_look_at_upcall(void);
/* Is there an upcall, an interrupt of its local APIC, or an NMI: what ends a halt? */
bool hvm_interrupt_due(void);
/* Interrupts off: what is to be delivered is given to the vendor's part for the next entry. */
void hvm_deliver(void);

/* ---- exit.c ---------------------------------------------------------------------------------- */

/* Interrupts on. */
void hvm_handle_exit(const struct hvm_exit *e);

/* ---- cache.c --------------------------------------------------------------------------------- */

/*
 * WBINVD or INVD. False: it is not done, what is due comes first, then it is executed again. No
 * upcall is delivered meanwhile.
 */
bool __must_check hvm_clean_caches(void);

/* ---- insn_length.c --------------------------------------------------------------------------- */

struct hvm_insn {
	u8 length;
	u8 modrm, rex;			/* of opcodes that have one */
};

/*
 * The instruction at rip has opcode @op of @nr bytes behind its prefixes: *@insn. False: it has
 * not, any more, or cannot be read. Read once.
 */
bool hvm_decode(const u8 *op, unsigned nr, bool has_modrm, struct hvm_insn *insn);
/* rip behind @length bytes; what STI or MOV SS held off is over. */
void hvm_step(u64 length);

/* ---- mmio.c ---------------------------------------------------------------------------------- */

/* The access to @gpa, where no RAM is, has been carried out. False: nothing has been done. */
bool hvm_mmio(u64 gpa);

/* ---- access.c -------------------------------------------------------------------------------- */

/* As many bits as @bytes have, 1 to 8. */
static inline u64 hvm_ones(unsigned bytes) { return ~0ul >> (64 - 8 * bytes); }
/* What @i loads is @val. */
void hvm_load(const struct insn *i, u64 val);
/* Nobody is behind it: a read gives ones. Or a model has answered @data. */
void hvm_end_access(const struct hvm_access *a, u64 data);

/* ---- requests.c ------------------------------------------------------------------------------ */

/* A device model is asked, which has claimed it; hvm_end_access() is to come. False: none has. */
bool __must_check hvm_ask_model(const struct hvm_access *a);
/*
 * Interrupts on; somebody has been asked, or pages have left. Take what there is of answers; the
 * vcpu may not enter its guest: it sleeps, or this is called again, until all of it is done.
 */
void hvm_await_models(void);
/* Debug builds, before an entry, interrupts off: nobody is to be asked to forget. */
bool hvm_has_left_none(void);

/* ---- buffered.c ------------------------------------------------------------------------------ */

/* @a is in the ring of @s, which has claimed it, and is to be ended. False: it is not for that. */
bool __must_check hvm_buffer_write(struct ioreq_server *s, const struct hvm_access *a);

/* ---- start.c --------------------------------------------------------------------------------- */

/*
 * INIT for @v, not current: it goes down, and waits for a SIPI. SIPI: it begins, if it waits.
 * Interrupts on, no lock. -ERESTART: it has not left its CPU yet.
 */
void hvm_send_init(struct vcpu *v);
int __must_check hvm_send_sipi(struct vcpu *v, u8 page_nr);
/* Its first state, which has been checked. @v is down, at rest, and not initialised; it is then. */
void hvm_begin_as(struct vcpu *v, const struct hvm_first *f);

/* ---- first_state.c --------------------------------------------------------------------------- */

/* VCPUOP_initialise of @v, the caller's: @arg is a guest's struct vcpu_hvm_context. */
long hvm_initialise(struct vcpu *v, u64 arg);

/* ---- phys.c: guest memory ------------------------------------------------------------------- */

/* @len bytes at @gpa, which do not cross a page. -EFAULT: nothing is there. */
int __must_check hvm_copy_phys(u64 gpa, void *buf, size_t len, bool write);

/* ---- walk.c: guest memory -------------------------------------------------------------------- */

/* The guest-physical address behind a linear one, as its kernel reads or writes. -EFAULT. */
int __must_check hvm_translate(u64 linear, bool write, u64 *gpa);
/* Bytes not copied; 0 = all. */
size_t __must_check hvm_copy_from_linear(void *to, u64 linear, size_t len);
size_t __must_check hvm_copy_to_linear(u64 linear, const void *from, size_t len);

/* ---- Registers ------------------------------------------------------------------------------- */

void hvm_cpuid(struct regs *r);
/* Boot: hvm_policy (asm/hvm_policy.h). */
void hvm_policy_init(void);
/* Is @d shown the feature (XEN_X86_FEATURE_*)? */
bool hvm_shows(const struct domain *d, unsigned feature);
/* Bits that its CR4 and EFER may have. */
u64 hvm_cr4_valid(const struct domain *d);
u64 hvm_efer_valid(const struct domain *d);
#define HVM_PAT_RESET 0x0007040600070406ul
/* MOV to CR0 and CR4, CLTS, LMSW; MOV from and to debug registers. */
void hvm_write_cr(const struct hvm_exit *e);
void hvm_read_dr(const struct hvm_exit *e);
void hvm_write_dr(const struct hvm_exit *e);
/* What ModRM's r/m names. */
u64 *hvm_gpr(struct regs *r, const struct hvm_insn *insn);
/* 0, or what the guest gets is #GP. */
int __must_check hvm_rdmsr(u32 msr, u64 *val);
int __must_check hvm_wrmsr(u32 msr, u64 val);
int __must_check hvm_set_cr0(u64 val);
int __must_check hvm_set_cr4(u64 val);
int __must_check hvm_set_efer(u64 val);
int __must_check hvm_set_xcr0(u64 val);
/* The bits that these may have. */
u64 hvm_cr0_valid(void);
/* The call of guest_regs(), 64-bit or not; rip is behind it, and back at it if it goes on later. */
void hvm_hypercall(void);
long hvm_memory_op(u64 cmd, u64 arg);
long hvm_hvm_op(u64 cmd, u64 arg);
long hvm_grant_table_op(u64 cmd, u64 arg, u64 count);
/* Fill the page of the frame behind @gfn. -EINVAL. */
int __must_check hvm_fill_hypercall_page(u64 gfn);

/* Its memory map: entry @i, or false, there is none. */
struct hvm_map_entry { u64 addr, size; u32 type; };
bool hvm_map_entry(const struct domain *d, unsigned i, struct hvm_map_entry *e);
/* Guest frames of RAM are gfns 0.. in order, but for what lies below 4 GiB and is none. */
#define HVM_HOLE_GFN	(GIB(3) >> PAGE_SHIFT)
#define HVM_HIGH_GFN	(GIB(4) >> PAGE_SHIFT)
#define HVM_CONSOLE_GFN	0xfeffful
static inline u64 hvm_ram_gfn(u64 n)
{
	return n < HVM_HOLE_GFN ? n : n - HVM_HOLE_GFN + HVM_HIGH_GFN;
}
