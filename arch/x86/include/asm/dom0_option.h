/* SPDX-License-Identifier: MIT */
/*
 * The option dom0=, as it was given.
 */
#pragma once

#include <isola/types.h>

struct dom0_option {
	bool msr_relaxed;		/* becomes the domain's: domain.h */
};

/* Written while the command line is read; the builder passes it on to the domain. */
extern struct dom0_option dom0_option;
