/* SPDX-License-Identifier: MIT */
/*
 * Machine checks: what the processor's banks say of an error of the hardware.
 */
#pragma once

struct regs;

/* Where the lines come from. Boot CPU, once. */
void mce_init(void);
/* All errors are reported from now on; what is in the banks already is told. Every CPU. */
void mce_init_cpu(void);

/*
 * #MC, which interrupted @r: read the banks, clear them, have them told of; or panic, if nothing
 * can go on. On any root, from #MC only.
 */
void mce_take(const struct regs *r);
