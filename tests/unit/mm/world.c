/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: its start, its chance, its CPUs. Its parts stand in files of their own:
 * world_window.c, world_tlb.c, world_memory.c, world_calls.c.
 */
#include <string.h>
#include <asm/acpi.h>
#include <asm/domain_map.h>
#include <asm/ioreq.h>
#include <asm/iomem.h>
#include <asm/loaded.h>
#include <asm/orphan.h>
#include <asm/percpu.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include "tap.h"
#include "world_parts.h"

struct domain world_domain, world_foreign;
unsigned world_ended;
bool world_controls;

struct vcpu_private this_vcpu;
struct cpu_private this_cpu;
u64 max_page = NR_FRAMES;
static struct vcpu the_vcpu[WORLD_CPUS], other_vcpu;
struct world_half world_other;

struct world_away world_away[WORLD_CPUS];
unsigned world_cpu, world_nr_cpus = 1;
bool world_irq_off;
void (*world_yield)(bool must);
void (*world_on_swap)(void);
void (*world_on_flush)(const struct domain *d);
static unsigned relaxed;

#ifdef SMALL_OWN
const unsigned slots[NR_SLOTS] = { 0, 2 };
#else
const unsigned slots[NR_SLOTS] = { 0, 1, 2, 255, 272, 273, 510, 511 };
#endif

/* Whichever domain is current: no frame, a page that is always there. */
#define SHARED_INFO	_mfn(NR_FRAMES)

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

/* ---- Domains ---- */

/* None of these has a device model. */
int ioreq_server_frame(struct domain *d, u32 id, u64 n, mfn_t *m)
{
	return -ENOENT;
}

void domain_destroy(struct domain *d)
{
	world_ended++;
}

/* What the time before the reset has left of them. */
static void forget_domain(struct domain *d)
{
	if (domain_of_frames(d->domid) != d)
		return;
	d->refs = 1;
	d->is_dying = false;
	domain_kill(d);
}

static void list_domain(struct domain *d)
{
	if (domain_list_add(d))
		panic("domain %u is listed already", d->domid);
	world_ended = 0;
#ifdef SMALL_OWN
	/* Its frames come and go past the product. */
	d->nr_owned += 30000;
#endif
}

/* ---- The start ---- */

void world_reset(void)
{
	world_map_memory();
	world_memory_reset();
	forget_domain(&world_domain);
	forget_domain(&world_foreign);
	world_domain = (struct domain){
		.is_privileged = true, .nr_vcpus = 2, .max_pages = NR_FRAMES,
		.shared_info_mfn = SHARED_INFO, .visit_left.mfn = INVALID_MFN,
	};
	world_foreign = (struct domain){
		.domid = 1, .nr_vcpus = 2, .max_pages = NR_FRAMES, .shared_info_mfn = SHARED_INFO,
		.is_privileged = world_controls, .visit_left.mfn = INVALID_MFN,
	};
	for (unsigned i = 0; i < NR_PARKED; i++)
		world_domain.visit_parked[i] = world_foreign.visit_parked[i] = INVALID_MFN;
	dom0 = &world_domain;
	list_domain(&world_domain);
	list_domain(&world_foreign);
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		world_domain.window_l3[i] = world_foreign.window_l3[i] = INVALID_MFN;
	other_vcpu = (struct vcpu){ .domain = &world_foreign, .cr3_kernel = 0x1000 };
	for (unsigned i = 0; i < WORLD_CPUS; i++)
		the_vcpu[i] =
			(struct vcpu){ .domain = &world_domain, .id = i, .cr3_kernel = 0x1000 };
	world_cpu = 0;
	world_nr_cpus = 1;
	world_irq_off = false;
	this_cpu = (struct cpu_private){ .curr = &the_vcpu[0], .cr3 = 0x1000 };
	world_window_close();
	for (unsigned f = 0; f < NR_FRAMES; f++)
		frame_reset(f);
#ifdef SMALL_OWN
	/*
	 * world_window_show() goes past the product, which must not think that a table has become
	 * idle.
	 */
	for (unsigned i = 0; i < NR_PUBLIC; i++)
		page_of(_mfn(PUBLIC_FIRST + i))->nr_validated += 30000;
#endif
	memset(kernel_root, 0, sizeof(kernel_root));
	memset(user_root, 0, sizeof(user_root));
	memset(tlb_use, 0, sizeof(tlb_use));
	memset(&this_vcpu, 0, sizeof(this_vcpu));
	this_vcpu.kernel_mode = 1;
	vcpu_private_hold_nothing(&this_vcpu);
	world_continuation.pending = false;
	relaxed = 0;
	preempt_rate = fault_rate = 0;
	world_clock = world_flushed = 1;
	world_other = (struct world_half){
		.vcpu = this_vcpu, .cpu = { .curr = &other_vcpu, .cr3 = 0x1000 }, .flushed = 1,
	};
	if (!iomem_limit_at(0, &(mfn_t){ 0 }, &(mfn_t){ 0 })) {
		iomem_init(&(struct acpi_info){ 0 }, false);
		pt_check_init();
	}
}

