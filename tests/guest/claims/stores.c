/* SPDX-License-Identifier: MIT */
/*
 * Stores: ordinary instructions that write to an L1 table through its read-only mapping.
 *
 * The rule: the hypervisor carries them out as if they were mmu_update, with the instruction's own
 * result and flags, or the guest sees the page fault it would have seen. The guest uses the forms
 * kernels use (mov, xchg, lock cmpxchg, byte-wide lock and, bit operations), then values that
 * mmu_update would refuse, then tables of other levels.
 */
#define TOPIC "stores"
#include "../claim.h"
#include "../memory.h"
#include "../traps.h"

/* The L1 entry of window(0), through the read-only mapping of its table: stores are emulated. */
static volatile uint64_t *direct_entry(void)
{
	volatile uint64_t *e = (volatile uint64_t *)entry_of(window(0), 1);

	CHECK_EQ(l1e(e) & PTE_RW, 0);
	return e;
}

CLAIM(mov, "a plain store to an L1 entry in a read-only table is carried out as an update")
{
	volatile uint64_t *e = direct_entry();
	uint64_t *page = page_alloc(), v;

	page[0] = 0x3c3c;
	CHECK_NO_TRAP("movq %1, %0", : "=m"(*e) : "r"(rw_pte(page)) : "memory");
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK_EQ(*(volatile uint64_t *)window(0), 0x3c3c);
	CHECK_NO_TRAP("movq $0, %0", : "=m"(*e) : : "memory");
	CHECK_EQ(*e, 0);
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK(!try_read(window(0), &v));
}

CLAIM(xchg, "xchg with an L1 entry returns the old entry and stores the new one")
{
	volatile uint64_t *e = direct_entry();
	uint64_t old = *e, v = 0;

	CHECK_NO_TRAP("xchgq %0, (%1)", : "+r"(v) : "r"(e) : "memory");
	CHECK_EQ(v & ~(PTE_A | PTE_D), old & ~(PTE_A | PTE_D));
	CHECK_EQ(*e, 0);
	CHECK_NO_TRAP("xchgq %0, (%1)", : "+r"(v) : "r"(e) : "memory");
	CHECK_EQ(v, 0);
	CHECK_EQ(*e & ~(PTE_A | PTE_D), old & ~(PTE_A | PTE_D));
}

