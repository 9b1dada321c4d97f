/* SPDX-License-Identifier: MIT */
/*
 * Sockets, cores and threads by CPUID. SDM vol. 3, 8.9 (leaf 0xb, or 1 and 4); APM vol. 3, E.4.7
 * (0x80000008).
 */
#include <asm/cpufeature.h>
#include <asm/topology.h>

#define HTT		BIT(28)		/* of leaf 1: there are several in a package */
#define LEVEL_THREAD	1
#define LEVEL_CORE	2

/* The bits that number @n things. */
static u8 bits_for(u32 n)
{
	return n > 1 ? 32 - __builtin_clz(n - 1) : 0;
}

/* Leaf 0xb: for each level how many bits are below the next. */
static struct topology of_levels(const struct topology_leaves *l)
{
	struct topology t = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(l->level); i++) {
		u32 type = l->level[i].ecx >> 8 & 0xff;
		u8 bits = l->level[i].eax & 0x1f;

		if (!type)
			break;
		if (type == LEVEL_THREAD)
			t.thread_bits = bits;
		if (type == LEVEL_CORE || type == LEVEL_THREAD)
			t.core_bits = max(t.core_bits, bits);
	}
	return t;
}

static struct topology of_counts(const struct topology_leaves *l)
{
	u32 cpus = l->basic.edx & HTT ? l->basic.ebx >> 16 & 0xff : 1;
	u32 cores = l->is_amd ? (l->sizes.ecx & 0xff) + 1 : (l->caches.eax >> 26) + 1;
	struct topology t = { .core_bits = bits_for(max(cpus, 1u)) };

	/* AMD: as many bits as firmware has left for cores, where it says so. */
	if (l->is_amd && l->sizes.ecx >> 12 & 0xf)
		t.core_bits = l->sizes.ecx >> 12 & 0xf;
	if (l->is_amd)
		t.thread_bits = bits_for(l->threads);
	else if (cpus > cores)
		t.thread_bits = t.core_bits - min(t.core_bits, bits_for(cores));
	return t;
}

struct topology topology_of(const struct topology_leaves *l)
{
	return l->level[0].ebx & 0xffff ? of_levels(l) : of_counts(l);
}

struct topology topology_read(void)
{
	struct topology_leaves l = {
		.is_amd = cpu_is_amd(), .threads = cpu_facts.threads_per_core,
		.basic = cpuid(1, 0),
	};

	if (cpu_facts.max_basic >= 4 && !l.is_amd)
		l.caches = cpuid(4, 0);
	if (cpu_facts.max_extended >= 0x80000008)
		l.sizes = cpuid(0x80000008, 0);
	for (unsigned i = 0; cpu_facts.max_basic >= 0xb && i < ARRAY_SIZE(l.level); i++)
		l.level[i] = cpuid(0xb, i);
	return topology_of(&l);
}
