/* SPDX-License-Identifier: MIT */
/* Hosted address map: the product's, but for the areas that the simulated memory must really stand at. */
#pragma once
#include_next <asm/layout.h>

#undef VA_FRAMETABLE
#undef VA_M2P_RW
#undef VA_WINDOW
#define VA_FRAMETABLE	0x210000000000ul
#define VA_M2P_RW	0x220000000000ul
#define VA_WINDOW	0x200000000000ul
