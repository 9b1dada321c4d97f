/* SPDX-License-Identifier: MIT */
/*
 * Exit codes of SVM (APM vol. 2, appendix C) as reasons. What has no row is HVM_EXIT_UNKNOWN, which
 * ends the domain.
 */
#include "svm_exit.h"
#include "vmcb.h"

static const struct {
	u16 first, last;
	enum hvm_exit_kind kind;
} rows[] = {
	{ VMEXIT_CR_WRITE, VMEXIT_CR_WRITE + 15, HVM_EXIT_CR_WRITE },
	{ VMEXIT_DR_READ, VMEXIT_DR_READ + 15, HVM_EXIT_DR_READ },
	{ VMEXIT_DR_WRITE, VMEXIT_DR_WRITE + 15, HVM_EXIT_DR_WRITE },
	{ VMEXIT_EXCEPTION + TRAP_DB, VMEXIT_EXCEPTION + TRAP_DB, HVM_EXIT_DEBUG },
	{ VMEXIT_EXCEPTION + TRAP_AC, VMEXIT_EXCEPTION + TRAP_AC, HVM_EXIT_ALIGN },
	{ VMEXIT_EXCEPTION + TRAP_MC, VMEXIT_EXCEPTION + TRAP_MC, HVM_EXIT_MACHINE_CHECK },
	{ VMEXIT_INTR, VMEXIT_INIT, HVM_EXIT_HOST },
	{ VMEXIT_VINTR, VMEXIT_VINTR, HVM_EXIT_WINDOW },
	{ VMEXIT_RDPMC, VMEXIT_RDPMC, HVM_EXIT_RDPMC },
	{ VMEXIT_CPUID, VMEXIT_CPUID, HVM_EXIT_CPUID },
	{ VMEXIT_IRET, VMEXIT_IRET, HVM_EXIT_IRET },
	{ VMEXIT_INVD, VMEXIT_INVD, HVM_EXIT_CACHE },
	{ VMEXIT_HLT, VMEXIT_HLT, HVM_EXIT_HLT },
	{ VMEXIT_INVLPGA, VMEXIT_INVLPGA, HVM_EXIT_NOT_OFFERED },
	{ VMEXIT_PORT, VMEXIT_PORT, HVM_EXIT_PORT },
	{ VMEXIT_MSR, VMEXIT_MSR, HVM_EXIT_RDMSR },
	{ VMEXIT_TASK_SWITCH, VMEXIT_TASK_SWITCH, HVM_EXIT_TASK_SWITCH },
	{ VMEXIT_SHUTDOWN, VMEXIT_SHUTDOWN, HVM_EXIT_TRIPLE_FAULT },
	{ VMEXIT_VMRUN, VMEXIT_VMRUN, HVM_EXIT_NOT_OFFERED },
	{ VMEXIT_VMMCALL, VMEXIT_VMMCALL, HVM_EXIT_HYPERCALL },
	{ VMEXIT_VMMCALL + 1, VMEXIT_SKINIT, HVM_EXIT_NOT_OFFERED },
	{ VMEXIT_ICEBP, VMEXIT_ICEBP, HVM_EXIT_ICEBP },
	{ VMEXIT_WBINVD, VMEXIT_WBINVD, HVM_EXIT_CACHE },
	{ VMEXIT_MONITOR, VMEXIT_MWAIT_IF, HVM_EXIT_NOT_OFFERED },
	{ VMEXIT_XSETBV, VMEXIT_XSETBV, HVM_EXIT_XSETBV },
	{ VMEXIT_RDPRU, VMEXIT_RDPRU, HVM_EXIT_NOT_OFFERED },
	{ VMEXIT_NPF, VMEXIT_NPF, HVM_EXIT_MEMORY },
};

static enum hvm_exit_kind kind_of(u64 code)
{
	if ((u32)code == VMEXIT_INVALID)
		return HVM_EXIT_INVALID;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (code >= rows[i].first && code <= rows[i].last)
			return rows[i].kind;
	return HVM_EXIT_UNKNOWN;
}

/* EXITINFO1 of a port access: §15.10.2. EXITINFO2 is the next rip. */
static void read_port(const struct vmcb *c, struct hvm_exit *e)
{
	u64 info = c->exit_info1;

	e->is_in = info & 1;
	e->is_string = info & 4;
	e->is_rep = info & 8;
	e->bytes = info >> 4 & 7;
	e->port = info >> 16;
	e->next_rip = c->exit_info2;
}

bool svm_has_next_rip;

void svm_read_exit(const struct vmcb *c, struct hvm_exit *e)
{
	*e = (struct hvm_exit){ .kind = kind_of(c->exit_code), .code = c->exit_code,
				.next_rip = svm_has_next_rip ? c->next_rip : 0 };
	switch (e->kind) {
	case HVM_EXIT_CR_WRITE:
	case HVM_EXIT_DR_READ:
	case HVM_EXIT_DR_WRITE:
		e->number = c->exit_code & 15;
		break;
	case HVM_EXIT_PORT:
		read_port(c, e);
		break;
	case HVM_EXIT_RDMSR:
		if (c->exit_info1 & 1)
			e->kind = HVM_EXIT_WRMSR;
		break;
	case HVM_EXIT_INVALID:
		e->what = "EXITINFO1";
		e->detail = c->exit_info1;
		break;
	case HVM_EXIT_MEMORY:
		e->gpa = c->exit_info2;
		e->is_store = c->exit_info1 & PFEC_W;	/* §15.25.6 */
		break;
	default:
		break;
	}
}
