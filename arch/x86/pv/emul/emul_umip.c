/* SPDX-License-Identifier: MIT */
/*
 * What UMIP hides: SGDT, SIDT, SLDT, STR, SMSW fault in ring 3 where CR4.UMIP is set. Guests are
 * not told of UMIP and execute them in user mode and kernel alike, so they are answered here, with
 * values that say nothing about this machine: the ABI's GDT limit and selectors, the guest's own
 * CR0.
 */
#include <asm/decode.h>
#include <asm/emul.h>
#include <asm/layout.h>
#include <asm/trap.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <isola/lib/string.h>

#define IDT_LIMIT 0xfff         /* 256 gates */

/* The pseudo-descriptor of SGDT and SIDT: limit, base. */
struct descriptor_table {
	u16 limit;
	u64 base;
} __packed;

/* SLDT, STR, SMSW: 2 bytes in memory, the operand size in a register. */
static u64 word_value(enum insn_op op)
{
	u64 cr0 = 0;

	switch (op) {
	case INSN_STR:
		return SEL_TSS;
	case INSN_SMSW:
		return pv_read_cr(0, &cr0) ? 0 : cr0;
	default:
		return 0;       /* SLDT: the guest has never loaded one by LLDT */
	}
}

/* False: the guest has been given the page fault. */
static bool to_memory(const struct insn *i, struct regs *r)
{
	u64 va = insn_address(i, r, emul_segment_base(i->seg));
	struct descriptor_table table = {
		.limit = i->op == INSN_SGDT ? GDT_LIMIT : IDT_LIMIT,
		.base = VA_HV_FIRST,
	};
	u16 word = word_value(i->op);
	bool is_table = i->op == INSN_SGDT || i->op == INSN_SIDT;

	if (is_table ? raw_copy_to_guest(va, &table, sizeof(table)) :
		       raw_copy_to_guest(va, &word, sizeof(word))) {
		pv_inject_page_fault(PFEC_W, va);
		return false;
	}
	return true;
}

bool emul_umip(const struct insn *i, struct regs *r)
{
	if (!i->to_reg)
		return to_memory(i, r);
	regs_write(regs_gpr(r, i->base), word_value(i->op), i->bytes);
	return true;
}
