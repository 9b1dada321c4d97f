/* SPDX-License-Identifier: MIT */
#define CONFIG_NR_CPUS 4
#define CONFIG_DEBUG 1
