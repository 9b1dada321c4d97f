/* SPDX-License-Identifier: MIT */
/*
 * Where the guest wants to be called: traps, callbacks, kernel stack. Every address is checked
 * canonical and outside the hypervisor's range when it is stored (SEG-2), so the exit path need
 * not.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/hypercall.h>
#include <asm/layout.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <xen/callback.h>

long hc_set_trap_table(u64 table)
{
	if (!table) {
		memset(this_vcpu_traps, 0, sizeof(struct pv_trap) * 256);
		return 0;
	}
	/* Bound: 256 entries and the one that ends the list. */
	for (unsigned i = 0; i <= 256; i++) {
		struct trap_info t;

		if (copy_from_guest(&t, guest_elem(table, i, sizeof(t)), sizeof(t)))
			return -EFAULT;
		if (!t.address)
			return 0;
		if (!is_guest_address(t.address))
			return -EINVAL;
		this_vcpu_traps[t.vector] = (struct pv_trap){
			.address = t.address, .dpl = t.flags & 3, .mask_events = t.flags & 4,
		};
	}
	return 0;
}

/* @ss: in 64-bit mode the flat one, always. */
long hc_stack_switch(u64 ss __maybe_unused, u64 sp)
{
	this_vcpu.kernel_sp = sp;	/* any value: checked when a frame is written */
	return 0;
}

/* As Xen: the NMI's callback is the gate of vector 2, its events masked. */
static void set_nmi_gate(u64 address)
{
	this_vcpu_traps[TRAP_NMI] = (struct pv_trap){ .address = address,
						      .mask_events = address != 0 };
}

static struct pv_callback *callback_slot(u16 type)
{
	switch (type) {
	case CALLBACKTYPE_event:	return &this_vcpu.event;
	case CALLBACKTYPE_failsafe:	return &this_vcpu.failsafe;
	case CALLBACKTYPE_syscall:	return &this_vcpu.syscall;
	case CALLBACKTYPE_syscall32:	return &this_vcpu.syscall32;
	case CALLBACKTYPE_sysenter:	return &this_vcpu.sysenter;
	}
	return NULL;
}

static long callback_register(u64 arg)
{
	struct callback_register reg;
	struct pv_callback *cb;

	if (copy_from_guest(&reg, arg, sizeof(reg)))
		return -EFAULT;
	cb = callback_slot(reg.type);
	if (!cb && reg.type != CALLBACKTYPE_nmi)
		return -ENOSYS;
	if (!is_guest_address(reg.address))
		return -EINVAL;
	if (!cb) {
		set_nmi_gate(reg.address);
		return 0;
	}
	cb->address = reg.address;
	/* Events always arrive masked. */
	cb->mask_events = reg.type == CALLBACKTYPE_event || (reg.flags & CALLBACKF_mask_events);
	return 0;
}

static long callback_unregister(u64 arg)
{
	struct callback_unregister unreg;

	if (copy_from_guest(&unreg, arg, sizeof(unreg)))
		return -EFAULT;
	switch (unreg.type) {
	case CALLBACKTYPE_nmi:
		set_nmi_gate(0);
		return 0;
	case CALLBACKTYPE_event:
	case CALLBACKTYPE_failsafe:
	case CALLBACKTYPE_syscall:
	case CALLBACKTYPE_syscall32:
	case CALLBACKTYPE_sysenter:
		return -EINVAL;		/* a kernel cannot do without */
	}
	return -ENOSYS;
}

long hc_callback_op(u64 cmd, u64 arg)
{
	switch (cmd) {
	case CALLBACKOP_register:
		return callback_register(arg);
	case CALLBACKOP_unregister:
		return callback_unregister(arg);
	}
	return -ENOSYS;
}

long hc_set_callbacks(u64 event, u64 failsafe, u64 syscall)
{
	if (!is_guest_address(event) || !is_guest_address(failsafe) || !is_guest_address(syscall))
		return -EINVAL;
	this_vcpu.event = (struct pv_callback){ event, true };
	this_vcpu.failsafe.address = failsafe;
	this_vcpu.syscall.address = syscall;
	return 0;
}
