/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the guest's entry points: hardware vectors as they are, then one pseudo-vector per
 * callback. Shared by C and assembly.
 */
#pragma once

#define TRAP_DE 0
#define TRAP_DB 1
#define TRAP_NMI 2
#define TRAP_BP 3
#define TRAP_OF 4
#define TRAP_BR 5
#define TRAP_UD 6
#define TRAP_NM 7
#define TRAP_DF 8
#define TRAP_TS 10
#define TRAP_NP 11
#define TRAP_SS 12
#define TRAP_GP 13
#define TRAP_PF 14
#define TRAP_MF 16
#define TRAP_AC 17
#define TRAP_XM 19

#define TRAP_INT_USER 0x80	/* default table: DPL 3 */
#define TRAP_INT_KERNEL 0x81	/* default table: DPL 1 */
#define TRAP_INT_NOBODY 0x82	/* default table: DPL 0 */

#define TRAP_EVENT 0x100
#define TRAP_FAILSAFE 0x101
#define TRAP_SYSCALL 0x102
#define TRAP_SYSCALL32 0x103
#define TRAP_SYSENTER 0x104
#define TRAP_NMI_CALLBACK 0x105
#define TRAP_NR_VECTORS 0x106

#define TRAP_STUB_BYTES 16
#define TRAP_RETURN_BYTES 48	/* struct trap_return: flags rip cs rflags rsp ss */
