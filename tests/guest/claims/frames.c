/* SPDX-License-Identifier: MIT */
/*
 * Frames: what lies on the stack when the hypervisor enters the kernel, and what iret makes of it
 * on the way back.
 *
 * The rule: the frame shows the interrupted state exactly, with RPL 0 for kernel mode, the upcall
 * mask beside CS and its inverse in IF; iret restores exactly what its frame says, or faults in the
 * guest. The guest compares every field, then returns to selectors and addresses that nobody may
 * return to.
 */
#define TOPIC "frames"
#include "../claim.h"
#include "../events.h"
#include "../memory.h"
#include "../traps.h"

CLAIM(frame_selectors, "the frame of a kernel exception holds CS with RPL 0 and SS, and the "
      "handler runs at e033/e02b")
{
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
	CHECK_EQ(trap_last.cs, FLAT_KERNEL_CS & ~3);
	CHECK_EQ(trap_last.ss | 3, FLAT_KERNEL_SS);
	CHECK_EQ(trap_last.handler_cs, FLAT_KERNEL_CS);
	CHECK_EQ(trap_last.handler_ss, FLAT_KERNEL_SS);
}

CLAIM(frame_on_current_stack, "a kernel exception pushes its frame on the interrupted stack, below "
      "it, aligned to 16 bytes")
{
	uint64_t sp = 0;

	CHECK_TRAP(TRAP_UD, "mov %%rsp, %0; ud2", : "=&r"(sp) : : "memory");
	CHECK_EQ(trap_last.rsp, sp);
	CHECK_EQ(trap_last.frame_at, (sp & ~15ul) - 7 * 8);

	CHECK_TRAP(TRAP_GP, "mov %%rsp, %0; hlt", : "=&r"(sp) : : "memory");
	CHECK_EQ(trap_last.rsp, sp);
	CHECK_EQ(trap_last.frame_at, (sp & ~15ul) - 8 * 8);
}

CLAIM(frame_rcx_r11, "the frame begins with the interrupted RCX and R11")
{
	CHECK_TRAP(TRAP_UD, "mov $0x1234567, %%rcx; mov $0x89abcde, %%r11; ud2",
		   : : : "rcx", "r11", "memory");
	CHECK_EQ(trap_last.rcx, 0x1234567);
	CHECK_EQ(trap_last.r11, 0x89abcde);
}

CLAIM(frame_mask_byte, "the saved upcall mask is in bits 39:32 of the CS slot and RFLAGS.IF is its "
      "inverse")
{
	upcalls_mask();
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
	CHECK_EQ(trap_last.mask, 1);
	CHECK_EQ(trap_last.rflags & 0x200, 0);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 1);	/* restored by iret from IF = 0 */

	upcalls_unmask();
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
	CHECK_EQ(trap_last.mask, 0);
	CHECK_EQ(trap_last.rflags & 0x200, 0x200);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
	CHECK_EQ(trap_last.cs_slot >> 40, 0);
	CHECK_EQ((trap_last.cs_slot >> 16) & 0xffff, 0);
}

CLAIM(frame_iopl, "the frame's RFLAGS shows IOPL 0 whatever set_iopl said")
{
	struct physdev_set_iopl iopl = { .iopl = 1 };

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
	CHECK_EQ(trap_last.rflags & 0x3000, 0);
}

CLAIM(handler_flags, "the handler starts with AC, NT and TF clear; arithmetic flags and DF are "
      "left alone")
{
	trap_clear_rflags = 0x40000 | 0x4000 | 0x400;
	CHECK_TRAP(TRAP_UD, "pushfq; orq $0x44001, (%%rsp); popfq; ud2", : : : "memory", "cc");
	CHECK_EQ(trap_last.rflags & 0x44001, 0x44001);
	CHECK_EQ(trap_last.handler_rflags & 0x40000, 0);
	CHECK_EQ(trap_last.handler_rflags & 0x4000, 0);
}

