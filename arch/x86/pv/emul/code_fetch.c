/* SPDX-License-Identifier: MIT */
/*
 * The instruction a guest stands at: its bytes read once, into a buffer of our own (EMU-1,
 * FETCH-1), on the root it runs on, then decoded.
 */
#include <asm/code_fetch.h>
#include <asm/emul.h>
#include <asm/insn.h>
#include <asm/layout.h>
#include <asm/uaccess.h>

/*
 * The code segment that @r runs in: false when it is not one we can read. Guest descriptors are
 * checked when stored (SEG-1); those of the LDT are not asked for, as an LDT page may not be there.
 */
static bool code_segment(const struct regs *r, struct code *c, u64 *base)
{
	u16 sel = r->cs;
	u64 desc;

	c->code64 = true;
	c->operand_bytes = 4;
	*base = 0;
	if (sel == SEL_USER_CS64)
		return true;
	if (sel & 4 || (sel | 7u) > GDT_LIMIT)
		return false;
	desc = READ_ONCE(*(const u64 *)(VA_GDT + (sel & ~7u)));
	c->code64 = desc >> 53 & 1;
	if (!c->code64) {
		c->operand_bytes = desc >> 54 & 1 ? 4 : 2;
		*base = (desc >> 16 & 0xffffff) | (desc >> 56) << 24;
	}
	return true;
}

/* How many bytes of guest address space there are from @va on. */
static u64 bytes_to_the_end(u64 va)
{
	if (va < 1ul << 47)
		return (1ul << 47) - va;
	return va >= VA_HV_END ? -va : 0;
}

/* The bytes that !@c->all says may be missing. */
static void fetch_rest(struct code *c)
{
	u64 va = c->va + c->nr;
	size_t want = min_t(u64, CODE_BYTES - c->nr, bytes_to_the_end(va));

	/*
	 * Short where the next page is not there: either those bytes are no part of the
	 * instruction, or it is refused.
	 */
	c->nr += want - raw_copy_from_guest(c->byte + c->nr, va, want);
	c->all = true;
}

bool code_fetch_any(const struct regs *r, struct code *c)
{
	u64 base;

	c->nr = 0;
	if (!code_segment(r, c, &base))
		return false;
	c->va = base + r->rip;
	fetch_rest(c);
	return c->nr > 0;
}

bool insn_fetch_more(struct code *c, struct insn *i)
{
	if (i->len <= c->nr || c->all)
		return false;
	fetch_rest(c);
	return insn_decode(c, i);
}

u64 emul_segment_base(u8 seg)
{
	switch (seg) {
	case 0x64:
		return rdmsr(MSR_FS_BASE);
	case 0x65:
		return rdmsr(MSR_GS_BASE);
	default:
		return 0;
	}
}
