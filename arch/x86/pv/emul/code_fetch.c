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

/* How many bytes of guest address space there are from @va on. */
static u64 bytes_to_the_end(u64 va)
{
	if (va < 1ul << 47)
		return (1ul << 47) - va;
	return va >= VA_HV_END ? -va : 0;
}

void code_fetch_rest(struct code *c)
{
	u64 va = c->va + c->nr;
	size_t want = min_t(u64, CODE_BYTES - c->nr, bytes_to_the_end(va));

	if (c->all)
		return;
	/*
	 * Short where the next page is not there: either those bytes are no part of the
	 * instruction, or it is refused.
	 */
	c->nr += want - raw_copy_from_guest(c->byte + c->nr, va, want);
	c->all = true;
}

bool code_fetch(const struct regs *r, struct code *c)
{
	u64 base;

	if (!code_segment(r, c, &base))
		return false;
	c->va = base + r->rip;
	c->all = false;
	c->nr = 0;
	/* As a rule one quadword is there, and enough. */
	if (unlikely(!guest_words_ok(c->va, 1)))
		goto short_of_it;
	guest_access_begin();
	guest_get_word(&c->word, c->va, 0, fault);
	guest_access_end();
	c->nr = sizeof(c->word);
	return true;
fault:
	guest_access_end();
short_of_it:
	code_fetch_rest(c);
	return c->nr > 0;
}
