/* SPDX-License-Identifier: MIT */
/*
 * Roots and flushes: the product's asi/root.c and mm/tlb.c on three simulated CPUs with a TLB each,
 * which remembers every L4 entry of the root that is loaded until it is flushed. Vcpus of two
 * domains come and go, change their base pointers, share L4s and edit them in batches, in the
 * middle of which other CPUs do the same; with shadows, some of them. After each dispatch nobody
 * may reach what an edited entry named before. Arguments: operations, seed.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <asm/asi_policy.h>
#include <asm/cpu_window.h>
#include <asm/domain_map.h>
#include <asm/insn.h>
#include <asm/ipi.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/tlb.h>
#include <asm/vcpu_area.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include "roots_parts.h"
#include "roots_shadow.h"
#include "tap.h"

#define NR_CPUS		3
#define NR_VCPUS	5		/* the first three are domain 0's, the rest domain 1's */
#define NR_L4S		6		/* frames 1..3: domain 0's, 4..6: domain 1's */
/* an L3 is its frame, FIRST_L3 + id; each id stands in one entry at most */
#define NR_IDS		64
#define FIRST_L3	0x1000u

struct cpu_private this_cpu;
struct vcpu_private this_vcpu;
struct cpu_public cpu_public[CONFIG_NR_CPUS];
unsigned nr_cpus = NR_CPUS;
bool world_irq_off;

static struct domain domain[2] = { { .domid = 0, .is_privileged = true, .nr_vcpus = 3 },
				   { .domid = 1, .nr_vcpus = 2 } };
static struct vcpu vcpu[NR_VCPUS], idle[NR_CPUS];
static struct vcpu_private vcpu_state[NR_VCPUS];
static struct {
	struct cpu_private saved;
	u64 cr3, flushed_at, page_flushed_at, tlb[PT_ENTRIES];
} cpu[NR_CPUS];
static unsigned me;
static bool is_switching;		/* this_vcpu is not yet that of whom the CPU runs */
static u64 now_is;
static bool id_used[NR_IDS];
static unsigned long nr_edits, nr_ipis, nr_behind;
bool no_pages;

static const unsigned slots[] = { 0, 1, 63, 64, 255, 272, 511 };

unsigned long roots_now(void) { return ++now_is; }
unsigned roots_vcpu(const struct vcpu *v) { return v - vcpu; }

static u64 rnd(u64 n) { return tap_random() % n; }

/* ---- CPUs ---- */

static struct vcpu_private *state_of(struct vcpu *v)
{
	return v->is_idle ? NULL : &vcpu_state[v - vcpu];
}

/*
 * CPU @c, which runs @v with a shadow, on one of its roots: that tree takes up what the guest's L4
 * names, and the processor what is in the tree.
 */
static void remember_shadow(unsigned c, struct vcpu *v)
{
	const struct vcpu_private *p = c == me ? &this_vcpu : state_of(v);
	unsigned which = cpu[c].cr3 == v->cr3_user;
	mfn_t l4 = which ? p->user_l4 : p->kernel_l4;

	if (cpu[c].cr3 != v->cr3_user && cpu[c].cr3 != v->cr3_kernel)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
		pte_t e = mfn_is_valid_num(l4) ? ((pte_t *)window_ptr(l4))[slots[i]] : 0;

		if (pte_present(e))
			shadow_sees(v, which, slots[i], mfn_x(pte_mfn(e)) - FIRST_L3);
		cpu[c].tlb[slots[i]] |= shadow_has(v, which, slots[i]);
	}
}

static struct vcpu *runs_on(unsigned c)
{
	return c == me ? this_cpu.curr : cpu[c].saved.curr;
}

/* The processor looks at everything that its root shows. */
static void remember_all(void)
{
	for (unsigned c = 0; c < NR_CPUS; c++)
		if (runs_on(c) && runs_on(c)->shadow.on && !is_switching)
			remember_shadow(c, runs_on(c));
	for (unsigned c = 0; c < NR_CPUS; c++) {
		const pte_t *root = public_ptr(maddr_to_mfn(cpu[c].cr3));

		for (unsigned i = 0; cpu[c].cr3 && i < ARRAY_SIZE(slots); i++)
			if (pte_present(root[slots[i]]))
				cpu[c].tlb[slots[i]] |=
					1ul << (mfn_x(pte_mfn(root[slots[i]])) - FIRST_L3);
	}
}

void write_cr3(u64 cr3)
{
	check(world_irq_off, "CR3 and its record change with interrupts off");
	check(cr3 == this_cpu.cr3, "the record says what is loaded");
	cpu[me].cr3 = cr3;
	memset(cpu[me].tlb, 0, sizeof(cpu[me].tlb));
	cpu[me].flushed_at = ++now_is;
	remember_all();
}

