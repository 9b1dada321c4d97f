/* SPDX-License-Identifier: MIT */
/*
 * The view: what an unpacker has left, in one piece, although its frames are not. Slot 261 of the
 * boot root alone, read-only, while a kernel is loaded from there. Its tables are pages of the
 * general pool, which this root shows, so that the public heap does not grow by them.
 */
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/unpack_record.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/root.h>
#include <asm/unpack.h>
#include <asm/window.h>

static_assert(UNPACK_MOST_BYTES <= 1ul << L3_SHIFT, "one L2 is enough");

static pte_t *l4e(void)
{
	ASSERT(boot_root_loaded());
	return (pte_t *)public_ptr(maddr_to_mfn(boot_root_cr3)) + pt_index(VA_UNPACKED, 4);
}

/* The table that @pe names, or a new one. NULL: no memory. */
static pte_t *table_below(pte_t *pe)
{
	mfn_t m;

	if (pte_present(*pe))
		return window_ptr(pte_mfn(*pe));
	m = page_alloc(ALLOC_CPU, 0, 0);
	if (!mfn_is_valid_num(m))
		return NULL;
	pte_write(pe, pte_make(m, PAGE_HV_TABLE));
	return window_ptr(m);
}

static bool map_page(u64 va, mfn_t m)
{
	pte_t *t = table_below(l4e());

	for (unsigned level = 3; level > 1 && t; level--)
		t = table_below(&t[pt_index(va, level)]);
	if (t)
		pte_write(&t[pt_index(va, 1)], pte_make(m, PAGE_HV_RO));
	return t != NULL;
}

bool unpack_view_make(const mfn_t *frame, u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		if (!map_page(VA_UNPACKED + (i << PAGE_SHIFT), frame[i])) {
			unpack_view_clear();
			return false;
		}
	return true;
}

static void free_table(pte_t *pe)
{
	page_free(ALLOC_CPU, pte_mfn(*pe), 0);
	pte_write(pe, 0);
}

void unpack_view_clear(void)
{
	pte_t top = *l4e(), *l3, *l2;

	if (!pte_present(top))
		return;
	pte_write(l4e(), 0);
	root_reload();			/* no CPU remembers a table that goes */
	l3 = window_ptr(pte_mfn(top));
	if (pte_present(l3[0])) {
		l2 = window_ptr(pte_mfn(l3[0]));
		for (unsigned i = 0; i < PT_ENTRIES; i++)
			if (pte_present(l2[i]))
				free_table(&l2[i]);
		free_table(&l3[0]);
	}
	free_table(&top);
}
