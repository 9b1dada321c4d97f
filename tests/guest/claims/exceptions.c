/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: each one a kernel can cause reaches its handler through the trap table, in the frame
 * the ABI draws.
 *
 * The guest executes the faulting instruction itself and inspects the frame: saved RIP at the
 * instruction for faults and behind it for traps, an error code where the manual has one, CS with
 * RPL 0 because kernel mode was interrupted. A wrong frame here is a kernel that cannot tell its
 * own faults from its processes'.
 */
#define TOPIC "exceptions"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"
#include <xen/domctl.h>

/* Address of the instruction under test, stored by a preceding lea. */
static volatile uint64_t insn_at;
#define MARK "leaq 772f(%%rip), %%rax; movq %%rax, %[at]\n772:\t"
#define MARK_OUT [at] "=m"(insn_at)

CLAIM(divide, "division by zero is #DE with RIP at the instruction and no error code")
{
	CHECK_TRAP(TRAP_DE, MARK "divl %1", : MARK_OUT : "r"(0) : "rax", "rdx", "memory");
	CHECK_EQ(trap_last.rip, insn_at);
	CHECK_EQ(trap_last.has_error, false);
}

CLAIM(breakpoint, "int3 is #BP with RIP behind the instruction and no error code")
{
	CHECK_TRAP(TRAP_BP, MARK "int3", : MARK_OUT : : "rax", "memory");
	CHECK_EQ(trap_last.rip, insn_at + 1);
	CHECK_EQ(trap_last.has_error, false);
}

CLAIM(undefined, "ud2 is #UD with RIP at the instruction and no error code")
{
	CHECK_TRAP(TRAP_UD, MARK "ud2", : MARK_OUT : : "rax", "memory");
	CHECK_EQ(trap_last.rip, insn_at);
	CHECK_EQ(trap_last.has_error, false);
}

CLAIM(general_protection, "hlt is #GP with error code 0 and RIP at the instruction")
{
	CHECK_TRAP(TRAP_GP, MARK "hlt", : MARK_OUT : : "rax", "memory");
	CHECK_EQ(trap_last.rip, insn_at);
	CHECK_EQ(trap_last.has_error, true);
	CHECK_EQ(trap_last.error, 0);
}

CLAIM(noncanonical_access, "an access through a non-canonical pointer is #GP with error code 0")
{
	uint64_t v;

	CHECK(!try_read(NONCANONICAL_POINTER, &v));
	CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK_EQ(trap_last.error, 0);
}

CLAIM(bad_selector_error, "loading a selector beyond the GDT's limit is #GP with the selector as "
      "error code")
{
	CHECK_TRAP(TRAP_GP, "mov %0, %%es", : : "r"(0xfff3u) : "memory");
	CHECK_EQ(trap_last.error, 0xfff0);
}

CLAIM(page_fault_read, "a kernel read of an unmapped address is #PF, error code 0: not present, "
      "read, supervisor")
{
	uint64_t v;

	CHECK(!try_read(UNMAPPED_POINTER, &v));
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.has_error, true);
	CHECK_EQ(trap_last.error, 0);
	CHECK_EQ(trap_last.cr2, (uint64_t)UNMAPPED_POINTER);
}

CLAIM(page_fault_write, "a kernel write to an unmapped address is #PF, error code 2: not present, "
      "write, supervisor")
{
	CHECK(!try_write(UNMAPPED_POINTER, 1));
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error, 2);
	CHECK_EQ(trap_last.cr2, (uint64_t)UNMAPPED_POINTER);
}

CLAIM(page_fault_protection, "a kernel write to a read-only page is #PF, error code 3: present, "
      "write, supervisor")
{
	uint64_t *page = page_alloc();

	CHECK_OK(make_readonly(page));
	CHECK(!try_write(page + 5, 1));
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error, 3);
	CHECK_EQ(trap_last.cr2, (uint64_t)(page + 5));
}

CLAIM(page_fault_no_execute, "executing a page mapped NX is #PF with the fetch bit, present, "
      "supervisor")
{
	uint8_t *page = page_alloc();

	page[0] = 0xc3;
	CHECK_OK(remap(page, make_pte(mfn_of(page), PTE_RW_PAGE | PTE_NX)));
	CHECK(!try_call(page));
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error, 0x11);
	CHECK_EQ(trap_last.cr2, (uint64_t)page);
	CHECK_EQ(trap_last.rip, (uint64_t)page);
}

CLAIM(page_fault_hypervisor_range, "the hypervisor's range cannot be read: #PF, or #GP, never data")
{
	static const uint64_t probes[] = {
		0xffff808000000000, 0xffff810000000000, 0xffff820000000000, 0xffff82d080000000,
		0xffff82d0bfffe000, 0xffff830000000000, 0xffff840000000000, 0xffff87ffffffe000,
	};

	for (unsigned int i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		uint64_t v;

		CHECK_SAY(!(try_read((void *)probes[i], &v)), "0x%lx reads 0x%lx", probes[i], v);
		CHECK_EQ(trap_last.vector, TRAP_PF);
		CHECK_EQ(trap_last.error & ~1ul, 0);
	}
}

