/* SPDX-License-Identifier: MIT */
/*
 * Decoding: bytes in, struct pt_insn out, for the instructions that asm/pt_insn.h lists. Pure.
 * Source: SDM vol. 2 chapter 2 and appendix A.
 */
#include <asm/emul.h>
#include <asm/pt_insn.h>

/* How an opcode's operands are encoded, besides the memory operand in ModRM. */
enum form {
	FORM_NONE,
	FORM_REG,               /* source in ModRM.reg */
	FORM_IMM,               /* immediate of operand size, at most 4 bytes; operation as above */
	FORM_IMM8,              /* sign-extended byte; operation as above */
	FORM_UNARY,             /* ModRM.reg selects the operation */
};

/* Which operation ModRM.reg selects. */
enum group { GROUP_NONE, GROUP_1, GROUP_3, GROUP_6, GROUP_7, GROUP_8, GROUP_11 };

struct opcode {
	u8 form, group, op;
	bool byte_sized;        /* else by prefix: 2, 4 or 8 */
};

#define PAIR(n, op_)					\
	[n] = { FORM_REG, GROUP_NONE, op_, true },	\
	[(n) + 1] = { FORM_REG, GROUP_NONE, op_, false }

static const struct opcode one_byte[256] = {
	PAIR(0x00, PT_OP_ADD),
	PAIR(0x08, PT_OP_OR),
	PAIR(0x20, PT_OP_AND),
	PAIR(0x28, PT_OP_SUB),
	PAIR(0x30, PT_OP_XOR),
	[0x80] = { FORM_IMM, GROUP_1, PT_OP_NONE, true },
	[0x81] = { FORM_IMM, GROUP_1, PT_OP_NONE, false },
	[0x83] = { FORM_IMM8, GROUP_1, PT_OP_NONE, false },
	PAIR(0x86, PT_OP_XCHG),
	PAIR(0x88, PT_OP_MOV),
	[0xc6] = { FORM_IMM, GROUP_11, PT_OP_NONE, true },
	[0xc7] = { FORM_IMM, GROUP_11, PT_OP_NONE, false },
	[0xf6] = { FORM_UNARY, GROUP_3, PT_OP_NONE, true },
	[0xf7] = { FORM_UNARY, GROUP_3, PT_OP_NONE, false },
};

static const struct opcode two_byte[256] = {
	[0x00] = { FORM_UNARY, GROUP_6, PT_OP_NONE, false },
	[0x01] = { FORM_UNARY, GROUP_7, PT_OP_NONE, false },
	[0xab] = { FORM_REG, GROUP_NONE, PT_OP_BTS, false },
	[0xb3] = { FORM_REG, GROUP_NONE, PT_OP_BTR, false },
	[0xbb] = { FORM_REG, GROUP_NONE, PT_OP_BTC, false },
	[0xba] = { FORM_IMM8, GROUP_8, PT_OP_NONE, false },
	PAIR(0xb0, PT_OP_CMPXCHG),
	PAIR(0xc0, PT_OP_XADD),
};

static const u8 group_op[][8] = {
	[GROUP_1] = {
		[0] = PT_OP_ADD, [1] = PT_OP_OR, [4] = PT_OP_AND, [5] = PT_OP_SUB, [6] = PT_OP_XOR,
	},
	[GROUP_3] = { [2] = PT_OP_NOT },
	[GROUP_6] = { [0] = PT_OP_SLDT, [1] = PT_OP_STR },
	[GROUP_7] = { [0] = PT_OP_SGDT, [1] = PT_OP_SIDT, [4] = PT_OP_SMSW },
	[GROUP_8] = { [5] = PT_OP_BTS, [6] = PT_OP_BTR, [7] = PT_OP_BTC },
	[GROUP_11] = { [0] = PT_OP_MOV },
};

/* Bytes still to come. Reading past the end sets ->cut and gives 0. */
struct cursor {
	const u8 *byte;
	unsigned int nr, at;
	bool cut;
};

static u8 next(struct cursor *c)
{
	if (c->at >= c->nr || c->at >= INSN_MAX_BYTES) {
		c->cut = true;
		return 0;
	}
	return c->byte[c->at++];
}

/* A little-endian number of @bytes bytes, sign-extended. */
static s64 next_signed(struct cursor *c, unsigned int bytes)
{
	u64 val = 0;

	for (unsigned int i = 0; i < bytes; i++)
		val |= (u64)next(c) << 8 * i;
	return (s64)(val << (64 - 8 * bytes)) >> (64 - 8 * bytes);
}

struct prefixes {
	bool opsize16, rep;
	u8 rex;
};

/*
 * Legacy prefixes in any order, then at most one REX directly before the opcode. Returns the
 * opcode's first byte.
 */
