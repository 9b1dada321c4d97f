/* SPDX-License-Identifier: MIT */
/*
 * The hypercall table: what stands above every call.
 *
 * syscall.S calls through hypercall_table with interrupts on; slots nobody fills answer -ENOSYS
 * (ABI: never a fault).
 */
#include <isola/errno.h>
#include <asm/hypercall.h>
#include <generated/autoconf.h>
#include <xen/xen.h>

static long hc_refused(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	(void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
	return -ENOSYS;
}

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
const hypercall_fn hypercall_table[NR_HYPERCALL_SLOTS] = {
	[0 ... NR_HYPERCALL_SLOTS - 1] = hc_refused,
#define HC(name, nr_args) [__HYPERVISOR_##name] = hc_##name,
	HYPERCALLS(HC)
#undef HC
};
#pragma GCC diagnostic pop
