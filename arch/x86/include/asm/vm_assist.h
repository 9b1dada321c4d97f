/* SPDX-License-Identifier: MIT */
/*
 * What a guest has asked to have otherwise.
 */
#pragma once

#include <isola/vcpu.h>
#include <asm/percpu.h>
#include <xen/xen.h>

/*
 * Has the guest the virtual IOPL of real hardware: in its frames, taken from those it returns to,
 * and its kernel as ring 0 against it?
 */
static inline bool pv_iopl_is_architectural(void)
{
	return current->domain->vm_assist & 1ul << VMASST_TYPE_architectural_iopl;
}
