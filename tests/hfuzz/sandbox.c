/* SPDX-License-Identifier: MIT */
/*
 * The sandbox: the frames, addresses and table entries that operations may do anything with.
 *
 * Frames: NR_SAND of our own, each with a "home" address in the initial mapping whose L1 entry may
 * be changed at will; NR_WINS more such addresses; NR_ROOTS pinned L4 tables whose last slot is
 * never touched, so that each may be loaded as the base pointer. All other frames that we were
 * given are control memory: is_control(). Frames that come later replace sandbox frames that were
 * given back.
 */
#include "hfuzz.h"

#define MAX_MFN 0x100000ul		/* machines of the fuzz have less than 4 GiB */

static uint8_t sand[NR_SAND][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static uint8_t wins[NR_WINS][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static uint64_t roots[NR_ROOTS][512] __attribute__((aligned(PAGE_BYTES)));
static uint64_t root[NR_ROOTS + 1];	/* their frames, and the bootstrap L4's */
static uint64_t home_entry[NR_SAND + NR_WINS];	/* machine addresses of L1 entries */
static uint8_t control[MAX_MFN / 8];
volatile uint64_t sand_frame[NR_SAND];

bool is_control(uint64_t mfn)
{
	return mfn < MAX_MFN && control[mfn / 8] >> mfn % 8 & 1;
}

static void *home(unsigned int i)
{
	return i < NR_SAND ? sand[i] : wins[i - NR_SAND];
}

static void root_init(unsigned int i)
{
	roots[i][KEPT_SLOT] = *l4_slot(KEPT_SLOT);
	MUST(make_readonly(roots[i]));
	MUST(mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(roots[i]), 0));
	root[i] = mfn_of(roots[i]);
}

void sandbox_init(void)
{
	for (unsigned long pfn = 0; pfn < start->nr_pages; pfn++)
		if (mfn_of_pfn(pfn) < MAX_MFN)
			control[mfn_of_pfn(pfn) / 8] |= 1u << mfn_of_pfn(pfn) % 8;
	for (unsigned int i = 0; i < NR_SAND + NR_WINS; i++)
		home_entry[i] = maddr_of(entry_of(home(i), 1));
	for (unsigned int i = 0; i < NR_SAND; i++) {
		sand_frame[i] = mfn_of(sand[i]);
		control[sand_frame[i] / 8] &= ~(1u << sand_frame[i] % 8);
	}
	for (unsigned int i = 0; i < NR_ROOTS; i++)
		root_init(i);
	root[NR_ROOTS] = l4_mfn();
}

/* Frames by what they are mostly used for: half for data, then l1, l2, l3, l4. */
static unsigned int slot_for(struct me *m, unsigned int level)
{
	static const struct { uint8_t first, nr; } part[5] = {
		{ 0, 40 }, { 40, 20 }, { 60, 14 }, { 74, 12 }, { 86, 10 },
	};

	if (one_in(m, 8))
		return (unsigned int)below(m, NR_SAND);
	return part[level].first + (unsigned int)below(m, part[level].nr);
}

uint64_t sand_mfn(struct me *m, unsigned int level)
{
	return sand_frame[slot_for(m, level)] ?: NOBODYS_MFN;
}

uint64_t sand_home(struct me *m, unsigned int level, uint64_t *mfn)
{
	unsigned int i = slot_for(m, level);

	*mfn = sand_frame[i] ?: NOBODYS_MFN;
	return ARG(sand[i]);
}

uint64_t home_of(uint64_t mfn)
{
	for (unsigned int i = 0; i < NR_SAND; i++)
		if (mfn && sand_frame[i] == mfn)
			return ARG(sand[i]);
	return 0;
}

uint64_t io_mfn(struct me *m)
{
	static const uint64_t io[] = {
		0xa0, 0xb8, 0xbf, 0xc0, 0xf0, 0xff, 0xd0000, 0xdffff, 0xfec00, 0xfec01, 0xfed00,
		0xfee00, 0xfeeff, 0xff000, 0x200000, 0xfffffff, 0x10000000, NOBODYS_MFN,
	};

	return io[below(m, sizeof(io) / sizeof(io[0]))];
}

uint64_t any_mfn(struct me *m, unsigned int level)
{
	static const uint64_t odd[] = {
		0, 1, 0x7f, 0x80, 0x9f, 0x100, 0x101, 0x200, 0x300, 0xfffff, NOBODYS_MFN,
		~0ul >> 12, ~0ul,
	};
	uint64_t mfn;

	switch (below(m, 24)) {
	case 0:
		mfn = odd[below(m, sizeof(odd) / sizeof(odd[0]))];
		break;
	case 1:
		mfn = rnd(m) >> below(m, 64);
		break;
	case 2:
		mfn = start->shared_info / PAGE_BYTES;
		break;
	case 3:
		mfn = io_mfn(m);
		break;
	case 4:
		mfn = sand_mfn(m, (unsigned int)below(m, 5));
		break;
	default:
		return sand_mfn(m, level);
	}
	return is_control(mfn) ? sand_mfn(m, level) : mfn;
}

uint64_t refused_mfn(struct me *m)
{
	return one_in(m, 2) ? mfn_of(&control) : any_mfn(m, (unsigned int)below(m, 5));
}

uint64_t root_mfn(struct me *m)
{
	return root[below(m, NR_ROOTS + 1)];
}

bool is_loadable(uint64_t mfn)
{
	for (unsigned int i = 0; i <= NR_ROOTS; i++)
		if (root[i] == mfn)
			return true;
	return false;
}

uint64_t sand_page(struct me *m)
{
	return ARG(home((unsigned int)below(m, NR_SAND + NR_WINS)));
}

/* Slots of tables that are used: few, so that an address may have a table at each level. */
static unsigned int table_slot(struct me *m)
{
	return (unsigned int)below(m, one_in(m, 6) ? 512 : 4);
}

/* Of roots: three that are used as others' are, and those at borders. */
static const uint16_t root_slots[] = {
	1, 2, 3, 0, 100, 254, 255, 256, 258, 262, 271, 272, 273, 510,
};
#define NR_ROOT_SLOTS (sizeof(root_slots) / sizeof(root_slots[0]))

static unsigned int root_slot(struct me *m)
{
	return root_slots[below(m, one_in(m, 4) ? NR_ROOT_SLOTS : 3)];
}

uint64_t sand_address(struct me *m)
{
	uint64_t slot;

	if (one_in(m, 2))
		return sand_page(m) + 8 * table_slot(m);
	slot = 1 + below(m, 3);
	return slot << 39 | (uint64_t)table_slot(m) << 30 | (uint64_t)table_slot(m) << 21 |
	       (uint64_t)table_slot(m) << 12 | 8 * below(m, 512);
}

uint64_t entry_address(struct me *m, unsigned int *level)
{
	static const uint64_t odd[] = {
		0, 0x80000, 0x100000, 0xfee00000, NOBODYS_MFN << 12, ~7ul,
	};

	*level = 1;
	switch (below(m, 12)) {
	case 0: case 1: case 2:
		return home_entry[below(m, NR_SAND + NR_WINS)];
	case 3:
		*level = 4;
		return root_mfn(m) * PAGE_BYTES + 8 * root_slot(m);
	case 4:
		if (one_in(m, 4))
			return odd[below(m, sizeof(odd) / sizeof(odd[0]))];
		/* fall through */
	default:
		*level = 1 + (unsigned int)below(m, 4);
		return sand_mfn(m, *level) * PAGE_BYTES + 8 * table_slot(m);
	}
}

/* ---- Alone, between two stretches ---- */

/* Is it still ours? Only an owner may name a frame. */
static bool is_ours(uint64_t mfn, unsigned int i)
{
	return !mmu_update(mfn * PAGE_BYTES | MMU_MACHPHYS_UPDATE, pfn_of(sand[i]));
}

static void get_back(unsigned int i)
{
	xen_pfn_t frame = pfn_of(sand[i]);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = &frame;
	if (HC2(memory_op, XENMEM_populate_physmap, &r) == 1)
		sand_frame[i] = frame;
}

static const volatile uint64_t *root_entry(unsigned int i, unsigned int slot)
{
	return i < NR_ROOTS ? &roots[i][slot] : l4_slot(slot);
}

/* Everything undone that can be: a world that is full of pinned tables has few moves left. */
static void clean(void)
{
	for (unsigned int s = 0; s < NR_ROOT_SLOTS; s++)
		for (unsigned int i = 0; i <= NR_ROOTS; i++)
			if (*root_entry(i, root_slots[s]) & PTE_P)
				mmu_update(root[i] * PAGE_BYTES + 8 * root_slots[s], 0);
	for (unsigned int i = 0; i < NR_SAND + NR_WINS; i++)
		remap(home(i), 0);
	for (unsigned int i = 0; i < NR_SAND; i++)
		mmuext(MMUEXT_UNPIN_TABLE, sand_frame[i], 0);
	for (unsigned int i = 0; i < NR_SAND; i++)
		remap(sand[i], make_pte(sand_frame[i], PTE_RW_PAGE));
}

void sandbox_heal(struct me *m)
{
	for (unsigned int i = 0; i < NR_SAND; i++) {
		if (sand_frame[i] && !is_ours(sand_frame[i], i))
			sand_frame[i] = 0;
		if (!sand_frame[i])
			get_back(i);
	}
	if (one_in(m, 3))
		clean();
}
