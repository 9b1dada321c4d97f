/* SPDX-License-Identifier: MIT */
/*
 * dom0's size, as the command line has it: dom0_mem= and dom0_max_vcpus=, with the grammar and the
 * meaning that Xen gives them (docs/command-line.md).
 *
 * Both are limits: a value that cannot be read stops the boot, for without it dom0 would get more
 * than was meant.
 */
#pragma once

#include <isola/types.h>

/*
 * How many pages dom0 gets where @avail can be given away. Warns where that is less than was asked
 * for; fatal() where nothing is left. <= @avail.
 */
u64 dom0_size_pages(u64 avail);

/* Up to how many pages dom0 may ever have: max:, or no bound (~0). @avail as above. */
u32 dom0_size_max_pages(u64 avail);

/* How many vCPUs dom0 gets on @nr_cpus CPUs: 1 to MAX_VCPUS. */
unsigned dom0_size_vcpus(unsigned nr_cpus);