void invlpg(u64 va)
{
	cpu[me].page_flushed_at = ++now_is;
}

static void go_on_as(unsigned c)
{
	if (state_of(this_cpu.curr))
		*state_of(this_cpu.curr) = this_vcpu;
	cpu[me].saved = this_cpu;
	me = c;
	this_cpu = cpu[c].saved;
	if (state_of(this_cpu.curr))
		this_vcpu = *state_of(this_cpu.curr);
	remember_all();
}

static void (*handlers[NR_IPI_FUNCTIONS])(const u64 *payload);

void ipi_set_function(enum ipi_function fn, void (*handler)(const u64 *payload))
{
	handlers[fn] = handler;
}

void ipi_call(const u64 cpus[IPI_CPU_WORDS], enum ipi_function fn, const u64 *payload,
	      unsigned nr)
{
	unsigned caller = me;

	check(!world_irq_off, "who waits for others can be interrupted");
	for (unsigned c = 0; c < NR_CPUS; c++) {
		if (!(cpus[0] >> c & 1))
			continue;
		check(c != caller, "nobody calls himself");
		nr_ipis++;
		go_on_as(c);
		world_irq_off = true;
		handlers[fn](payload);
		world_irq_off = false;
		go_on_as(caller);
	}
}

/* SWAPGS and WBINVD, which user space may not, do nothing. */
static void on_fault(int signal_number, siginfo_t *info, void *at)
{
	greg_t *rip = &((ucontext_t *)at)->uc_mcontext.gregs[16];

	if (info->si_addr) {
		signal(signal_number, SIG_DFL);		/* at the second try it is what it seems */
		return;
	}
	*rip += memcmp((const void *)*rip, "\x0f\x09", 2) ? 3 : 2;
}

/* ---- What must hold ---- */

static void check_root(const struct vcpu *v, unsigned which, mfn_t l4, bool kernel)
{
	const pte_t *root = public_ptr(which ? v->root_user : v->root_kernel),
		    *from = mfn_is_valid_num(l4) ? window_ptr(l4) : NULL;
	const pte_t *mirror = (const pte_t *)v->mirror[which];

	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		pte_t e = from ? from[i] : 0;

		if (i < L4_SLOT_HV_FIRST || i > L4_SLOT_HV_LAST)
			check(mirror[i] == (pte_present(e) ? e : 0) &&
				      (v->shadow.on ? !root[i] : root == mirror),
			      "slot %u of vcpu %lu's root %u: %lx, %lx in the L4", i, v - vcpu,
			      which, root[i], e);
	}
	check(mfn_x(pte_mfn(root[L4_SLOT_CPU])) == AREA_L3 + me,
	      "a root that is loaded shows this CPU's area");
	check(mfn_x(pte_mfn(root[L4_SLOT_VCPU])) == mfn_x(v->area_l3), "and its vcpu's");
	check(root[L4_SLOT_WINDOW_FIRST] == (kernel ? 2u + v->domain->domid : 0),
	      "a window in the kernel root only");
	check(root[L4_SLOT_M2P] == kernel, "and the M2P");
}

static void check_cpu(bool in_step)
{
	const struct vcpu *v = this_cpu.curr;
	const struct cpu_loaded *rec = &cpu_public[me].loaded;

	check(cpu[me].cr3 == this_cpu.cr3, "CPU %u: what is loaded is recorded", me);
	check(rec->vcpu == v && !rec->leaving_vcpu, "CPU %u: whose it is, and nobody leaves", me);
	check(!mfn_is_valid_num(rec->leaving_kernel_l4) && !mfn_is_valid_num(rec->leaving_user_l4),
	      "and no table");
	if (v->is_idle) {
		check(cpu[me].cr3 == v->cr3_kernel, "idle, on the idle root");
		return;
	}
	check(cpu[me].cr3 == (this_vcpu.kernel_mode ? v->cr3_kernel : v->cr3_user),
	      "CPU %u: the root of its mode", me);
	check(mfn_eq(rec->kernel_l4, this_vcpu.kernel_l4) &&
		      mfn_eq(rec->user_l4, this_vcpu.user_l4),
	      "CPU %u: its L4s", me);
	if (!in_step)
		return;
	check_root(v, 0, this_vcpu.kernel_l4, true);
	check_root(v, 1, this_vcpu.user_l4, false);
}

