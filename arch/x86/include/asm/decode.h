/* SPDX-License-Identifier: MIT */
/*
 * One instruction, decoded: what the bytes a guest stands at say. Pure: no guest memory, no
 * globals; it builds hosted as is. There is no other decoder.
 *
 * Known are what kernels write page-table entries with, what UMIP keeps from ring 3, and what the
 * hypervisor carries out or refuses by name of the privileged instructions. Operands in memory are
 * known in 64-bit code only: elsewhere segment bases and limits would count.
 */
#pragma once

#include <isola/types.h>
#include <asm/emul.h>
#include <asm/regs.h>

enum insn_op {
	INSN_NONE,
	/* Stores of their memory operand: what asm/execute.h carries out. */
	INSN_MOV, INSN_XCHG, INSN_ADD, INSN_OR, INSN_AND, INSN_SUB, INSN_XOR, INSN_NOT, INSN_XADD,
	INSN_CMPXCHG, INSN_BTS, INSN_BTR, INSN_BTC,
	/* What user mode may not execute where UMIP is on. */
	INSN_SLDT, INSN_STR, INSN_SGDT, INSN_SIDT, INSN_SMSW,
	/* By IOPL. */
	INSN_IN, INSN_OUT, INSN_INS, INSN_OUTS, INSN_CLI, INSN_STI,
	/* The others. */
	INSN_INT, INSN_CPUID, INSN_RDMSR, INSN_WRMSR, INSN_RDTSC, INSN_RDTSCP, INSN_XSETBV,
	INSN_CLTS, INSN_INVD, INSN_WBINVD,
	INSN_FROM_CR, INSN_TO_CR, INSN_FROM_DR, INSN_TO_DR,     /* number: reg; register: base */
	NR_INSN_OPS
};

static inline bool insn_is_store(enum insn_op op) { return op >= INSN_MOV && op <= INSN_BTC; }
static inline bool insn_is_umip(enum insn_op op) { return op >= INSN_SLDT && op <= INSN_SMSW; }

#define REG_RIP  16
#define REG_NONE 0xff

/* Prefixes, as far as they say something that is not elsewhere in struct insn. */
#define INSN_LOCK   0x01
#define INSN_REP    0x02                /* F2H or F3H */
#define INSN_ADDR32 0x04
#define INSN_OPSIZE 0x08                /* its effect is in ->bytes */

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

struct insn {
	u8 op;                  /* enum insn_op */
	u8 len;                 /* of the whole instruction, bytes */
	u8 bytes;               /* operand size: 1, 2, 4, 8 */
	u8 prefix;              /* INSN_LOCK .. */
	u8 rex;                 /* 0: none */
	u8 seg;                 /* 64H fs, 65H gs, 0: base 0 */
	u8 reg;                 /* ModRM.reg, 0..15: the other operand, if not has_imm */
	bool high_byte;         /* reg is ah, ch, dh, bh: bits 15:8 of register reg */
	bool has_imm;
	bool to_reg;            /* the operand is register base, not memory */
	u8 base, index;         /* 0..15; base also REG_RIP (the next instruction), REG_NONE */
	u8 scale;               /* what index counts: 1, 2, 4, 8; 0: there is no index */
	s64 disp;
	s32 imm;
};

/* ---- Tables ---------------------------------------------------------------------------------- */

/* What follows an opcode, and what its operands may be. */
enum insn_form {
	FORM_MODRM    = 0x01,
	FORM_MEMORY   = 0x02,   /* an operand in memory: with ModRM, never in a register */
	FORM_REGS     = 0x04,   /* ModRM: reg and rm are registers, whatever mod says */
	FORM_GROUP    = 0x08,   /* with ModRM: op is a group, of which mod and reg select */
	FORM_BYTE     = 0x10,   /* operands of one byte; else by prefix */
	FORM_IMM8     = 0x20,   /* an immediate: a byte */
	FORM_IMM      = 0x40,   /* an immediate: of operand size, but at most 4 bytes */
	FORM_PREFIX   = 0x80,   /* no opcode */
	FORM_ADDRESS  = FORM_MEMORY | FORM_REGS, /* no ModRM: an address, and reg 0 */
};
#define FORM_OPERANDS (FORM_MODRM | FORM_MEMORY | FORM_IMM8 | FORM_IMM)

struct insn_row {
	u8 op, form;
};

extern const struct insn_row insn_one_byte[256];
extern const struct insn_row insn_two_byte[256];        /* behind 0FH */

/* ---- ModRM ----------------------------------------------------------------------------------- */

static __always_inline u8 modrm_reg(u8 modrm, u8 rex)
{
	return (modrm >> 3 & 7) | (rex & REX_R) << 1;
}

static __always_inline u8 modrm_rm(u8 modrm, u8 rex)
{
	return (modrm & 7) | (rex & REX_B) << 3;
}

/* A register and a displacement: neither SIB nor rip, nor a register instead of memory. */
static __always_inline bool modrm_is_plain(u8 modrm)
{
	return modrm < 0xc0 && (modrm & 7) != 4 && (modrm & 0xc7) != 5;
}

