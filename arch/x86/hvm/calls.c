/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls of an HVM guest: those that it has, each by the function that a PV guest's goes to, or
 * by one of its own where frames are named. Guest addresses are linear, in the guest's own tables
 * (walk.c).
 *
 * Only 64-bit kernels may call: 32-bit code gets -ENOSYS (docs/limits.md), and what it had in the
 * upper halves of its registers is not looked at (XSA-454). User mode gets -EPERM.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/nospec.h>
#include <isola/sched.h>
#include <asm/hvm.h>
#include <asm/hypercall.h>
#include <asm/p2m_touch.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <asm/window.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#define STUB_BYTES 32

#define BIT_OF(n) (1ul << (n))

/* Of a bit map of commands: is @cmd among them? */
static bool is_among(u64 cmds, u64 cmd)
{
	return (u32)cmd < 64 && cmds >> (u32)cmd & 1;
}

/* Devices' interrupts there are none. */
#define EVENT_OPS (BIT_OF(EVTCHNOP_bind_interdomain) | BIT_OF(EVTCHNOP_bind_virq) | \
		   BIT_OF(EVTCHNOP_close) | BIT_OF(EVTCHNOP_send) | BIT_OF(EVTCHNOP_status) | \
		   BIT_OF(EVTCHNOP_alloc_unbound) | BIT_OF(EVTCHNOP_bind_ipi) | \
		   BIT_OF(EVTCHNOP_bind_vcpu) | BIT_OF(EVTCHNOP_unmask) | BIT_OF(EVTCHNOP_reset) | \
		   BIT_OF(EVTCHNOP_init_control) | BIT_OF(EVTCHNOP_expand_array) | \
		   BIT_OF(EVTCHNOP_set_priority))

static long event_channel_op(u64 cmd, u64 arg)
{
	return is_among(EVENT_OPS, cmd) ? hc_event_channel_op(cmd, arg) : -ENOSYS;
}

#define VCPU_OPS (BIT_OF(VCPUOP_up) | BIT_OF(VCPUOP_down) | BIT_OF(VCPUOP_is_up) | \
		  BIT_OF(VCPUOP_register_vcpu_info) | BIT_OF(VCPUOP_send_nmi) | \
		  BIT_OF(VCPUOP_get_runstate_info) | \
		  BIT_OF(VCPUOP_register_runstate_memory_area) | \
		  BIT_OF(VCPUOP_set_periodic_timer) | BIT_OF(VCPUOP_stop_periodic_timer) | \
		  BIT_OF(VCPUOP_set_singleshot_timer) | BIT_OF(VCPUOP_stop_singleshot_timer))

static long vcpu_op(u64 cmd, u64 id, u64 arg)
{
	struct domain *d = current->domain;

	if ((u32)cmd == VCPUOP_initialise)
		return vcpu_by_id(d, id) ? hvm_initialise(vcpu_by_id(d, id), arg) : -ENOENT;
	return is_among(VCPU_OPS, cmd) ? hc_vcpu_op(cmd, id, arg) : -ENOSYS;
}

static long features(u64 arg)
{
	xen_feature_info_t info;

	if (copy_from_guest(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
		return -EINVAL;
	info.submap = BIT_OF(XENFEAT_writable_page_tables) |
		      BIT_OF(XENFEAT_auto_translated_physmap) |
		      BIT_OF(XENFEAT_hvm_callback_vector) | BIT_OF(XENFEAT_hvm_safe_pvclock) |
		      BIT_OF(XENFEAT_memory_op_vnode_supported) |
		      BIT_OF(XENFEAT_not_direct_mapped);
	return copy_to_guest(arg, &info, sizeof(info));
}

static long xen_version(u64 cmd, u64 arg)
{
	return (u32)cmd == XENVER_get_features ? features(arg) : hc_xen_version(cmd, arg);
}

/* A halt is over with what hc_sched_op() does not know of, too. */
static long sched_op(u64 cmd, u64 arg)
{
	long rc;

	if ((u32)cmd == SCHEDOP_block && hvm_interrupt_due())
		return 0;
	rc = hc_sched_op(cmd, arg);
	if ((u32)cmd == SCHEDOP_block && hvm_interrupt_due())
		vcpu_unblock(current);
	return rc;
}

/* An HVM domain controls nothing: it is never the control domain. */
static long control_op(void)
{
	return -EPERM;
}

/* As many as the ABI's numbers go, and a power of two (SPC-4). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-function-type"
#define CALL(nr, fn) [__HYPERVISOR_##nr] = (hypercall_fn)(fn)
static const hypercall_fn calls[NR_HYPERCALL_SLOTS] = {
	CALL(memory_op, hvm_memory_op),
	CALL(set_timer_op, hc_set_timer_op),
	CALL(xen_version, xen_version),
	CALL(console_io, hc_console_io),
	CALL(vcpu_op, vcpu_op),
	CALL(sched_op, sched_op),
	CALL(grant_table_op, hvm_grant_table_op),
	CALL(event_channel_op, event_channel_op),
	CALL(hvm_op, hvm_hvm_op),
	CALL(sysctl, control_op),
	CALL(domctl, control_op),
	CALL(platform_op, control_op),
};
#pragma GCC diagnostic pop

void hvm_hypercall(void)
{
	struct regs *r = guest_regs();
	struct hvm_code_segment cs;
	u64 nr = r->rax;
	hypercall_fn fn;

	hvm->code_segment(&cs);
	if (hvm->cpl()) {
		r->rax = -EPERM;
		return;
	}
	if (!cs.is_64) {
		r->rax = (u32)-ENOSYS;
		return;
	}
	fn = nr < NR_HYPERCALL_SLOTS ? calls[index_nospec(nr, NR_HYPERCALL_SLOTS)] : NULL;
	r->rax = fn ? fn(r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9) : -ENOSYS;
}

/* ---- The page -------------------------------------------------------------------------------- */

/* mov $n, %eax; the call; ret. iret is PV's: ud2. */
static void fill(u8 *page)
{
	memset(page, 0xcc, PAGE_SIZE);
	for (unsigned i = 0; i < NR_HYPERCALL_SLOTS; i++) {
		u8 *p = page + i * STUB_BYTES;
		const u8 stub[] = { 0xb8, i, 0, 0, 0, 0x0f, 0x01, hvm->hypercall_opcode, 0xc3 };
		const u8 none[] = { 0x0f, 0x0b };

		if (i == __HYPERVISOR_iret)
			memcpy(p, none, sizeof(none));
		else
			memcpy(p, stub, sizeof(stub));
	}
}

int hvm_fill_hypercall_page(u64 gfn)
{
	struct domain *d = current->domain;
	struct page_info *pg = p2m_get_page(d, &d->hvm->p2m, _gfn(gfn));

	if (!pg)
		return -EINVAL;
	fill(window_ptr(page_mfn(pg)));
	p2m_written(&d->hvm->p2m, _gfn(gfn), pg);
	page_put(pg);
	return 0;
}