CLAIM(registers_survive, "an exception and iret back change no register")
{
	uint64_t bad = 0;

	trap_clear();
	asm volatile("push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n\t"
		     "mov $1, %%eax; mov $2, %%ebx; mov $3, %%ecx; mov $4, %%edx\n\t"
		     "mov $5, %%esi; mov $6, %%edi; mov $7, %%ebp; mov $8, %%r8d\n\t"
		     "mov $9, %%r9d; mov $10, %%r10d; mov $11, %%r11d; mov $12, %%r12d\n\t"
		     "mov $13, %%r13d; mov $14, %%r14d; mov $15, %%r15d\n\t"
		     TRY_ASM("ud2")
		     "dec %%rax; sub $2, %%rbx; sub $3, %%rcx; sub $4, %%rdx; sub $5, %%rsi\n\t"
		     "sub $6, %%rdi; sub $7, %%rbp; sub $8, %%r8; sub $9, %%r9\n\t"
		     "sub $10, %%r10; sub $11, %%r11; sub $12, %%r12; sub $13, %%r13\n\t"
		     "sub $14, %%r14; sub $15, %%r15\n\t"
		     "or %%rbx, %%rax; or %%rcx, %%rax; or %%rdx, %%rax; or %%rsi, %%rax\n\t"
		     "or %%rdi, %%rax; or %%rbp, %%rax; or %%r8, %%rax; or %%r9, %%rax\n\t"
		     "or %%r10, %%rax; or %%r11, %%rax; or %%r12, %%rax; or %%r13, %%rax\n\t"
		     "or %%r14, %%rax; or %%r15, %%rax\n\t"
		     "pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx"
		     : "=&a"(bad)
		     : : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	CHECK_EQ(trap_last.vector, TRAP_UD);
	CHECK_EQ(bad, 0);
}

CLAIM(trap_mask_flag, "a vector whose table entry says so runs with upcalls masked, and iret "
      "unmasks them again")
{
	struct trap_info t[2] = { { TRAP_UD, 4, FLAT_KERNEL_CS, trap_stub(TRAP_UD) } };

	CHECK_OK(HC1(set_trap_table, t));
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
	CHECK_EQ(trap_last.mask, 0);
	CHECK_EQ(trap_last.mask_inside, 1);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
}

CLAIM(iret_to_kernel, "iret to kernel mode goes where its frame says, and sets the flags and the "
      "upcall mask from it")
{
	uint64_t flags;

	CHECK(!try_iret(0, FLAT_KERNEL_CS & ~3, 0x8d7, FLAT_KERNEL_SS));
	asm volatile("pushfq; pop %0" : "=r"(flags));
	CHECK_EQ(flags & 0x3200, 0x200);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 1);
	CHECK(!try_iret(0, FLAT_KERNEL_CS & ~3, 0x3202, FLAT_KERNEL_SS));
	asm volatile("pushfq; pop %0" : "=r"(flags));
	CHECK_EQ(flags & 0x3200, 0x200);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
}

CLAIM(iret_bad_cs, "iret to kernel mode with a null CS is #GP in the kernel, not an entry into "
      "anything")
{
	CHECK(try_iret(0, 0, 0x202, FLAT_KERNEL_SS));
	CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK_EQ(trap_last.error, 0);
	CHECK_EQ(trap_last.handler_cs, FLAT_KERNEL_CS);
}

CLAIM(iret_ring0_selectors, "iret with the hypervisor's own selectors is an exception in the guest")
{
	static const uint16_t selectors[] = { 0xe008, 0xe010, 0xe040, 0xe000 };

	for (unsigned int i = 0; i < 4; i++) {
		CHECK(try_iret(0, selectors[i], 0x202, FLAT_KERNEL_SS));
		CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_NP);
		CHECK_EQ(trap_last.handler_cs, FLAT_KERNEL_CS);
	}
	CHECK(try_iret(0, FLAT_KERNEL_CS & ~3, 0x202, 0xe010));
	CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_SS);
	CHECK_EQ(trap_last.handler_ss, FLAT_KERNEL_SS);
}

CLAIM(iret_noncanonical_rip, "iret to a non-canonical RIP faults in the guest, not in the "
      "hypervisor")
{
	CHECK(try_iret(ARG(NONCANONICAL_POINTER), FLAT_KERNEL_CS & ~3, 0x202, FLAT_KERNEL_SS));
	CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_PF);
}

CLAIM(iret_hypervisor_rip, "iret to an address of the hypervisor is a page fault there, in guest "
      "context")
{
	CHECK(try_iret(0xffff82d080200000, FLAT_KERNEL_CS & ~3, 0x202, FLAT_KERNEL_SS));
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.rip, 0xffff82d080200000);
	CHECK(try_iret(HYPERVISOR_VIRT_START, FLAT_KERNEL_CS & ~3, 0x202, FLAT_KERNEL_SS));
	CHECK_EQ(trap_last.vector, TRAP_PF);
}

CLAIM(iret_iopl,
      "with VMASST architectural_iopl an iret sets the IOPL that frames show; without it none does")
{
	struct physdev_set_iopl iopl = { .iopl = 1 };

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	CHECK(!try_iret(0, FLAT_KERNEL_CS & ~3, 0x3202, FLAT_KERNEL_SS));
	CHECK(TRY("ud2", : : : "memory"));
	CHECK_EQ(trap_last.rflags & 0x3000, 0);
	CHECK_OK(HC2(vm_assist, VMASST_CMD_enable, VMASST_TYPE_architectural_iopl));
	CHECK(TRY("ud2", : : : "memory"));
	CHECK_EQ(trap_last.rflags & 0x3000, 0x1000);
	for (uint64_t level = 0; level < 4; level++) {
		CHECK(!try_iret(0, FLAT_KERNEL_CS & ~3, 0x202 | level << 12, FLAT_KERNEL_SS));
		CHECK(TRY("ud2", : : : "memory"));
		CHECK_EQ(trap_last.rflags & 0x3000, level << 12);
	}
	CHECK_OK(HC2(vm_assist, VMASST_CMD_disable, VMASST_TYPE_architectural_iopl));
	iopl.iopl = 0;
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
}
