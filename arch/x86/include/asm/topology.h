/* SPDX-License-Identifier: MIT */
/*
 * Sockets, cores and threads: which CPUs share what, as APIC ids tell. For tools; turns are given
 * without it. Dies are parts of their socket here, as in Xen 4.17's interface.
 */
#pragma once

#include <asm/insn.h>
#include <isola/types.h>

/* Of an APIC id: the lowest bits number a core's threads, all below @core_bits a socket's CPUs. */
struct topology {
	u8 thread_bits, core_bits;
};

/*
 * What CPUID says of it: leaf 1; 4; 0xb by subleaf; 0x80000008. Zeroes: there is no such leaf.
 * @threads: of a core.
 */
struct topology_leaves {
	bool is_amd;
	u32 threads;
	struct cpuid_regs basic, caches, level[4], sizes;
};

struct topology topology_of(const struct topology_leaves *l);

/* By the CPUID of the CPU that asks. */
struct topology topology_read(void);

static inline u32 topology_socket(struct topology t, u32 apic_id)
{
	return t.core_bits < 32 ? apic_id >> t.core_bits : 0;
}

/* Within its socket. */
static inline u32 topology_core(struct topology t, u32 apic_id)
{
	return (apic_id & ((1ul << t.core_bits) - 1)) >> t.thread_bits;
}
