/* SPDX-License-Identifier: MIT */
/*
 * Continuations: how a preempted hypercall is entered again. Below every call; the table of the
 * calls is entry/hypercall_table.c.
 */
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>
#include <isola/panic.h>
#include <xen/xen.h>

const u8 hypercall_nr_args[NR_HYPERCALL_SLOTS] = {
#define HC(name, nr_args) [__HYPERVISOR_##name] = nr_args,
	HYPERCALLS(HC)
#undef HC
};

/* Within a multicall: the new arguments, which go into its entry. */
static void continue_entry(const u64 *args, unsigned nr_args)
{
	this_vcpu.multicall_continued = true;
	this_vcpu.multicall_nr_args = nr_args;
	for (unsigned i = 0; i < nr_args; i++)
		this_vcpu.multicall_args[i] = args[i];
}

long hypercall_continue_with(unsigned nr, const u64 *args, unsigned nr_args)
{
	struct regs *r = guest_regs();
	u64 *const arg_reg[MAX_HYPERCALL_ARGS] = { &r->rdi, &r->rsi, &r->rdx, &r->r10, &r->r8 };

	ASSERT(nr_args == hypercall_nr_args[nr]);
	if (this_vcpu.in_multicall) {
		continue_entry(args, nr_args);
		return nr;
	}
	r->rip -= 2;		/* SYSCALL again */
	for (unsigned i = 0; i < nr_args; i++)
		*arg_reg[i] = args[i];
	return nr;
}
