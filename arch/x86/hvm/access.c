/* SPDX-License-Identifier: MIT */
/*
 * How an access to what is no RAM ends: the register that it loads, and the next instruction.
 */
#include <asm/hvm.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>

/* As the processor writes registers: 32 bits clear the upper half, fewer leave the rest. */
static void load(u64 *reg, unsigned bytes, unsigned shift, u64 val)
{
	u64 ones = hvm_ones(bytes);

	if (bytes >= 4)
		*reg = val & ones;
	else
		*reg = (*reg & ~(ones << shift)) | (val & ones) << shift;
}

void hvm_load(const struct insn *i, u64 val)
{
	load(regs_gpr(guest_regs(), i->reg), i->bytes, i->high_byte ? 8 : 0, val);
}

void hvm_end_access(const struct hvm_access *a, u64 data)
{
	if (a->is_read && a->is_port)
		load(&guest_regs()->rax, a->bytes, 0, data);
	else if (a->is_read)
		hvm_load(&a->insn, data);
	hvm_step(a->length);
}
