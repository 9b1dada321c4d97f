/* SPDX-License-Identifier: MIT */
/*
 * Rows of what kernel mode runs into: faults of its own, and instructions that are carried out for
 * it.
 */
#include "bench.h"
#include "user.h"

#define MSR_EFER 0xc0000080u
#define PORT_POST 0x80u

struct instruction {
	timed_fn *time;
	struct timed regs;
};

static uint64_t run(void *arg)
{
	const struct instruction *i = arg;
	struct timed t = i->regs;

	return i->time(&t);
}

void bench_traps(void)
{
	struct instruction page_fault = { timed_read, { .rdi = USER_NOTHING, .r9 = 3 } };
	struct instruction selector = { timed_selector, { .rdi = 0xfff8, .r9 = 2 } };
	struct instruction hlt = { timed_hlt, { .r9 = 1 } };
	struct instruction cpuid_hv = { timed_cpuid, { .rax = 0x40000000 } },
			   cpuid_1 = { timed_cpuid, { .rax = 1 } };
	struct instruction rdmsr = { timed_rdmsr, { .rcx = MSR_EFER } }, cr0 = { timed_cr0, { 0 } };
	struct instruction in = { timed_in, { .rdx = PORT_POST } },
			   out = { timed_out, { .rdx = PORT_POST } };

	row("pf-kernel", run, &page_fault, OWN_FAULT);
	row("gp-selector", run, &selector, OWN_FAULT);
	row("gp-refused", run, &hlt, OWN_FAULT);
	row("cpuid-hv", run, &cpuid_hv, 0);
	row("cpuid-1", run, &cpuid_1, 0);
	row("rdmsr", run, &rdmsr, 0);
	row("read-cr0", run, &cr0, 0);
	row("port-in", run, &in, 0);
	row("port-out", run, &out, 0);
}
