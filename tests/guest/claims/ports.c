/* SPDX-License-Identifier: MIT */
/*
 * Ports and IF: the instructions governed by IOPL.
 *
 * The rule: IN, OUT, CLI and STI work for the kernel as its virtual IOPL or its bitmap says, and
 * are #GP otherwise; none of them changes the real IF or the upcall mask. The guest tries each with
 * and without permission.
 */
#define TOPIC "ports"
#include "../claim.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

/* Virtual IOPL of vCPU 0. */
static void set_iopl(unsigned int level)
{
	struct physdev_set_iopl iopl = { .iopl = level };

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
}

CLAIM(cli_sti, "cli and sti are silent when IOPL allows, and touch neither IF nor the upcall mask")
{
	uint64_t flags;

	set_iopl(1);
	CHECK_NO_TRAP("cli", : : : "memory");
	asm volatile("pushfq; pop %0" : "=r"(flags));
	CHECK_EQ(flags & 0x200, 0x200);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
	CHECK_NO_TRAP("sti", : : : "memory");
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
}

CLAIM(cli_without_iopl, "cli without IOPL is #GP")
{
	CHECK_TRAP(TRAP_GP, "cli", : : : "memory");
	CHECK_TRAP(TRAP_GP, "sti", : : : "memory");
}

CLAIM(popf_if, "popf cannot clear IF nor set IOPL")
{
	uint64_t flags;

	asm volatile("pushq $0x3002; popfq; pushfq; pop %0; pushq $0x202; popfq"
		     : "=r"(flags) : : "cc");
	CHECK_EQ(flags & 0x3200, 0x200);
}

CLAIM(ports_without_iopl, "port access without IOPL or bitmap is #GP at the instruction")
{
	CHECK_TRAP(TRAP_GP, "in $0x80, %%al", : : : "rax", "memory");
	CHECK_TRAP(TRAP_GP, "out %%al, $0x80", : : : "memory");
	CHECK_TRAP(TRAP_GP, "in %%dx, %%eax", : : "d"(0xcf8) : "rax", "memory");
}

CLAIM(ports_with_iopl, "with IOPL 1 the kernel reads and writes ports of every width")
{
	uint64_t rax = 0x1122334455667788;

	set_iopl(1);
	CHECK_NO_TRAP("out %%al, $0x80", : : : "memory");
	CHECK_NO_TRAP("in $0x80, %%al", : "+a"(rax) : : "memory");
	CHECK_EQ(rax >> 8, 0x1122334455667788 >> 8);	/* al only */
	rax = 0x1122334455667788;
	CHECK_NO_TRAP("in %%dx, %%ax", : "+a"(rax) : "d"(0x80) : "memory");
	CHECK_EQ(rax >> 16, 0x112233445566);
	CHECK_NO_TRAP("in %%dx, %%eax", : "+a"(rax) : "d"(0x80) : "memory");
	CHECK_EQ(rax >> 32, 0);				/* 32-bit results clear the upper half */
}

CLAIM(ports_with_bitmap, "with set_iobitmap the kernel reaches exactly the ports whose bits are "
      "clear")
{
	struct physdev_set_iobitmap b = { .nr_ports = 0x100 };
	uint8_t *bits = page_alloc();

	memset(bits, 0xff, PAGE_BYTES);
	bits[0x80 / 8] &= (uint8_t)~1;
	b.bitmap.p = bits;
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iobitmap, &b));
	CHECK_NO_TRAP("in $0x80, %%al", : : : "rax", "memory");
	CHECK_TRAP(TRAP_GP, "in $0x81, %%al", : : : "rax", "memory");
	CHECK_TRAP(TRAP_GP, "in $0x80, %%ax", : : : "rax", "memory");	/* needs 0x81 as well */
	CHECK_TRAP(TRAP_GP, "in %%dx, %%al", : : "d"(0x180) : "rax", "memory");
	b.nr_ports = 0;
	b.bitmap.p = NULL;
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iobitmap, &b));
	CHECK_TRAP(TRAP_GP, "in $0x80, %%al", : : : "rax", "memory");
}

CLAIM(pci_address_latch, "port CF8 keeps the dword written to it")
{
	uint32_t v = 0;

	set_iopl(1);
	CHECK_NO_TRAP("out %%eax, %%dx", : : "a"(0x80000000u), "d"(0xcf8) : "memory");
	CHECK_NO_TRAP("in %%dx, %%eax", : "+a"(v) : "d"(0xcf8) : "memory");
	CHECK_EQ(v, 0x80000000u);
}

CLAIM(console_uart_hidden, "the UART the hypervisor uses itself reads as all ones")
{
	uint8_t v = 0;

	set_iopl(1);
	CHECK_NO_TRAP("in %%dx, %%al", : "+a"(v) : "d"(0x3fd) : "memory");
	CHECK_EQ(v, 0xff);
}

CLAIM(string_io, "outsb and insb move bytes between ports and memory, with rep too, and fault on "
      "bad memory")
{
	uint8_t buffer[4] = { 1, 2, 3, 4 };
	uint8_t *p = buffer;
	uint64_t n = 4;

	set_iopl(1);
	CHECK_NO_TRAP("rep outsb", : "+S"(p), "+c"(n) : "d"(0x80) : "memory");
	CHECK_EQ(n, 0);
	CHECK_EQ(p - buffer, 4);
	p = buffer;
	CHECK_NO_TRAP("insb", : "+D"(p) : "d"(0x80) : "memory");
	CHECK_EQ(p - buffer, 1);
	p = UNMAPPED_POINTER;
	CHECK_TRAP(TRAP_PF, "outsb", : "+S"(p) : "d"(0x80) : "memory");
	CHECK_EQ(trap_last.cr2, (uint64_t)UNMAPPED_POINTER);
}
