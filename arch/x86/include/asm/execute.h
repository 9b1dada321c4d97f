/* SPDX-License-Identifier: MIT */
/*
 * One store-like instruction (insn_is_store()), executed on given values. Pure, as asm/decode.h is.
 */
#pragma once

#include <isola/types.h>
#include <asm/decode.h>
#include <asm/regs.h>

/* What executing it does, given the operand's value. */
struct effect {
	bool writes;            /* the operand becomes val (only ->bytes of it count) */
	u64 val;
	u8 reg;                 /* this register becomes reg_val (->bytes of it), REG_NONE: none */
	u64 reg_val;
	u64 flags_mask, flags;  /* bits of RFLAGS that change, and to what */
};

/* For an instruction that is no store: nothing. */
void insn_execute(const struct insn *i, struct regs *r, u64 operand, struct effect *e);

/* Put register and flags of @e into @r, and step over the instruction. */
void insn_retire(const struct insn *i, const struct effect *e, struct regs *r);
