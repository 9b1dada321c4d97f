/* SPDX-License-Identifier: MIT */
/*
 * The log of what a domain writes, under everything that writes: the hostile guest (guest.c), whose
 * stores go by a simulated processor on the trees of its shadow, and another domain, a control
 * domain, that borrows its frames, names them, visits its tables, and reads the log. What is held
 * against it is a copy of every frame, made as the frame was read: one that is clean is as it was
 * then, in contents, use and name; one that is not has its bit in the next reading.
 * Arguments: how often the log is cleaned, seed, 0 for a window that shows all memory (asi off).
 */
#define __XEN_TOOLS__ 1
#include <stdlib.h>
#include <string.h>
#include <asm/asi_policy.h>
#include <asm/frametable.h>
#include <asm/log_dirty.h>
#include <asm/m2p.h>
#include <asm/p2m_log.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/shadow.h>
#include <isola/errno.h>
#include <isola/evtchn_fifo.h>
#include <isola/page_alloc.h>
#include <xen/domctl.h>
#include "guest.h"
#include "guest_calls.h"
#include "shadow_cpu.h"
#include "tap.h"
#include "world_parts.h"

#define NR_NAMES	1024u
#define READINGS	50u		/* of one world */

static struct domain *const logged = &world_domain;
static struct vcpu *the_vcpu;
static unsigned long nr_cleaned, nr_stores[3], nr_changed, nr_clean_kept, nr_stopped;
static unsigned long nr_on_visits;

/* ---- What the product calls ---- */

u8 hv_zero_page[PAGE_SIZE];

void domain_crash(struct domain *d, const char *fmt, ...)
{
	check(false, "domain %u ends", d->domid);
}

/* Here one vcpu runs at a time, and it is the caller's. */
int domain_pause_by_control(struct domain *d)
{
	check(the_vcpu->on_cpu == NO_CPU, "who is logged is off its CPU");
	return 0;
}

int domain_unpause_by_control(struct domain *d) { return 0; }

/* Nobody here shadows itself: shadow_self.c is about that. */
void domain_pause(struct domain *d) { abort(); }
void domain_unpause(struct domain *d) { abort(); }
void root_adopt(u64 cr3) { abort(); }
u64 p2m_log_dirty(struct p2m *p, u64 first, u64 *next) { abort(); }
void p2m_log_clean(struct p2m *p, u64 first, u64 gfns) { abort(); }

static void forget_all(void)
{
	u64 flags = irq_save();

	shadow_flush();
	cpu_write_cr3(this_cpu.cr3);
	irq_restore(flags);
}

void root_reload(void) { forget_all(); }

/* ---- The vcpu comes and goes ---- */

static void on_swap(void)
{
	if (current->domain != logged) {
		the_vcpu->on_cpu = NO_CPU;
		return;
	}
	world_irq_off = true;
	shadow_begin(the_vcpu);
	this_cpu.shadowed = the_vcpu->shadow.on;
	this_cpu.cr3 = the_vcpu->cr3_kernel;
	cpu_write_cr3(this_cpu.cr3);
	the_vcpu->on_cpu = 0;
	world_irq_off = false;
}

static void on_flush(const struct domain *d)
{
	if (d == logged && current->domain == logged)
		forget_all();
}

/* ---- Frames as they were read ---- */

struct held {
	bool is_known;
	u64 name, use;
	u64 word[PT_ENTRIES];
};
static struct held held[NR_FRAMES];
static u8 bitmap[NR_NAMES / 8];

/* Shared info and grant tables have no name of the domain builder's, and are sent otherwise. */
static bool is_logged(unsigned f)
{
	const struct page_info *pg = page_of(_mfn(f));

	return pg->owner == logged->domid && (pg->count_info & PGC_allocated) &&
	       !(pg->count_info & PGC_hv) && !(pg->type_info & PGT_special);
}

/* What getpageframeinfo3 answers. */
static u64 use_of(unsigned f)
{
	u64 x = page_of(_mfn(f))->type_info;

	return (x & PGT_validated) && type_level(x) ? x & (PGT_type_mask | PGT_pinned) : 0;
}

static bool is_as_held(unsigned f)
{
	return held[f].is_known && held[f].name == pfn_x(m2p_get(_mfn(f))) &&
	       held[f].use == use_of(f) && !memcmp(held[f].word, frame_ptr(f), PAGE_SIZE);
}

static void hold(unsigned f)
{
	held[f].is_known = is_logged(f);
	held[f].name = pfn_x(m2p_get(_mfn(f)));
	held[f].use = use_of(f);
	memcpy(held[f].word, frame_ptr(f), PAGE_SIZE);
}

