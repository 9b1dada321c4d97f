/* SPDX-License-Identifier: MIT */
/*
 * Roots: copying guest L4s into them, loading them, and the record of what is loaded.
 *
 * Protocol (docs/locking.md). Updater, page lock of the L4 held: entry -> occupancy -> new
 * generation -> fence -> read every CPU's record. Copier, interrupts off: publish the record ->
 * fence -> read generation -> copy. So either the copier sees the new entry, or the updater sees
 * the copier's record and makes it copy again (T4, T5). What the record named before stays in it as
 * "leaving" until CR3 has been written: until then that root can be walked (XSA-494). Model:
 * tests/models/root-copy.pml.
 *
 * Which slots a root shows is recorded in the L4 alone: a slot's bit comes with its first entry and
 * stays, so a copy, however old, shows no slot whose bit is not there.
 * SWI-1: this_cpu.curr, this_cpu.cr3 and CR3 change in one interrupts-off section, in this file
 * only.
 */
#include <isola/errno.h>
#include <isola/lib/bitmap.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/asi_policy.h>
#include <asm/cpu_area.h>
#include <asm/cpu_window.h>
#include <asm/desc.h>
#include <asm/domain_map.h>
#include <asm/hyper_pt.h>
#include <asm/insn.h>
#include <asm/ipi.h>
#include <asm/percpu.h>
#include <asm/precondition.h>
#include <asm/root.h>
#include <asm/shadow.h>
#include <asm/tlb.h>
#include <asm/vcpu_area.h>
#include <asm/vcpu_private.h>

/* Where a guest L4 keeps its own record, in slots that hardware never walks. */
#define L4_GENERATION	256
#define L4_OCCUPIED	257			/* eight words */

enum { COPY_KERNEL, COPY_USER };

/* Bits 0..15 of word 4 are slots 256..271: never the guest's. */
#define HV_WORD		(L4_SLOT_HV_FIRST / 64)
#define HV_BITS		0xfffful

static u64 last_generation;

static u64 new_generation(void)
{
	return __atomic_add_fetch(&last_generation, 1, __ATOMIC_RELAXED);
}

/*
 * What a root shows of a guest entry: absent ones read as zero, whatever the guest keeps in them
 * (L1TF).
 */
static pte_t root_entry(pte_t l4e)
{
	return pte_present(l4e) ? l4e : 0;
}

void root_l4_init(pte_t *l4)
{
	u64 occupied[8] = { 0 };

	for (unsigned slot = 0; slot < PT_ENTRIES; slot += 4)
		if (pte_present(pte_read(&l4[slot]) | pte_read(&l4[slot + 1]) |
				pte_read(&l4[slot + 2]) | pte_read(&l4[slot + 3])))
			for (unsigned i = slot; i < slot + 4; i++)
				occupied[i / 64] |= (u64)pte_present(pte_read(&l4[i])) << (i % 64);
	occupied[HV_WORD] &= ~HV_BITS;
	for (unsigned i = L4_SLOT_HV_FIRST; i <= L4_SLOT_HV_LAST; i++)
		pte_write(&l4[i], 0);
	for (unsigned w = 0; w < 8; w++)
		pte_write(&l4[L4_OCCUPIED + w], occupied[w]);
	pte_write(&l4[L4_GENERATION], new_generation());
}

/* Slots of @l4 with a bit in @todo, to @root; both at the first slot of a word of the map. */
static __always_inline void copy_word(pte_t *root, const pte_t *l4, u64 todo)
{
	do {
		u64 slot = __builtin_ctzl(todo);

		pte_write(&root[slot], root_entry(pte_read(&l4[slot])));
		todo &= todo - 1;
	} while (todo);
}

/*
 * @root, a copy of the guest L4 at @before (any address), becomes one of that at @l4: every slot
 * that either has ever occupied. Interrupts off, record published. The generation is the one from
 * before the copy: an edit that comes meanwhile finds the record, and has it made again.
 */
