/* SPDX-License-Identifier: MIT */
/*
 * Rows of the MMU: page-table entries by every way in, pins, base pointers.
 *
 * tree: a pinned L4 -> L3 -> L2 of the guest's own, not loaded, and a pinned L1 beside them, hooked
 * in and out for the rows. Of each row "set" is entry 0 -> present, "clear" the way back.
 */
#include "bench.h"

#define BATCH 128u
#define ENTRIES 512u
/* of any table: empty in all of ours, and in the builder's L4 */
#define SPARE_SLOT 8u

static struct bench_tree {
	uint64_t *l1, *l2, *l3, *l4;
} tree;
static uint64_t *full_l1, *empty_l1;
static uint8_t *leaf;			/* a page of ours, mapped writable elsewhere too */
static uint8_t *probe;			/* an address whose own L1 entry the rows replace */

static void put_entry(uint64_t *entry, uint64_t val)
{
	MUST(write_entry(entry, val));
}

/* One request of mmu_update on @entry. */
static uint64_t time_entry(const volatile uint64_t *entry, uint64_t val)
{
	struct mmu_update u = { .ptr = maddr_of(entry) | MMU_NORMAL_PT_UPDATE, .val = val };

	return TIME_HC(mmu_update, &u, 1, 0, DOMID_SELF);
}

struct change {
	uint64_t *entry;
	uint64_t from, to;
};

static uint64_t change_entry(void *arg)
{
	struct change *c = arg;

	put_entry(c->entry, c->from);
	return time_entry(c->entry, c->to);
}

/* Rows @key-set and @key-clear of @entry. */
static void set_and_clear(const char *key, uint64_t *entry, uint64_t val)
{
	struct change set = { entry, 0, val }, clear = { entry, val, 0 };
	char name[40];

	format(name, sizeof(name), "%s-set", key);
	row(name, change_entry, &set, 0);
	format(name, sizeof(name), "%s-clear", key);
	row(name, change_entry, &clear, 0);
	put_entry(entry, 0);
}

static void entries(void)
{
	uint64_t rw = make_pte(mfn_of(leaf), PTE_RW_PAGE | PTE_NX),
		 ro = make_pte(mfn_of(leaf), PTE_RO_PAGE | PTE_NX);
	struct change protect = { tree.l1, rw, ro }, soften = { tree.l1, ro, rw },
		      accessed = { tree.l1, rw, rw & ~PTE_A };

	set_and_clear("l1", tree.l1, rw);
	row("l1-protect", change_entry, &protect, 0);
	row("l1-unprotect", change_entry, &soften, 0);
	row("l1-flags", change_entry, &accessed, 0);
	put_entry(tree.l1, 0);
	set_and_clear("l2", &tree.l2[SPARE_SLOT], make_pte(mfn_of(tree.l1), PTE_TABLE));
	set_and_clear("l3", &tree.l3[SPARE_SLOT], make_pte(mfn_of(tree.l2), PTE_TABLE));
	set_and_clear("l4-other", &tree.l4[SPARE_SLOT], make_pte(mfn_of(tree.l3), PTE_TABLE));
	set_and_clear("l4", (uint64_t *)start->pt_base + SPARE_SLOT,
		      make_pte(mfn_of(tree.l3), PTE_TABLE));
}

struct batch {
	uint64_t from, to;
};

static void fill_batch(struct mmu_update *list, uint64_t val)
{
	for (unsigned int i = 0; i < BATCH; i++)
		list[i] = (struct mmu_update){ .ptr = maddr_of(&tree.l1[i]) | MMU_NORMAL_PT_UPDATE,
					       .val = val };
}

static uint64_t change_batch(void *arg)
{
	static struct mmu_update list[BATCH];
	struct batch *b = arg;

	fill_batch(list, b->from);
	MUST(HC4(mmu_update, list, BATCH, 0, DOMID_SELF));
	fill_batch(list, b->to);
	return TIME_HC(mmu_update, list, BATCH, 0, DOMID_SELF);
}

static void batches(void)
{
	uint64_t rw = make_pte(mfn_of(leaf), PTE_RW_PAGE | PTE_NX),
		 ro = make_pte(mfn_of(leaf), PTE_RO_PAGE | PTE_NX);
	struct batch map = { 0, rw }, unmap = { rw, 0 }, protect = { rw, ro };

	row_per("batch-map", change_batch, &map, 0, BATCH);
	row_per("batch-unmap", change_batch, &unmap, 0, BATCH);
	row_per("batch-protect", change_batch, &protect, 0, BATCH);
}

struct va_change {
	uint64_t from, to;
	unsigned long flags;
};

static uint64_t change_va(void *arg)
{
	struct va_change *c = arg;

	MUST(HC3(update_va_mapping, probe, c->from, UVMF_INVLPG));
	return TIME_HC(update_va_mapping, probe, c->to, c->flags, 0);
}

static void update_va(void)
{
	uint64_t own = make_pte(mfn_of(probe), PTE_RW_PAGE),
		 other = make_pte(mfn_of(leaf), PTE_RW_PAGE);
	struct va_change set = { 0, other, UVMF_NONE }, clear = { other, 0, UVMF_INVLPG };
	struct va_change replace = { own, other, UVMF_INVLPG };

	row("uva-set", change_va, &set, 0);
	row("uva-clear", change_va, &clear, 0);
	row("uva-replace", change_va, &replace, 0);
	MUST(HC3(update_va_mapping, probe, own, UVMF_INVLPG));
}

