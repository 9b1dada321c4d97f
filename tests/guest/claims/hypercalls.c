/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls as such: how they are entered, what survives, what an unknown one answers, and
 * multicall.
 *
 * The guest calls by the hypercall page and by a bare SYSCALL, with numbers nobody defined, and
 * batches of calls; each must answer with the documented errno and leave every other register
 * alone.
 */
#define TOPIC "hypercalls"
#include "../claim.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

CLAIM(two_ways, "a call through the hypercall page and a bare syscall give the same answer")
{
	long v = HC2(xen_version, XENVER_version, 0);

	CHECK(v > 0);
	CHECK_EQ(hypercall_bare(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0), v);
}

CLAIM(unknown_numbers, "numbers nobody defined answer -ENOSYS, up to 2^32 - 1")
{
	static const uint32_t numbers[] = {
		11, 43, 44, 47, 56, 63, 64, 65, 127, 128, 255, 4096, 0x10000, 0x7fffffff,
		0x80000000, 0xffffffff,
	};

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		long rc = hypercall_bare(numbers[i], 1, 2, 3, 4, 5);

		CHECK_SAY(rc == -XEN_ENOSYS, "number 0x%x answered %ld", numbers[i], rc);
	}
}

CLAIM(number_is_64_bit, "the whole of RAX is the number: a known one with bits above 32 set is "
      "unknown")
{
	long ret;

	asm volatile("syscall" : "=a"(ret)
		     : "0"(0xdead00000000ul | __HYPERVISOR_xen_version), "D"(XENVER_version), "S"(0)
		     : "rcx", "r11", "memory");
	CHECK_ERR(ret, XEN_ENOSYS);
}

