/* SPDX-License-Identifier: MIT */
/*
 * Addresses behind which there is no RAM: the local APIC's page, and nothing at all. An access
 * exits with its address, and the instruction is decoded by the one decoder that there is
 * (asm/decode.h). Carried out are MOVs from and to registers and of immediates, in 64-bit code, as
 * kernels access devices. A load is the store with another direction bit. A device model is asked,
 * if one has claimed the address (requests.c). Where nothing is reads give ones and writes vanish,
 * as on Xen; so it is in the APIC's page, if they are not of 32 bits and aligned. Whatever else
 * touches such an address ends the domain.
 *
 * The instruction is read once; what it says it touches must be what has exited (HVM-3).
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <asm/decode.h>
#include <asm/hvm.h>
#include <asm/percpu.h>

/* Of MOV's opcodes 88H to 8BH, to the register; of A0H to A3H, from it. */
#define DIRECTION	2u
#define OPCODE_LOAD	0x8au
#define OPCODE_LOAD_RAX	0xa0u

/* The store for the load that @opcode is. False: it is none. */
static bool turn_round(u8 *opcode)
{
	bool is_load = (*opcode & ~1u) == OPCODE_LOAD || (*opcode & ~1u) == OPCODE_LOAD_RAX;

	if (is_load)
		*opcode ^= DIRECTION;
	return is_load;
}

/* The instruction at rip; false: it is none of those. */
static bool decode(struct insn *i, bool *is_load)
{
	struct code c = { .code64 = true, .operand_bytes = 4, .va = guest_regs()->rip };
	struct hvm_code_segment cs;
	struct insn prefixes = { .bytes = 4 };

	hvm->code_segment(&cs);
	if (!cs.is_64)
		return false;
	c.nr = CODE_BYTES - hvm_copy_from_linear(c.byte, c.va, CODE_BYTES);
	insn_prefixes(&c, &prefixes);
	*is_load = turn_round(&c.byte[prefixes.len]);
	return insn_decode(&c, i) && i->op == INSN_MOV && !i->to_reg && !i->seg;
}

static bool touches(const struct insn *i, bool is_load, u64 gpa)
{
	u64 at;

	return !hvm_translate(insn_address(i, guest_regs(), 0), !is_load, &at) && at == gpa;
}

static u64 stored(const struct insn *i)
{
	u64 val = i->has_imm ? (u64)i->imm : *regs_gpr(guest_regs(), i->reg);

	return val >> (i->high_byte ? 8 : 0);
}

static int access_apic(const struct insn *i, bool is_load, u32 offset)
{
	bool good = i->bytes == 4 && !(offset & 15);

	if (is_load)
		hvm_load(i, good ? vlapic_read(offset) : ~0ul);
	else if (good)
		return vlapic_write(offset, stored(i));
	return 0;
}

static bool is_apic(u64 gpa)
{
	return gpa >> PAGE_SHIFT == VLAPIC_BASE >> PAGE_SHIFT && vlapic_has_page();
}

static void access_device(const struct insn *i, bool is_load, u64 gpa)
{
	struct hvm_access a = { .is_read = is_load, .bytes = i->bytes, .length = i->len,
				.addr = gpa, .insn = *i };

	a.data = is_load ? 0 : stored(i) & hvm_ones(i->bytes);
	if (!hvm_ask_model(&a))
		hvm_end_access(&a, ~0ul);
}

bool hvm_mmio(u64 gpa)
{
	struct insn i;
	bool is_load;

	if (!decode(&i, &is_load) || !touches(&i, is_load, gpa))
		return false;
	if (!is_apic(gpa))
		access_device(&i, is_load, gpa);
	else if (access_apic(&i, is_load, gpa & ~PAGE_MASK) != -ERESTART)
		hvm_step(i.len);
	return true;
}
