/* SPDX-License-Identifier: MIT */
/*
 * One store-like instruction aimed at memory: decoded from bytes, addressed and executed on given
 * values. All of it is pure: no guest memory, no globals; it builds hosted as is.
 *
 * What kernels write page-table entries with, in 64-bit code: MOV, XCHG, ADD, OR, AND, SUB, XOR,
 * NOT, XADD, CMPXCHG, BTS, BTR, BTC, with any addressing form; and SLDT, STR, SGDT, SIDT, SMSW, to
 * register or memory. Everything else is not decoded.
 */
#pragma once

#include <isola/types.h>
#include <asm/emul.h>
#include <asm/regs.h>

#define INSN_MAX_BYTES 15

enum pt_op {
	PT_OP_NONE, PT_OP_MOV, PT_OP_XCHG, PT_OP_ADD, PT_OP_OR, PT_OP_AND, PT_OP_SUB, PT_OP_XOR,
	PT_OP_NOT, PT_OP_XADD, PT_OP_CMPXCHG, PT_OP_BTS, PT_OP_BTR, PT_OP_BTC,
	/* Not stores of their operand: pt_insn_execute() does nothing with these. */
	PT_OP_SLDT, PT_OP_STR, PT_OP_SGDT, PT_OP_SIDT, PT_OP_SMSW,
};

static inline bool pt_op_is_store(enum pt_op op) { return op >= PT_OP_MOV && op <= PT_OP_BTC; }

#define REG_NONE 0xff
#define REG_RIP  16

struct pt_insn {
	enum pt_op op;
	u8 len;                 /* of the whole instruction, bytes */
	u8 bytes;               /* operand size: 1, 2, 4, 8 */
	bool lock;
	bool has_imm;           /* source is imm, else reg */
	u64 imm;                /* sign-extended */
	u8 reg;                 /* 0..15 */
	bool high_byte;         /* reg is ah, ch, dh, bh: bits 15:8 of register reg */

	bool to_reg;            /* the operand is register base, not memory: SLDT, STR, SMSW only */
	u8 seg;                 /* 64H fs, 65H gs, 0: base 0 */
	bool addr32;
	u8 base, index;         /* 0..15, REG_RIP (base only: the next instruction), REG_NONE */
	u8 scale_shift;
	s64 disp;
};

/* One of the instructions that user mode may not execute where UMIP is on. */
static inline bool pt_op_is_umip(enum pt_op op) { return op >= PT_OP_SLDT; }

/*
 * Decode the instruction at @byte, of which @nr bytes are known. False: not one of ours, or cut
 * off.
 */
bool pt_insn_decode(const u8 *byte, unsigned int nr, struct pt_insn *out);

/*
 * The linear address of its memory operand. @r registers at the instruction (rip at its first
 * byte); @seg_base base of the segment that ->seg names.
 */
u64 pt_insn_address(const struct pt_insn *i, struct regs *r, u64 seg_base);

/* What executing it does, given the operand's value. */
struct pt_effect {
	bool writes;            /* the operand becomes val (only ->bytes of it count) */
	u64 val;
	u8 reg;                 /* this register becomes reg_val (->bytes of it), REG_NONE: none */
	u64 reg_val;
	u64 flags_mask, flags;  /* bits of RFLAGS that change, and to what */
};

void pt_insn_execute(const struct pt_insn *i, struct regs *r, u64 operand, struct pt_effect *e);

/* Put register and flags of @e into @r, and step over the instruction. */
void pt_insn_retire(const struct pt_insn *i, const struct pt_effect *e, struct regs *r);

/* ---- The usual store, by a shorter way ----------------------------------------------------------
 *
 * MOV and XCHG of a whole register with the eight bytes at a register and a displacement: REX.W
 * 89H or 87H, and a ModRM byte without SIB or rip. What page tables are written with most.
 */
struct pt_store {
	u64 va;
	u64 *reg;               /* what is stored */
	bool xchg;              /* and it becomes what was there */
	u8 len;
};

/*
 * The instruction whose first eight bytes are @word, as pt_insn_decode() and pt_insn_address() have
 * it. False: another.
 */
static __always_inline bool pt_store_decode(u64 word, struct regs *r, struct pt_store *out)
{
	u8 rex = word, opcode = word >> 8, modrm = word >> 16, mod = modrm >> 6, rm = modrm & 7;

	if ((rex & 0xfa) != 0x48 || (opcode != 0x89 && opcode != 0x87) || mod == 3 || rm == 4 ||
	    (mod == 0 && rm == 5))
		return false;
	out->xchg = opcode == 0x87;
	out->reg = regs_gpr(r, (modrm >> 3 & 7) | (rex & 4) << 1);
	out->va = *regs_gpr(r, rm | (rex & 1) << 3);
	out->len = 3;
	if (mod == 1) {
		out->va += (s8)(word >> 24);
		out->len += 1;
	} else if (mod == 2) {
		out->va += (s32)(word >> 24);
		out->len += 4;
	}
	return true;
}
