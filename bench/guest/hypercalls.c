/* SPDX-License-Identifier: MIT */
/*
 * Rows of hypercalls that change nothing to speak of.
 */
#include "bench.h"

#define LIST 64u

static long version;

static uint64_t null_hypercall(void *arg)
{
	return time_hypercall(__HYPERVISOR_xen_version, version, XENVER_version, 0, 0, 0);
}

static uint64_t multicall(void *arg)
{
	static struct multicall_entry list[LIST];
	uint64_t ticks;

	for (unsigned int i = 0; i < LIST; i++)
		list[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version,
						    .args[0] = XENVER_version };
	ticks = TIME_HC(multicall, list, *(unsigned int *)arg, 0, 0);
	for (unsigned int i = 0; i < *(unsigned int *)arg; i++)
		if ((long)list[i].result != version)
			die("multicall entry %u is %ld", i, (long)list[i].result);
	return ticks;
}

static uint64_t stack_switch(void *arg)
{
	return TIME_HC(stack_switch, FLAT_KERNEL_SS, trap_stack_end, 0, 0);
}

static uint64_t set_timer(void *arg)
{
	return TIME_HC(set_timer_op, 1ul << 50, 0, 0, 0);
}

static uint64_t update_descriptor(void *arg)
{
	return TIME_HC(update_descriptor, maddr_of(arg), 0, 0, 0);
}

static uint64_t runstate(void *arg)
{
	struct vcpu_runstate_info info;

	return TIME_HC(vcpu_op, VCPUOP_get_runstate_info, 0, &info, 0);
}

void bench_hypercalls(void)
{
	static unsigned int one = 1, many = LIST;

	version = HC2(xen_version, XENVER_version, 0);
	row("null", null_hypercall, NULL, 0);
	row("multicall-1", multicall, &one, 0);
	row_per("multicall", multicall, &many, 0, LIST);
	row("stack-switch", stack_switch, NULL, 0);
	row("set-timer", set_timer, NULL, 0);
	HC1(set_timer_op, 0);
	row("runstate", runstate, NULL, 0);
	row("update-descriptor", update_descriptor, page_alloc(), 0);
}
