/* SPDX-License-Identifier: MIT */
/*
 * INT n through a gate that is closed to ring 3: it arrives as #GP with the IDT bit, and is the
 * guest's own gate's.
 */
#include <asm/bounce.h>
#include <asm/code_fetch.h>
#include <asm/emul.h>
#include <asm/trap.h>

#define INT_BYTES 2u                    /* CD n */

/*
 * The error code names the gate, except under emulators that get it wrong (QEMU before 8.0): the
 * instruction itself is believed where it can be read.
 */
bool emul_software_int(struct regs *r)
{
	unsigned vector = (r->error_code >> 3) & 0xff, len = INT_BYTES;
	struct code code;
	struct insn i;

	if (insn_fetch(r, &code, &i) && i.op == INSN_INT) {
		vector = (u8)i.imm;
		len = i.len;
	}
	if (!may_int(&this_vcpu_traps[vector])) {
		r->error_code = vector << 3 | 2;
		return false;
	}
	r->rip += len;
	pv_bounce_trap(vector, NULL);
	return true;
}