static void check_all(bool in_step)
{
	unsigned was = me;

	for (unsigned c = 0; c < NR_CPUS; c++) {
		go_on_as(c);
		check_cpu(in_step);
	}
	go_on_as(was);
}

/* @id has been dropped: it may be anything from now on. */
static void check_gone(unsigned id)
{
	for (unsigned c = 0; c < NR_CPUS; c++) {
		const struct vcpu *v = runs_on(c);
		const pte_t *roots[2] = { public_ptr(v->root_kernel), public_ptr(v->root_user) };

		for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
			check(!(cpu[c].tlb[slots[i]] >> id & 1),
			      "CPU %u remembers an L3 that has gone", c);
			for (unsigned r = 0; r < 2 && v->shadow.on; r++)
				check(!(shadow_has(v, r, slots[i]) >> id & 1),
				      "CPU %u's shadow remembers an L3 that has gone", c);
			for (unsigned r = 0; r < 2; r++)
				check(!pte_present(roots[r][slots[i]]) ||
					      mfn_x(pte_mfn(roots[r][slots[i]])) - FIRST_L3 != id,
				      "CPU %u can reach an L3 that has gone", c);
		}
	}
	id_used[id] = false;
}

/* ---- What happens ---- */

static void anything(unsigned depth);

static void anything_elsewhere(unsigned depth)
{
	unsigned was = me;

	go_on_as(rnd(NR_CPUS));
	if (me != was && !this_cpu.visited)
		anything(depth + 1);
	go_on_as(was);
}

static void elsewhere(unsigned depth)
{
	if (depth <= 1 && !rnd(3))
		anything_elsewhere(depth);
}

static mfn_t some_l4(const struct domain *d) { return _mfn(1 + 3 * d->domid + rnd(3)); }

static void edit(struct root_dirty *dirty, unsigned *gone, unsigned *nr_gone, bool *flush)
{
	mfn_t m = rnd(4) && mfn_is_valid_num(this_vcpu.kernel_l4) ? this_vcpu.kernel_l4
								  : some_l4(this_cpu.curr->domain);
	pte_t *pe = (pte_t *)window_ptr(m) + slots[rnd(ARRAY_SIZE(slots))], old;
	unsigned id = rnd(NR_IDS), behind = dirty->cpus[0] >> me & 1;

	old = *pe;
	if (pte_present(old))
		gone[(*nr_gone)++] = mfn_x(pte_mfn(old)) - FIRST_L3;
	*flush |= pte_present(old);
	if (rnd(3) == 0 || id_used[id]) {
		*pe = rnd(2) << 20;		/* absent, whatever it holds */
	} else {
		id_used[id] = true;
		*pe = pte_make(_mfn(FIRST_L3 + id), PTE_P | PTE_RW | PTE_US);
	}
	root_l4_written(pe, dirty);
	nr_edits++;
	nr_behind += !behind && dirty->cpus[0] >> me & 1;
	remember_all();
}

static void do_batch(unsigned depth)
{
	struct root_dirty dirty = { 0 };
	unsigned gone[4], nr_gone = 0;
	bool flush = false;

	if (this_cpu.curr->is_idle || !this_vcpu.kernel_mode)
		return;
	for (unsigned i = 1 + rnd(4); i; i--) {
		edit(&dirty, gone, &nr_gone, &flush);
		elsewhere(depth);
	}
	root_dispatch(&dirty);
	check(!root_is_dirty(&dirty), "paid");
	if (flush)
		tlb_flush_local();
	while (nr_gone)
		check_gone(gone[--nr_gone]);
}

static void do_baseptr(unsigned depth)
{
	struct vcpu *v = this_cpu.curr;
	mfn_t was = this_vcpu.user_l4;

	if (v->is_idle || !this_vcpu.kernel_mode)
		return;
	if (rnd(2)) {
		root_set_kernel(some_l4(v->domain));
		return;
	}
	root_set_user(rnd(4) ? some_l4(v->domain) : INVALID_MFN);
	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++)
		check(!v->shadow.on || mfn_eq(was, this_vcpu.user_l4) ||
			      !shadow_has(v, 1, slots[i]),
		      "what another L4 named is in the shadow");
}

static void do_toggle(unsigned depth)
{
	if (this_cpu.curr->is_idle)
		return;
	world_irq_off = true;
	if (this_vcpu.kernel_mode)
		root_enter_user();
	else
		root_enter_kernel();
	world_irq_off = false;
}

static void do_peek(unsigned depth)
{
	if (this_cpu.curr->is_idle)
		return;
	world_irq_off = true;
	root_peek_kernel();
	world_irq_off = false;
	check(cpu[me].cr3 == this_cpu.curr->cr3_kernel, "a look from the kernel root");
	elsewhere(depth);
	world_irq_off = true;
	root_peek_done();
	world_irq_off = false;
}

