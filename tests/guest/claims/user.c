/* SPDX-License-Identifier: MIT */
/*
 * User mode: the second address space of a 64-bit PV guest and the ways in and out of it.
 *
 * Kernel and user both run in ring 3; only the hypervisor knows which is which. The guest runs
 * small programs on user page tables of their own and checks how each is left: a fault in it must
 * look like a user fault, its syscalls must reach the kernel's callback and never the hypercall
 * table, its page tables must not show the kernel's memory.
 */
#define TOPIC "user"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../user.h"

CLAIM(syscall_callback, "syscall in user mode enters the syscall callback with RCX, R11 and the "
      "registers as SYSCALL leaves them")
{
	USER_RUN(syscall, 0);
	CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
	CHECK_EQ(trap_last.from_user, true);
	CHECK_EQ(trap_last.rax, 0x1234);
	CHECK_EQ(user_exit_regs.rbx, 0x55);
	CHECK_EQ(trap_last.rip, USER_CODE + 12);
	CHECK_EQ(trap_last.rcx, trap_last.rip);
	CHECK_EQ(trap_last.rsp, USER_STACK);
}

CLAIM(syscall_frame, "the syscall frame lies on the stack of stack_switch and the callback runs at "
      "e033/e02b")
{
	USER_RUN(syscall, 0);
	CHECK_EQ(trap_last.frame_at, (uint64_t)user_kernel_stack_end - 7 * 8);
	CHECK_EQ(trap_last.handler_cs, FLAT_KERNEL_CS);
	CHECK_EQ(trap_last.handler_ss, FLAT_KERNEL_SS);
	CHECK_EQ(trap_last.cs, FLAT_USER_CS64);
	CHECK_EQ(trap_last.ss, FLAT_USER_SS64);
}

CLAIM(syscall_masks_events, "a syscall callback registered with mask_events runs with upcalls "
      "masked")
{
	struct callback_register r = {
		.type = CALLBACKTYPE_syscall, .address = trap_stub(TRAP_SYSCALL),
	};

	USER_RUN(syscall, 0);		/* the harness registers it with the flag */
	CHECK_EQ(trap_last.mask, 0);
	CHECK_EQ(trap_last.mask_inside, 1);
	vcpu_info->evtchn_upcall_mask = 0;

	CHECK_OK(HC2(callback_op, CALLBACKOP_register, &r));
	USER_RUN(syscall, 0);
	CHECK_EQ(trap_last.mask_inside, 0);
}

CLAIM(no_hypercalls, "no hypercall number in user mode reaches the hypercall table")
{
	for (unsigned int nr = 0; nr < 64; nr++) {
		USER_RUN(hypercall, nr);
		CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
		CHECK_EQ(trap_last.rax, nr);	/* untouched: the callback, not a result */
		CHECK_EQ(user_exit_regs.rdi, 2);
	}
}

CLAIM(iret_registers, "the iret hypercall enters user mode with RAX, RCX, R11, RSP and RFLAGS from "
      "its frame")
{
	USER_RUN(ud2, 0x77);
	CHECK_EQ(trap_last.vector, TRAP_UD);
	CHECK_EQ(trap_last.rax, 0xa0a0);
	CHECK_EQ(trap_last.rcx, 0xc0c0);
	CHECK_EQ(trap_last.r11, 0x1111);
	CHECK_EQ(trap_last.rsp, USER_STACK);
	CHECK_EQ(user_exit_regs.rdi, 0x77);
}

CLAIM(iret_in_syscall, "iret with VGCF_IN_SYSCALL enters user mode at RIP, RSP and RAX of the "
      "frame; RCX and R11 are lost")
{
	user_iret_flags = VGCF_IN_SYSCALL;
	USER_RUN(ud2, 0x66);
	CHECK_EQ(trap_last.vector, TRAP_UD);
	CHECK_EQ(trap_last.from_user, true);
	CHECK_EQ(user_left_at(), 0);
	CHECK_EQ(trap_last.rax, 0xa0a0);
	CHECK_EQ(trap_last.rsp, USER_STACK);
	CHECK_EQ(user_exit_regs.rdi, 0x66);
}

