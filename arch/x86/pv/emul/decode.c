/* SPDX-License-Identifier: MIT */
/*
 * Decoding: bytes in, struct insn out. Two tables of opcodes, one of groups, and what follows an
 * opcode in one order: ModRM, SIB, displacement, immediate.
 * Source: SDM vol. 2 chapter 2 and appendix A.
 */
#include <asm/decode.h>

/* Whose numbers stand in the rows of FORM_GROUP. */
enum group { GROUP_1, GROUP_3, GROUP_6, GROUP_7, GROUP_8, GROUP_11 };

/* The operation on bytes, and beside it the one on words. */
#define PAIR(n, op, form)	[n] = { op, (form) | FORM_BYTE }, [(n) + 1] = { op, form }

const struct insn_row insn_one_byte[256] = {
	PAIR(0x00, INSN_ADD, FORM_MODRM | FORM_MEMORY),
	PAIR(0x08, INSN_OR, FORM_MODRM | FORM_MEMORY),
	PAIR(0x20, INSN_AND, FORM_MODRM | FORM_MEMORY),
	[0x26] = { 0, FORM_PREFIX },            /* ES */
	PAIR(0x28, INSN_SUB, FORM_MODRM | FORM_MEMORY),
	[0x2e] = { 0, FORM_PREFIX },            /* CS */
	PAIR(0x30, INSN_XOR, FORM_MODRM | FORM_MEMORY),
	[0x36] = { 0, FORM_PREFIX },            /* SS */
	[0x3e] = { 0, FORM_PREFIX },            /* DS */
	[0x40 ... 0x4f] = { 0, FORM_PREFIX },   /* REX */
	[0x64 ... 0x67] = { 0, FORM_PREFIX },   /* FS, GS, operand size, address size */
	PAIR(0x6c, INSN_INS, FORM_MEMORY),
	PAIR(0x6e, INSN_OUTS, FORM_MEMORY),
	PAIR(0x80, GROUP_1, FORM_MODRM | FORM_GROUP | FORM_IMM),
	[0x83] = { GROUP_1, FORM_MODRM | FORM_GROUP | FORM_IMM8 },
	PAIR(0x86, INSN_XCHG, FORM_MODRM | FORM_MEMORY),
	PAIR(0x88, INSN_MOV, FORM_MODRM | FORM_MEMORY),
	PAIR(0xa2, INSN_MOV, FORM_ADDRESS),
	PAIR(0xc6, GROUP_11, FORM_MODRM | FORM_GROUP | FORM_IMM),
	[0xcd] = { INSN_INT, FORM_IMM8 },
	PAIR(0xe4, INSN_IN, FORM_IMM8),
	PAIR(0xe6, INSN_OUT, FORM_IMM8),
	PAIR(0xec, INSN_IN, 0),
	PAIR(0xee, INSN_OUT, 0),
	[0xf0] = { 0, FORM_PREFIX },            /* LOCK */
	[0xf2 ... 0xf3] = { 0, FORM_PREFIX },   /* REPNE, REP */
	PAIR(0xf6, GROUP_3, FORM_MODRM | FORM_GROUP),
	[0xfa] = { INSN_CLI, 0 },
	[0xfb] = { INSN_STI, 0 },
};

/* Behind 0FH. */
const struct insn_row insn_two_byte[256] = {
	[0x00] = { GROUP_6, FORM_MODRM | FORM_GROUP },
	[0x01] = { GROUP_7, FORM_MODRM | FORM_GROUP },
	[0x06] = { INSN_CLTS, 0 },
	[0x08] = { INSN_INVD, 0 },
	[0x09] = { INSN_WBINVD, 0 },
	[0x20] = { INSN_FROM_CR, FORM_REGS },
	[0x21] = { INSN_FROM_DR, FORM_REGS },
	[0x22] = { INSN_TO_CR, FORM_REGS },
	[0x23] = { INSN_TO_DR, FORM_REGS },
	[0x30] = { INSN_WRMSR, 0 },
	[0x31] = { INSN_RDTSC, 0 },
	[0x32] = { INSN_RDMSR, 0 },
	[0xa2] = { INSN_CPUID, 0 },
	[0xab] = { INSN_BTS, FORM_MODRM | FORM_MEMORY },
	PAIR(0xb0, INSN_CMPXCHG, FORM_MODRM | FORM_MEMORY),
	[0xb3] = { INSN_BTR, FORM_MODRM | FORM_MEMORY },
	[0xba] = { GROUP_8, FORM_MODRM | FORM_GROUP | FORM_IMM8 },
	[0xbb] = { INSN_BTC, FORM_MODRM | FORM_MEMORY },
	PAIR(0xc0, INSN_XADD, FORM_MODRM | FORM_MEMORY),
};

/* By ModRM.reg; the second row of a group is with a register as its operand. */
static const u8 insn_group[][2][8] = {
	[GROUP_1] = { { [0] = INSN_ADD, [1] = INSN_OR, [4] = INSN_AND, [5] = INSN_SUB,
			[6] = INSN_XOR } },
	[GROUP_3] = { { [2] = INSN_NOT } },
	[GROUP_6] = { { [0] = INSN_SLDT, [1] = INSN_STR },
		      { [0] = INSN_SLDT, [1] = INSN_STR } },
	[GROUP_7] = { { [0] = INSN_SGDT, [1] = INSN_SIDT, [4] = INSN_SMSW },
		      { [2] = INSN_XSETBV, [4] = INSN_SMSW, [7] = INSN_RDTSCP } },
	[GROUP_8] = { { [5] = INSN_BTS, [6] = INSN_BTR, [7] = INSN_BTC } },
	[GROUP_11] = { { [0] = INSN_MOV } },
};

