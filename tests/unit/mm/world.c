/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: memory at fixed addresses, and stand-ins for what the files under test
 * call.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <asm/asi_policy.h>
#include <asm/bootmem.h>
#include <asm/cpu_window.h>
#include <asm/domain_map.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/ldtr.h>
#include <asm/mapcache.h>
#include <asm/acpi.h>
#include <asm/iomem.h>
#include <asm/percpu.h>
#include <asm/pt_check.h>
#include <asm/hyper_pt.h>
#include <asm/root.h>
#include <asm/tlb.h>
#include <asm/trap.h>
#include <asm/uaccess.h>
#include <asm/perdomain.h>
#include <asm/vcpu_area.h>
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include "tap.h"
#include "world.h"

struct domain world_domain, world_foreign, *dom0 = &world_domain;
pte_t kernel_root[WORLD_CPUS][PT_ENTRIES], user_root[WORLD_CPUS][PT_ENTRIES];
unsigned preempt_rate, fault_rate, public_fault_rate;
struct continuation world_continuation;
bool tlb_use[NR_FRAMES][NR_USES];

struct vcpu_private this_vcpu;
struct cpu_private this_cpu;
u64 max_page = NR_FRAMES;
static struct vcpu the_vcpu[WORLD_CPUS], other_vcpu;
struct world_half world_other;
unsigned world_mapped;

/* A CPU that is not the one being simulated now. */
static struct {
	struct vcpu_private vcpu;
	struct cpu_private cpu;
	struct continuation continuation;
	bool irq_off;
} away[WORLD_CPUS];
unsigned world_cpu, world_nr_cpus = 1;
bool world_irq_off;
void (*world_yield)(bool must);
u64 world_clock, world_flushed;
static unsigned relaxed;

#ifdef SMALL_OWN
const unsigned slots[NR_SLOTS] = { 0, 2 };
#else
const unsigned slots[NR_SLOTS] = { 0, 1, 2, 255, 272, 273, 510, 511 };
#endif

#define SHARED_INFO	_mfn(NR_FRAMES)		/* whichever domain is current: no frame, a page that is always there */
#define PUBLIC_FIRST	256u
#define NR_PUBLIC	64u
static bool public_used[NR_PUBLIC];
static void *heap[64];
static unsigned heap_used;

/* ---- Chance ---- */

const unsigned char *world_feed;
size_t world_feed_bytes;

/* Of a feed two bytes make a number, all of whose bits differ. */
u64 world_random(void)
{
	u64 n;

	if (world_feed_bytes < 2) {
		world_feed_bytes = 0;
		return tap_random();
	}
	n = world_feed[0] | (u64)world_feed[1] << 8;
	world_feed += 2;
	world_feed_bytes -= 2;
	return n * 0x0001000100010001ul;
}

static bool by_chance(unsigned rate) { return world_random() % 256 < rate; }
bool (*world_chance)(unsigned rate) = by_chance;

void world_seed(unsigned long seed)
{
	tap_random_state = 0x9e3779b97f4a7c15 + 2 * seed;
}

/* Zeroed memory at @va; the first time it is made. */
static void map_at(u64 va, u64 bytes, bool first)
{
	if (!first) {
		memset((void *)va, 0, bytes);
	} else if (mmap((void *)va, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
}

/* The same for @nr frames from @first on, where the window has them and where the harness does. */
static void map_frames(unsigned first, unsigned nr)
{
	static int memory = -1;
	const u64 at[] = { VA_WINDOW, VA_FRAMES }, from = (u64)first << PAGE_SHIFT, bytes = (u64)nr << PAGE_SHIFT;

	if (memory < 0)
		memory = syscall(SYS_memfd_create, "frames", 0);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++)
		if (ftruncate(memory, MIB(16)) || mmap((void *)(at[i] + from), bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory,
						       from) == MAP_FAILED) {
			perror("memory");
			exit(1);
		}
	memset((void *)(VA_FRAMES + from), 0, bytes);
}

/* ---- The window: what it does not show cannot be touched ---- */

bool world_guarded;
unsigned long world_fixups;

/* The entry of the window's tables for frame @f; NULL: there is no L1. A large page's stands for itself. */
static pte_t *window_entry(const struct domain *d, unsigned f)
{
	pte_t *l3, *l2;
	u64 va = (u64)window_ptr(_mfn(f));

	if (!mfn_is_valid_num(d->window_l3[0]))
		return NULL;
	l3 = public_ptr(d->window_l3[0]);
	if (!pte_present(l3[pt_index(va, 3)]))
		return NULL;
	l2 = (pte_t *)public_ptr(pte_mfn(l3[pt_index(va, 3)])) + pt_index(va, 2);
	if (!pte_present(*l2) || (*l2 & PTE_PS))
		return pte_present(*l2) ? l2 : NULL;
	return (pte_t *)public_ptr(pte_mfn(*l2)) + pt_index(va, 1);
}

bool window_shows(const struct domain *d, unsigned f)
{
	const pte_t *pe = window_entry(d, f);

	return pe && pte_present(*pe);
}

#ifndef SMALL_OWN
static bool open_frame[NR_FRAMES];

static void window_open(unsigned f, bool open)
{
	if (open_frame[f] == open)
		return;
	open_frame[f] = open;
	if (mprotect((void *)(VA_WINDOW + ((u64)f << PAGE_SHIFT)), PAGE_SIZE, open ? PROT_READ | PROT_WRITE : PROT_NONE)) {
		perror("mprotect");
		exit(1);
	}
}

/* The product has written the entry @p of some window's tables. All frames that are watched have one L1 in each. */
void world_window_written(const pte_t *p)
{
	unsigned f = (u64)p % PAGE_SIZE / sizeof(*p);

	if (world_guarded && f < NR_FRAMES && window_entry(current->domain, f) == p)
		window_open(f, pte_present(*p));
}

/* Another domain's window is loaded. */
static void window_load(void)
{
	for (unsigned f = 0; world_guarded && f < NR_FRAMES; f++)
		window_open(f, window_shows(current->domain, f));
}

/* None is. */
static void window_close(void)
{
	memset(open_frame, 0, sizeof(open_frame));
	if (world_guarded && mprotect((void *)VA_WINDOW, NR_FRAMES * PAGE_SIZE, PROT_NONE)) {
		perror("mprotect");
		exit(1);
	}
}
#else
static void window_load(void) { }
static void window_close(void) { }
#endif

extern const struct ex_entry ex_table_start[], ex_table_end[];

/* As ex_fixup() of entry/traps.c. */
static bool fix_up(greg_t *rip)
{
	for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
		if ((u64)&e->insn + e->insn == (u64)*rip) {
			*rip = (u64)&e->fixup + e->fixup;
			world_fixups++;
			return true;
		}
	return false;
}

/* WBINVD, which user space may not, does nothing. Any other fault is one. */
static struct sigaction old_action;

static void on_fault(int signal_number, siginfo_t *info, void *at)
{
	greg_t *rip = &((ucontext_t *)at)->uc_mcontext.gregs[16];	/* RIP */
	u64 va = (u64)info->si_addr;

	if (fix_up(rip))
		return;
	if (!va && !memcmp((const void *)*rip, "\x0f\x09", 2)) {
		*rip += 2;
	} else if (va >= VA_WINDOW && va < VA_WINDOW + NR_FRAMES * PAGE_SIZE) {
		printf("# failed: the hypervisor faulted: frame %lu is not in the window\n", (va - VA_WINDOW) >> PAGE_SHIFT);
		if (world_on_panic)
			world_on_panic();
		fflush(stdout);
		abort();
	} else {
		sigaction(SIGSEGV, &old_action, NULL);
		if (old_action.sa_flags & SA_SIGINFO)
			old_action.sa_sigaction(signal_number, info, at);
	}
}

static void map_memory(void)
{
	static bool mapped;

	if (mapped)
		memset(frame_ptr(0), 0, NR_FRAMES * PAGE_SIZE);
	else
		map_frames(0, NR_FRAMES + 1);
	map_at(VA_FRAMETABLE, ROUNDUP((PUBLIC_FIRST + NR_PUBLIC) * sizeof(struct page_info), PAGE_SIZE), !mapped);
	map_at(VA_M2P_RW, PAGE_SIZE, !mapped);
	map_at(VA_PUBLIC + PUBLIC_FIRST * PAGE_SIZE, NR_PUBLIC * PAGE_SIZE, !mapped);
	if (!mapped)
		sigaction(SIGSEGV, &(struct sigaction){ .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER }, &old_action);
	mapped = true;
}

static void frame_reset(unsigned f)
{
	struct page_info *pg = page_of(_mfn(f));

	*pg = (struct page_info){ .owner = DOMID_INVALID };
	if (f == 0) {
		pg->count_info = PGC_hv;
	} else if (f < FOREIGN_FIRST) {
		if (domain_assign_pages(&world_domain, _mfn(f), 0))
			panic("frame %u cannot be assigned", f);
	} else if (f < FREE_FIRST) {
		if (domain_assign_pages(&world_foreign, _mfn(f), 0))
			panic("frame %u cannot be assigned", f);
	} else if (f >= IO_FIRST) {
		pg->owner = f < HV_FIRST ? DOMID_IO : DOMID_INVALID;
		pg->count_info = PGC_hv;
	}
}

void world_reset(void)
{
	map_memory();
	memset(public_used, 0, sizeof(public_used));
	public_fault_rate = 0;
	world_domain = (struct domain){ .is_privileged = true, .nr_vcpus = 2, .shared_info_mfn = SHARED_INFO };
	world_domain.max_pages = NR_FRAMES;
	world_foreign = (struct domain){ .domid = 1, .nr_vcpus = 2, .max_pages = NR_FRAMES, .shared_info_mfn = SHARED_INFO };
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		world_domain.window_l3[i] = world_foreign.window_l3[i] = INVALID_MFN;
	other_vcpu = (struct vcpu){ .domain = &world_foreign, .cr3_kernel = 0x1000 };
	for (unsigned i = 0; i < WORLD_CPUS; i++)
		the_vcpu[i] = (struct vcpu){ .domain = &world_domain, .id = i, .cr3_kernel = 0x1000 };
	world_cpu = 0;
	world_nr_cpus = 1;
	world_irq_off = false;
	this_cpu = (struct cpu_private){ .curr = &the_vcpu[0], .cr3 = 0x1000 };
	window_close();
	for (unsigned f = 0; f < NR_FRAMES; f++)
		frame_reset(f);
#ifdef SMALL_OWN
	/* world_window_show() goes past the product, which must not think that a table has become idle. */
	for (unsigned i = 0; i < NR_PUBLIC; i++)
		page_of(_mfn(PUBLIC_FIRST + i))->nr_validated += 30000;
#endif
	memset(kernel_root, 0, sizeof(kernel_root));
	memset(user_root, 0, sizeof(user_root));
	memset(tlb_use, 0, sizeof(tlb_use));
	memset(&this_vcpu, 0, sizeof(this_vcpu));
	this_vcpu.kernel_mode = 1;
	this_vcpu.kernel_l4 = this_vcpu.user_l4 = INVALID_MFN;
	for (unsigned i = 0; i < NR_PARKED; i++)
		this_vcpu.old_guest_table[i] = INVALID_MFN;
	for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
		this_vcpu.gdt_frame[i] = INVALID_MFN;
	for (unsigned i = 0; i < PV_LDT_FRAMES; i++)
		this_vcpu.ldt_frame[i] = INVALID_MFN;
	world_continuation.pending = false;
	relaxed = 0;
	preempt_rate = fault_rate = 0;
	world_clock = world_flushed = 1;
	world_other = (struct world_half){ .vcpu = this_vcpu, .cpu = { .curr = &other_vcpu, .cr3 = 0x1000 }, .flushed = 1 };
	world_mapped = 0;
	while (heap_used)
		free(heap[--heap_used]);
	if (!iomem_limit_at(0, &(mfn_t){ 0 }, &(mfn_t){ 0 })) {
		iomem_init(&(struct acpi_info){ 0 }, false);
		pt_check_init();
	}
}

/* ---- CPUs ---- */

const struct vcpu_private *world_vcpu(unsigned cpu)
{
	return cpu == world_cpu ? &this_vcpu : &away[cpu].vcpu;
}

void world_add_cpu(void)
{
	world_nr_cpus = 2;
	world_domain.nr_vcpus = 2;
	away[1].vcpu = this_vcpu;
	away[1].vcpu.kernel_l4 = INVALID_MFN;
	away[1].cpu = (struct cpu_private){ .curr = &the_vcpu[1], .id = 1, .cr3 = 0x1000 };
	away[1].continuation.pending = away[1].irq_off = false;
}

void world_switch(unsigned cpu)
{
	away[world_cpu].vcpu = this_vcpu;
	away[world_cpu].cpu = this_cpu;
	away[world_cpu].continuation = world_continuation;
	away[world_cpu].irq_off = world_irq_off;
	world_cpu = cpu;
	this_vcpu = away[cpu].vcpu;
	this_cpu = away[cpu].cpu;
	world_continuation = away[cpu].continuation;
	world_irq_off = away[cpu].irq_off;
}

void world_swap(void)
{
	static struct world_half saved;

	saved = world_other;
	world_other = (struct world_half){ this_vcpu, this_cpu, world_continuation, .flushed = world_flushed };
	memcpy(world_other.kernel_root, kernel_root[0], sizeof(kernel_root[0]));
	memcpy(world_other.user_root, user_root[0], sizeof(user_root[0]));
	memcpy(world_other.tlb_use, tlb_use, sizeof(tlb_use));
	this_vcpu = saved.vcpu;
	this_cpu = saved.cpu;
	world_continuation = saved.continuation;
	world_flushed = saved.flushed;
	memcpy(kernel_root[0], saved.kernel_root, sizeof(kernel_root[0]));
	memcpy(user_root[0], saved.user_root, sizeof(user_root[0]));
	memcpy(tlb_use, saved.tlb_use, sizeof(tlb_use));
	window_load();
}

/* The other CPU goes on for a while. A wait that it cannot end is a bug. */
static void wait_for_other(void)
{
	if (++relaxed > 100000 || !world_yield)
		panic("a wait that nobody can end");
	world_yield(true);
}

/* An IPI that waits: the others answer once their interrupts are on. */
static void interrupt_others(void)
{
	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++)
		while (cpu != world_cpu && away[cpu].irq_off)
			wait_for_other();
}

/* ---- TLBs ---- */

void cpu_relax(void)
{
	if (world_nr_cpus > 1)
		wait_for_other();
	else if (++relaxed > 1000)
		panic("a wait that nobody can end");
}

static void flush(const struct domain *d)
{
	interrupt_others();
	if (d == current->domain) {
		memset(tlb_use, 0, sizeof(tlb_use));
		world_flushed = world_clock;
	} else {
		memset(world_other.tlb_use, 0, sizeof(world_other.tlb_use));
		world_other.flushed = world_clock;
	}
	if (world_yield)
		world_yield(false);
}

/*
 * The TLB is that of another CPU, on which the guest's second half runs on the same roots: flushing here does nothing
 * for it. That is the hard case; what holds for it holds for this CPU.
 */
void tlb_flush_local(void) { }
void tlb_invlpg(u64 va) { (void)va; }		/* may forget; need not */
void cache_flush_all(void) { }
u32 tlb_stamp_now(void) { return ++world_clock; }

void tlb_flush_stamped(struct domain *d, u32 stamp)
{
	if ((d == current->domain ? world_flushed : world_other.flushed) < stamp)
		flush(d);
}

void tlb_flush_vcpus(struct domain *d, u64 mask, u64 va)
{
	(void)mask;
	if (va == ~0ul)
		flush(d);
}

