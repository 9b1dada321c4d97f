/* SPDX-License-Identifier: MIT */
#define CONFIG_NR_CPUS 1
#define CONFIG_DEBUG 1
