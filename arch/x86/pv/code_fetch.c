/* SPDX-License-Identifier: MIT */
/*
 * The bytes of the instruction a guest stands at: read once, into a buffer of our own (EMU-1,
 * FETCH-1), on the root it runs on.
 */
#include <asm/emul.h>
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
	c->default16 = false;
	*base = 0;
	if (likely(sel == SEL_USER_CS64))
		return true;
	if (sel & 4 || (sel | 7u) > GDT_LIMIT)
		return false;
	desc = READ_ONCE(*(const u64 *)(VA_GDT + (sel & ~7u)));
	c->code64 = desc >> 53 & 1;
	if (!c->code64) {
		c->default16 = !(desc >> 54 & 1);
		*base = (desc >> 16 & 0xffffff) | (desc >> 56) << 24;
	}
	return true;
}

bool code_fetch(const struct regs *r, struct code *c)
{
	u64 base;

	if (!code_segment(r, c, &base))
		return false;
	/* As a rule it is there: two quadwords that share a byte. */
	if (likely(!copy_from_guest(c->byte, base + r->rip, 8) &&
		   !copy_from_guest(c->byte + 7, base + r->rip + 7, 8))) {
		c->nr = sizeof(c->byte);
		return true;
	}
	/*
	 * Short where the next page is not there: either those bytes are no part of the
	 * instruction, or it is refused.
	 */
	c->nr = sizeof(c->byte) - raw_copy_from_guest(c->byte, base + r->rip, sizeof(c->byte));
	return c->nr > 0;
}
