/* SPDX-License-Identifier: MIT */
/*
 * LDTR: this CPU's LDT register, which names the LDT window of the loaded vCPU area or nothing.
 */
#pragma once

#include <isola/types.h>

/*
 * Make LDTR cover the first @nr_ents (0..8192) descriptors of VA_LDT; 0 makes it null. Interrupts
 * on or off.
 */
void ldtr_load(u32 nr_ents);
