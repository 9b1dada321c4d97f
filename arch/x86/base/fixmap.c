/* SPDX-License-Identifier: MIT */
/*
 * The fixmap. Entries go from absent to present only, before a second CPU runs: no flush is due.
 */
#include <asm/fixmap.h>
#include <asm/insn.h>
#include <asm/layout.h>
#include <asm/pgentry.h>

static pte_t fixmap_l1[PT_ENTRIES] __aligned(PAGE_SIZE);

bool (*fixmap_is_memory)(u64 maddr);

static u64 address_end(void)
{
	unsigned bits = 36;

	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		bits = cpuid(0x80000008, 0).eax & 0xff;
	return 1ul << min(bits, 52u);
}

/* The table of @level that the loaded root has for @va of the image's GiB. */
static pte_t *table_of(u64 va, unsigned level)
{
	pte_t *table = public_ptr(maddr_to_mfn(read_cr3()));

	for (unsigned l = 4; l > level; l--)
		table = public_ptr(pte_mfn(table[pt_index(va, l)]));
	return table;
}

/* Every root shares the image's L2. */
static void hang_in(void)
{
	u64 va = (u64)fixmap_l1;
	mfn_t l1 = pte_mfn(table_of(va, 1)[pt_index(va, 1)]);

	pte_write(&table_of(VA_FIXMAP, 2)[pt_index(VA_FIXMAP, 2)], pte_make(l1, PAGE_HV_TABLE));
}

volatile void *fixmap_device(enum fixmap which, u64 maddr, const char **why)
{
	u64 va = VA_FIXMAP + ((u64)which << PAGE_SHIFT);

	if (maddr >= address_end())
		*why = "beyond what the processor can address";
	else if (!fixmap_is_memory || fixmap_is_memory(maddr))
		*why = "that is RAM";
	else
		*why = NULL;
	if (*why)
		return NULL;
	pte_write(&fixmap_l1[which], pte_make(maddr_to_mfn(maddr), PAGE_HV_UC));
	hang_in();
	return (volatile void *)(va + maddr % PAGE_SIZE);
}