CLAIM(registers_survive, "a hypercall changes RAX, RCX and R11 only, arguments included")
{
	uint64_t bad;

	asm volatile("push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n\t"
		     "mov $17, %%eax; mov $22, %%ebx; mov $44, %%edx; mov $55, %%esi\n\t"
		     "xor %%edi, %%edi; mov $77, %%ebp; mov $8, %%r8d; mov $9, %%r9d\n\t"
		     "mov $10, %%r10d\n\t"
		     "mov $12, %%r12d; mov $13, %%r13d; mov $14, %%r14d; mov $15, %%r15d\n\t"
		     "syscall\n\t"
		     "sub $22, %%rbx; sub $44, %%rdx; sub $55, %%rsi; sub $77, %%rbp\n\t"
		     "sub $8, %%r8; sub $9, %%r9; sub $10, %%r10\n\t"
		     "sub $12, %%r12; sub $13, %%r13; sub $14, %%r14; sub $15, %%r15\n\t"
		     "mov %%rbx, %%rax; or %%rdx, %%rax; or %%rsi, %%rax; or %%rdi, %%rax\n\t"
		     "or %%rbp, %%rax; or %%r8, %%rax; or %%r9, %%rax; or %%r10, %%rax\n\t"
		     "or %%r12, %%rax; or %%r13, %%rax; or %%r14, %%rax; or %%r15, %%rax\n\t"
		     "pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx"
		     : "=&a"(bad)
		     : : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	CHECK_EQ(bad, 0);
}

CLAIM(flags_survive, "a hypercall keeps DF, the arithmetic flags, AC and ID")
{
	uint64_t flags;

	asm volatile("pushfq; orq $0x2408d5, (%%rsp); popfq\n\t"
		     "mov $17, %%eax; xor %%esi, %%esi; mov $0, %%edi\n\t"
		     "pushfq; orq $0x2404c5, (%%rsp); popfq\n\t"
		     "syscall\n\t"
		     "pushfq; pop %0; cld; pushq $0x202; popfq"
		     : "=r"(flags) : : "rax", "rcx", "rdi", "rsi", "r11", "memory", "cc");
	CHECK_EQ(flags & 0x2404c5, 0x2404c5);
	CHECK_EQ(flags & 0x3200, 0x200);
}

CLAIM(fpu_survives, "a hypercall and an exception change no FPU or SSE register")
{
	static const uint64_t pattern[2] = { 0x1122334455667788, 0x99aabbccddeeff00 };
	uint64_t back[2] = { 0 }, v;

	asm volatile("movups %0, %%xmm7" : : "m"(pattern));
	CHECK(HC2(xen_version, XENVER_version, 0) > 0);
	CHECK(!try_read(UNMAPPED_POINTER, &v));
	asm volatile("movups %%xmm7, %0" : "=m"(back));
	CHECK_EQ(back[0], pattern[0]);
	CHECK_EQ(back[1], pattern[1]);
}

/* Fill a multicall entry. */
static void entry(struct multicall_entry *e, unsigned long op, unsigned long a0, unsigned long a1)
{
	memset(e, 0, sizeof(*e));
	e->op = op;
	e->result = 0x5a5a5a5a;
	e->args[0] = a0;
	e->args[1] = a1;
}

CLAIM(multicall_order, "multicall runs its entries in order and stores each result")
{
	struct multicall_entry m[4];
	struct xen_feature_info f = { .submap_idx = 0 };

	entry(&m[0], __HYPERVISOR_xen_version, XENVER_version, 0);
	entry(&m[1], __HYPERVISOR_xen_version, XENVER_get_features, ARG(&f));
	entry(&m[2], 63, 0, 0);
	entry(&m[3], __HYPERVISOR_xen_version, XENVER_pagesize, 0);
	CHECK_OK(HC2(multicall, m, 4));
	CHECK_EQ(m[0].result, hypervisor_version);
	CHECK_EQ(m[1].result, 0);
	CHECK(f.submap != 0);
	CHECK_ERR((long)m[2].result, XEN_ENOSYS);
	CHECK_EQ(m[3].result, 4096);
}

CLAIM(multicall_empty, "a multicall of no entries is 0")
{
	CHECK_OK(HC2(multicall, 0, 0));
	CHECK_OK(HC2(multicall, page_alloc(), 0));
}

CLAIM(multicall_nested, "a multicall inside a multicall is refused with -EINVAL, and its entries "
      "do not run")
{
	struct multicall_entry outer[2], inner;

	entry(&inner, __HYPERVISOR_xen_version, XENVER_version, 0);
	entry(&outer[0], __HYPERVISOR_multicall, ARG(&inner), 1);
	entry(&outer[1], __HYPERVISOR_xen_version, XENVER_version, 0);
	CHECK_OK(HC2(multicall, outer, 2));
	CHECK_ERR((long)outer[0].result, XEN_EINVAL);
	CHECK_EQ(outer[1].result, hypervisor_version);
	CHECK_EQ(inner.result, 0x5a5a5a5a);
}

CLAIM(multicall_many, "a multicall of 200 entries completes, continuations included")
{
	struct multicall_entry *m = page_alloc();

	/* 64 entries fill a page; three calls. */
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 64; i++)
			entry(&m[i], __HYPERVISOR_xen_version, XENVER_version, 0);
		CHECK_OK(HC2(multicall, m, 64));
		for (unsigned int i = 0; i < 64; i++)
			CHECK_EQ(m[i].result, hypervisor_version);
	}
}

CLAIM(multicall_bad_pointer, "a multicall list that cannot be read is -EFAULT")
{
	CHECK_ERR(HC2(multicall, UNMAPPED_POINTER, 1), XEN_EFAULT);
	CHECK_ERR(HC2(multicall, HYPERVISOR_POINTER, 1), XEN_EFAULT);
	CHECK_ERR(HC2(multicall, NONCANONICAL_POINTER, 1), XEN_EFAULT);
}

CLAIM(multicall_read_only_result, "a multicall whose result cannot be stored is -EFAULT")
{
	struct multicall_entry *m = page_alloc();

	entry(m, __HYPERVISOR_xen_version, XENVER_version, 0);
	CHECK_OK(make_readonly(m));
	CHECK_ERR(HC2(multicall, m, 1), XEN_EFAULT);
}

CLAIM(multicall_flush_and_map, "update_va_mapping works inside a multicall")
{
	struct multicall_entry m[2];
	uint64_t *page = page_alloc(), v;

	page[0] = 0x77;
	entry(&m[0], __HYPERVISOR_update_va_mapping, ARG(window(0)),
	      make_pte(mfn_of(page), PTE_RW_PAGE));
	m[0].args[2] = UVMF_INVLPG;
	entry(&m[1], __HYPERVISOR_update_va_mapping, ARG(window(1)), 0);
	m[1].args[2] = UVMF_INVLPG;
	CHECK_OK(HC2(multicall, m, 2));
	CHECK_OK(m[0].result);
	CHECK_OK(m[1].result);
	CHECK_EQ(*(volatile uint64_t *)window(0), 0x77);
	CHECK(!try_read(window(1), &v));
}

