/* SPDX-License-Identifier: MIT */
/* Versions, once each. */
#pragma once

#define ISOLA_VERSION "0.1"
#define ABI_VERSION   (4u << 16 | 17)   /* what guests are told: Xen 4.17 */
#define ABI_EXTRAVERSION ".isola"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif
