/* SPDX-License-Identifier: MIT */
/*
 * Values: numbers near borders, frame numbers, entries and addresses, none of which can hurt the
 * control memory. Random by vCPU, operation and seed alone, so that a run can be repeated.
 */
#include "hfuzz.h"

uint64_t rnd(struct me *m)	/* xorshift64* */
{
	uint64_t x = m->rng;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	m->rng = x;
	return (x * 0x2545f4914f6cdd1dul) >> 16 | x << 48;
}

uint64_t border(struct me *m)
{
	static const uint64_t base[] = {
		0, 1, 2, 8, 64, 128, 255, 256, 511, 512, 4095, 4096, 0x7fff, 0x8000, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1ul << 39, 1ul << 40,
		1ul << 46, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0xffff7fffffffffff,
		0xffff800000000000, 0xffff87ffffffffff, 0xffff880000000000, 1ul << 52, 1ul << 62,
		1ul << 63, ~0ul,
	};

	switch (below(m, 4)) {
	case 0:
		return rnd(m);
	case 1:
		return PICK(m, base) + below(m, 5) - 2;
	case 2:
		return rnd(m) >> below(m, 64);
	default:
		return below(m, 40);
	}
}

/*
 * Neither half may read as a control frame's number or as an entry's low half that names one: then
 * no mixture of halves, written in whatever order, is an entry with a control frame.
 */
static uint64_t harmless(uint64_t x)
{
	uint32_t half[2] = { (uint32_t)x, (uint32_t)(x >> 32) };

	for (unsigned int i = 0; i < 2; i++)
		if (is_control(half[i]) || is_control(half[i] >> 12))
			half[i] |= 0x40000000;	/* nothing has such a number or address */
	return (uint64_t)half[1] << 32 | half[0];
}

uint64_t word(struct me *m)
{
	return harmless(one_in(m, 3) ? border(m) : entry(m, 1 + (unsigned int)below(m, 4)));
}

uint64_t entry(struct me *m, unsigned int level)
{
	static const uint64_t table_flags[] = {
		PTE_TABLE, PTE_TABLE, PTE_TABLE, PTE_TABLE, PTE_TABLE | PTE_NX, PTE_RO_PAGE, PTE_P,
		PTE_TABLE | PTE_PS, PTE_TABLE | PTE_G, PTE_TABLE | PTE_PCD, PTE_TABLE | PTE_AVAIL,
	};
	static const uint64_t page_flags[] = {
		PTE_RW_PAGE, PTE_RW_PAGE, PTE_RW_PAGE, PTE_RO_PAGE, PTE_RO_PAGE,
		PTE_RW_PAGE | PTE_NX, PTE_RO_PAGE | PTE_NX, PTE_P, PTE_P | PTE_RW,
		PTE_RW_PAGE | PTE_G, PTE_RW_PAGE | PTE_PCD, PTE_RO_PAGE | PTE_PS,
		PTE_RW_PAGE | PTE_PWT | PTE_PCD, PTE_RW_PAGE | 1ul << 52, PTE_RW_PAGE | PTE_AVAIL,
		PTE_RW_PAGE | 1ul << 62,
	};
	unsigned int kind = (unsigned int)below(m, 16);

	if (kind < 2)
		return 0;
	if (kind == 2)
		return harmless(border(m)) & ~PTE_P;
	if (kind == 3)
		return harmless(border(m)) | PTE_P;
	if (level > 1)
		return make_pte(any_mfn(m, level - 1), PICK(m, table_flags));
	return make_pte(kind == 4 ? io_mfn(m) : any_mfn(m, 0), PICK(m, page_flags));
}

uint64_t bad_address(struct me *m)
{
	static const uint64_t bad[] = {
		0,
		8,
		0x7f0000001000,
		0x7ffffffffff8,
		0x7fffffffffff,
		0x800000000000,
		0x900000001000,
		0xffff7ffffffffff8,
		0xffff800000000000,
		0xffff800000001ff8,
		0xffff808000000000,
		0xffff82d080200000,
		0xffff830000001000,
		0xffff830000100000,
		0xffff87fffffffff8,
		0xffff87ffffffffff,
		0xfffffffffffffff8,
		~0ul,
	};

	return PICK(m, bad);
}

uint64_t code_address(struct me *m)
{
	static const uint64_t nothing[] = {
		0x7f0000001000, 0x7ffffffff000, 0xfffffe0000001000, 0xffff82d080200000,
		0xffff800000000000, 0x900000001000, 0x800000000000, 0xffff87fffffffff8,
	};

	return PICK(m, nothing);
}

uint16_t any_domid(struct me *m)
{
	static const uint16_t other[] = {
		0, 0, 1, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, DOMID_IDLE, 0x7fef, 0xffff,
	};

	return one_in(m, 6) ? PICK(m, other) : DOMID_SELF;
}

uint32_t any_port(struct me *m)
{
	static const uint32_t odd[] = {
		0, 1023, 1024, 4095, 4096, 4097, 131071, 131072, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	uint32_t port = one_in(m, 8) ? PICK(m, odd) : (uint32_t)below(m, one_in(m, 4) ? 4096 : 48);

	for (unsigned int i = 0; i < nr_cpus; i++)
		if (port == areas[i].me.timer_port)
			return port + 64;
	return port;
}

uint16_t any_selector(struct me *m)
{
	static const uint16_t known[] = {
		0,
		1,
		2,
		3,
		FLAT_KERNEL_CS,
		FLAT_KERNEL_DS,
		FLAT_USER_CS,
		FLAT_RING3_CS32,
		FLAT_RING3_DS32,
		FLAT_RING3_SS64,
		0xe008,
		0xe010,
		0xe040,
		0xfff8,
		0xffff,
		7,
		15,
		0xdfff,
	};

	return one_in(m, 3) ? (uint16_t)(below(m, 64) * 8 + below(m, 8)) : PICK(m, known);
}

/* Those that fuzz, those that may be put down for good, and a few that there are not. */
unsigned int any_vcpu(struct me *m)
{
	static const unsigned int odd[] = { 31, 32, 64, 0x7fffffff, 0xffffffff };

	return one_in(m, 12) ? PICK(m, odd) : (unsigned int)below(m, nr_vcpus + 1);
}
