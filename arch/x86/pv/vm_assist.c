/* SPDX-License-Identifier: MIT */
/*
 * VM assists: ways in which a guest asks to be helped, or treated more like hardware. One bit each
 * in domain.vm_assist.
 *
 * Some change nothing here, because the help is always given (writable page tables) or was for
 * guests of other kinds (4 GiB segments); they are remembered, as the ABI says they can be
 * switched.
 */
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/vm_assist.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

/* HYPERVISOR_vm_assist(cmd, type): 0; -EINVAL no such assist; -ENOSYS no such command. */
long hc_vm_assist(u64 cmd, u64 type)
{
	struct domain *d = current->domain;

	if (type >= 64 || !vm_assists_ok(1ul << type))
		return -EINVAL;
	switch ((u32)cmd) {
	case VMASST_CMD_enable:
		__atomic_fetch_or(&d->vm_assist, 1ul << type, __ATOMIC_SEQ_CST);
		return 0;
	case VMASST_CMD_disable:
		__atomic_fetch_and(&d->vm_assist, ~(1ul << type), __ATOMIC_SEQ_CST);
		return 0;
	default:
		return -ENOSYS;
	}
}