CLAIM(polite_refusals, "calls that a hypervisor may lack answer 0, -ENOSYS, -EOPNOTSUPP or an "
      "argument error, never more")
{
	static const uint8_t optional[] = {
		__HYPERVISOR_xsm_op, __HYPERVISOR_nmi_op, __HYPERVISOR_xenoprof_op,
		__HYPERVISOR_hvm_op, __HYPERVISOR_kexec_op, __HYPERVISOR_tmem_op,
		__HYPERVISOR_argo_op, __HYPERVISOR_xenpmu_op, __HYPERVISOR_dm_op,
		__HYPERVISOR_hypfs_op, __HYPERVISOR_sysctl, __HYPERVISOR_domctl,
		__HYPERVISOR_arch_0, __HYPERVISOR_arch_1, __HYPERVISOR_grant_table_op,
	};

	for (unsigned int i = 0; i < sizeof(optional); i++) {
		long rc = hypercall_bare(optional[i], 0x3f, 0, 0, 0, 0);

		bool polite = rc == 0 || rc == -XEN_ENOSYS || rc == -XEN_EOPNOTSUPP ||
			      rc == -XEN_EINVAL || rc == -XEN_EFAULT || rc == -XEN_EPERM ||
			      rc == -XEN_EACCES || rc == -XEN_ESRCH || rc == -XEN_ENODATA;

		CHECK_SAY(polite, "hypercall %u answered %ld", optional[i], rc);
	}
}

CLAIM_DOM0(bad_pointers, "every call that takes a pointer answers -EFAULT to unmapped, "
	   "non-canonical and hypervisor addresses")
{
	static const struct {
		const char *what;
		uint8_t nr, cmd;
	} list[] = {		/* calls of the shape (cmd, pointer) */
		{ "xen_version extraversion", __HYPERVISOR_xen_version, XENVER_extraversion },
		{ "xen_version compile_info", __HYPERVISOR_xen_version, XENVER_compile_info },
		{ "xen_version capabilities", __HYPERVISOR_xen_version, XENVER_capabilities },
		{ "xen_version changeset", __HYPERVISOR_xen_version, XENVER_changeset },
		{ "xen_version platform", __HYPERVISOR_xen_version, XENVER_platform_parameters },
		{ "xen_version features", __HYPERVISOR_xen_version, XENVER_get_features },
		{ "xen_version handle", __HYPERVISOR_xen_version, XENVER_guest_handle },
		{ "xen_version command line", __HYPERVISOR_xen_version, XENVER_commandline },
		{ "memory_op map", __HYPERVISOR_memory_op, XENMEM_machine_memory_map },
		{ "memory_op m2p", __HYPERVISOR_memory_op, XENMEM_machphys_mapping },
		{ "memory_op current", __HYPERVISOR_memory_op, XENMEM_current_reservation },
		{ "sched_op poll", __HYPERVISOR_sched_op, SCHEDOP_poll },
		{ "sched_op shutdown", __HYPERVISOR_sched_op, SCHEDOP_shutdown },
		{ "callback register", __HYPERVISOR_callback_op, CALLBACKOP_register },
		{ "callback unregister", __HYPERVISOR_callback_op, CALLBACKOP_unregister },
		{ "evtchn send", __HYPERVISOR_event_channel_op, EVTCHNOP_send },
		{ "evtchn close", __HYPERVISOR_event_channel_op, EVTCHNOP_close },
		{ "evtchn status", __HYPERVISOR_event_channel_op, EVTCHNOP_status },
		{ "evtchn bind_virq", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq },
		{ "evtchn bind_ipi", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi },
		{ "evtchn unbound", __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound },
		{ "evtchn interdomain", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain },
		{ "evtchn unmask", __HYPERVISOR_event_channel_op, EVTCHNOP_unmask },
		{ "evtchn bind_vcpu", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu },
		{ "physdev iopl", __HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl },
		{ "physdev iobitmap", __HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap },
	};
	void *const pointers[] = { UNMAPPED_POINTER, NONCANONICAL_POINTER, HYPERVISOR_POINTER,
				   (void *)0xffff82d080200000ul, (void *)0xffff87fffffffff8ul };

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		for (unsigned int p = 0; p < 5; p++) {
			long rc = hypercall_by_page(list[i].nr, list[i].cmd, ARG(pointers[p]),
						    0, 0, 0);

			CHECK_SAY(rc == -XEN_EFAULT, "%s with pointer %p answered %ld",
				  list[i].what, pointers[p], rc);
		}
}

