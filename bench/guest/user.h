/* SPDX-License-Identifier: MIT */
/*
 * User programs, run in user mode on page tables of their own: a page of code, one of samples, one
 * of stack.
 */
#pragma once

#define USER_CODE 0x0000000000400000
#define USER_SAMPLES 0x0000000000401000
#define USER_STACK 0x0000000000403000
#define USER_NOTHING 0x0000000000404000	/* nothing is mapped here */

#ifndef __ASSEMBLY__
#include <stdint.h>

extern char user_begin[], user_nothing[], user_call[], user_split[], user_fault[], user_int[];
extern char user_end[];

/* Make the user page tables and point the vCPU at them. */
void user_setup(void);
/* Run @program @count times; what it stored, @nr words each time, in the samples page. */
const volatile uint64_t *user_run(const char *program, unsigned int count);
#endif