struct pin {
	unsigned int cmd, undo;
	unsigned long mfn;
	bool first;			/* time cmd; else its undoing */
};

static uint64_t pin_or_unpin(void *arg)
{
	const struct pin *p = arg;
	struct mmuext_op op = { .cmd = p->cmd, .arg1.mfn = p->mfn };
	uint64_t ticks;

	if (p->first) {
		ticks = TIME_HC(mmuext_op, &op, 1, 0, DOMID_SELF);
		MUST(mmuext(p->undo, p->mfn, 0));
		return ticks;
	}
	MUST(HC4(mmuext_op, &op, 1, 0, DOMID_SELF));
	op.cmd = p->undo;
	return TIME_HC(mmuext_op, &op, 1, 0, DOMID_SELF);
}

static void pin_rows(const char *what, unsigned int cmd, const void *table)
{
	struct pin p = { cmd, MMUEXT_UNPIN_TABLE, mfn_of(table), true };
	char name[40];

	format(name, sizeof(name), "pin-%s", what);
	row(name, pin_or_unpin, &p, 0);
	p.first = false;
	format(name, sizeof(name), "unpin-%s", what);
	row(name, pin_or_unpin, &p, 0);
}

/* A second L4 with the kernel's own entries: the two are loaded in turn. */
static uint64_t *twin_l4(void)
{
	const volatile uint64_t *l4 = (void *)start->pt_base;
	uint64_t *twin = page_alloc();

	for (unsigned int i = 0; i < ENTRIES; i++)
		twin[i] = i >= 256 && i < 272 ? 0 : l4[i];
	MUST(make_readonly(twin));
	return twin;
}

static uint64_t new_baseptr(void *arg)
{
	struct mmuext_op op = { .cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = *(unsigned long *)arg };
	uint64_t ticks = TIME_HC(mmuext_op, &op, 1, 0, DOMID_SELF);

	MUST(mmuext(MMUEXT_NEW_BASEPTR, mfn_of((void *)start->pt_base), 0));
	return ticks;
}

static uint64_t flush_op(void *arg)
{
	struct mmuext_op op = { .cmd = *(unsigned int *)arg,
				.arg1.linear_addr = (unsigned long)probe };

	return TIME_HC(mmuext_op, &op, 1, 0, DOMID_SELF);
}

static void tables(void)
{
	static unsigned int tlb = MMUEXT_TLB_FLUSH_LOCAL, invlpg = MMUEXT_INVLPG_LOCAL;
	uint64_t *twin = twin_l4();
	unsigned long mfn = mfn_of(twin);

	pin_rows("l1-empty", MMUEXT_PIN_L1_TABLE, empty_l1);
	pin_rows("l1-full", MMUEXT_PIN_L1_TABLE, full_l1);
	pin_rows("l4", MMUEXT_PIN_L4_TABLE, twin);
	MUST(mmuext(MMUEXT_PIN_L4_TABLE, mfn, 0));
	row("new-baseptr", new_baseptr, &mfn, 0);
	MUST(mmuext(MMUEXT_UNPIN_TABLE, mfn, 0));
	row("flush-tlb", flush_op, &tlb, 0);
	row("flush-page", flush_op, &invlpg, 0);
}

/* Xen adds bits of its own choice to what it is given (G). */
static bool same_entry(uint64_t a, uint64_t b)
{
	return !((a ^ b) & (PTE_FRAME | PTE_P | PTE_RW | PTE_NX));
}

static uint64_t emulated(void *arg)
{
	const struct change *c = arg;
	struct timed t = { .rdi = (unsigned long)c->entry, .rsi = c->to };

	put_entry(c->entry, c->from);
	return timed_mov(&t);
}

static uint64_t emulated_xchg(void *arg)
{
	const struct change *c = arg;
	struct timed t = { .rdi = (unsigned long)c->entry, .rsi = c->to };
	uint64_t ticks;

	put_entry(c->entry, c->from);
	ticks = timed_xchg(&t);
	if (!same_entry(t.rsi_after, c->from))
		die("xchg on a table gives %lx, not %lx", t.rsi_after, c->from);
	return ticks;
}

/* Plain stores into a table that is mapped read-only. */
static void emulated_writes(void)
{
	uint64_t rw = make_pte(mfn_of(leaf), PTE_RW_PAGE | PTE_NX);
	struct change map = { tree.l1, 0, rw }, unmap = { tree.l1, rw, 0 };

	row("emul-mov", emulated, &map, 0);
	if (!same_entry(*tree.l1, rw))
		die("the emulated store left %lx", *tree.l1);
	row("emul-xchg", emulated_xchg, &unmap, 0);
}

void bench_mmu(void)
{
	tree = (struct bench_tree){ table_alloc(), table_alloc(), table_alloc(), table_alloc() };
	leaf = page_alloc();
	probe = page_alloc();
	empty_l1 = table_alloc();
	full_l1 = page_alloc();
	for (unsigned int i = 0; i < ENTRIES; i++)
		full_l1[i] = make_pte(mfn_of(page_alloc()), PTE_RW_PAGE | PTE_NX);
	MUST(make_readonly(full_l1));
	MUST(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(tree.l1), 0));
	MUST(mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(tree.l2), 0));
	MUST(mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(tree.l3), 0));
	MUST(mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(tree.l4), 0));
	entries();
	batches();
	update_va();
	tables();
	emulated_writes();
}
