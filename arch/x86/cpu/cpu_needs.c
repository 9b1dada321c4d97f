/* SPDX-License-Identifier: MIT */
/*
 * Needs: the features that the hypervisor uses. A CPU that lacks one cannot run it.
 */
#include "features.h"

#include <isola/printk.h>

/* Grows while the boot CPU boots; the others only read. */
static struct { u16 feature; const char *name, *why; } needs[32];
static unsigned int nr_needs;

void cpu_need(unsigned int feature, const char *name, const char *why)
{
	BUG_ON(nr_needs == ARRAY_SIZE(needs));
	needs[nr_needs].feature = feature;
	needs[nr_needs].name = name;
	needs[nr_needs++].why = why;
}

const char *cpu_needs_missing(const struct cpu_says *s, const char **why)
{
	for (unsigned int i = 0; i < nr_needs; i++) {
		if (says_feature(s, needs[i].feature))
			continue;
		*why = needs[i].why;
		return needs[i].name;
	}
	return NULL;
}
