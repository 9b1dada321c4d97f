/* SPDX-License-Identifier: MIT */
/*
 * What CPUs show each other.
 */
#include <asm/percpu.h>

struct cpu_public cpu_public[CONFIG_NR_CPUS];
unsigned nr_cpus = 1;
u64 boot_root_cr3;