/* The displacement that @mod says is at @byte. Returns its length. */
static __always_inline unsigned int modrm_disp(u8 mod, const u8 *byte, s64 *disp)
{
	s32 wide;

	switch (mod) {
	case 0:
		return 0;
	case 1:
		*disp = (s8)*byte;
		return 1;
	default:
		__builtin_memcpy(&wide, byte, 4);
		*disp = wide;
		return 4;
	}
}

/* ---- Decoding -------------------------------------------------------------------------------- */

/* Behind the last prefix: 0FH, opcode, ModRM, SIB, displacement, immediate; or an address. */
static_assert(CODE_ROOM >= CODE_BYTES + 1 + 1 + 1 + 4 + 4, "an instruction is read without checks");

/* Decode all prefixes, in any order. ->len: how many bytes they are. */
void insn_prefixes(const struct code *c, struct insn *i);
/* May @op have all of @prefix? */
bool insn_takes(enum insn_op op, u8 prefix);

/* Prefixes and opcode: its row. ->len is what they take. */
static __always_inline struct insn_row insn_opcode(const struct code *c, struct insn *i)
{
	unsigned int at = 0;
	u8 b = c->byte[0];

	*i = (struct insn){ .bytes = c->operand_bytes };
	if (insn_one_byte[b].form & FORM_PREFIX) {
		/* One REX and nothing else is what most instructions have. */
		if (likely((b & 0xf0) == 0x40) && likely(c->code64) &&
		    likely(!(insn_one_byte[c->byte[1]].form & FORM_PREFIX))) {
			i->rex = b;
			at = 1;
		} else {
			insn_prefixes(c, i);
			b = i->rex;
			at = i->len;
		}
		if (b & REX_W)
			i->bytes = 8;
		b = c->byte[at];
	}
	i->len = at + 1;
	if (b != 0x0f)
		return insn_one_byte[b];
	i->len = at + 2;
	return insn_two_byte[c->byte[at + 1]];
}

/* It is @len bytes long, and @op if that is one of ours. */
static __always_inline bool insn_settle(const struct code *c, struct insn *i, enum insn_op op,
					unsigned int len)
{
	i->len = len;
	if (unlikely(len > c->nr) || (unlikely(i->prefix) && !insn_takes(op, i->prefix)))
		return false;
	i->op = op;
	return likely(op != INSN_NONE);
}

/* ModRM that names two registers. */
static __always_inline bool insn_registers(const struct code *c, struct insn *i,
					   struct insn_row row)
{
	u8 modrm = c->byte[i->len];

	i->reg = modrm_reg(modrm, i->rex);
	i->base = modrm_rm(modrm, i->rex);
	return insn_settle(c, i, row.op, i->len + 1);
}

/* What follows the opcode of @row, and that it is one of ours. */
bool insn_operands(const struct code *c, struct insn *i, struct insn_row row);

/*
 * Decode the instruction that @c begins with. False: none of ours, or there are too few bytes. Then
 * ->op is INSN_NONE, and ->len says how many bytes were looked at: with more of them than @c knows
 * the answer may be another.
 */
static __always_inline bool insn_decode(const struct code *c, struct insn *i)
{
	const struct insn_row row = insn_opcode(c, i);

	if (row.form == FORM_REGS)
		return insn_registers(c, i, row);
	if (row.form & FORM_BYTE)
		i->bytes = 1;
	if (row.form & FORM_OPERANDS)
		return insn_operands(c, i, row);
	return insn_settle(c, i, row.op, i->len);
}

/*
 * What page tables are written with most, by a shorter way: MOV and XCHG of a whole register with
 * the eight bytes at a register and a displacement. True: insn_decode() says the same.
 */
static __always_inline bool insn_decode_usual_store(const struct code *c, struct insn *i)
{
	u8 rex = c->byte[0], opcode = c->byte[1], modrm = c->byte[2];

	if ((rex & ~(REX_R | REX_B)) != (0x40 | REX_W) || unlikely(!c->code64) ||
	    (opcode != 0x89 && opcode != 0x87) || !modrm_is_plain(modrm) ||
	    unlikely(c->nr < sizeof(c->word)))
		return false;
	*i = (struct insn){ .op = opcode == 0x87 ? INSN_XCHG : INSN_MOV, .bytes = 8, .rex = rex,
			    .reg = modrm_reg(modrm, rex), .base = modrm_rm(modrm, rex) };
	i->len = 3 + modrm_disp(modrm >> 6, &c->byte[3], &i->disp);
	return true;
}

/* ---- Its operand in memory ------------------------------------------------------------------- */

/* A bit operation with its bit number in a register reaches beyond its operand: by that much. */
s64 insn_bit_offset(const struct insn *i, struct regs *r);

/*
 * The linear address of its memory operand. @r registers at the instruction (rip at its first
 * byte); @seg_base base of the segment that ->seg names.
 */
static inline u64 insn_address(const struct insn *i, struct regs *r, u64 seg_base)
{
	u64 va = i->disp;

	if (likely(i->base < REG_RIP))
		va += *regs_gpr(r, i->base);
	else if (i->base == REG_RIP)
		va += r->rip + i->len;
	if (i->scale)
		va += *regs_gpr(r, i->index) * i->scale;
	if (unlikely(i->op >= INSN_BTS && i->op <= INSN_BTC))
		va += insn_bit_offset(i, r);
	if (unlikely(i->prefix & INSN_ADDR32))
		va = (u32)va;
	return va + seg_base;
}
