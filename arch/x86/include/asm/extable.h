/* SPDX-License-Identifier: MIT */
/*
 * The exception table: instructions of ours that may fault on what a guest gave us, and where each
 * goes then.
 *
 * One struct ex_entry (asm/trap.h) per instruction in section .ex_table, both fields relative to
 * themselves. Only a fault at exactly that address is forgiven; everything else in ring 0 is our
 * own bug.
 */
#pragma once

/*
 * For use inside an asm statement: a fault at local label @insn continues at @fixup, with all
 * registers as they were. Both are assembler expressions, such as 1b.
 */
#define _ASM_EXTABLE(insn, fixup)				\
	".pushsection .ex_table, \"a\"\n\t"			\
	".balign 4\n\t"						\
	".long " #insn " - .\n\t"				\
	".long " #fixup " - .\n\t"				\
	".popsection\n\t"