static __noinline void copy_slots(pte_t *root, struct root_copy *copy, const pte_t *l4,
				  const pte_t *before)
{
	ASSERT_IRQS_OFF();
	copy->generation = pte_read(&l4[L4_GENERATION]);
	/* Most words are empty. */
#pragma GCC unroll 8
	for (unsigned w = 0; w < 8; w++) {
		u64 todo = pte_read(&l4[L4_OCCUPIED + w]) | before[L4_OCCUPIED + w];

		if (unlikely(todo))
			copy_word(root + w * 64, l4 + w * 64, todo);
	}
}

/* Bring @v's root up to date with its guest L4, which stands at @l4. */
static __always_inline void sync_root(struct vcpu *v, unsigned which, const pte_t *l4)
{
	struct root_copy *copy = &v->copy[which];

	if (copy->generation != pte_read(&l4[L4_GENERATION]))
		copy_slots(v->mirror[which], copy, l4, l4);
}

static void publish(struct vcpu *v)
{
	struct cpu_loaded *rec = &this_cpu.pub->loaded;

	WRITE_ONCE(rec->leaving_vcpu, rec->vcpu);
	WRITE_ONCE(rec->leaving_kernel_l4.n, rec->kernel_l4.n);
	WRITE_ONCE(rec->leaving_user_l4.n, rec->user_l4.n);
	WRITE_ONCE(rec->vcpu, v);
	WRITE_ONCE(rec->kernel_l4.n, v->copy[COPY_KERNEL].l4.n);
	WRITE_ONCE(rec->user_l4.n, v->copy[COPY_USER].l4.n);
	smp_mb();
}

/* The same for one L4 of the vcpu that is loaded; *@leaving is reset once nothing shows it. */
static __always_inline void publish_l4(mfn_t *is, mfn_t *leaving, mfn_t l4)
{
	WRITE_ONCE(leaving->n, is->n);
	__atomic_store_n(&is->n, l4.n, __ATOMIC_SEQ_CST);	/* XCHG: a fence */
}

/* Nothing is loaded any more that came from where publish() found the record pointing. */
static void publish_left(void)
{
	struct cpu_loaded *rec = &this_cpu.pub->loaded;

	WRITE_ONCE(rec->leaving_vcpu, NULL);
	WRITE_ONCE(rec->leaving_kernel_l4.n, mfn_x(INVALID_MFN));
	WRITE_ONCE(rec->leaving_user_l4.n, mfn_x(INVALID_MFN));
}

/*
 * Has CPU @cpu a root copied from guest L4 @m? The order of reading is publish()'s the other way
 * round.
 */
static bool names(unsigned cpu, mfn_t m)
{
	const struct cpu_loaded *rec = &cpu_public[cpu].loaded;

	return READ_ONCE(rec->user_l4.n) == mfn_x(m) || READ_ONCE(rec->kernel_l4.n) == mfn_x(m) ||
	       READ_ONCE(rec->leaving_user_l4.n) == mfn_x(m) ||
	       READ_ONCE(rec->leaving_kernel_l4.n) == mfn_x(m);
}

/* The only place that writes CR3 once the boot root is loaded. Interrupts off. */
static void load_cr3(u64 cr3)
{
	ASSERT_IRQS_OFF();
	/* Read before the write: a stamp taken in between is not covered by this flush (TLB-4). */
	u64 clock = tlb_clock_read();

	this_cpu.cr3 = cr3;
	write_cr3(cr3);
	tlb_clock_flushed(clock);
}

void root_reload(void)
{
	u64 flags = irq_save();

	shadow_flush();
	load_cr3(this_cpu.cr3);
	irq_restore(flags);
}

void root_adopt(u64 cr3)
{
	load_cr3(cr3);
}

static void fill_hv_slots(pte_t *root, mfn_t vcpu_area, const struct domain *d, bool with_memory)
{
	hyper_fill_root(root, with_memory);
	pte_write(&root[L4_SLOT_VCPU], pte_make(vcpu_area, PAGE_HV_TABLE));
	if (with_memory)
		window_fill_root(root, d);
	if (with_memory && !asi_class_of(d)->cpu_stack)
		pte_write(&root[L4_SLOT_STACKS], pte_make(cpu_areas_l3, PAGE_HV_TABLE));
}

/* A root that shows v's area and, the kernel's, what its domain has; INVALID_MFN: no memory. */
static mfn_t make_root(const struct vcpu *v, bool with_memory)
{
	pte_t *root = alloc_public_page(); /* public: roots */

	if (!root)
		return INVALID_MFN;
	fill_hv_slots(root, v->area_l3, v->domain, with_memory);
	return public_mfn(root);
}