CLAIM(iret_noncanonical, "iret to a non-canonical user RIP, by SYSRET or IRET, faults in the guest "
      "(XSA-7)")
{
	static const uint64_t rips[] = {
		0x0000800000000000, 0x7fffffffffffffff, 0xffff7fffffffffff,
	};

	for (unsigned int i = 0; i < 6; i++) {
		user_iret_flags = i & 1 ? VGCF_IN_SYSCALL : 0;
		user_start_rip = rips[i / 2];
		USER_RUN(nop, 0);
		CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_PF);
		CHECK_EQ(trap_last.handler_cs, FLAT_KERNEL_CS);
	}
}

CLAIM(iret_hypervisor_rip, "iret to an address of the hypervisor in user mode is a user page fault "
      "there")
{
	for (unsigned int i = 0; i < 2; i++) {
		user_iret_flags = i & 1 ? VGCF_IN_SYSCALL : 0;
		user_start_rip = 0xffff82d080200000;
		USER_RUN(nop, 0);
		CHECK_EQ(trap_last.vector, TRAP_PF);
		CHECK_EQ(trap_last.error & 4, 4);
		CHECK_EQ(trap_last.rip, 0xffff82d080200000);
	}
}

CLAIM(iret_flags, "iret to user mode strips IOPL and VM from RFLAGS, forces IF, and keeps the "
      "arithmetic flags")
{
	user_run(user_ud2, user_ud2_end, 0, 0x3000 | 0x200 | 0x8d5 | (1 << 21));
	CHECK_EQ(trap_last.vector, TRAP_UD);
	CHECK_EQ(trap_last.rflags & 0x3000, 0);
	CHECK_EQ(trap_last.rflags & 0x8d5, 0x8d5);
	CHECK_EQ(trap_last.rflags & 0x200, 0x200);
}

CLAIM(iret_mask, "the upcall mask after iret is the inverse of the frame's IF, in user mode too")
{
	user_run(user_ud2, user_ud2_end, 0, 0);
	CHECK_EQ(trap_last.mask, 1);
	CHECK_EQ(trap_last.rflags & 0x200, 0);
	vcpu_info->evtchn_upcall_mask = 0;
	USER_RUN(ud2, 0);
	CHECK_EQ(trap_last.mask, 0);
	CHECK_EQ(trap_last.rflags & 0x200, 0x200);
}

CLAIM(selectors, "user mode runs at the selectors given, with RPL 3")
{
	USER_RUN(selectors, 0);
	CHECK_EQ(trap_last.rax, FLAT_USER_CS64);
	CHECK_EQ(user_exit_regs.rbx, FLAT_USER_SS64);
}

CLAIM(page_fault_read, "a user read of nothing is #PF with the U bit set, CR2, and RPL 3 in the "
      "frame")
{
	USER_RUN(read, USER_NOTHING + 8);
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error, 4);
	CHECK_EQ(trap_last.cr2, USER_NOTHING + 8);
	CHECK_EQ(trap_last.cs & 3, 3);
	CHECK_EQ(user_left_at(), 0);
	CHECK_EQ(trap_last.frame_at, (uint64_t)user_kernel_stack_end - 8 * 8);
}

CLAIM(page_fault_write, "a user write to a read-only page is #PF with present, write and user set")
{
	USER_RUN(write, USER_CODE + 0x800);
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error, 7);
	CHECK_EQ(trap_last.cr2, USER_CODE + 0x800);
}

CLAIM(kernel_memory_hidden, "user mode cannot read the kernel's memory, the M2P or the "
      "hypervisor's range")
{
	/*
	 * Only slot 0 is in the user L4. Xen leaves the M2P out of user roots unless m2p_strict is
	 * off and the L4 was used as a kernel base; either answer is legal there, so it is not
	 * asked.
	 */
	static const uint64_t probes[] = {
		0xffffffff80100000, 0xffff820000000000, 0xffff82d080000000, 0xffff830000000000,
		0xffff808000000000, 0xffff810000000000, 0xffff87ffffffe000,
	};

	for (unsigned int i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		USER_RUN(read, probes[i]);
		CHECK_SAY(trap_last.vector == TRAP_PF, "0x%lx: vector %d rax 0x%lx", probes[i],
			     trap_last.vector, trap_last.rax);
		CHECK_EQ(trap_last.error & 4, 4);
		CHECK_EQ(trap_last.cr2, probes[i]);
	}
}