CLAIM_DOM0(bad_pointers_direct, "calls whose first argument is a pointer answer -EFAULT too")
{
	void *const pointers[] = { UNMAPPED_POINTER, NONCANONICAL_POINTER, HYPERVISOR_POINTER };

	for (unsigned int p = 0; p < 3; p++) {
		CHECK_ERR(HC1(set_trap_table, pointers[p]), XEN_EFAULT);
		CHECK_ERR(HC2(set_gdt, pointers[p], 16), XEN_EFAULT);
		CHECK_ERR(HC4(mmu_update, pointers[p], 1, 0, DOMID_SELF), XEN_EFAULT);
		CHECK_ERR(HC4(mmuext_op, pointers[p], 1, 0, DOMID_SELF), XEN_EFAULT);
		CHECK_ERR(HC1(platform_op, pointers[p]), XEN_EFAULT);
		CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, pointers[p]), XEN_EFAULT);
		CHECK_ERR(HC3(vcpu_op, VCPUOP_set_singleshot_timer, 0, pointers[p]), XEN_EFAULT);
		CHECK_ERR(HC3(vcpu_op, VCPUOP_set_periodic_timer, 0, pointers[p]), XEN_EFAULT);
		CHECK_ERR(HC3(vcpu_op, VCPUOP_get_runstate_info, 0, pointers[p]), XEN_EFAULT);
		CHECK_ERR(HC3(console_io, CONSOLEIO_write, 8, pointers[p]), XEN_EFAULT);
	}
}

CLAIM_DOM0(m2p_pointers, "the machine-to-phys table, which the guest can read, is no source for a "
      "hypercall: -EFAULT")
{
	void *m2p = (void *)HYPERVISOR_VIRT_START;
	uint64_t v;

	CHECK(try_read((uint64_t *)m2p + mfn_of(start), &v));
	CHECK_ERR(HC4(mmu_update, m2p, 1, 0, DOMID_SELF), XEN_EFAULT);
	CHECK_ERR(HC2(multicall, m2p, 1), XEN_EFAULT);
	CHECK_ERR(HC3(console_io, CONSOLEIO_write, 8, m2p), XEN_EFAULT);
	CHECK_ERR(HC2(sched_op, SCHEDOP_shutdown, m2p), XEN_EFAULT);
	CHECK_ERR(HC2(xen_version, XENVER_extraversion, m2p), XEN_EFAULT);
}

CLAIM_DOM0(straddling_pointer, "a structure whose end lies on an unmapped page is -EFAULT, and "
	   "nothing runs away")
{
	uint8_t *last = (uint8_t *)window(0) + PAGE_BYTES;	/* window(1) follows */

	CHECK_OK(remap(window(1), 0));
	CHECK_ERR(HC2(xen_version, XENVER_capabilities, last - 8), XEN_EFAULT);
	CHECK_ERR(HC2(sched_op, SCHEDOP_poll, last - 8), XEN_EFAULT);
	CHECK_ERR(HC2(multicall, last - 16, 1), XEN_EFAULT);
	CHECK_ERR(HC3(console_io, CONSOLEIO_write, 64, last - 1), XEN_EFAULT);
}

CLAIM(read_only_answer, "an answer to a read-only page is -EFAULT")
{
	uint8_t *page = page_alloc();

	CHECK_OK(make_readonly(page));
	CHECK_ERR(HC2(xen_version, XENVER_extraversion, page), XEN_EFAULT);
	CHECK_ERR(HC2(xen_version, XENVER_platform_parameters, page), XEN_EFAULT);
	CHECK_ERR(HC2(memory_op, XENMEM_machphys_mapping, page), XEN_EFAULT);
}
