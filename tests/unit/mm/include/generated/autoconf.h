/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_NR_CPUS
#define CONFIG_NR_CPUS 1
#endif
#define CONFIG_DEBUG 1