CLAIM_ISOLA_ONLY(m2p_hidden, "user mode cannot read the machine-to-phys table",
		 "Xen shows it to user mode unless the guest asks for m2p_strict")
{
	USER_RUN(read, HYPERVISOR_VIRT_START);
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error & 4, 4);
}

CLAIM(no_execute, "a jump to a data page in user mode is #PF with fetch, user and present set")
{
	USER_RUN(jump, USER_DATA);
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error, 0x15);
	CHECK_EQ(trap_last.rip, USER_DATA);
}

CLAIM(jump_to_hypervisor, "a jump into the hypervisor's range in user mode is #PF there, in user "
      "mode")
{
	USER_RUN(jump, 0xffff82d080200000);
	CHECK_EQ(trap_last.vector, TRAP_PF);
	CHECK_EQ(trap_last.error & 4, 4);
	CHECK_EQ(trap_last.cs & 3, 3);
	USER_RUN(jump, 0xffff800000000000);
	CHECK_EQ(trap_last.vector, TRAP_PF);
}

CLAIM(write_seen, "what a user program writes to its page is seen by the kernel through its own "
      "mapping")
{
	user_setup();
	*(volatile uint64_t *)USER_DATA = 0;
	USER_RUN(write, USER_DATA);
	CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
	CHECK_EQ(trap_last.rax, 0xbad);		/* the program's normal end */
	CHECK_EQ(*(volatile uint64_t *)USER_DATA, 0xa0a0);
}

CLAIM(privileged_instructions, "hlt, cli, port input, rdmsr and a read of CR0 in user mode are #GP")
{
	USER_RUN(hlt, 0);
	CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK_EQ(trap_last.error, 0);
	CHECK_EQ(user_left_at(), 0);
	USER_RUN(cli, 0);
	CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK_EQ(user_left_at(), 0);
	USER_RUN(in, 0x80);
	CHECK_EQ(trap_last.vector, TRAP_GP);
	USER_RUN(rdmsr, 0x1b);
	CHECK_EQ(trap_last.vector, TRAP_GP);
	USER_RUN(mov_cr0, 0);
	CHECK_EQ(trap_last.vector, TRAP_GP);
}

CLAIM(iopl_is_for_the_kernel, "set_iopl(1) opens ports to the kernel, not to user mode; "
      "set_iopl(3) to both")
{
	struct physdev_set_iopl iopl = { .iopl = 1 };

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	USER_RUN(in, 0x80);
	CHECK_EQ(trap_last.vector, TRAP_GP);
	iopl.iopl = 3;
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	USER_RUN(in, 0x80);
	CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
}

CLAIM(forced_cpuid, "the forced-emulation CPUID works in user mode and shows the hypervisor's "
      "signature")
{
	USER_RUN(cpuid, 0);
	CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
	CHECK_EQ((uint32_t)user_exit_regs.rbx, 0x566e6558);	/* "XenV" */
}

CLAIM(int3, "int3 in user mode is #BP with RIP behind it and RPL 3")
{
	USER_RUN(int3, 0);
	CHECK_EQ(trap_last.vector, TRAP_BP);
	CHECK_EQ(user_left_at(), 1);
	CHECK_EQ(trap_last.cs & 3, 3);
}

CLAIM(int_0x80, "int 0x80 in user mode reaches the handler of DPL 3 with RIP behind it")
{
	USER_RUN(int80, 0);
	CHECK_EQ(trap_last.vector, TRAP_INT_USER);
	CHECK_EQ(trap_last.has_error, false);
	CHECK_EQ(user_left_at(), 2);
}

CLAIM(int_n_dpl, "int n in user mode to vectors of DPL 1 and 0 is #GP with the vector in its error "
      "code")
{
	USER_RUN(int81, 0);
	CHECK_EQ(trap_last.vector, TRAP_GP);
	if (!on_isola && trap_last.error >> 3 == 0x102)
		skip("this emulator gives `int n` a wrong error code");
	CHECK_EQ(trap_last.error, 0x81 << 3 | 2);
	CHECK_EQ(user_left_at(), 0);
	USER_RUN(int82, 0);
	CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK_EQ(trap_last.error, 0x82 << 3 | 2);
}

CLAIM(single_step, "TF in iret's frame single-steps user mode: #DB after its first instruction")
{
	user_run(user_nop, user_nop_end, 0, 0x300);
	CHECK_EQ(trap_last.vector, TRAP_DB);
	CHECK_EQ(user_left_at(), 1);
	CHECK_EQ(trap_last.cs & 3, 3);
	CHECK_EQ(trap_last.handler_rflags & 0x100, 0);
}

