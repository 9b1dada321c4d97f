/* SPDX-License-Identifier: MIT */
/* Versions, once each. */
#pragma once

#define ISOLA_VERSION "0.1"
#define ABI_VERSION   (4u << 16 | 17)   /* what guests are told: Xen 4.17 */