/* ---- CPUs ---- */

const struct vcpu_private *world_vcpu(unsigned cpu)
{
	return cpu == world_cpu ? &this_vcpu : &world_away[cpu].vcpu;
}

u32 world_orphans(unsigned cpu)
{
	return cpu == world_cpu ? this_cpu.orphans : world_away[cpu].cpu.orphans;
}

static bool softirq_due;

void softirq_raise(enum softirq nr)
{
	BUG_ON(nr != SOFTIRQ_ORPHANS);
	softirq_due = true;
}

void softirq_register(enum softirq nr, void (*handler)(void))
{
}

unsigned world_way_out(void)
{
	unsigned nr = 0;

	for (u32 n = this_cpu.orphans; n; n = page_of(_mfn(n))->next)
		BUG_ON(++nr > NR_FRAMES);
	BUG_ON(this_cpu.orphans && !softirq_due);
	softirq_due = false;
	orphan_free_all();
	return nr;
}

void world_add_cpu(void)
{
	world_nr_cpus = 2;
	world_domain.nr_vcpus = 2;
	world_away[1].vcpu = this_vcpu;
	world_away[1].vcpu.kernel_l4 = INVALID_MFN;
	world_away[1].cpu = (struct cpu_private){ .curr = &the_vcpu[1], .id = 1, .cr3 = 0x1000 };
	world_away[1].continuation.pending = world_away[1].irq_off = false;
}

void world_switch(unsigned cpu)
{
	const struct domain *before = loaded_domain();

	world_away[world_cpu].vcpu = this_vcpu;
	world_away[world_cpu].cpu = this_cpu;
	world_away[world_cpu].continuation = world_continuation;
	world_away[world_cpu].irq_off = world_irq_off;
	world_cpu = cpu;
	this_vcpu = world_away[cpu].vcpu;
	this_cpu = world_away[cpu].cpu;
	world_continuation = world_away[cpu].continuation;
	world_irq_off = world_away[cpu].irq_off;
	if (loaded_domain() != before)		/* one is on a visit */
		world_window_load();
}

void world_swap(void)
{
	static struct world_half saved;

	saved = world_other;
	world_other = (struct world_half){
		this_vcpu, this_cpu, world_continuation, .flushed = world_flushed,
	};
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
	world_window_load();
	if (world_on_swap)
		world_on_swap();
}

/* The other CPU goes on for a while. A wait that it cannot end is a bug. */
void world_wait_for_other(void)
{
	if (++relaxed > 100000 || !world_yield)
		panic("a wait that nobody can end");
	world_yield(true);
}

/* An IPI that waits: the others answer once their interrupts are on. */
void world_interrupt_others(void)
{
	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++)
		while (cpu != world_cpu && world_away[cpu].irq_off)
			world_wait_for_other();
}

void cpu_relax(void)
{
	if (world_nr_cpus > 1)
		world_wait_for_other();
	else if (++relaxed > 1000)
		panic("a wait that nobody can end");
}