int root_create_vcpu(struct vcpu *v)
{
	if (vcpu_area_create(v))
		return -ENOMEM;
	v->root_kernel = make_root(v, true);
	v->root_user = make_root(v, false);
	if (!mfn_is_valid_num(v->root_kernel) || !mfn_is_valid_num(v->root_user)) {
		root_destroy_vcpu(v);
		return -ENOMEM;
	}
	v->cr3_kernel = mfn_to_maddr(v->root_kernel);
	v->cr3_user = mfn_to_maddr(v->root_user);
	v->mirror[COPY_KERNEL] = public_ptr(v->root_kernel);
	v->mirror[COPY_USER] = public_ptr(v->root_user);
	v->copy[COPY_KERNEL].l4 = v->copy[COPY_USER].l4 = INVALID_MFN;
	return 0;
}

static void free_root(mfn_t *root)
{
	if (mfn_is_valid_num(*root))
		free_public_page(public_ptr(*root));
	*root = INVALID_MFN;
}

void root_destroy_vcpu(struct vcpu *v)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		ASSERT(cpu_public[cpu].loaded.vcpu != v &&
		       cpu_public[cpu].loaded.leaving_vcpu != v);
	free_root(&v->root_user);
	free_root(&v->root_kernel);
	v->cr3_kernel = v->cr3_user = 0;
	vcpu_area_destroy(v);
}

/* A root of CPU @cpu that shows nobody's memory. INVALID_MFN: no memory. */
static mfn_t make_nobodys_root(unsigned cpu)
{
	pte_t *root = alloc_public_page(); /* public: roots */

	if (!root)
		return INVALID_MFN;
	fill_hv_slots(root, idle_area_l3, NULL, false);
	window_fill_root(root, NULL);
	pte_write(&root[L4_SLOT_CPU], pte_make(cpu_public[cpu].area_l3, PAGE_HV_TABLE));
	if (!asi_policy.pv.cpu_stack)
		pte_write(&root[L4_SLOT_STACKS], pte_make(cpu_areas_l3, PAGE_HV_TABLE));
	return public_mfn(root);
}

int root_create_idle(struct vcpu *idle, unsigned cpu)
{
	mfn_t root = make_nobodys_root(cpu);

	if (!mfn_is_valid_num(root))
		return -ENOMEM;
	idle->root_kernel = idle->root_user = root;
	idle->cr3_kernel = idle->cr3_user = mfn_to_maddr(root);
	idle->copy[COPY_KERNEL].l4 = idle->copy[COPY_USER].l4 = INVALID_MFN;
	cpu_public[cpu].idle_root = root;
	return 0;
}

int root_create_visit(unsigned cpu)
{
	cpu_public[cpu].visit_root = make_nobodys_root(cpu);
	return mfn_is_valid_num(cpu_public[cpu].visit_root) ? 0 : -ENOMEM;
}

static __always_inline void mark_dirty(struct root_dirty *dirty, unsigned cpu)
{
	dirty->cpus[cpu / 64] |= 1ul << (cpu % 64);
}

/* An entry of @m and its generation have been written: who has it in a record is dirty. */
static __noinline void mark_others(struct root_dirty *dirty, mfn_t m)
{
	smp_mb();
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		if (cpu != smp_cpu_id() && names(cpu, m))
			mark_dirty(dirty, cpu);
}

/*
 * One slot of one of the current vcpu's roots, which is copied from the L4 that the slot stands in,
 * follows it: @shown, now of @generation. A root that was behind already needs more than that.
 */
static __always_inline void mirror_slot(struct vcpu *v, unsigned which, u64 slot, pte_t shown,
					u64 old_generation, u64 generation,
					struct root_dirty *dirty)
{
	struct root_copy *copy = &v->copy[which];

	if (likely(copy->generation == old_generation)) {
		pte_write(&v->mirror[which][slot], shown);
		copy->generation = generation;
	} else {
		mark_dirty(dirty, smp_cpu_id());
	}
}

