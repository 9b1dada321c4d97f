/* SPDX-License-Identifier: MIT */
/*
 * Symbol visibility: every declaration is hidden.
 *
 * The build force-includes this file first. -fvisibility=hidden speaks about definitions only;
 * without the pragma a compiler may reach an extern through a GOT, and the image has none.
 */
#pragma once
#ifndef __ASSEMBLER__
#pragma GCC visibility push(hidden)
#endif
