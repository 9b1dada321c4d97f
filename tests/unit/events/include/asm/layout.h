/* SPDX-License-Identifier: MIT */
/*
 * Hosted address map: the product's, but for the window, which must stand where the process has
 * room.
 */
#pragma once
#include_next <asm/layout.h>

#undef VA_WINDOW
#define VA_WINDOW	0x200000000000ul
