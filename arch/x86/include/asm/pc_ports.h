/* SPDX-License-Identifier: MIT */
/*
 * Ports of the PC's old devices that both the hypervisor and, by way of it, dom0 use.
 */
#pragma once

#define PIT_CHANNEL2 0x42
#define KBD_STATUS   0x64    /* written: a command */
#define RTC_INDEX    0x70
#define RTC_DATA     0x71
#define RST_CNT      0xcf9
