/* SPDX-License-Identifier: MIT */
/*
 * Exit reasons of VMX (SDM vol. 3 appendix C) as ours. What has no row is HVM_EXIT_UNKNOWN, which
 * ends the domain. Of the VMCS only that is read which the reason makes use of.
 */
#include <asm/insn.h>
#include <asm/p2m_entry.h>
#include <asm/percpu.h>
#include "vmcs.h"

/* What else there is of an exit. */
#define LENGTH		1u		/* of the instruction */
#define EVENT		2u		/* the reason is an exception or NMI */
#define QUALIFICATION	4u
#define NESTED		8u		/* an address of nested tables'; an event may be cut off */

static const struct { u8 kind, more; } rows[] = {
	[0]  = { HVM_EXIT_UNKNOWN, EVENT },
	[1]  = { HVM_EXIT_HOST, 0 },
	[2]  = { HVM_EXIT_TRIPLE_FAULT, 0 },
	[3]  = { HVM_EXIT_HOST, 0 },				/* INIT */
	[4]  = { HVM_EXIT_HOST, 0 },				/* SIPI */
	[5]  = { HVM_EXIT_HOST, 0 },				/* SMI */
	[6]  = { HVM_EXIT_HOST, 0 },				/* another SMI */
	[7]  = { HVM_EXIT_WINDOW, 0 },
	[8]  = { HVM_EXIT_NMI_OVER, 0 },
	[9]  = { HVM_EXIT_TASK_SWITCH, 0 },
	[10] = { HVM_EXIT_CPUID, LENGTH },
	[11] = { HVM_EXIT_NOT_OFFERED, 0 },			/* GETSEC */
	[12] = { HVM_EXIT_HLT, LENGTH },
	[13] = { HVM_EXIT_CACHE, LENGTH },			/* INVD */
	[15] = { HVM_EXIT_RDPMC, 0 },
	[18] = { HVM_EXIT_HYPERCALL, LENGTH },
	[19] = { HVM_EXIT_NOT_OFFERED, 0 },			/* VMCLEAR to VMXON */
	[20] = { HVM_EXIT_NOT_OFFERED, 0 },
	[21] = { HVM_EXIT_NOT_OFFERED, 0 },
	[22] = { HVM_EXIT_NOT_OFFERED, 0 },
	[23] = { HVM_EXIT_NOT_OFFERED, 0 },
	[24] = { HVM_EXIT_NOT_OFFERED, 0 },
	[25] = { HVM_EXIT_NOT_OFFERED, 0 },
	[26] = { HVM_EXIT_NOT_OFFERED, 0 },
	[27] = { HVM_EXIT_NOT_OFFERED, 0 },
	[28] = { HVM_EXIT_CR_WRITE, QUALIFICATION },
	[29] = { HVM_EXIT_DR_WRITE, QUALIFICATION },
	[30] = { HVM_EXIT_PORT, LENGTH | QUALIFICATION },
	[31] = { HVM_EXIT_RDMSR, LENGTH },
	[32] = { HVM_EXIT_WRMSR, LENGTH },
	[33] = { HVM_EXIT_INVALID, QUALIFICATION },
	[34] = { HVM_EXIT_INVALID, QUALIFICATION },
	[36] = { HVM_EXIT_NOT_OFFERED, 0 },			/* MWAIT */
	[39] = { HVM_EXIT_NOT_OFFERED, 0 },			/* MONITOR */
	[41] = { HVM_EXIT_MACHINE_CHECK, 0 },			/* at the entry */
	[43] = { HVM_EXIT_WINDOW, 0 },				/* the TPR went down */
	[48] = { HVM_EXIT_MEMORY, QUALIFICATION | NESTED },
	[49] = { HVM_EXIT_TABLES, NESTED },
	[50] = { HVM_EXIT_NOT_OFFERED, 0 },			/* INVEPT */
	[53] = { HVM_EXIT_NOT_OFFERED, 0 },			/* INVVPID */
	[54] = { HVM_EXIT_CACHE, LENGTH },
	[55] = { HVM_EXIT_XSETBV, LENGTH },
};

/*
 * What was being delivered when the guest stopped (§27.2.4). Not INT n, INT3, INTO and INT1: rip is
 * still theirs, and they are executed again.
 */
static void read_cut_off(struct hvm_event *e)
{
	u32 x = vmread(VMCS_CUT_OFF);

	if (likely(!(x & EVENT_VALID)) || EVENT_TYPE(x) >= HVM_EVENT_SOFTWARE)
		return;
	*e = (struct hvm_event){ .valid = true, .vector = x & 0xff, .type = EVENT_TYPE(x),
				 .has_error = x & EVENT_HAS_ERROR };
	if (e->has_error)
		e->error = vmread(VMCS_CUT_OFF_ERROR);
}