static void check_clean(void)
{
	for (unsigned f = 1; f < NR_FRAMES && !tap_unchecked; f++) {
		if (!is_logged(f) || !(page_of(_mfn(f))->type_info & PGT_clean))
			continue;
		nr_clean_kept++;
		check(is_as_held(f), "frame %u has changed and counts as clean: %s", f,
		      !held[f].is_known			     ? "it is new"
		      : held[f].name != pfn_x(m2p_get(_mfn(f))) ? "its name"
		      : held[f].use != use_of(f)		     ? "its use"
								     : "its contents");
	}
}

/* ---- Writers ---- */

static pte_t some_words(unsigned f)
{
	if (rnd(4) == 0)
		return 0x00cff2000000fffful;	/* a descriptor, not accessed */
	return random_entry(f % 5 ? f % 5 : 1 + rnd(4));
}

/* By the processor, in either mode, or by the hypervisor at the guest's address. */
static void store_as_guest(void)
{
	u64 va = random_va();
	bool user = rnd(4) == 0, own = rnd(4) == 0, goes = false;
	pte_t way = 0;

	if (user) {
		this_vcpu.kernel_mode = 0;
		this_cpu.cr3 = the_vcpu->cr3_user;
		cpu_write_cr3(this_cpu.cr3);
	}
	for (unsigned tries = 0; tries < 24; tries++) {
		u32 ec = PFEC_W | (own ? 0 : PFEC_U);

		way = cpu_access(va, &ec);
		goes = way || !(own ? shadow_own_fault(va, ec) : !shadow_guest_fault(va, ec));
		if (goes)
			break;
	}
	check(goes, "a store at %lx is tried for ever", va);
	if (way && mfn_x(pte_mfn(way)) < NR_FRAMES) {
		unsigned f = mfn_x(pte_mfn(way));

		frame_ptr(f)[slots[rnd(NR_SLOTS)]] = some_words(f);
		nr_stores[own]++;
	}
	if (user) {
		this_vcpu.kernel_mode = 1;
		this_cpu.cr3 = the_vcpu->cr3_kernel;
		cpu_write_cr3(this_cpu.cr3);
	}
}

/* By the other domain's processor, through an entry of its tables. */
static void store_as_other(void)
{
	unsigned first = rnd(SMALL_FOREIGN * NR_SLOTS);

	for (unsigned i = 0; i < SMALL_FOREIGN * NR_SLOTS; i++) {
		unsigned at = (first + i) % (SMALL_FOREIGN * NR_SLOTS), f;
		unsigned table = FOREIGN_FIRST + at / NR_SLOTS;
		pte_t e = frame_ptr(table)[slots[at % NR_SLOTS]];

		f = mfn_x(pte_mfn(e));
		if (page_of(_mfn(table))->owner != current->domain->domid ||
		    type_level(page_of(_mfn(table))->type_info) != 1 ||
		    !(page_of(_mfn(table))->type_info & PGT_validated) ||
		    (e & (PTE_P | PTE_RW)) != (PTE_P | PTE_RW) || f >= NR_FRAMES || !is_logged(f))
			continue;
		frame_ptr(f)[slots[rnd(NR_SLOTS)]] = some_words(f);
		nr_stores[2]++;
		return;
	}
}

/* The processor sets Accessed where it loads a descriptor. */
static void load_descriptors(void)
{
	for (unsigned i = 0; i < PV_GDT_FRAMES + PV_LDT_FRAMES; i++) {
		mfn_t m = i < PV_GDT_FRAMES ? this_vcpu.gdt_frame[i]
					    : this_vcpu.ldt_frame[i - PV_GDT_FRAMES];

		for (unsigned s = 0; mfn_is_valid_num(m) && s < NR_SLOTS; s++) {
			u64 *d = frame_ptr(mfn_x(m)) + slots[s];

			if ((*d >> 40 & 0x90) == 0x90 && rnd(2))
				*d |= 1ul << 40;
		}
	}
}

static void stores(void)
{
	for (unsigned i = 0; i < 6; i++)
		if (current->domain == logged)
			store_as_guest();
		else
			store_as_other();
	if (current->domain == logged)
		load_descriptors();
}

/* ---- What the hypervisor writes without asking: five frames that the domain holds ---- */

static const unsigned unseen[] = { 20, 25, 30, 35, 40 };
static struct {
	struct evtchn_fifo f;
	struct fifo_vcpu vcpu[1];
} fifo;

static void hold_unseen(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(unseen); i++)
		check(page_get_and_type(page_of(_mfn(unseen[i])), logged, PGT_writable) == 0,
		      "a frame for what is written unseen");
	memset(&fifo, 0, sizeof(fifo));
	the_vcpu->vcpu_info_maddr = unseen[0] * PAGE_SIZE + 64;
	logged->pirq_eoi_maddr = unseen[1] * PAGE_SIZE;
	logged->console_mfn = _mfn(unseen[2]);
	fifo.f.nr_words = FIFO_WORDS_PER_PAGE;
	fifo.f.words[0] = _mfn(unseen[3]);
	fifo.vcpu[0].control = unseen[4] * PAGE_SIZE + 128;
	logged->evtchn_fifo = &fifo.f;
}

