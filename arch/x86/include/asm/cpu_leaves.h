/* SPDX-License-Identifier: MIT */
/*
 * CPUID leaf by leaf, as the tools read and write it: lists of xen_cpuid_leaf_t.
 */
#pragma once

#include <isola/types.h>

/* In a list, at most: as Xen says. */
#define CPU_LEAVES_MOST	120u
#define CPU_MSRS_MOST	2u

/*
 * All leaves to the list @to of *@nr elements: what guests see, or, @as_is, the CPU's own answers;
 * what those see that have @own (NULL: none).
 * *@nr becomes how many there are; without a list, how many at most. 0; -ENOBUFS: it is too short;
 * -EFAULT.
 */
struct own_policy;
long cpu_leaves_to_guest(u64 to, u32 *nr, bool as_is, const struct own_policy *own);

/* The MSRs that go with them, likewise: what guests read there. */
long cpu_msrs_to_guest(u64 to, u32 *nr, const struct own_policy *own);

/* May a list have that one? */
bool cpu_leaf_is_known(u32 leaf, u32 subleaf);
