/* SPDX-License-Identifier: MIT */
/*
 * The hypercall table: what stands above every call; and multicall, the one call that goes through
 * it.
 *
 * syscall.S calls through hypercall_table with interrupts on; slots nobody fills answer -ENOSYS
 * (ABI: never a fault).
 */
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/vcpu.h>
#include <asm/bounce.h>
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <generated/autoconf.h>
#include <xen/xen.h>

static long hc_refused(void) { return -ENOSYS; }

/*
 * All are called with six arguments. Those that a function does not take lie in registers that it
 * does not look at (System V ABI).
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-function-type"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
const hypercall_fn hypercall_table[NR_HYPERCALL_SLOTS] = {
	[0 ... NR_HYPERCALL_SLOTS - 1] = (hypercall_fn)hc_refused,
#define HC(name, nr_args) [__HYPERVISOR_##name] = (hypercall_fn)hc_##name,
	HYPERCALLS(HC)
#undef HC
};
#pragma GCC diagnostic pop

/* ---- Multicall: several in one, in order, each with a result of its own. -------------------- */

/* By way of memory of its own: *@to stays in registers. */
static __always_inline long copy_entry(struct multicall_entry *to, u64 va)
{
	struct multicall_entry e;

	if (raw_copy_from_guest(&e, va, sizeof(e)))
		return -EFAULT;
	*to = e;
	return 0;
}

/*
 * The entry at @va, read once: straight into the registers that the call takes its arguments from.
 */
static __always_inline long load_entry(struct multicall_entry *e, u64 va)
{
	u32 fault = 0;

	if (unlikely(!guest_words_ok(va, sizeof(*e) / 8)))
		return -EFAULT;
	asm volatile (GUEST_LOADS_BEGIN GUEST_LOAD(1, 0x00, op) GUEST_LOAD(2, 0x10, a1)
		      GUEST_LOAD(3, 0x18, a2) GUEST_LOAD(4, 0x20, a3) GUEST_LOAD(5, 0x28, a4)
		      GUEST_LOAD(6, 0x30, a5) GUEST_LOAD(9, 0x38, a6) GUEST_LOADS_END
		      : [op] "=&r"(e->op), [a1] "=&r"(e->args[0]), [a2] "=&r"(e->args[1]),
			[a3] "=&r"(e->args[2]), [a4] "=&r"(e->args[3]), [a5] "=&r"(e->args[4]),
			[a6] "=&r"(e->args[5]), [fault] "+r"(fault)
		      : [va] "r"(va)
		      : "memory");
	return unlikely(fault) ? copy_entry(e, va) : 0;
}

/* The result of the entry at @va, whose address has been found good. */
static __always_inline long store_result(u64 va, long result)
{
	const unsigned word = offsetof(struct multicall_entry, result) / 8;
	long copy;

	guest_access_begin();
	guest_put_word(result, va, word, fault);
	guest_access_end();
	return 0;
fault:
	guest_access_end();
	copy = result;		/* by way of memory of its own: @result stays in a register */
	return raw_copy_to_guest(va + word * 8, &copy, sizeof(copy)) ? -EFAULT : 0;
}

/*
 * The entry at @va was preempted: its arguments are rewritten to say what is left of it. Its op is
 * what it was, and what the call does not take as an argument is the guest's.
 */
static int rewrite_entry(u64 va)
{
	u64 args = va + offsetof(struct multicall_entry, args);

	if (copy_to_guest(args, this_vcpu.multicall_args,
			  this_vcpu.multicall_nr_args * sizeof(u64)))
		return -EFAULT;
	return -ERESTART;
}

/*
 * Carry out the entry at @va. 0; -ERESTART: it is to be gone on with; an errno that ends the whole
 * multicall; 1: iret has left (MUL-1). Then, and only then, *@result is used: the guest's user is
 * current and the list may not even be mapped, so iret's result is the guest's rax.
 */
static __always_inline int multicall_entry(u64 va, long *result)
{
	struct multicall_entry e;

	if (unlikely(load_entry(&e, va)))
		return -EFAULT;
	if (unlikely(e.op == __HYPERVISOR_iret)) {
		*result = pv_iret();
		return 1;
	}
	*result = -ENOSYS;
	if (likely(e.op < NR_HYPERCALL_SLOTS))
		*result = hypercall_table[index_nospec(e.op, NR_HYPERCALL_SLOTS)](
			e.args[0], e.args[1], e.args[2], e.args[3], e.args[4], e.args[5]);
	if (unlikely(this_vcpu.multicall_continued))
		return rewrite_entry(va);
	return store_result(va, *result);
}

/*
 * in_multicall is set for the whole list: a multicall that is an entry of one is refused. What
 * crashes the domain raises a softirq, so the list ends there as for any other preemption, and the
 * vcpu does not run again.
 */
long hc_multicall(u64 list, u64 nr)
{
	u64 end, va = list;
	long result = 0;
	int rc = 0;

	if (this_vcpu.in_multicall)
		return -EINVAL;
	if (__builtin_add_overflow(list, (u32)nr * sizeof(struct multicall_entry), &end))
		return -EFAULT;
	this_vcpu.in_multicall = true;
	this_vcpu.multicall_continued = false;
	while (likely(va != end)) {
		rc = multicall_entry(va, &result);
		if (unlikely(rc))
			break;
		va += sizeof(struct multicall_entry);
		if (va == end)
			break;
		if (unlikely(hypercall_preempt_check())) {
			rc = -ERESTART;
			break;
		}
	}
	this_vcpu.in_multicall = false;
	if (rc == -ERESTART)
		return hypercall_continue(multicall, va,
					  (end - va) / sizeof(struct multicall_entry));
	if (rc == 1)
		WRITE_ONCE(current->event_check, 1);	/* work, which looks at VCPU_IRET */
	return rc == 1 ? result : rc;
}
