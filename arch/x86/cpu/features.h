/* SPDX-License-Identifier: MIT */
/*
 * Between features.c and features_common.c: what one CPU says of itself, and what all have in
 * common.
 */
#pragma once

#include <asm/cpufeature.h>

/* Which register (0 eax .. 3 edx) of which leaf each word of the feature table is. */
struct word_source {
	u32 leaf, subleaf;
	u8 reg;
};

extern const struct word_source word_source[NR_FEATURE_WORDS];

/* CPUID of the calling CPU, less what is unfit for use. */
struct cpu_says {
	enum cpu_vendor vendor;
	u32 signature;                  /* leaf 1 EAX */
	u32 max_basic, max_extended;
	u32 words[NR_FEATURE_WORDS];
};

void cpu_ask(struct cpu_says *s);

static inline bool says_feature(const struct cpu_says *s, unsigned int feature)
{
	return s->words[feature / 32] & 1u << feature % 32;
}

/* The first feature that is used and that @s lacks: its name, in *@why what for. Or NULL. */
const char *cpu_needs_missing(const struct cpu_says *s, const char **why);