/* One step down from entry @e of a table of @level; what it names, or ~0. */
static unsigned walk_step(pte_t e, unsigned level)
{
	unsigned f = mfn_x(pte_mfn(e));

	if (!pte_present(e) || f >= NR_FRAMES)
		return ~0u;
	if (level > 1) {
		tlb_use[f][USE_L1 + level - 2] = true;
	} else {
		tlb_use[f][USE_READ] = true;
		if (e & PTE_RW)
			tlb_use[f][USE_WRITE] = true;
	}
	return f;
}

/* An entry of @table that is present, if there is one, else any. */
static pte_t some_entry(const pte_t *table)
{
	unsigned first = world_random();

	for (unsigned i = 0; i < NR_SLOTS; i++) {
		pte_t e = pte_read(&table[slots[(first + i) % NR_SLOTS]]);

		if (pte_present(e))
			return e;
	}
	return pte_read(&table[slots[first % NR_SLOTS]]);
}

bool tlb_touch(unsigned table, unsigned slot)
{
	if (!tlb_use[table][USE_L1])
		return false;
	walk_step(pte_read(frame_ptr(table) + slot), 1);
	return true;
}

void tlb_walk(const pte_t *root)
{
	unsigned f = world_random() % NR_FRAMES, level = 1 + world_random() % 3;

	if (world_random() % 2 || !tlb_use[f][USE_L1 + level - 1]) {
		f = walk_step(some_entry(root), 4);
		level = 3;
	}
	for (; level && f < NR_FRAMES; level--)
		f = walk_step(some_entry(frame_ptr(f)), level);
}