/* Entry @e, by way of @base and @disp, and the value @v in @reg are swapped. */
#define SWAP(reg, base, disp, e, v)							\
	CHECK_NO_TRAP("mov %0, %%" #reg "; lea -(" #disp ")(%1), %%" #base "; "		\
		      "xchgq %%" #reg ", " #disp "(%%" #base "); mov %%" #reg ", %0",	\
		      : "+a"(v) : "d"(e) : #reg, #base, "memory")

CLAIM(operands,
      "xchg with an L1 entry finds old and new registers, and displacements of both sizes")
{
	volatile uint64_t *e = direct_entry();
	const uint64_t old = *e & ~(PTE_A | PTE_D);
	uint64_t v = 0;

	SWAP(rbx, rsi, 0, e, v);
	CHECK_EQ(v & ~(PTE_A | PTE_D), old);
	SWAP(r15, rdi, 0x7f, e, v);
	CHECK_EQ(v, 0);
	SWAP(r12, r14, 0x1234567, e, v);
	CHECK_EQ(v & ~(PTE_A | PTE_D), old);
	SWAP(rcx, r13, 0x10, e, v);
	CHECK_EQ(v, 0);
	SWAP(r8, r9, -0x80, e, v);
	CHECK_EQ(v & ~(PTE_A | PTE_D), old);
	SWAP(r11, r10, -0x1234567, e, v);
	CHECK_EQ(v, 0);
	CHECK_EQ(*e & ~(PTE_A | PTE_D), old);
}

CLAIM(cmpxchg, "lock cmpxchg on an L1 entry succeeds when the value matches and reports it "
      "when not")
{
	volatile uint64_t *e = direct_entry();
	uint64_t old = *e, rax = old, fresh = (old & ~PTE_RW) | 0x200;
	uint8_t equal = 0;

	CHECK_NO_TRAP("lock cmpxchgq %3, (%2); sete %1", : "+a"(rax), "+q"(equal)
		      : "r"(e), "r"(fresh) : "memory", "cc");
	CHECK_EQ(equal, 1);
	CHECK_EQ(*e, fresh);
	rax = 0x1234;
	CHECK_NO_TRAP("lock cmpxchgq %3, (%2); sete %1", : "+a"(rax), "+q"(equal)
		      : "r"(e), "r"(old) : "memory", "cc");
	CHECK_EQ(equal, 0);
	CHECK_EQ(rax, fresh);
	CHECK_EQ(*e, fresh);
}

CLAIM(lock_and_byte, "lock and on one byte of an L1 entry changes that byte only: write "
      "protection as fork does it")
{
	volatile uint64_t *e = direct_entry();
	uint64_t old = *e;

	CHECK_EQ(old & PTE_RW, PTE_RW);
	CHECK_NO_TRAP("lock andb $0xfd, (%0)", : : "r"(e) : "memory", "cc");
	CHECK_EQ(*e, old & ~PTE_RW);
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK(!try_write(window(0), 1));
	CHECK_EQ(trap_last.error, 3);
	CHECK_NO_TRAP("lock orb $2, (%0)", : : "r"(e) : "memory", "cc");
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK(try_write(window(0), 1));
}

CLAIM(bit_ops, "lock btr, bts, or and and of a quadword on an L1 entry work, flags included")
{
	volatile uint64_t *e = direct_entry();
	uint8_t carry = 0;

	CHECK_NO_TRAP("lock btsq $9, (%1); setc %0", : "+q"(carry) : "r"(e) : "memory", "cc");
	CHECK_EQ(carry, 0);
	CHECK_EQ(*e & 0x200, 0x200);
	CHECK_NO_TRAP("lock btrq $9, (%1); setc %0", : "+q"(carry) : "r"(e) : "memory", "cc");
	CHECK_EQ(carry, 1);
	CHECK_EQ(*e & 0x200, 0);
	CHECK_NO_TRAP("lock orq $0x400, (%0)", : : "r"(e) : "memory", "cc");
	CHECK_EQ(*e & 0x400, 0x400);
	CHECK_NO_TRAP("lock andq $-1025, (%0)", : : "r"(e) : "memory", "cc");
	CHECK_EQ(*e & 0x400, 0);
}

CLAIM(bad, "a direct store of an entry that mmu_update would refuse is a page fault at the "
      "instruction, and changes nothing")
{
	volatile uint64_t *e = direct_entry();
	uint64_t old = *e;
	const uint64_t bad[] = {
		make_pte(NOBODYS_MFN, PTE_RW_PAGE), make_pte(l4_mfn(), PTE_RW_PAGE),
		old | 1ul << 51,
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_TRAP(TRAP_PF, "movq %0, (%1)", : : "r"(bad[i]), "r"(e) : "memory");
		CHECK_EQ(trap_last.error, 3);
		CHECK_EQ(trap_last.cr2, (uint64_t)e);
		CHECK_EQ(*e & ~(PTE_A | PTE_D), old & ~(PTE_A | PTE_D));
	}
}

CLAIM(misaligned, "a store across two L1 entries is refused with a fault")
{
	volatile uint8_t *e = (volatile uint8_t *)direct_entry();
	uint64_t before = *(volatile uint64_t *)e;

	CHECK_TRAP(TRAP_PF, "movq %0, (%1)", : : "r"(0ul), "r"(e + 4) : "memory");
	CHECK_EQ(*(volatile uint64_t *)e & ~(PTE_A | PTE_D), before & ~(PTE_A | PTE_D));
}

CLAIM(upper, "direct stores to L2, L3 and L4 entries are page faults, even of the value "
      "that is there")
{
	for (unsigned int level = 2; level <= 4; level++) {
		volatile uint64_t *e = (volatile uint64_t *)entry_of(window(0), level);

		CHECK_TRAP(TRAP_PF, "movq %0, (%1)", : : "r"(*e), "r"(e) : "memory");
		CHECK_EQ(trap_last.error, 3);
	}
}
