/* SPDX-License-Identifier: MIT */
/*
 * How an access to what is no RAM ends: the register that it loads, and the next instruction.
 */
#include <asm/hvm.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>

/* As the processor writes registers: 32 bits clear the upper half, fewer leave the rest. */
void hvm_load(const struct insn *i, u64 val)
{
	u64 *reg = regs_gpr(guest_regs(), i->reg);
	unsigned shift = i->high_byte ? 8 : 0;
	u64 ones = hvm_ones(i->bytes);

	if (i->bytes >= 4)
		*reg = val & ones;
	else
		*reg = (*reg & ~(ones << shift)) | (val & ones) << shift;
}

void hvm_end_access(const struct hvm_access *a, u64 data)
{
	struct insn in = { .bytes = a->bytes };		/* of IN: to rax, as a MOV */

	if (a->is_read)
		hvm_load(a->is_port ? &in : &a->insn, data);
	hvm_step(a->length);
}
