/* SPDX-License-Identifier: MIT */
/*
 * The instruction a guest stands at: fetched once into a local, then decoded. In line, as far as it
 * is what it usually is.
 */
#pragma once

#include <asm/decode.h>
#include <asm/emul.h>
#include <asm/uaccess.h>

/* In any code segment, byte by byte. False: ->nr is 0. */
bool code_fetch_any(const struct regs *r, struct code *c);
/* @i did not decode. False: nor does it with all of its bytes. */
bool insn_fetch_more(struct code *c, struct insn *i);

/*
 * Read the bytes, as many as there are. False: there are none, or their code segment is one that we
 * do not look into. As a rule one quadword is there, and enough.
 */
static __always_inline bool code_fetch(const struct regs *r, struct code *c)
{
	u64 va = r->rip;

	if (unlikely((u16)r->cs != SEL_USER_CS64) || unlikely(!guest_words_ok(va, 1)))
		return code_fetch_any(r, c);
	guest_access_begin();
	guest_get_word(&c->word, va, 0, fault);
	guest_access_end();
	c->va = va;
	c->nr = sizeof(c->word);
	c->all = false;
	c->code64 = true;
	c->operand_bytes = 4;
	return true;
fault:
	guest_access_end();
	return code_fetch_any(r, c);
}

/* Read it and decode it. False: no instruction that insn_decode() knows. */
static __always_inline bool insn_fetch(const struct regs *r, struct code *c, struct insn *i)
{
	return likely(code_fetch(r, c)) && (likely(insn_decode(c, i)) || insn_fetch_more(c, i));
}
