/* SPDX-License-Identifier: MIT */
/*
 * The end of an instruction that has been carried out, for who steps: its #DB.
 */
#include <asm/bounce.h>
#include <asm/emul.h>
#include <asm/trap.h>

void emul_stepped(void)
{
	pv_debugreg_merge(1ul << 14);           /* DR6.BS */
	pv_inject_exception(TRAP_DB, 0);
}