/*
 * What one edit of @m makes dirty (the truth table of docs/page-types.md):
 *   here      not its L4    neither root shows it: nothing
 *             in step       the slot has been stored: no root part
 *             behind        another CPU's edit has not reached this root yet: all of it is synced
 *                           at dispatch
 *   others    record does not name @m    nothing: whoever loads it later sees the new generation
 *             record names it            synced, then flushed, at dispatch
 */
void root_l4_written(pte_t *pl4e, struct root_dirty *dirty)
{
	pte_t *l4 = (pte_t *)((u64)pl4e & PAGE_MASK), shown = root_entry(pte_read(pl4e));
	u64 old = pte_read(&l4[L4_GENERATION]), new = new_generation(), slot = pl4e - l4;
	struct vcpu *v = current;
	mfn_t m = window_mfn(l4);

	if (shown)
		bitmap_set(&l4[L4_OCCUPIED], slot);
	barrier();
	pte_write(&l4[L4_GENERATION], new);
	ASSERT(irq_is_enabled());
	irq_disable();
	if (mfn_eq(v->copy[COPY_KERNEL].l4, m))
		mirror_slot(v, COPY_KERNEL, slot, shown, old, new, dirty);
	if (mfn_eq(v->copy[COPY_USER].l4, m))
		mirror_slot(v, COPY_USER, slot, shown, old, new, dirty);
	irq_enable();
	if (nr_cpus > 1)
		mark_others(dirty, m);
}

/* No L4 is an L4 of zeroes, its generation among them. */
static const pte_t *l4_in_window(mfn_t m)
{
	return likely(mfn_is_valid_num(m)) ? window_ptr(m) : (const void *)hv_zero_page;
}

/*
 * FLUSH_ROOT on this CPU: an L4 that its record names has changed. Interrupts off; any root may be
 * loaded; the guest L4s are read on the kernel root, which shows them. Root first, then TLB (T1).
 */
static void resync_current(void)
{
	struct vcpu *v = current;
	u64 cr3 = this_cpu.cr3;

	ASSERT_IRQS_OFF();
	if (vcpu_is_idle(v))
		return;
	if (cr3 != v->cr3_kernel)
		load_cr3(v->cr3_kernel);
	sync_root(v, COPY_KERNEL, l4_in_window(v->copy[COPY_KERNEL].l4));
	sync_root(v, COPY_USER, l4_in_window(v->copy[COPY_USER].l4));
	shadow_flush();
	load_cr3(cr3);
}

static void resync_ipi(const u64 *payload __maybe_unused)
{
	resync_current();
}

void root_init(void)
{
	ipi_set_function(IPI_RESYNC_ROOT, resync_ipi);
}

void root_dispatch(struct root_dirty *dirty)
{
	unsigned me = smp_cpu_id();
	u64 own = dirty->cpus[me / 64] & 1ul << me % 64;

	if (own) {
		u64 flags = irq_save();

		resync_current();
		irq_restore(flags);
	}
	dirty->cpus[me / 64] &= ~own;
	if (root_is_dirty(dirty))
		ipi_call(dirty->cpus, IPI_RESYNC_ROOT, NULL, 0);
	*dirty = (struct root_dirty){ 0 };
}

/* A root of @v, the current vcpu, becomes a copy of @l4, which stands at @at. */
static __always_inline void set_l4(struct vcpu *v, unsigned which, mfn_t l4, const pte_t *at)
{
	struct root_copy *copy = &v->copy[which];
	mfn_t before = copy->l4;

	if (unlikely(mfn_eq(before, l4)))
		return;
	copy->l4 = l4;
	copy_slots(v->mirror[which], copy, at, l4_in_window(before));
}

void root_set_kernel(mfn_t l4)
{
	struct cpu_loaded *rec = &this_cpu.pub->loaded;
	struct vcpu *v = current;

	ASSERT(irq_is_enabled());
	irq_disable();
	publish_l4(&rec->kernel_l4, &rec->leaving_kernel_l4, l4);
	this_vcpu.kernel_l4 = l4;
	set_l4(v, COPY_KERNEL, l4, window_ptr(l4));
	shadow_flush_tree(SHADOW_KERNEL);
	load_cr3(v->cr3_kernel);
	WRITE_ONCE(rec->leaving_kernel_l4.n, mfn_x(INVALID_MFN));
	irq_enable();
}