static void do_visit(unsigned depth)
{
	const pte_t *root = public_ptr(cpu_public[me].visit_root);
	struct domain *d;

	if (this_cpu.curr->is_idle || !this_vcpu.kernel_mode || depth > 1)
		return;
	d = &domain[!this_cpu.curr->domain->domid];
	root_begin_visit(d);
	check(cpu[me].cr3 == mfn_to_maddr(cpu_public[me].visit_root) &&
		      root[L4_SLOT_WINDOW_FIRST] == 2u + d->domid && !root[L4_SLOT_M2P],
	      "a visit shows the window of whom it is to");
	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++)
		check(!root[slots[i]], "and nothing of a guest's slots");
	anything_elsewhere(depth);
	root_end_visit();
	check(cpu[me].cr3 == this_cpu.curr->cr3_kernel && !root[L4_SLOT_WINDOW_FIRST],
	      "behind a visit its root shows nothing");
}

static bool is_loaded(const struct vcpu *v)
{
	for (unsigned c = 0; c < NR_CPUS; c++)
		if (runs_on(c) == v)
			return true;
	return false;
}

static void do_switch(unsigned depth)
{
	struct vcpu *v = rnd(4) ? &vcpu[rnd(NR_VCPUS)] : &idle[me];

	if (depth > 1 || is_loaded(v))
		return;
	if (state_of(this_cpu.curr))
		*state_of(this_cpu.curr) = this_vcpu;
	if (state_of(this_cpu.curr))
		shadow_rots(this_cpu.curr);
	is_switching = true;
	world_irq_off = true;
	root_load(v);
	world_irq_off = false;
	is_switching = false;
	if (!state_of(v))
		return;
	this_vcpu = *state_of(v);
	if (this_vcpu.kernel_mode)
		return;
	world_irq_off = true;
	root_peek_done();		/* to where its registers say that it was */
	world_irq_off = false;
}

static void do_shadow(unsigned depth)
{
	struct vcpu *v = &vcpu[rnd(NR_VCPUS)];

	is_loaded(v) ? shadow_start(v) : shadow_flip(v);
}

/* When CPU @c forgot all that it may know of guests' tables, or one page. */
static u64 flushed_at(unsigned c, bool all)
{
	const struct vcpu *v = runs_on(c);
	u64 at = all ? cpu[c].flushed_at : cpu[c].page_flushed_at, forgotten;

	if (!v->shadow.on)
		return at;
	forgotten = all ? shadow_forgotten_at(v) : shadow_page_forgotten_at(v);
	return at < forgotten ? at : forgotten;
}

static bool runs(unsigned c, const struct domain *d, u64 mask)
{
	const struct vcpu *v = runs_on(c);

	return (c == me ? this_cpu : cpu[c].saved).visited == d ||
	       (v->domain == d && (mask >> v->id & 1));
}

/*
 * Of a frame of domain 0's, of domain 1's, or of one that was shared out (NULL): who may remember
 * it.
 */
static void do_stamp(unsigned depth)
{
	const struct domain *d = rnd(3) ? &domain[rnd(2)] : NULL;
	u32 stamp;
	u64 at;

	if (rnd(16) == 0)
		tlb_clock += 1ul << (29 + rnd(3));	/* a long time passes */
	stamp = tlb_stamp_now();
	at = now_is;
	elsewhere(depth);
	tlb_flush_stamped(d, stamp);
	for (unsigned c = 0; c < NR_CPUS; c++)
		check((d && !runs(c, d, ~0ul)) || flushed_at(c, true) > at,
		      "CPU %u has not flushed since the stamp", c);
}

static void do_flush(unsigned depth)
{
	struct domain *d = &domain[rnd(2)];
	u64 mask = rnd(8), at = now_is;
	bool all = rnd(2);

	tlb_flush_vcpus(d, mask, all ? ~0ul : 0x1000);
	for (unsigned c = 0; c < NR_CPUS; c++)
		check(!runs(c, d, mask) || flushed_at(c, all) > at,
		      "CPU %u has not flushed", c);
	if (rnd(64) == 0)
		cache_flush_all();
	if (rnd(16) == 0)
		root_reload();
}

static void anything(unsigned depth)
{
	static void (*const actions[])(unsigned depth) = {
		do_batch, do_batch,  do_batch,  do_baseptr, do_toggle,
		do_peek,  do_switch, do_switch, do_stamp,   do_flush,  do_visit,
		do_shadow,
	};

	actions[rnd(ARRAY_SIZE(actions))](depth);
	remember_all();
}

