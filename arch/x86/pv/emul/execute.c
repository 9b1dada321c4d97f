/* SPDX-License-Identifier: MIT */
/*
 * Executing a decoded store on values: what it leaves in its operand, in its register and in the
 * flags. Pure.
 * Source: SDM vol. 2, the instructions' "Operation" and "Flags Affected". Flags left undefined
 * there stay as they are.
 */
#include <asm/execute.h>

#define FLAG_CF 0x001ul
#define FLAG_PF 0x004ul
#define FLAG_AF 0x010ul
#define FLAG_ZF 0x040ul
#define FLAG_SF 0x080ul
#define FLAG_OF 0x800ul
#define FLAGS_ALL (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

static u64 size_mask(unsigned int bytes)
{
	return bytes == 8 ? ~0ul : (1ul << 8 * bytes) - 1;
}

static u64 get_reg(const struct insn *i, struct regs *r)
{
	u64 val = *regs_gpr(r, i->reg);

	return (i->high_byte ? val >> 8 : val) & size_mask(i->bytes);
}

/* Flags that depend on the result alone. */
static u64 result_flags(u64 res, unsigned int bytes)
{
	u8 p = res;
	u64 f = 0;

	p ^= p >> 4;
	p ^= p >> 2;
	p ^= p >> 1;
	f |= p & 1 ? 0 : FLAG_PF;
	f |= res ? 0 : FLAG_ZF;
	f |= res >> (8 * bytes - 1) & 1 ? FLAG_SF : 0;
	return f;
}

static void set_logic(struct effect *e, u64 res, unsigned int bytes)
{
	e->val = res;
	e->flags_mask = FLAGS_ALL & ~FLAG_AF;
	e->flags = result_flags(res, bytes);
}

/* @a + @b, or @a - @b: the result in val, and all six flags. */
static void set_sum(struct effect *e, u64 a, u64 b, bool subtract, unsigned int bytes)
{
	u64 res = (subtract ? a - b : a + b) & size_mask(bytes);
	u64 overflow = subtract ? (a ^ b) & (a ^ res) : ~(a ^ b) & (a ^ res);

	e->val = res;
	e->flags_mask = FLAGS_ALL;
	e->flags = result_flags(res, bytes) | ((a ^ b ^ res) & FLAG_AF);
	e->flags |= (subtract ? a < b : res < a) ? FLAG_CF : 0;
	e->flags |= overflow >> (8 * bytes - 1) & 1 ? FLAG_OF : 0;
}

static void set_bit(struct effect *e, const struct insn *i, u64 a, u64 b)
{
	u64 bit = 1ul << (b & (8 * i->bytes - 1));

	e->flags_mask = FLAG_CF;
	e->flags = a & bit ? FLAG_CF : 0;
	e->val = i->op == INSN_BTS ? a | bit : i->op == INSN_BTR ? a & ~bit : a ^ bit;
}

static void set_cmpxchg(struct effect *e, const struct insn *i, struct regs *r, u64 a, u64 b)
{
	set_sum(e, r->rax & size_mask(i->bytes), a, true, i->bytes);
	if (e->flags & FLAG_ZF) {
		e->val = b;
		return;
	}
	e->writes = false;
	e->val = a;
	e->reg = 0;             /* rax */
	e->reg_val = a;
}

void insn_execute(const struct insn *i, struct regs *r, u64 operand, struct effect *e)
{
	u64 a = operand & size_mask(i->bytes);
	u64 b = i->has_imm ? (u64)(s64)i->imm & size_mask(i->bytes) : get_reg(i, r);

	*e = (struct effect){ .writes = true, .val = a, .reg = REG_NONE };
	switch (i->op) {
	case INSN_MOV:
		e->val = b;
		break;
	case INSN_XCHG:
		e->val = b;
		e->reg = i->reg;
		e->reg_val = a;
		break;
	case INSN_ADD:
	case INSN_SUB:
		set_sum(e, a, b, i->op == INSN_SUB, i->bytes);
		break;
	case INSN_XADD:
		set_sum(e, a, b, false, i->bytes);
		e->reg = i->reg;
		e->reg_val = a;
		break;
	case INSN_OR:
		set_logic(e, a | b, i->bytes);
		break;
	case INSN_AND:
		set_logic(e, a & b, i->bytes);
		break;
	case INSN_XOR:
		set_logic(e, a ^ b, i->bytes);
		break;
	case INSN_NOT:
		e->val = ~a & size_mask(i->bytes);
		break;
	case INSN_CMPXCHG:
		set_cmpxchg(e, i, r, a, b);
		break;
	case INSN_BTS:
	case INSN_BTR:
	case INSN_BTC:
		set_bit(e, i, a, b);
		break;
	}
}

static void put_reg(const struct insn *i, struct regs *r, u8 reg, u64 val)
{
	bool is_high = i->high_byte && reg == i->reg && i->op != INSN_CMPXCHG;

	/* ah, ch, dh, bh are second bytes. */
	regs_write((u8 *)regs_gpr(r, reg) + is_high, val, i->bytes);
}

void insn_retire(const struct insn *i, const struct effect *e, struct regs *r)
{
	if (e->reg != REG_NONE)
		put_reg(i, r, e->reg, e->reg_val);
	r->rflags = (r->rflags & ~e->flags_mask) | e->flags;
	r->rip += i->len;
}