/* ---- Roots ---- */

static pte_t root_entry(pte_t e) { return pte_present(e) ? e : 0; }

static void copy_root(pte_t *root, mfn_t l4)
{
	const pte_t *from = mfn_is_valid_num(l4) ? frame_ptr(mfn_x(l4)) : NULL;

	for (unsigned i = 0; i < PT_ENTRIES; i++)
		root[i] = from && (i < L4_SLOT_HV_FIRST || i > L4_SLOT_HV_LAST) ? root_entry(from[i]) : 0;
}

void root_l4_init(pte_t *l4) { memset(l4 + L4_SLOT_HV_FIRST, 0, (L4_SLOT_HV_LAST + 1 - L4_SLOT_HV_FIRST) * sizeof(pte_t)); }

/*
 * kernel_root and user_root are another CPU's, whose record names the same L4s: they show an edit only after the dispatch. Until then
 * that CPU walks what they showed, so it must still be what it was.
 */
void root_l4_written(pte_t *pl4e, struct root_dirty *dirty)
{
	mfn_t m = window_mfn(pl4e);

	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++)
		if (mfn_eq(m, world_vcpu(cpu)->kernel_l4) || mfn_eq(m, world_vcpu(cpu)->user_l4))
			dirty->cpus[0] |= 2;
}

static void check_root(const pte_t *root)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		const struct page_info *pg = page_of(pte_mfn(root[i]));

		if (pte_present(root[i]) && (pg->type_info & (PGT_type_mask | PGT_validated)) != (PGT_l3 | PGT_validated))
			panic("frame %lu is type %lx while a loaded root names it", mfn_x(pte_mfn(root[i])), pg->type_info);
	}
}

void root_dispatch(struct root_dirty *dirty)
{
	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++) {
		check_root(kernel_root[cpu]);
		check_root(user_root[cpu]);
	}
	if (!dirty->cpus[0])
		return;
	dirty->cpus[0] = 0;
	interrupt_others();
	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++) {
		copy_root(kernel_root[cpu], world_vcpu(cpu)->kernel_l4);
		copy_root(user_root[cpu], world_vcpu(cpu)->user_l4);
	}
	flush(current->domain);
}

/* A CR3 write. With two CPUs the TLB holds what either may know, and one forgetting is nothing. */
static void flush_own(void)
{
	if (world_nr_cpus == 1)
		flush(current->domain);
}

void root_set_kernel(mfn_t l4)
{
	this_vcpu.kernel_l4 = l4;
	copy_root(kernel_root[world_cpu], l4);
	flush_own();
}

void root_set_user(mfn_t l4)
{
	this_vcpu.user_l4 = l4;
	copy_root(user_root[world_cpu], l4);
}

