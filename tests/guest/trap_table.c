/* SPDX-License-Identifier: MIT */
/*
 * The default trap table and callbacks: everything enters at traps.S.
 */
#include "traps.h"
#include "hypercall.h"

long traps_install(void)
{
	static struct trap_info table[257];

	for (unsigned int v = 0; v < 256; v++) {
		table[v].vector = (uint8_t)v;
		table[v].flags = v == TRAP_BP || v == TRAP_OF || v == TRAP_INT_USER ? 3 :
				 v == TRAP_INT_KERNEL ? 1 : 0;
		table[v].cs = FLAT_KERNEL_CS;
		table[v].address = trap_stub(v);
	}
	return HC1(set_trap_table, table);
}

long callbacks_install(void)
{
	static const struct {
		uint16_t type, vector;
		bool required;
	} list[] = {
		{ CALLBACKTYPE_event, TRAP_EVENT, true },
		{ CALLBACKTYPE_failsafe, TRAP_FAILSAFE, true },
		{ CALLBACKTYPE_syscall, TRAP_SYSCALL, true },
		{ CALLBACKTYPE_syscall32, TRAP_SYSCALL32, false },
		{ CALLBACKTYPE_sysenter, TRAP_SYSENTER, false },
		{ CALLBACKTYPE_nmi, TRAP_NMI_CALLBACK, false },
	};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct callback_register r = {
			.type = list[i].type,
			.flags = list[i].type == CALLBACKTYPE_syscall ? CALLBACKF_mask_events : 0,
			.address = trap_stub(list[i].vector),
		};
		long rc = HC2(callback_op, CALLBACKOP_register, &r);

		if (rc && list[i].required)
			return rc;
	}
	return 0;
}
