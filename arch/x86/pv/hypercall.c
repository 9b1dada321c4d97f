/* SPDX-License-Identifier: MIT */
/*
 * Continuations: how a preempted hypercall is entered again. Below every call; the table of the
 * calls is entry/hypercall_table.c.
 */
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>

/* Within a multicall: the new arguments, which go into its entry. */
static void continue_entry(unsigned nr, const u64 args[6])
{
	this_vcpu.multicall_continued = true;
	this_vcpu.multicall_nr = nr;
	for (unsigned i = 0; i < 6; i++)
		this_vcpu.multicall_args[i] = args[i];
}

long hypercall_continue(unsigned nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct regs *r = guest_regs();
	const u64 args[6] = { a1, a2, a3, a4, a5, 0 };

	if (this_vcpu.in_multicall) {
		continue_entry(nr, args);
		return nr;
	}
	r->rip -= 2;		/* SYSCALL again */
	r->rdi = a1;
	r->rsi = a2;
	r->rdx = a3;
	r->r10 = a4;
	r->r8 = a5;
	return nr;
}