/* The record of what is loaded and CR3 change together (SWI-1). */
static void peek(void)
{
	if (!world_irq_off)
		panic("a root is loaded in passing with interrupts on");
	flush_own();
}

static u64 peeked_from;

void root_peek_kernel(void)
{
	peek();
	peeked_from = this_cpu.cr3;
	this_cpu.cr3 = current->cr3_kernel;
}

void root_peek_done(void)
{
	this_cpu.cr3 = peeked_from;
	peek();
}

void ldtr_load(u32 nr_ents) { (void)nr_ents; }
void vcpu_area_clear_gdt_page(struct vcpu *v, unsigned i) { (void)v, (void)i; }
void destroy_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr) { (void)v, (void)va, (void)nr; }

void populate_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr, const mfn_t *mfn, u64 flags)
{
	(void)v, (void)va, (void)nr, (void)mfn, (void)flags;
}

/* ---- Memory ---- */

static unsigned extra_first, nr_extra;

bool mfn_has_page(mfn_t m) { return mfn_x(m) < NR_FRAMES || (mfn_x(m) >= extra_first && mfn_x(m) - extra_first < nr_extra); }

void world_extra(unsigned first, unsigned nr)
{
	extra_first = first;
	nr_extra = nr;
	if (!nr)
		return;
	map_frames(first, nr);
	map_at(ROUNDDOWN((u64)page_of(_mfn(first)), PAGE_SIZE), ROUNDUP((nr + 1) * sizeof(struct page_info), PAGE_SIZE), true);
	map_at(ROUNDDOWN(VA_M2P_RW + first * sizeof(u64), PAGE_SIZE), ROUNDUP((nr + 1) * sizeof(u64), PAGE_SIZE), true);
}

struct domain *domain_by_id(domid_t domid)
{
	return domid == 0 ? &world_domain : domid == 1 ? &world_foreign : domid == DOMID_SELF ? current->domain : NULL;
}

mfn_t page_alloc(enum alloc_class class, unsigned order, unsigned max_bits)
{
	(void)class, (void)max_bits;
	for (unsigned f = 0; order == 0 && f < IO_FIRST; f++)
		if (page_of(_mfn(f))->count_info == 0) {
			memset(frame_ptr(f), 0, PAGE_SIZE);
			page_of(_mfn(f))->count_info = PGC_hv;
			return _mfn(f);
		}
	return INVALID_MFN;
}

void scrub_frame(mfn_t m) { memset(frame_ptr(mfn_x(m)), 0, PAGE_SIZE); }

void page_free(enum alloc_class class, mfn_t m, unsigned order)
{
	(void)class, (void)order;
	if (page_of(m)->count_info != PGC_hv)
		panic("frame %lx looks free before the allocator has it", mfn_x(m));
	*page_of(m) = (struct page_info){ .owner = DOMID_INVALID };
	memset(frame_ptr(mfn_x(m)), 0x5a, PAGE_SIZE);
}

unsigned world_page_left = ~0u;

/* ---- Public memory: objects; pages for the window's tables ---- */

void *public_alloc(size_t size)
{
	void *p;

	if (heap_used == ARRAY_SIZE(heap) || world_chance(public_fault_rate))
		return NULL;
	p = calloc(1, size);
	heap[heap_used++] = p;
	return p;
}

void public_free(void *p)
{
	for (unsigned i = 0; p && i < heap_used; i++)
		if (heap[i] == p) {
			heap[i] = heap[--heap_used];
			free(p);
			return;
		}
	BUG_ON(p);
}

void *alloc_public_page(void)
{
	for (unsigned i = 0; i < NR_PUBLIC; i++)
		if (!public_used[i]) {
			void *p = public_ptr(_mfn(PUBLIC_FIRST + i));

			if (world_chance(public_fault_rate) || !world_page_left)
				return NULL;
			world_page_left--;
			public_used[i] = true;
			return memset(p, 0, PAGE_SIZE);
		}
	return NULL;
}