static void legacy_prefix(struct insn *i, u8 b, u8 operand_bytes)
{
	switch (b) {
	case 0x66:
		i->prefix |= INSN_OPSIZE;
		i->bytes = operand_bytes ^ 2 ^ 4;
		break;
	case 0x67:
		i->prefix |= INSN_ADDR32;
		break;
	case 0xf0:
		i->prefix |= INSN_LOCK;
		break;
	case 0xf2: case 0xf3:
		i->prefix |= INSN_REP;
		break;
	case 0x64: case 0x65:
		i->seg = b;
		break;
	}
}

void insn_prefixes(const struct code *c, struct insn *i)
{
	/* The last byte can only be an opcode. */
	for (; i->len < CODE_BYTES - 1; i->len++) {
		u8 b = c->byte[i->len];
		bool is_rex = (b & 0xf0) == 0x40;

		/* REX counts directly before the opcode; outside 64-bit code it is INC, DEC. */
		if (!(insn_one_byte[b].form & FORM_PREFIX) || (is_rex && !c->code64))
			break;
		i->rex = is_rex ? b : 0;
		if (!is_rex)
			legacy_prefix(i, b, c->operand_bytes);
	}
}

/* LOCK: stores but MOV. REP: whatever is neither a store nor UMIP's, most of which ignore it. */
bool insn_takes(enum insn_op op, u8 prefix)
{
	if (prefix & INSN_LOCK && !(insn_is_store(op) && op != INSN_MOV))
		return false;
	return !(prefix & INSN_REP) || !(insn_is_store(op) || insn_is_umip(op));
}

/* The operation, or INSN_NONE: this one does not exist, or is none of ours. */
static enum insn_op group_op(u8 group, u8 modrm)
{
	enum insn_op op = insn_group[group][modrm >> 6 == 3][modrm >> 3 & 7];

	/* Eight instructions each, of which we know the second. */
	if ((op == INSN_XSETBV || op == INSN_RDTSCP) && (modrm & 7) != 1)
		return INSN_NONE;
	return op;
}

/* SIB, displacement: what makes a memory operand's address. Returns how many bytes they are. */
static unsigned int decode_address(const u8 *byte, struct insn *i, u8 modrm)
{
	u8 mod = modrm >> 6, sib;

	if (modrm_is_plain(modrm))
		return modrm_disp(mod, byte, &i->disp);
	if ((modrm & 7) != 4) {
		i->base = REG_RIP;
		return modrm_disp(2, byte, &i->disp);
	}
	sib = *byte++;
	i->base = modrm_rm(sib, i->rex);
	i->index = (sib >> 3 & 7) | (i->rex & REX_X) << 2;
	i->scale = i->index == 4 ? 0 : 1u << (sib >> 6);
	if (mod == 0 && (sib & 7) == 5) {
		i->base = REG_NONE;
		mod = 2;
	}
	return 1 + modrm_disp(mod, byte, &i->disp);
}

/* Of 8 bytes, of 4 with another address size. Returns how many. */
static unsigned int decode_absolute(const u8 *byte, struct insn *i)
{
	unsigned int bytes = i->prefix & INSN_ADDR32 ? 4 : 8;

	i->base = REG_NONE;
	__builtin_memcpy(&i->disp, byte, bytes);
	return bytes;
}

/* Returns how many bytes it is. */
static unsigned int decode_immediate(const u8 *byte, struct insn *i, u8 form)
{
	unsigned int bytes = form & FORM_IMM8 || i->bytes == 1 ? 1 : i->bytes == 2 ? 2 : 4;
	unsigned int shift = 32 - 8 * bytes;
	u32 val;

	__builtin_memcpy(&val, byte, sizeof(val));
	i->has_imm = true;
	i->imm = (s32)(val << shift) >> shift;
	return bytes;
}

bool insn_operands(const struct code *c, struct insn *i, struct insn_row row)
{
	bool is_memory = row.form & FORM_MEMORY;
	enum insn_op op = row.op;
	unsigned int at = i->len;
	u8 modrm;

	if (row.form & FORM_MODRM) {
		modrm = c->byte[at++];
		i->reg = modrm_reg(modrm, i->rex);
		i->base = modrm_rm(modrm, i->rex);
		i->to_reg = modrm >> 6 == 3;
		if (row.form & FORM_GROUP)
			op = group_op(row.op, modrm);
		else if (is_memory && i->to_reg)
			op = INSN_NONE;
		if (row.form & FORM_BYTE && !i->rex && i->reg >= 4) {
			i->high_byte = true;
			i->reg -= 4;
		}
		is_memory = !i->to_reg;
		if (is_memory)
			at += decode_address(&c->byte[at], i, modrm);
	} else if (row.form & FORM_REGS) {
		at += decode_absolute(&c->byte[at], i);
	}
	if (row.form & (FORM_IMM8 | FORM_IMM))
		at += decode_immediate(&c->byte[at], i, row.form);
	if (is_memory && !c->code64)
		op = INSN_NONE;
	return insn_settle(c, i, op, at);
}

s64 insn_bit_offset(const struct insn *i, struct regs *r)
{
	unsigned int shift = 64 - 8 * i->bytes;
	s64 bit;

	if (i->has_imm)
		return 0;
	bit = (s64)(*regs_gpr(r, i->reg) << shift) >> shift;
	return (bit >> (3 + __builtin_ctz(i->bytes))) * i->bytes;
}
