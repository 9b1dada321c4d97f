/* SPDX-License-Identifier: MIT */
/*
 * The end of an instruction that has been carried out: rip moves on, RF is clear, and who steps
 * gets its #DB.
 */
#include <asm/bounce.h>
#include <asm/emul.h>
#include <asm/trap.h>

void emul_done(struct regs *r, unsigned int len)
{
	bool stepping = r->rflags & EFLAGS_TF;

	r->rip += len;
	r->rflags &= ~(u64)EFLAGS_RF;
	if (stepping) {
		pv_debugreg_merge(1ul << 14);           /* DR6.BS */
		pv_inject_exception(TRAP_DB, 0);
	}
}