CLAIM(m2p_read_only, "the machine-to-phys table can be read but not written")
{
	unsigned long mfn = mfn_of(start);
	uint64_t v;

	CHECK(try_read(&machine_to_phys_mapping[mfn], &v));
	CHECK_EQ(v, pfn_of(start));
	CHECK(!try_write(&machine_to_phys_mapping[mfn], v));
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error, 3);
}

CLAIM(stack_segment, "an access through RBP to a non-canonical address is #SS with error code 0")
{
	/* QEMU's TCG raises #GP for it, hardware #SS: either is what the CPU said. */
	trap_clear();
	asm volatile("push %%rbp; mov %0, %%rbp\n\t" TRY_ASM("mov (%%rbp), %%rax") "pop %%rbp"
		     : : "r"(NONCANONICAL_POINTER) : "rax", "memory");
	CHECK(trap_last.vector == TRAP_SS || trap_last.vector == TRAP_GP);
	CHECK_EQ(trap_last.error, 0);
}

CLAIM(single_step, "TF set by iret gives #DB after one instruction, with RIP behind it, and the "
      "handler runs without TF")
{
	uint64_t next = 0;

	trap_clear_rflags = 0x100;
	trap_clear();
	asm volatile("movq $771f, trap_resume(%%rip); lea 773f(%%rip), %0\n\t"
		     "pushfq; orq $0x100, (%%rsp); popfq\n\t"
		     "nop\n773:\tnop\n771:\tmovq $0, trap_resume(%%rip)"
		     : "=&r"(next) : : "memory", "cc");
	CHECK_EQ(trap_last.vector, TRAP_DB);
	CHECK_EQ(trap_last.rip, next);
	CHECK_EQ(trap_last.has_error, false);
	CHECK(trap_last.rflags & 0x100);
	CHECK_EQ(trap_last.handler_rflags & 0x100, 0);
	CHECK(HC1(get_debugreg, 6) & 0x4000);
}

CLAIM(hardware_breakpoint, "a data breakpoint set with set_debugreg gives #DB, and DR6 names it")
{
	static volatile uint64_t watched;

	CHECK_OK(HC2(set_debugreg, 0, &watched));
	CHECK_OK(HC2(set_debugreg, 6, 0xffff0ff0));
	CHECK_OK(HC2(set_debugreg, 7, 0x00090401));	/* DR0 local, on writes of 8 bytes */
	CHECK_TRAP(TRAP_DB, "movq $1, %0\n\tnop", : "=m"(watched) : : "memory");
	CHECK_EQ(HC1(get_debugreg, 6) & 0xf, 1);
}

CLAIM(device_not_available, "fpu_taskswitch(1) makes the next FPU instruction #NM; after the trap "
      "TS is clear")
{
	CHECK_OK(HC1(fpu_taskswitch, 1));
	CHECK_TRAP(TRAP_NM, "fnop", : : : "memory");
	CHECK_EQ(trap_last.has_error, false);
	CHECK_NO_TRAP("fnop", : : : "memory");
}

CLAIM(fpu_taskswitch_cleared, "fpu_taskswitch(0) takes TS back before any instruction sees it")
{
	CHECK_OK(HC1(fpu_taskswitch, 1));
	CHECK_OK(HC1(fpu_taskswitch, 0));
	CHECK_NO_TRAP("fnop", : : : "memory");
}

CLAIM(math_fault, "an unmasked x87 exception is #MF at the next waiting instruction")
{
	uint16_t cw = 0x37b;		/* divide by zero unmasked */

	CHECK_TRAP(TRAP_MF, "fninit; fldcw %0; fld1; fldz; fdivrp; fwait", : : "m"(cw) : "memory");
	asm volatile("fninit");
}

CLAIM(simd_fault, "an unmasked SSE exception is #XM")
{
	uint32_t unmasked = 0x1d80, normal = 0x1f80;	/* divide by zero unmasked */

	bool trapped = TRY("ldmxcsr %0; xorps %%xmm0, %%xmm0; movl $0x3f800000, %%eax\n\t"
			   "movd %%eax, %%xmm1; divss %%xmm0, %%xmm1",
			   : : "m"(unmasked) : "rax", "memory");

	asm volatile("ldmxcsr %0" : : "m"(normal));
	/* A hypervisor that lost the exception would hang here or crash the domain, not go on. */
	if (!trapped)
		skip("this CPU raises no SIMD exceptions (QEMU's TCG)");
	CHECK_EQ(trap_last.vector, TRAP_XM);
}

/*
 * int n goes through the trap table like a hardware gate. QEMU 7.2's TCG gives the #GP for a gate
 * of too low DPL a wrong error code (n * 16 + 2), from which genuine Xen computes the wrong vector.
 * Detect it: int $0x81 must arrive at 0x81; under this fault it arrives as a plain #GP.
 */
static void need_int_n(void)
{
	if (!on_isola && TRY("int $0x81", : : : "memory") && trap_last.vector == TRAP_GP &&
	    (trap_last.error >> 3) == 0x102)
		skip("this emulator gives `int n` a wrong error code, which Xen believes");
}

