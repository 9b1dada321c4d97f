/* SPDX-License-Identifier: MIT */
/*
 * A CPU made ready: what it has, then its registers, each by its own file.
 */
#include <asm/cpu_init.h>
#include <asm/cpufeature.h>
#include <asm/fpu.h>
#include <asm/mce.h>
#include <asm/spec_ctrl.h>

void cpu_init_boot(void)
{
	cpu_features_read();
	fpu_init_boot();
	cpu_features_settle();
	cpu_features_log();
}

void cpu_init(void)
{
	cpu_features_enable();
	fpu_init_cpu();
	spec_ctrl_init_cpu();
	mce_init_cpu();
}

void cpu_init_again(void)
{
	cpu_features_load_cr4();
	fpu_init_cpu();
}