static void write_unseen(void)
{
	frame_ptr(unseen[rnd(ARRAY_SIZE(unseen))])[rnd(PT_ENTRIES)] = tap_random();
}

/* ---- The log ---- */

/*
 * The other domain, by a visit: an entry of a table of who is logged, or a word of its page. Not of
 * an L4: the roots of who is not current are not followed here.
 */
static void store_on_visit(void)
{
	unsigned f = 1 + rnd(NR_OWN - 1), level = f % 5 ?: 1;
	unsigned target = rnd((NR_OWN - 1) / 5) * 5 + level - 1;
	struct mmu_update req = {
		.ptr = (u64)f << PAGE_SHIFT | 8 * slots[rnd(NR_SLOTS)],
		.val = rnd(4) ? target * PAGE_SIZE | PTE_P | PTE_RW | PTE_US : 0,
	};
	u32 done = 0;

	if ((page_of(_mfn(f))->type_info & PGT_type_mask) == PGT_l4)
		return;
	guest_turn();
	call(0, __HYPERVISOR_mmu_update, (u64)&req, 1, (u64)&done,
	     (logged->domid + 1u) << 16 | logged->domid);
	nr_on_visits += done;
	guest_turn();
}

static bool act(void)
{
	if (rnd(6) == 0)
		store_on_visit();
	if (rnd(6) == 0) {
		do_lend(0);
		guest_turn();
		do_grant_copy(0);
		guest_turn();
	}
	if (rnd(4) == 0)
		write_unseen();
	if (rnd(4) == 0)
		stores();
	return guest_call(0);
}

static void act_between(void)
{
	guest_turn();
	for (unsigned i = rnd(3); i && !tap_unchecked; i--)
		act();
	check_clean();
	guest_turn();
}

static bool has_bit(unsigned f)
{
	u64 name = pfn_x(m2p_get(_mfn(f)));

	return name >= NR_NAMES || (bitmap[name / 8] >> name % 8 & 1);
}

/* Frames [from, to) have been read just now. */
static void check_read(u64 from, u64 to, bool cleans)
{
	for (u64 f = from ?: 1; f < to && f < NR_FRAMES; f++) {
		if (!is_logged(f))
			continue;
		nr_changed += !is_as_held(f);
		check(is_as_held(f) || has_bit(f), "frame %lu has changed and has no bit", f);
		if (cleans)
			hold(f);
	}
}

static void check_count(u64 count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NR_NAMES; i++)
		n += bitmap[i / 8] >> i % 8 & 1;
	check(count >= n && !count == !n, "%lu are dirty, %u bits", count, n);
}

/* As the other domain. */
static void operate(u32 what)
{
	struct xen_domctl_shadow_op op = {
		.op = what, .mode = rnd(2), .dirty_bitmap.p = bitmap, .pages = NR_NAMES,
	};
	u64 from = 0;
	long rc;

	if (what != XEN_DOMCTL_SHADOW_OP_CLEAN && what != XEN_DOMCTL_SHADOW_OP_PEEK)
		op.mode = 0;
	memset(bitmap, 0xff, sizeof(bitmap));
	do {
		rc = domain_log_dirty(logged, &op);
		if (what != XEN_DOMCTL_SHADOW_OP_OFF)
			check_read(from, rc == -ERESTART ? logged->log.at : max_page,
				   what != XEN_DOMCTL_SHADOW_OP_PEEK);
		from = logged->log.at;
		if (rc == -ERESTART) {
			nr_stopped++;
			if (what != XEN_DOMCTL_SHADOW_OP_OFF)
				act_between();
		}
	} while (rc == -ERESTART && !tap_unchecked);
	check(rc == 0 || tap_unchecked, "operation %u: %ld", what, rc);
	if (!tap_unchecked &&
	    (what == XEN_DOMCTL_SHADOW_OP_CLEAN || what == XEN_DOMCTL_SHADOW_OP_PEEK))
		check_count(op.stats.dirty_count);
}

static void as_other(u32 what)
{
	guest_turn();
	operate(what);
	guest_turn();
}

/* ---- Worlds ---- */

/* Entries of table @f, which is none yet: to frames first, first + 5, ... */
static void fill_table(unsigned f, unsigned first, unsigned nr)
{
	for (unsigned i = 0; i < NR_SLOTS; i++)
		frame_ptr(f)[slots[i]] = (first + 5 * rnd(nr)) * PAGE_SIZE | PTE_P | PTE_US |
					 PTE_RW | (tap_random() & (PTE_A | PTE_D));
}

