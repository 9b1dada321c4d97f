/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine that the product's mm and pv page-table files run on, hosted: frames, one
 * CPU with its TLB, one guest domain with one vcpu. Frame f may be told by its number: see the
 * ranges below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/vcpu_private.h>
#include <isola/vcpu.h>

#ifdef SMALL_OWN			/* exhaust.c's */
#define NR_OWN		(1 + SMALL_OWN)
#define FOREIGN_FIRST	NR_OWN
#define FREE_FIRST	(FOREIGN_FIRST + SMALL_FOREIGN)
#define IO_FIRST	(FREE_FIRST + SMALL_FREE)
#define HV_FIRST	IO_FIRST
#define NR_FRAMES	HV_FIRST
#define NR_SLOTS	2
#else
/* frames 1 .. are the guest's at the start; 0 is nobody's, ever */
#define NR_OWN		96
#define FOREIGN_FIRST	96		/* another domain's */
#define FREE_FIRST	104		/* nobody's */
#define IO_FIRST	112		/* devices within the frame table's reach */
#define HV_FIRST	116		/* the hypervisor's */
#define NR_FRAMES	120
#define NR_SLOTS	8
#define SMALL_FOREIGN	8
#endif
#define GUEST_REFS	16		/* grants that a guest makes have smaller numbers */
#define NO_RECORD	5000		/* a frame number beyond the frame table: device memory */

/*
 * Of this machine's CPUs those that are simulated run the first; the second runs when world_swap()
 * says so.
 */
extern struct domain world_domain, world_foreign;
/* Domains that have gone since the start. */
extern unsigned world_ended;
#define WORLD_CPUS	2
/* what each CPU's CR3 may name */
extern pte_t kernel_root[WORLD_CPUS][PT_ENTRIES], user_root[WORLD_CPUS][PT_ENTRIES];
extern unsigned world_cpu, world_nr_cpus;	/* the one simulated now; how many there are */
extern bool world_irq_off;

/* Of 256 preemption checks how many say stop; of 256 guest copies how many fault. */
extern unsigned preempt_rate, fault_rate, public_fault_rate;

/* Is it one of those? By chance, unless a program asks differently. */
extern bool (*world_chance)(unsigned rate);
/* Told of each copy from the guest before it is made: the guest may write what is to be read. */
extern void (*world_on_copy)(u64 guest_va);
/* The flush clock, and when the TLB was flushed last: what stamps are compared with. */
extern u64 world_clock, world_flushed;

/* What hypercall_continue() was told last. */
extern struct continuation { bool pending; unsigned nr; u64 arg[5]; } world_continuation;

/* Chance: from @world_feed while there is some of it, then from a fixed seed, or the one set. */
u64 world_random(void);
void world_seed(unsigned long seed);
extern const unsigned char *world_feed;
extern size_t world_feed_bytes;

void world_reset(void);

/*
 * On as the other domain's vcpu, on its CPUs: all that is called "this" or "current" here, the
 * roots and the TLB are its own. With one simulated CPU only.
 */
void world_swap(void);
/* Told of each time; and of each flush of a domain's CPUs, if a program asks. */
extern void (*world_on_swap)(void);
extern void (*world_on_flush)(const struct domain *d);
/* What is kept of the domain that is not current. */
extern struct world_half {
	struct vcpu_private vcpu;
	struct cpu_private cpu;
	struct continuation continuation;
	pte_t kernel_root[PT_ENTRIES], user_root[PT_ENTRIES];
	bool tlb_use[NR_FRAMES][5];
	u64 flushed;
} world_other;

/*
 * So many frames more from @first on have records and memory. Nobody's; the audit does not know
 * them.
 */
void world_extra(unsigned first, unsigned nr);
/* Public pages that are left before none is given. */
extern unsigned world_page_left;
struct asi_class;
extern struct asi_class world_isolated;		/* what holds for every domain */

/*
 * After a reset the other domain is a control domain, too: it may name others' frames, not only
 * what was lent to it.
 */
extern bool world_controls;

/* Mappings of foreign frames that are open. */
extern unsigned world_mapped;

/*
 * A second CPU with a vcpu of the same domain, and no L4 yet; to go on as CPU @cpu; a vcpu's
 * private page.
 */
void world_add_cpu(void);
void world_switch(unsigned cpu);
const struct vcpu_private *world_vcpu(unsigned cpu);
/* The list of orphans that wait on a CPU. */
u32 world_orphans(unsigned cpu);
/* What is due on this CPU before a guest runs on: orphans are freed, so many. */
unsigned world_way_out(void);
/* Called where this CPU waits for another (must), to let it go on. */
extern void (*world_yield)(bool must);

/*
 * Memory stands at two places. At frame_ptr(F) the harness touches any frame. At window_ptr(F),
 * when it is guarded, a frame can be touched while the loaded domain's window shows it: the product
 * that touches another faults, from the moment on when the window's tables say so, and goes on if
 * the instruction is in its exception table. The small world has the second place only, and no
 * guard.
 */
extern bool world_guarded;		/* set before the first world_reset(), or never */
#define VA_FRAMES	0x240000000000ul
#ifdef SMALL_OWN
static inline pte_t *frame_ptr(unsigned f) { return (pte_t *)(VA_WINDOW + ((u64)f << PAGE_SHIFT)); }
#else
static inline pte_t *frame_ptr(unsigned f) { return (pte_t *)(VA_FRAMES + ((u64)f << PAGE_SHIFT)); }
#endif
/* Loads of the product that met a frame outside the window, and were told that nothing is there. */
extern unsigned long world_fixups;

/*
 * Another CPU's TLB: which uses of each frame it may still know, upper levels included; forgets on
 * a flush and never else.
 */
enum use { USE_READ, USE_WRITE, USE_L1, USE_L2, USE_L3, NR_USES };
extern bool tlb_use[NR_FRAMES][NR_USES];
/* The processor walks to somewhere, from @root or from a table it remembers. */
void tlb_walk(const pte_t *root);
/* It goes through entry @slot of the L1 table @table, if it remembers that. */
bool tlb_touch(unsigned table, unsigned slot);

/* Do the tables of @d's window map frame @f? */
bool window_shows(const struct domain *d, unsigned f);
/* Let them, or not. */
/* window_prepare() has been called: tables are held. */
extern bool world_window_held;
/* Pages that alloc_public_page() has given and that have not come back. */
unsigned world_public_used(void);
void world_window_show(const struct domain *d, unsigned f, bool own);

/*
 * Recompute every count and flag; check the TLB against the types. The number of faults found
 * (printed as they are).
 */
unsigned world_audit(void);

/*
 * Caches. Memory that was, or may have been, written past them, so that they may disagree; frames
 * that the hypervisor has wiped, in the caches alone.
 */
extern bool past_caches[NR_FRAMES], wiped_in_caches[NR_FRAMES];

/* Slots of a table that tests use; all the others stay empty. */
extern const unsigned slots[NR_SLOTS];
