/* SPDX-License-Identifier: MIT */
/*
 * CPU state of a vcpu: what a CPU holds of it besides general registers, segments and the FPU
 * image. Every item is loaded at each change of vcpu, from what software knows; none is read back
 * from hardware (SWI-4, DBG-3).
 */
#include <asm/cpuid_policy.h>
#include <asm/cpufeature.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>

void pv_cpu_state_load(void)
{
	u64 cr4 = pv_guest_cr4(&this_vcpu);

	if (cr4 != this_cpu.cr4) {
		this_cpu.cr4 = cr4;
		write_cr4(cr4);
	}
	fpu_load_xcr0(this_vcpu.xcr0);
	fpu_set_ts(this_vcpu.ts);
	pv_debugreg_load();
	if (cpu_has(RDTSCP) || cpu_has(RDPID))
		wrmsr(MSR_TSC_AUX, this_vcpu.tsc_aux);
}
