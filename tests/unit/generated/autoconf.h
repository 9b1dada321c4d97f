/* SPDX-License-Identifier: MIT */
/* What hosted programs are configured with. */
#pragma once
#define CONFIG_NR_CPUS 4
