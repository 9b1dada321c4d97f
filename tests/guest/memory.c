/* SPDX-License-Identifier: MIT */
/*
 * Memory: walking the bootstrap tables, a pool of pages, and remapping.
 */
#include "memory.h"
#include "claim.h"
#include "text.h"

#define POOL_PAGES 3072u

static uint8_t pool[POOL_PAGES][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static unsigned int pool_used;
static uint8_t windows[NR_WINDOWS][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static uint8_t shared_window[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));

struct start_info *start;
struct shared_info *shared;
struct vcpu_info *vcpu_info;

long memory_init(struct start_info *si)
{
	long rc;

	start = si;
	rc = remap(shared_window, make_pte(si->shared_info / PAGE_BYTES, PTE_RW_PAGE | PTE_NX));
	if (rc)
		return rc;
	shared = (struct shared_info *)shared_window;
	vcpu_info = &shared->vcpu_info[0];
	return 0;
}

const volatile uint64_t *entry_of(const volatile void *va, unsigned int level)
{
	const volatile uint64_t *table = (void *)start->pt_base;

	for (unsigned int l = 4;; l--) {
		const volatile uint64_t *e = table + ((unsigned long)va >> (l * 9 + 3)) % 512;

		if (l == level)
			return e;
		if (!(*e & PTE_P))
			return NULL;
		table = va_of_mfn(pte_mfn(*e));
	}
}

void *page_alloc(void)
{
	void *page;

	if (pool_used == POOL_PAGES)
		skip("no page left in the pool");
	page = pool[pool_used++];
	memset(page, 0, PAGE_BYTES);
	return page;
}

void *window(unsigned int index)
{
	return windows[index % NR_WINDOWS];
}

void memory_reset(void)
{
	void *record = (void *)((unsigned long)vcpu_info & ~(PAGE_BYTES - 1));

	if (record != shared)
		make_writable(record);
	for (unsigned int i = 0; i < NR_WINDOWS; i++)
		remap(windows[i], make_pte(mfn_of(windows[i]), PTE_RW_PAGE));
}

long remap(const volatile void *va, uint64_t pte)
{
	return HC3(update_va_mapping, va, pte, UVMF_INVLPG | UVMF_ALL);
}

long make_readonly(const volatile void *va)
{
	return remap(va, make_pte(mfn_of(va), PTE_RO_PAGE));
}

long make_writable(const volatile void *va)
{
	return remap(va, make_pte(mfn_of(va), PTE_RW_PAGE));
}

long mmu_update(uint64_t ptr_and_type, uint64_t value)
{
	struct mmu_update u = { .ptr = ptr_and_type, .val = value };

	return HC4(mmu_update, &u, 1, 0, DOMID_SELF);
}

long write_entry(const volatile uint64_t *slot, uint64_t value)
{
	return mmu_update(maddr_of(slot) | MMU_NORMAL_PT_UPDATE, value);
}

long mmuext(unsigned int cmd, unsigned long arg1, unsigned long arg2)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.linear_addr = arg1;
	memcpy(&op.arg2, &arg2, sizeof(arg2));
	return HC4(mmuext_op, &op, 1, 0, DOMID_SELF);
}

uint64_t *table_alloc(void)
{
	uint64_t *table = page_alloc();

	return make_readonly(table) ? NULL : table;
}

struct tree tree_build(uint64_t l1e)
{
	struct tree t = { page_alloc(), page_alloc(), page_alloc() };

	t.l1[0] = l1e;
	t.l2[0] = table_pte(t.l1);
	t.l3[0] = table_pte(t.l2);
	CHECK_OK(make_readonly(t.l1));
	CHECK_OK(make_readonly(t.l2));
	CHECK_OK(make_readonly(t.l3));
	return t;
}
