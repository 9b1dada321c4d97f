/* SPDX-License-Identifier: MIT */
/*
 * Multicall: several hypercalls in one, in order, each with a result of its own.
 */
#pragma once

#include <isola/types.h>

/*
 * Is the current vcpu inside a multicall's entry? (Nested ones are refused; continuations go into
 * the entry.)
 */
bool multicall_active(void);

/* hypercall_continue() inside an entry: its new arguments. */
void multicall_continue_entry(unsigned nr, const u64 args[6]);
