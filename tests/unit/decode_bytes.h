/* SPDX-License-Identifier: MIT */
/*
 * Decoding so many bytes and no more: what stands behind them is a different thing each time, and
 * must not matter.
 */
#pragma once
#include "tap.h"

#include <asm/decode.h>
#include <string.h>

static inline void set_code(struct code *c, const u8 *byte, unsigned int nr)
{
	for (unsigned int i = 0; i < CODE_ROOM; i++)
		c->byte[i] = i < nr ? byte[i] : tap_random() >> 9;
	c->nr = nr;
	c->all = true;
	c->code64 = true;
	c->operand_bytes = 4;
	c->va = 0;
}

/* In 64-bit code. */
static inline bool decode_bytes(const u8 *byte, unsigned int nr, struct insn *i)
{
	struct code c;

	set_code(&c, byte, nr);
	return insn_decode(&c, i);
}

static inline bool same_insn(const struct insn *a, const struct insn *b)
{
	return a->op == b->op && a->len == b->len && a->bytes == b->bytes &&
	       a->prefix == b->prefix && a->rex == b->rex && a->seg == b->seg &&
	       a->reg == b->reg && a->high_byte == b->high_byte && a->has_imm == b->has_imm &&
	       a->to_reg == b->to_reg && a->base == b->base && a->index == b->index &&
	       a->scale == b->scale && a->disp == b->disp && a->imm == b->imm;
}