void free_public_page(void *page)
{
	unsigned i = mfn_x(public_mfn(page)) - PUBLIC_FIRST;

	BUG_ON(i >= NR_PUBLIC || !public_used[i]);
	*page_of(public_mfn(page)) = (struct page_info){ .owner = DOMID_INVALID };
	public_used[i] = false;
}

bool world_window_held;

unsigned world_public_used(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NR_PUBLIC; i++)
		n += public_used[i];
	return n;
}

void *bootmem_public_page(void) { return alloc_public_page(); }

struct asi_class world_isolated = { .vcpu_pt = true };
struct asi_policy asi_policy = { .pv = { .vcpu_pt = true }, .dom0 = { .vcpu_pt = true } };
const struct asi_class *asi_class_of(const struct domain *d) { (void)d; return &world_isolated; }

void spin_lock_init(spinlock_t *l, unsigned order) { *l = (spinlock_t){ .order = order }; }

void spin_lock(spinlock_t *l)
{
	if (world_yield)
		world_yield(false);
	while (l->owner_cpu)
		wait_for_other();
	l->owner_cpu = 1 + world_cpu;
}

void spin_unlock(spinlock_t *l) { BUG_ON(l->owner_cpu != 1 + world_cpu); l->owner_cpu = 0; }

bool spin_is_held_here(const spinlock_t *l) { return l->owner_cpu == 1 + world_cpu; }

/* ---- Foreign frames ---- */

static bool is_foreign(mfn_t m) { return page_of(m)->owner != current->domain->domid; }

void *map_domain_page(mfn_t m)
{
	BUG_ON(!is_foreign(m));
	world_mapped++;
	return (void *)(VA_FRAMES + (mfn_x(m) << PAGE_SHIFT));
}

void unmap_domain_page(const void *p)
{
	if ((u64)p >= VA_FRAMES)
		world_mapped--;
}

void world_window_show(const struct domain *d, unsigned f, bool own)
{
	*window_entry(d, f) = own ? pte_make(_mfn(f), PAGE_HV_RW) : 0;
}

/* What the machine's map says: RAM as far as frames have records; a hole; what firmware keeps. */
static const struct memmap_entry memmap[] = {
	{ 0, NR_FRAMES * PAGE_SIZE, 1 }, { MIB(16), MIB(1), 2 }, { MIB(4079), MIB(1), 2 }, { MIB(4095), MIB(1), 2 },
};
unsigned memmap_nr(void) { return ARRAY_SIZE(memmap); }
const struct memmap_entry *memmap_entry(unsigned i) { return &memmap[i]; }

/* ---- The guest's side of a hypercall ---- */

static size_t copy(void *to, const void *from, u64 guest_va, size_t len)
{
	if (guest_va < MIB(1) || world_chance(fault_rate))
		return len;
	memcpy(to, from, len);
	return 0;
}

void (*world_on_copy)(u64 guest_va);

size_t raw_copy_from_guest(void *to, u64 from, size_t len)
{
	if (world_on_copy)
		world_on_copy(from);
	return copy(to, (void *)from, from, len);
}

size_t raw_copy_to_guest(u64 to, const void *from, size_t len)
{
	return copy((void *)to, from, to, len);
}

bool guest_range_ok(u64 va, u64 len)
{
	return va + len > va && !is_hv_address(va) && !is_hv_address(va + len - 1);
}

bool hypercall_preempt_check(void) { return world_chance(preempt_rate); }

long hypercall_continue_with(unsigned nr, const u64 *args, unsigned nr_args)
{
	world_continuation = (struct continuation){ .pending = true, .nr = nr };
	memcpy(world_continuation.arg, args, nr_args * sizeof(*args));
	return nr;
}

void (*world_on_panic)(void);

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# panic: ");
	vprintf(fmt, args);
	printf("\n");
	if (world_on_panic)
		world_on_panic();
	fflush(stdout);
	abort();
}

/* scrub, window and log of other rooms that the linked files mention */
void printk_level(enum log_level level, bool about_guest, const char *fmt, ...)
{
	(void)level, (void)about_guest, (void)fmt;
}
