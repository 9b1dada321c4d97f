/* SPDX-License-Identifier: MIT */
/*
 * The hypercall table, continuations and multicalls.
 *
 * entry/syscall.S calls through hypercall_table with interrupts on; slots nobody fills answer
 * -ENOSYS (ABI: never a fault).
 */
#include <isola/errno.h>
#include <isola/nospec.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/multicall.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <isola/evtchn.h>
#include <generated/autoconf.h>
#include <xen/xen.h>

static long hc_refused(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	(void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
	return -ENOSYS;
}

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
const hypercall_fn hypercall_table[NR_HYPERCALL_SLOTS] = {
	[0 ... NR_HYPERCALL_SLOTS - 1] = hc_refused,
#define HC(name) [__HYPERVISOR_##name] = hc_##name
	HC(set_trap_table),
	HC(mmu_update),
	HC(set_gdt),
	HC(stack_switch),
	HC(set_callbacks),
	HC(fpu_taskswitch),
	HC(platform_op),
	HC(set_debugreg),
	HC(get_debugreg),
	HC(update_descriptor),
	HC(memory_op),
	HC(multicall),
	HC(update_va_mapping),
	HC(update_va_mapping_otherdomain),
	HC(set_timer_op),
	HC(xen_version),
	HC(console_io),
	HC(grant_table_op),
	HC(vm_assist),
	HC(iret),
	HC(vcpu_op),
	HC(set_segment_base),
	HC(mmuext_op),
	HC(sched_op),
	HC(callback_op),
	HC(event_channel_op),
	HC(physdev_op),
#undef HC
	[__HYPERVISOR_arch_0] = hc_mca,
#ifdef CONFIG_AUDIT
	[__HYPERVISOR_arch_7] = hc_audit,
#endif
};
#pragma GCC diagnostic pop

bool hypercall_preempt_check(void)
{
	return READ_ONCE(this_cpu.pub->softirq_pending) != 0;
}

long hypercall_continue(unsigned nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct regs *r = guest_regs();
	const u64 args[6] = { a1, a2, a3, a4, a5, 0 };

	if (multicall_active()) {
		multicall_continue_entry(nr, args);
		return nr;
	}
	r->rip -= 2;		/* SYSCALL again */
	r->rdi = a1;
	r->rsi = a2;
	r->rdx = a3;
	r->r10 = a4;
	r->r8 = a5;
	return nr;
}

bool multicall_active(void)
{
	return this_vcpu.in_multicall;
}

void multicall_continue_entry(unsigned nr, const u64 args[6])
{
	this_vcpu.multicall_continued = true;
	this_vcpu.multicall_nr = nr;
	for (unsigned i = 0; i < 6; i++)
		this_vcpu.multicall_args[i] = args[i];
}

/*
 * One entry at @va, copied in once. Returns 0, or -ERESTART: the entry is to be gone on with (it
 * has been rewritten), or an errno that ends the whole multicall, or 1: iret has left, its result
 * is in the guest's rax (MUL-1).
 */
static int multicall_entry(u64 va)
{
	struct multicall_entry e;
	u64 result_va = va + offsetof(struct multicall_entry, result);
	long result = -ENOSYS;

	if (copy_from_guest(&e, va, sizeof(e)))
		return -EFAULT;
	this_vcpu.multicall_continued = false;
	if (e.op == __HYPERVISOR_multicall)
		result = -EINVAL;
	else if (e.op < NR_HYPERCALL_SLOTS)
		result = hypercall_table[index_nospec(e.op, NR_HYPERCALL_SLOTS)](e.args[0], e.args[1], e.args[2], e.args[3],
					       e.args[4], e.args[5]);
	if (this_vcpu.multicall_continued) {
		e.op = this_vcpu.multicall_nr;
		for (unsigned i = 0; i < ARRAY_SIZE(e.args); i++)
			e.args[i] = this_vcpu.multicall_args[i];
		return copy_to_guest(va, &e, sizeof(e)) ? -EFAULT : -ERESTART;
	}
	/*
	 * After iret the guest's user is current and the list may not even be mapped: its result is
	 * the guest's rax.
	 */
	if (e.op == __HYPERVISOR_iret) {
		guest_regs()->rax = result;
		return 1;
	}
	return copy_to_guest(result_va, &result, sizeof(result));
}

long hc_multicall(u64 list, u64 nr, u64 a3, u64 a4, u64 a5, u64 a6)
{
	long rc = 0;
	u32 i;

	(void)a3, (void)a4, (void)a5, (void)a6;
	nr = (u32)nr;
	if (multicall_active())
		return -EINVAL;
	for (i = 0; i < nr && !rc; i++) {
		if (i && hypercall_preempt_check())
			return hypercall_continue(
				__HYPERVISOR_multicall,
				guest_elem(list, i, sizeof(struct multicall_entry)), nr - i, 0, 0,
				0);
		this_vcpu.in_multicall = true;
		rc = multicall_entry(guest_elem(list, i, sizeof(struct multicall_entry)));
		this_vcpu.in_multicall = false;
		if (READ_ONCE(current->state) == VCPU_DEAD)
			return 0;
	}
	if (rc == 1)
		return guest_regs()->rax;
	if (rc == -ERESTART)
		return hypercall_continue(__HYPERVISOR_multicall,
					  guest_elem(list, i - 1, sizeof(struct multicall_entry)),
					  nr - i + 1, 0, 0, 0);
	return rc;
}
