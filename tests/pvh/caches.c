/* SPDX-License-Identifier: MIT */
/*
 * WBINVD: that nothing is lost; and, for a log to be compared with, how much has been touched
 * before each, which ends nothing.
 */
#define TOPIC "caches"
#include "claim.h"
#include "machine.h"
#include "text.h"

#define PAGE 4096ul
#define LARGE (2ul << 20)
/* RAM that nobody uses, with 2 MiB of it behind each leaf. */
#define FREE (12ul << 20)

static inline void wbinvd(void) { asm volatile("wbinvd" : : : "memory"); }
static inline void invd(void) { asm volatile("invd" : : : "memory"); }

CLAIM(kept, "WBINVD and INVD lose nothing that has been written")
{
	volatile uint64_t *page = page_alloc();

	*page = 0x1234;
	if (on_isola)			/* on Xen 4.17 under QEMU it is #GP */
		invd();
	CHECK_EQ(*page, 0x1234);
	*page = 0x5678;
	wbinvd();
	CHECK_EQ(*page, 0x5678);
}

static uint64_t ticks(void)
{
	uint32_t lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

/* @nr of the free leaves are touched, one byte of each: read, then written. */
static void touch(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		volatile uint8_t *byte = (volatile uint8_t *)(FREE + i * LARGE + i * PAGE);

		*byte = *byte + 1;
	}
}

ATTACK(caches, "caches", "WBINVD, with so many leaves of 2 MiB touched before")
{
	static const unsigned char nr[] = { 0, 0, 1, 3, 5, 0, 2 };

	wbinvd();
	for (unsigned i = 0; i < sizeof(nr); i++) {
		uint64_t before = ticks(), touched;

		touch(nr[i]);
		touched = ticks();
		wbinvd();
		print("# caches %u: %lu %lu\n", nr[i], touched - before, ticks() - touched);
	}
	/* By a hypercall, to memory that nobody has touched. */
	HC2(xen_version, XENVER_extraversion, (void *)(FREE + 7 * LARGE));
	wbinvd();
	print("# caches end\n");
}
