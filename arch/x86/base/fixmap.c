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

/* Why @maddr is not mapped, or NULL. */
static const char *is_no_device(u64 maddr)
{
	if (maddr >= address_end())
		return "beyond what the processor can address";
	return !fixmap_is_memory || fixmap_is_memory(maddr) ? "that is RAM" : NULL;
}

volatile void *fixmap_device(enum fixmap which, u64 maddr, const char **why)
{
	u64 va = VA_FIXMAP + ((u64)which << PAGE_SHIFT);

	*why = is_no_device(maddr);
	if (*why)
		return NULL;
	pte_write(&fixmap_l1[which], pte_make(maddr_to_mfn(maddr), PAGE_HV_UC));
	hang_in();
	return (volatile void *)(va + maddr % PAGE_SIZE);
}

#define LARGE_PAGE (1ul << L2_SHIFT)
#define LARGE_WC   (PAGE_HV_RW | PTE_PS | 1ul << 12) /* bit 12: PAT, of a large page */

/*
 * Index 4 of the PAT is write-combining once cpu_init() has set it; before that it is write-back,
 * and what the MTRRs say of a device, uncached or write-combining, is stricter.
 */
volatile void *fixmap_frame_buffer(u64 maddr, u64 bytes, const char **why)
{
	u64 start = maddr & ~(LARGE_PAGE - 1), end = ROUNDUP(maddr + bytes, LARGE_PAGE);
	pte_t *l2 = table_of(VA_SCREEN, 2);

	*why = "of such a size and place";
	if (bytes > SCREEN_BYTES || maddr >= address_end() || end - start > SCREEN_BYTES)
		return NULL;
	for (u64 at = start; at < end; at += PAGE_SIZE) {
		*why = is_no_device(at);
		if (*why)
			return NULL;
	}
	for (u64 at = start; at < end; at += LARGE_PAGE)
		pte_write(&l2[pt_index(VA_SCREEN + (at - start), 2)],
			  pte_make(maddr_to_mfn(at), LARGE_WC));
	return (volatile void *)(VA_SCREEN + (maddr - start));
}
