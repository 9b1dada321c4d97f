/* SPDX-License-Identifier: MIT */
/*
 * What a guest has asked to have otherwise.
 */
#pragma once

#include <isola/vcpu.h>
#include <asm/percpu.h>
#include <xen/xen.h>

#define VM_ASSIST(name) (1ul << VMASST_TYPE_##name)
#define VM_ASSISTS_VALID \
	(VM_ASSIST(4gb_segments) | VM_ASSIST(4gb_segments_notify) | \
	 VM_ASSIST(writable_pagetables) | VM_ASSIST(pae_extended_cr3) | \
	 VM_ASSIST(architectural_iopl) | VM_ASSIST(runstate_update_flag) | VM_ASSIST(m2p_strict))

/* Are all in @assists some that there are? */
static inline bool vm_assists_ok(unsigned long assists)
{
	return !(assists & ~VM_ASSISTS_VALID);
}

/*
 * Has the guest the virtual IOPL of real hardware: in its frames, taken from those it returns to,
 * and its kernel as ring 0 against it?
 */
static inline bool pv_iopl_is_architectural(void)
{
	return current->domain->vm_assist & 1ul << VMASST_TYPE_architectural_iopl;
}