CLAIM(int_n_kernel, "int n from the kernel reaches vectors of DPL 1 and 3: RIP behind it, no error "
      "code")
{
	need_int_n();
	CHECK_TRAP(TRAP_INT_KERNEL, MARK "int $0x81", : MARK_OUT : : "rax", "memory");
	CHECK_EQ(trap_last.rip, insn_at + 2);
	CHECK_EQ(trap_last.has_error, false);
	CHECK_EQ(trap_last.cs & 3, 0);
	CHECK_TRAP(0x80, "int $0x80", : : : "memory");
}

CLAIM(int_n_dpl0, "int n to a vector of DPL 0 is #GP with the IDT bit and the vector in its error "
      "code")
{
	need_int_n();
	CHECK_TRAP(TRAP_GP, MARK "int $0x82", : MARK_OUT : : "rax", "memory");
	CHECK_EQ(trap_last.rip, insn_at);
	CHECK_EQ(trap_last.error, (0x82 << 3) | 2);
}

CLAIM(int_0x80, "int 0x80, which has a gate of its own, reaches its handler with RIP behind it")
{
	CHECK_TRAP(TRAP_INT_USER, MARK "int $0x80", : MARK_OUT : : "rax", "memory");
	CHECK_EQ(trap_last.rip, insn_at + 2);
	CHECK_EQ(trap_last.has_error, false);
}

static long nmi_callback(unsigned int op, uint64_t address)
{
	struct callback_register r = { .type = CALLBACKTYPE_nmi, .address = address };
	struct callback_unregister u = { .type = CALLBACKTYPE_nmi };

	return op == CALLBACKOP_register ? HC2(callback_op, op, &r) : HC2(callback_op, op, &u);
}

/* Send one to ourselves; what came of it is in trap_last. */
static long nmi_send(void)
{
	long rc;

	trap_clear();
	asm volatile(TRY_ASM("syscall")
		     : "=a"(rc)
		     : "0"((long)__HYPERVISOR_vcpu_op), "D"(VCPUOP_send_nmi), "S"(0), "d"(0)
		     : "rcx", "r11", "memory");
	return rc;
}

CLAIM(nmi_to_self, "VCPUOP_send_nmi to ourselves enters the NMI callback")
{
	CHECK_OK(nmi_send());
	CHECK(trap_last.vector == TRAP_NMI_CALLBACK || trap_last.vector == TRAP_NMI);
	CHECK_EQ(trap_last.cs & 3, 0);
	CHECK_ERR(HC3(vcpu_op, VCPUOP_send_nmi, 0, UNMAPPED_POINTER), XEN_EINVAL);
}

CLAIM_DOM0(nmi_by_trigger, "an NMI that the tools trigger enters the NMI callback")
{
	static struct xen_domctl op = {
		.cmd = XEN_DOMCTL_sendtrigger, .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
		.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI,
	};
	long rc;

	trap_clear();
	asm volatile(TRY_ASM("syscall")
		     : "=a"(rc)
		     : "0"((long)__HYPERVISOR_domctl), "D"(&op)
		     : "rcx", "r11", "memory");
	CHECK_OK(rc);
	CHECK(trap_last.vector == TRAP_NMI_CALLBACK || trap_last.vector == TRAP_NMI);
}

CLAIM(nmi_gate, "the NMI's callback is the gate of vector 2, which masks events: set_trap_table "
		"sets it, unregistering clears it, and then an NMI is lost")
{
	struct trap_info other[2] = { { TRAP_NMI, 4, FLAT_KERNEL_CS, trap_stub(TRAP_NMI) } };

	CHECK_OK(nmi_callback(CALLBACKOP_register, trap_stub(TRAP_NMI_CALLBACK)));
	CHECK_OK(nmi_send());
	CHECK_EQ(trap_last.vector, TRAP_NMI_CALLBACK);
	CHECK_EQ(trap_last.mask_inside, 1);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
	CHECK_OK(HC1(set_trap_table, other));
	CHECK_OK(nmi_send());
	CHECK_EQ(trap_last.vector, TRAP_NMI);
	CHECK_OK(nmi_callback(CALLBACKOP_unregister, 0));
	CHECK_OK(nmi_send());
	CHECK(trap_last.vector != TRAP_NMI && trap_last.vector != TRAP_NMI_CALLBACK);
	CHECK_OK(nmi_callback(CALLBACKOP_register, trap_stub(TRAP_NMI_CALLBACK)));
	CHECK_ERR(nmi_callback(CALLBACKOP_register, 1ul << 47), XEN_EINVAL);
}

CLAIM(cr2_in_vcpu_info, "vcpu_info.arch.cr2 and an emulated read of CR2 agree after a page fault")
{
	uint64_t v, cr2 = 0;

	CHECK(!try_read((void *)0x00007f0000234568ul, &v));
	CHECK_EQ(trap_last.cr2, 0x00007f0000234568ul);
	CHECK_NO_TRAP("mov %%cr2, %0", : "+r"(cr2) : : "memory");
	CHECK_EQ(cr2, 0x00007f0000234568ul);
}