/* ---- The start ---- */

static void map_at(u64 va, u64 bytes)
{
	if (mmap((void *)va, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		panic("no memory at %lx", va);
}

static void start(void)
{
	map_at(VA_PUBLIC, NR_PUBLIC * PAGE_SIZE);
	map_at(VA_WINDOW, (NR_L4S + 1) * PAGE_SIZE);
	sigaction(SIGSEGV,
		  &(struct sigaction){ .sa_sigaction = on_fault,
				       .sa_flags = SA_SIGINFO | SA_NODEFER },
		  NULL);
	root_init();
	tlb_init();
	tlb_clock = (1ul << 32) - 1000;
	no_pages = true;
	check(root_create_idle(&idle[0], 0) == -ENOMEM && root_create_vcpu(&vcpu[0]) == -ENOMEM,
	      "no roots without memory");
	check(root_create_vcpu(&vcpu[0]) == -ENOMEM, "however little is missing");
	no_pages = false;
	for (unsigned i = 1; i <= NR_L4S; i++)
		root_l4_init(window_ptr(_mfn(i)));
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		vcpu[i] = (struct vcpu){ .domain = &domain[i / 3], .id = i % 3 };
		check(root_create_vcpu(&vcpu[i]) == 0, "two roots");
		vcpu_state[i].kernel_l4 = vcpu_state[i].user_l4 = INVALID_MFN;
		vcpu_state[i].kernel_mode = 1;
	}
	for (unsigned c = 0; c < NR_CPUS; c++) {
		const mfn_t none = INVALID_MFN;

		cpu_public[c].area_l3 = _mfn(AREA_L3 + c);
		cpu_public[c].loaded = (struct cpu_loaded){
			NULL, none, none, NULL, none, none, NULL };
		idle[c] = (struct vcpu){ .id = c, .is_idle = true };
		check(root_create_idle(&idle[c], c) == 0 && root_create_visit(c) == 0,
		      "an idle root, and one for visits");
		cpu[c].saved = (struct cpu_private){ .id = c,
						     .pub = &cpu_public[c],
						     .curr = &idle[c],
						     .area_l3 = cpu_public[c].area_l3 };
	}
	this_cpu = cpu[0].saved;
	for (unsigned c = 0; c < NR_CPUS; c++) {
		go_on_as(c);
		world_irq_off = true;
		root_adopt(idle[c].cr3_kernel);
		root_load(&idle[c]);
		root_load(&vcpu[c]);
		world_irq_off = false;
		this_vcpu = vcpu_state[c];
		root_set_kernel(_mfn(1 + 3 * vcpu[c].domain->domid));
	}
}

/* With asi off in part the other CPUs' stacks are shown too. */
static void knobs(void)
{
	struct vcpu v = { .domain = &domain[1] }, i = { .is_idle = true };
	const pte_t *kernel;

	asi_policy.pv.cpu_stack = false;
	check(root_create_vcpu(&v) == 0 && root_create_idle(&i, 0) == 0,
	      "roots without that part of asi");
	kernel = public_ptr(v.root_kernel);
	check(mfn_eq(pte_mfn(kernel[L4_SLOT_STACKS]), cpu_areas_l3),
	      "a kernel root shows all areas");
	check(!((const pte_t *)public_ptr(v.root_user))[L4_SLOT_STACKS], "a user root does not");
	check(mfn_eq(pte_mfn(((const pte_t *)public_ptr(i.root_kernel))[L4_SLOT_STACKS]),
		     cpu_areas_l3),
	      "an idle root does");
	asi_policy.pv.cpu_stack = true;
	all_ok("roots are filled as asi= says");
}

int main(int argc, char **argv)
{
	unsigned long nr = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000;

	tap_random_state += 2 * (argc > 2 ? strtoul(argv[2], NULL, 0) : 0);
	start();
	all_ok("roots are made");
	knobs();
	for (unsigned long i = 0; i < nr && !tap_unchecked; i++) {
		go_on_as(rnd(NR_CPUS));
		anything(0);
		check_all(true);
	}
	all_ok("nobody reaches what an edited L4 no longer names, and every root is in step");
	printf("# %lu operations, %lu edits, %lu of them from behind, %lu IPIs\n", nr, nr_edits,
	       nr_behind, nr_ipis);
	ok(nr_edits > nr / 10 && nr_behind > nr / 10000 && nr_ipis > nr / 10 &&
	   shadows_started > nr / 10000, "all of it happened");
	return done();
}
