/* SPDX-License-Identifier: MIT */
/*
 * Sockets, cores and threads from what processors, and QEMU's, say in CPUID.
 *
 * Sources: arch/x86/cpu/topology.c
 */
#include "tap.h"
#include <asm/cpufeature.h>
#include <asm/topology.h>

struct cpu_facts cpu_facts;

#define LEVEL(bits, nr, type) { .eax = bits, .ebx = nr, .ecx = (type) << 8 }
#define HTT(nr) { .edx = 1u << 28, .ebx = (nr) << 16 }

/* What is said, and of which APIC id which core and socket it makes. */
static const struct {
	const char *name;
	struct topology_leaves l;
	u32 id, core, socket;
} cases[] = {
	{ "one CPU, no leaves", { .threads = 1 }, 0, 0, 0 },
	{ "several sockets of one", { .threads = 1 }, 3, 0, 3 },
	{ "leaf 0xb: 2 threads, 4 cores", { .threads = 2,
	  .level = { LEVEL(1, 2, 1), LEVEL(3, 8, 2) } }, 13, 2, 1 },
	{ "leaf 0xb: ids with holes", { .threads = 1,
	  .level = { LEVEL(0, 1, 1), LEVEL(4, 6, 2) } }, 0x15, 5, 1 },
	{ "leaf 0xb: no cores are told", { .threads = 2, .level = { LEVEL(1, 2, 1) } }, 3, 0, 1 },
	{ "leaf 0xb that says nothing", { .threads = 1, .basic = HTT(4),
	  .caches = { .eax = 3u << 26 }, .level = { LEVEL(0, 0, 0) } }, 6, 2, 1 },
	{ "leaf 0xb: all 32 bits", { .threads = 1, .level = { LEVEL(0, 1, 1), LEVEL(31, 9, 2) } },
	  0x80000001, 1, 1 },
	{ "Intel before it: 2 threads, 2 cores", { .threads = 1, .basic = HTT(4),
	  .caches = { .eax = 1u << 26 } }, 5, 0, 1 },
	{ "Intel: 6 CPUs, 3 cores", { .threads = 1, .basic = HTT(6),
	  .caches = { .eax = 2u << 26 } }, 11, 1, 1 },
	{ "AMD: 4 cores", { .is_amd = true, .threads = 1, .basic = HTT(4), .sizes = { .ecx = 3 } },
	  7, 3, 1 },
	{ "AMD: 6 cores in 4 bits", { .is_amd = true, .threads = 1, .basic = HTT(6),
	  .sizes = { .ecx = 5 | 4 << 12 } }, 0x13, 3, 1 },
	{ "AMD: 4 cores of 2 threads", { .is_amd = true, .threads = 2, .basic = HTT(8),
	  .sizes = { .ecx = 7 | 3 << 12 } }, 0xd, 2, 1 },
	{ "HTT is off, whatever counts say", { .threads = 1, .basic = { .ebx = 8 << 16 } },
	  2, 0, 2 },
};

int main(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct topology t = topology_of(&cases[i].l);
		u32 core = topology_core(t, cases[i].id), socket = topology_socket(t, cases[i].id);

		ok(core == cases[i].core && socket == cases[i].socket,
		   "%s: id 0x%x is core %u of socket %u (%u, %u)", cases[i].name, cases[i].id,
		   cases[i].core, cases[i].socket, core, socket);
	}
	return done();
}
