/* SPDX-License-Identifier: MIT */
/*
 * The product's; for coverage a function in line is one function, not a copy of its branches
 * wherever it is called.
 */
#pragma once
#include_next <isola/types.h>
#ifdef COVERAGE
#undef __always_inline
#define __always_inline inline
#endif