CLAIM(timer_interrupts_user, "a timer event is delivered while a user program spins, on the "
      "kernel's stack, and can end it")
{
	volatile uint64_t *counter = (void *)USER_DATA;

	if (!timer_port)
		skip("VIRQ_TIMER cannot be bound");
	user_setup();
	*counter = 0;
	/* first: an event that comes before user mode arms the timer anew */
	user_leave_on_event = true;
	CHECK_OK(timer_set(clock_ns() + 20 * MS_NS));
	USER_RUN(spin, USER_DATA);
	user_leave_on_event = false;
	CHECK_EQ(trap_last.vector, TRAP_EVENT);
	CHECK_EQ(trap_last.cs & 3, 3);
	CHECK_EQ(trap_last.mask, 0);
	CHECK_EQ(trap_last.mask_inside, 1);
	CHECK_EQ(trap_last.frame_at, (uint64_t)user_kernel_stack_end - 7 * 8);
	CHECK(*counter > 0);
	CHECK(port_pending(timer_port));		/* not yet handled */
}

CLAIM(event_returns_to_user, "after a timer event the user program goes on where it was")
{
	volatile uint64_t *counter = (void *)USER_DATA;

	if (!timer_port)
		skip("VIRQ_TIMER cannot be bound");
	user_setup();
	*counter = 0;
	user_events_before_exit = 3;
	user_leave_on_event = true;	/* first: as above */
	CHECK_OK(timer_set(clock_ns() + 5 * MS_NS));
	USER_RUN(spin, USER_DATA);
	user_leave_on_event = false;
	CHECK_EQ(trap_last.vector, TRAP_EVENT);
	CHECK(evtchn_count[timer_port] >= 3);
	CHECK(*counter > 0);
}

CLAIM(sysenter, "sysenter in user mode is the sysenter callback, #UD or #GP: as the CPU and the "
      "callback have it")
{
	USER_RUN(sysenter, 0);
	CHECK(trap_last.vector == TRAP_SYSENTER || trap_last.vector == TRAP_UD ||
	      trap_last.vector == TRAP_GP);
	CHECK_EQ(trap_last.cs & 3, 3);
}

CLAIM(canonical_edge, "a jump to the edge of the canonical half, and over it, is a fault in user "
      "mode")
{
	/* A SYSCALL there would return to 0x800000000000 (XSA-7); nothing is mapped, so jump. */
	USER_RUN(jump, 0x7ffffffffffe);
	CHECK_EQ(trap_last.vector, TRAP_PF);
	USER_RUN(jump, 0x800000000000);
	CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK_EQ(trap_last.cs & 3, 3);
}

CLAIM(gs_base, "each mode has its own GS base: user mode sees SEGBASE_GS_USER, and the kernel's is "
      "back afterwards")
{
	static uint64_t kernel_word = 0x1111;
	uint64_t v = 0;

	user_setup();
	*(volatile uint64_t *)(USER_DATA + 0x40) = 0x2222;
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_KERNEL, &kernel_word));
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_USER, USER_DATA + 0x40));
	USER_RUN(gs, 0);
	CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
	CHECK_EQ(trap_last.rax, 0x2222);
	asm volatile("mov %%gs:0, %0" : "=r"(v) : : "memory");
	CHECK_EQ(v, 0x1111);
}

CLAIM(fs_base, "the FS base set with set_segment_base is the one user mode runs with")
{
	user_setup();
	*(volatile uint64_t *)(USER_DATA + 0x80) = 0x3333;
	CHECK_OK(HC2(set_segment_base, SEGBASE_FS, USER_DATA + 0x80));
	USER_RUN(fs, 0);
	CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
	CHECK_EQ(trap_last.rax, 0x3333);
}

CLAIM(same_page_table_walk, "the kernel reads and writes user memory through the user half of its "
      "own tables")
{
	uint64_t v;

	user_setup();
	CHECK(try_write((void *)USER_DATA, 0x99));
	CHECK(try_read((void *)USER_DATA, &v));
	CHECK_EQ(v, 0x99);
	CHECK(!try_write((void *)USER_CODE, 0));
	CHECK_EQ(trap_last.error, 3);		/* the kernel faults: no U bit */
}