void root_set_user(mfn_t l4)
{
	struct cpu_loaded *rec = &this_cpu.pub->loaded;

	ASSERT(irq_is_enabled());
	irq_disable();
	publish_l4(&rec->user_l4, &rec->leaving_user_l4, l4);
	/* Not loaded now: the next toggle's CR3 write flushes. */
	this_vcpu.user_l4 = l4;
	set_l4(current, COPY_USER, l4, l4_in_window(l4));
	shadow_flush_tree(SHADOW_USER);
	WRITE_ONCE(rec->leaving_user_l4.n, mfn_x(INVALID_MFN));
	irq_enable();
}

void root_forget(struct vcpu *v)
{
	for (unsigned which = COPY_KERNEL; which <= COPY_USER; which++) {
		pte_t *root = v->mirror[which];

		for (unsigned slot = 0; slot < PT_ENTRIES; slot++)
			if (slot < L4_SLOT_HV_FIRST || slot > L4_SLOT_HV_LAST)
				pte_write(&root[slot], 0);
		v->copy[which] = (struct root_copy){ .l4 = INVALID_MFN };
	}
}

void root_enter_kernel(void)
{
	this_vcpu.kernel_mode = 1;
	asm volatile ("swapgs" ::: "memory");
	load_cr3(current->cr3_kernel);
}

void root_enter_user(void)
{
	this_vcpu.kernel_mode = 0;
	asm volatile ("swapgs" ::: "memory");
	load_cr3(current->cr3_user);
}

void root_peek_kernel(void)
{
	ASSERT_IRQS_OFF();
	load_cr3(current->cr3_kernel);
}

void root_peek_done(void)
{
	ASSERT_IRQS_OFF();
	load_cr3(this_vcpu.kernel_mode ? current->cr3_kernel : current->cr3_user);
}

/* A guest L4 of a vcpu whose window is not loaded yet. */
static void sync_through_cpu_window(struct vcpu *v, unsigned which)
{
	mfn_t l4 = v->copy[which].l4;

	if (!mfn_is_valid_num(l4))
		return;
	sync_root(v, which, cpu_window_map(WINDOW_ROOT, l4, PAGE_HV_RO));
	cpu_window_unmap(WINDOW_ROOT);
}

/*
 * Who takes a table out of @d's window changes it, and then reads the records; the record is
 * written, and then CR3: so either the visitor walks what is left, or it is flushed (VIS-1, VIS-2).
 */
void root_begin_visit(struct domain *d)
{
	mfn_t root = this_cpu.pub->visit_root;

	ASSERT(irq_is_enabled());
	window_fill_root(public_ptr(root), d);
	irq_disable();
	this_cpu.visited = d;
	WRITE_ONCE(this_cpu.pub->loaded.visited, d);
	smp_mb();
	load_cr3(mfn_to_maddr(root));
	irq_enable();
}

void root_end_visit(void)
{
	ASSERT(irq_is_enabled());
	irq_disable();
	load_cr3(current->cr3_kernel);
	this_cpu.visited = NULL;
	WRITE_ONCE(this_cpu.pub->loaded.visited, NULL);
	irq_enable();
	window_fill_root(public_ptr(this_cpu.pub->visit_root), NULL);
}

void root_load(struct vcpu *v)
{
	pte_t cpu_area = pte_make(this_cpu.area_l3, PAGE_HV_TABLE);

	ASSERT_IRQS_OFF();
	if (!vcpu_is_idle(v)) {
		/* What CR3 holds is the root's machine address. */
		pte_write((pte_t *)(VA_PUBLIC + v->cr3_kernel) + L4_SLOT_CPU, cpu_area);
		pte_write((pte_t *)(VA_PUBLIC + v->cr3_user) + L4_SLOT_CPU, cpu_area);
		shadow_begin(v);
		publish(v);
		sync_through_cpu_window(v, COPY_KERNEL);
		sync_through_cpu_window(v, COPY_USER);
	}
	this_cpu.curr = v;
	this_cpu.shadowed = v->shadow.on;
	load_cr3(v->cr3_kernel);
	if (vcpu_is_idle(v))
		publish(v);
	publish_left();
	/* The user root, if that is where the vcpu is, comes with its registers: switch.c. */
}