static void load_tree(unsigned f, u32 cmd)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = f };

	call(0, __HYPERVISOR_mmuext_op, (u64)&op, 1, 0, DOMID_SELF);
}

/* Chance alone seldom comes to a tree that reaches data: both domains begin with one. */
static void begin_with_trees(void)
{
	fill_table(9, 8, 2);
	for (unsigned i = 0; i < 2; i++) {
		fill_table(8 + 5 * i, 7, 2);
		fill_table(7 + 5 * i, 6, 4);
	}
	for (unsigned i = 0; i < 4; i++)
		fill_table(6 + 5 * i, 45, 8);
	load_tree(9, MMUEXT_NEW_BASEPTR);
	load_tree(9, MMUEXT_NEW_USER_BASEPTR);
	check(mfn_x(this_vcpu.kernel_l4) == 9 && mfn_x(this_vcpu.user_l4) == 9, "a tree");
	guest_turn();
	fill_table(99, 98, 1);
	fill_table(98, 97, 1);
	fill_table(97, 96, 2);
	load_tree(99, MMUEXT_NEW_BASEPTR);
	check(mfn_x(this_vcpu.kernel_l4) == 99, "and one of the other's");
	guest_turn();
}

static void begin_world(void)
{
	guest_start();
	the_vcpu = current;
	logged->vcpu[0] = the_vcpu;
	logged->nr_vcpus = 1;
	logged->console_mfn = INVALID_MFN;
	for (unsigned i = 0; i < 2; i++)
		the_vcpu->mirror[i] = alloc_public_page();
	the_vcpu->root_kernel = public_mfn(the_vcpu->mirror[0]);
	the_vcpu->root_user = public_mfn(the_vcpu->mirror[1]);
	the_vcpu->cr3_kernel = mfn_to_maddr(the_vcpu->root_kernel);
	the_vcpu->cr3_user = mfn_to_maddr(the_vcpu->root_user);
	the_vcpu->private_mfn[0] = _mfn(HV_FIRST);
	this_cpu.cr3 = the_vcpu->cr3_kernel;
	for (unsigned f = 1; f < FREE_FIRST; f++)
		m2p_set(_mfn(f), _pfn(f));
	memset(held, 0, sizeof(held));
	hold_unseen();
	begin_with_trees();
	preempt_rate = 32;
	as_other(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
	check(the_vcpu->shadow.on && this_cpu.shadowed, "it is logged, and shadowed");
}

static void end_world(void)
{
	as_other(XEN_DOMCTL_SHADOW_OP_OFF);
	check(!cpu_tree_pages && !the_vcpu->shadow.on, "and no more");
	the_vcpu->vcpu_info_maddr = 0;
	logged->evtchn_fifo = NULL;
}

static void one_world(void)
{
	begin_world();
	for (unsigned i = 0; i < READINGS && !tap_unchecked; i++) {
		for (unsigned n = rnd(24); n && !tap_unchecked; n--)
			act();
		check_clean();
		as_other(rnd(4) ? XEN_DOMCTL_SHADOW_OP_CLEAN : XEN_DOMCTL_SHADOW_OP_PEEK);
		nr_cleaned++;
	}
	if (!tap_unchecked)
		end_world();
}

int main(int argc, char **argv)
{
	unsigned long nr = argc > 1 ? strtoul(argv[1], NULL, 0) : 2000;

	world_seed(argc > 2 ? strtoul(argv[2], NULL, 0) : 0);
	world_isolated.vcpu_pt = argc <= 3 || atoi(argv[3]);
	world_controls = true;
	guest_audit_every = 0;
	guest_stores = stores;
	world_on_swap = on_swap;
	world_on_flush = on_flush;
	world_map_at(VA_SHADOW, VCPU_SHADOW_PAGES * PAGE_SIZE, true);
	while (nr_cleaned < nr && !tap_unchecked)
		one_world();
	all_ok("what has changed since the log was read is in it, and nothing clean has changed");
	printf("# %lu readings, %lu stopped on the way; %lu stores of the guest's, %lu at its "
	       "addresses, %lu of the other's, %lu on visits; %lu frames had changed, %lu clean "
	       "ones had not\n",
	       nr_cleaned, nr_stopped, nr_stores[0], nr_stores[1], nr_stores[2],
	       nr_on_visits, nr_changed, nr_clean_kept);
	printf("# calls %lu: %lu done; %lu grants mapped, %lu copied, %lu named, %lu "
	       "exchanged\n",
	       seen.calls, seen.ok, seen.granted, seen.copied, seen.named, seen.exchanged);
	ok(nr_stores[0] > nr && nr_stores[1] > nr / 4 && nr_stores[2] > nr / 40 &&
	   nr_on_visits > nr / 4 && nr_clean_kept > nr && nr_stopped > nr / 8,
	   "all of it happened");
	return done();
}