/*
 * An IRET that ended the blocking of NMIs has faulted: it will be executed again, and they are
 * blocked until then (§27.2.3). Not where it was an event that was cut off.
 */
static void block_nmis_again(bool unblocked, const struct hvm_event *cut_off)
{
	if (unlikely(this_hvm.in_nmi) && unblocked && !cut_off->valid)
		vmx_set_shadow_bits(vmx_shadow() | SHADOW_NMI);
}

/*
 * The NMI has been consumed by the exit, and blocks others until an IRET: its handler is called as
 * by the processor, and returns with one.
 */
static void call_nmi_handler(void)
{
	asm volatile ("int %0" :: "i"(TRAP_NMI) : "memory");
}

/* #DB: the qualification is what DR6 would have got; B0 to B3 are new, BS and BD stay. */
static void on_debug(void)
{
	struct vmx_vcpu *p = this_vmx;

	p->dr6 = (p->dr6 & ~0xful) | (vmread(VMCS_QUALIFICATION) & 0x600f);
}

static void read_event(struct hvm_exit *e, struct hvm_event *cut_off)
{
	u32 x = vmread(VMCS_EXIT_EVENT);

	switch (x & 0xff) {
	case TRAP_NMI:
		call_nmi_handler();
		e->kind = HVM_EXIT_HOST;
		return;
	case TRAP_MC:
		e->kind = HVM_EXIT_MACHINE_CHECK;
		break;
	case TRAP_AC:
		e->kind = HVM_EXIT_ALIGN;
		break;
	case TRAP_DB:
		e->kind = HVM_EXIT_DEBUG;
		if (EVENT_TYPE(x) == EVENT_ICEBP) {
			e->kind = HVM_EXIT_ICEBP;
			e->next_rip = guest_regs()->rip + vmread(VMCS_INSN_LENGTH);
		} else {
			on_debug();
		}
		break;
	}
	read_cut_off(cut_off);
	block_nmis_again(x & EVENT_NMI_UNBLOCKED, cut_off);
}

/* Table 27-5. */
static void read_port(u64 q, struct hvm_exit *e)
{
	e->bytes = (q & 7) + 1;
	e->is_in = q & 8;
	e->is_string = q & 16;
	e->is_rep = q & 32;
	e->port = q >> 16;
}

static void read_qualification(struct hvm_exit *e, const struct hvm_event *cut_off)
{
	u64 q = vmread(VMCS_QUALIFICATION);

	switch (e->kind) {
	case HVM_EXIT_CR_WRITE:
		e->number = q & 15;
		break;
	case HVM_EXIT_DR_WRITE:
		e->number = q & 7;
		if (q & 16)
			e->kind = HVM_EXIT_DR_READ;
		break;
	case HVM_EXIT_PORT:
		read_port(q, e);
		break;
	case HVM_EXIT_MEMORY:		/* table 27-7: a fetch, where that is no right */
		e->is_fetch = p2m_format->large_valid != P2M_VALID && (q & 0x24) == 4;
		e->is_store = q & 2;
		block_nmis_again(q & EVENT_NMI_UNBLOCKED, cut_off);
		break;
	default:
		e->what = "exit qualification";
		e->detail = q;
		break;
	}
}

void vmx_read_exit(u32 reason, struct hvm_exit *e, struct hvm_event *cut_off)
{
	u32 basic = reason & 0xffff;
	unsigned more = basic < ARRAY_SIZE(rows) ? rows[basic].more : 0;

	*e = (struct hvm_exit){ .kind = HVM_EXIT_UNKNOWN, .code = reason };
	if (basic < ARRAY_SIZE(rows))
		e->kind = rows[basic].kind;
	if (reason & REASON_FAILED && e->kind != HVM_EXIT_MACHINE_CHECK) {
		e->kind = HVM_EXIT_INVALID;
		more = QUALIFICATION;
	}
	cut_off->valid = false;
	if (more & LENGTH)
		e->next_rip = guest_regs()->rip + vmread(VMCS_INSN_LENGTH);
	if (more & NESTED) {
		e->gpa = vmread(VMCS_GPA);
		read_cut_off(cut_off);
	}
	if (more & QUALIFICATION)
		read_qualification(e, cut_off);
	if (more & EVENT)
		read_event(e, cut_off);
}