static u8 decode_prefixes(struct cursor *c, struct pt_insn *i, struct prefixes *p)
{
	for (;;) {
		u8 b = next(c);

		switch (c->cut ? 0 : b) {
		case 0x66:
			p->opsize16 = true;
			break;
		case 0x67:
			i->addr32 = true;
			break;
		case 0xf0:
			i->lock = true;
			break;
		case 0xf2: case 0xf3:
			p->rep = true;
			break;
		case 0x26: case 0x2e: case 0x36: case 0x3e:
			break;                  /* no effect in 64-bit code */
		case 0x64: case 0x65:
			i->seg = b;
			break;
		case 0x40 ... 0x4f:
			p->rex = b;
			return next(c);
		default:
			return b;
		}
	}
}

static bool may_be_register(enum pt_op op)
{
	return op == PT_OP_SLDT || op == PT_OP_STR || op == PT_OP_SMSW;
}

/* ModRM, SIB, displacement. False: a register operand where there can be none. */
static bool decode_operand(struct cursor *c, struct pt_insn *i, u8 rex, u8 modrm)
{
	unsigned int mod = modrm >> 6, rm = modrm & 7, disp_bytes = mod == 1 ? 1 : mod == 2 ? 4 : 0;

	i->index = REG_NONE;
	i->base = rm | (rex & 1) << 3;
	if (mod == 3) {
		i->to_reg = true;
		return may_be_register(i->op);
	}
	if (rm == 4) {
		u8 sib = next(c);

		i->scale_shift = sib >> 6;
		i->index = (sib >> 3 & 7) | (rex & 2) << 2;
		if (i->index == 4)
			i->index = REG_NONE;
		i->base = (sib & 7) | (rex & 1) << 3;
		if (mod == 0 && (sib & 7) == 5) {
			i->base = REG_NONE;
			disp_bytes = 4;
		}
	} else if (mod == 0 && rm == 5) {
		i->base = REG_RIP;
		disp_bytes = 4;
	}
	i->disp = disp_bytes ? next_signed(c, disp_bytes) : 0;
	return true;
}

static void decode_source(struct cursor *c, struct pt_insn *i, const struct opcode *o, u8 rex,
			  u8 modrm)
{
	i->reg = (modrm >> 3 & 7) | (rex & 4) << 1;
	if (i->bytes == 1 && !rex && i->reg >= 4) {
		i->high_byte = true;
		i->reg -= 4;
	}
	i->has_imm = o->form == FORM_IMM || o->form == FORM_IMM8;
	if (o->form == FORM_IMM8)
		i->imm = next_signed(c, 1);
	else if (o->form == FORM_IMM)
		i->imm = next_signed(c, min_t(unsigned int, i->bytes, 4));
}

static bool takes_lock(enum pt_op op)
{
	return pt_op_is_store(op) && op != PT_OP_MOV;
}

bool pt_insn_decode(const u8 *byte, unsigned int nr, struct pt_insn *out)
{
	struct cursor c = { .byte = byte, .nr = nr };
	struct prefixes p = { 0 };
	const struct opcode *o;
	u8 first, modrm;

	*out = (struct pt_insn){ .op = PT_OP_NONE };
	first = decode_prefixes(&c, out, &p);
	o = first == 0x0f ? &two_byte[next(&c)] : &one_byte[first];
	if (c.cut || p.rep || o->form == FORM_NONE)
		return false;

	modrm = next(&c);
	out->bytes = o->byte_sized ? 1 : p.rex & 8 ? 8 : p.opsize16 ? 2 : 4;
	out->op = o->group ? group_op[o->group][modrm >> 3 & 7] : o->op;
	if (out->op == PT_OP_NONE || (out->lock && !takes_lock(out->op)) ||
	    !decode_operand(&c, out, p.rex, modrm))
		return false;
	decode_source(&c, out, o, p.rex, modrm);
	out->len = c.at;
	return !c.cut;
}

/*
 * A bit operation with the bit number in a register reaches beyond its operand: by that many bytes.
 */
static s64 bit_displacement(const struct pt_insn *i, struct regs *r)
{
	unsigned int shift = 64 - 8 * i->bytes;
	s64 bit;

	if (i->op < PT_OP_BTS || i->op > PT_OP_BTC || i->has_imm)
		return 0;
	bit = (s64)(*regs_gpr(r, i->reg) << shift) >> shift;
	return (bit >> (3 + __builtin_ctz(i->bytes))) * i->bytes;
}

u64 pt_insn_address(const struct pt_insn *i, struct regs *r, u64 seg_base)
{
	u64 va = i->disp;

	if (i->base == REG_RIP)
		va += r->rip + i->len;
	else if (i->base != REG_NONE)
		va += *regs_gpr(r, i->base);
	if (i->index != REG_NONE)
		va += *regs_gpr(r, i->index) << i->scale_shift;
	va += bit_displacement(i, r);
	if (i->addr32)
		va = (u32)va;
	return va + seg_base;
}
