/* SPDX-License-Identifier: MIT */
/*
 * Addresses behind which there is nothing: kernels probe for devices there.
 */
#define TOPIC "holes"
#include "claim.h"
#include "machine.h"
#include <xen/memory.h>

#define NOTHING 0xe0000000ul

CLAIM(loads, "loads of 1 to 8 bytes give ones, and change as much of a register as they do of RAM")
{
	uint64_t a = 0x1111111111111111, b = a, c = a, d = a;

	asm volatile("movb (%1), %b0" : "+a"(a) : "r"(NOTHING));
	CHECK_EQ(a, 0x11111111111111ff);
	asm volatile("movw 2(%1), %w0" : "+b"(b) : "r"(NOTHING));
	CHECK_EQ(b, 0x111111111111ffff);
	asm volatile("movl 4(%1), %k0" : "+c"(c) : "r"(NOTHING));
	CHECK_EQ(c, 0xffffffff);
	asm volatile("movq 8(%1), %0" : "+d"(d) : "r"(NOTHING));
	CHECK_EQ(d, ~0ul);
	asm volatile("movb 1(%1), %h0" : "+Q"(a) : "b"(NOTHING));
	CHECK_EQ(a, 0x111111111111ffff);
}

/* By MOV: what compares with memory is not carried out. */
#define STORE(suffix, reg, offset) \
	asm volatile("mov" suffix " %" reg "0, %c1(%2)" \
		     : : "r"(0x123456789abcdef0), "i"(offset), "r"(NOTHING) : "memory")

CLAIM(stores, "stores vanish, whatever their size")
{
	uint64_t found = 0;

	STORE("b", "b", 0);
	STORE("w", "w", 0);
	STORE("l", "k", 4092);
	STORE("q", "", 4088);
	asm volatile("movb $0, (%1); movq $0, 8(%1); movq (%1), %0" : "=&r"(found) : "r"(NOTHING));
	CHECK_EQ(found, ~0ul);
	asm volatile("movq 4088(%1), %0" : "=r"(found) : "r"(NOTHING));
	CHECK_EQ(found, ~0ul);
}

CLAIM(balloon, "a page that is given back is a hole, once; another comes in its place")
{
	volatile uint64_t *page = page_alloc();
	xen_pfn_t gfn = (uint64_t)page >> 12;
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	uint64_t found;

	set_xen_guest_handle(r.extent_start, &gfn);
	*page = 0x1234;
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 1);
	asm volatile("movq (%1), %0" : "=r"(found) : "r"(page) : "memory");
	CHECK_EQ(found, ~0ul);
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 0);
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 0);
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 1);
	*page = 0x5678;
	CHECK_EQ(*page, 0x5678);
}
