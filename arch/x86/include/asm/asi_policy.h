/* SPDX-License-Identifier: MIT */
/*
 * The isolation policy: what `asi=` asked for, resolved once at boot. Knobs are data: roots and
 * addresses never vary.
 */
#pragma once

#include <isola/types.h>

struct asi_class {
	bool vcpu_pt;           /* the memory window holds own frames only; off: all RAM */
	bool cpu_stack;         /* other CPUs' stacks are not mapped */
	bool zero_stack;        /* stacks are zeroed when the guest domain changes */
};

struct asi_policy { struct asi_class pv, hvm, dom0; };
extern struct asi_policy asi_policy;

struct domain;
/* The knobs that hold for @d. */
const struct asi_class *asi_class_of(const struct domain *d);

/* After the command line is parsed: refuse contradictions, print the state on three lines. */
void asi_policy_resolve(void);
