/* SPDX-License-Identifier: MIT */
/*
 * The product's arch/x86/shadow/ below a simulated processor (shadow_cpu.h): one vcpu, whose tables
 * change at random, also while they are walked. What the processor goes by must be what the guest's
 * tables say, or have said since the last flush; nothing clean is ever writable; a fault that is
 * the guest's has the error code that its tables give. Arguments: operations, seed.
 */
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <sys/mman.h>
#include <asm/frametable.h>
#include <asm/mapcache.h>
#include <asm/root.h>
#include <asm/trap.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include "shadow.h"
#include "tap.h"

#define NR_PUBLIC 16u

struct cpu_private this_cpu;
struct vcpu_private this_vcpu;
bool world_irq_off;
struct domain shadow_domain = { .domid = 5 };
static struct domain nobody = { .domid = 9 };
static struct vcpu idle = { .domain = &nobody };
struct vcpu shadow_vcpu = { .domain = &shadow_domain, .on_cpu = NO_CPU };
static struct vcpu_private private_page[1 + NR_SIBLINGS];
unsigned long shadow_reloads, shadow_crashes;
static bool public_used[NR_PUBLIC];
unsigned shadow_public_left = ~0u;

/* ---- What the product calls ---- */

void domain_crash(struct domain *d, const char *fmt, ...)
{
	check(d == &shadow_domain, "the domain itself ends");
	shadow_crashes++;
}

void *alloc_public_page(void)
{
	for (unsigned i = 0; i < NR_PUBLIC && shadow_public_left; i++)
		if (!public_used[i]) {
			public_used[i] = true;
			shadow_public_left--;
			return memset(public_ptr(_mfn(PUBLIC_FIRST + i)), 0, PAGE_SIZE);
		}
	return NULL;
}

void free_public_page(void *page)
{
	unsigned i = mfn_x(public_mfn(page)) - PUBLIC_FIRST;

	check(i < NR_PUBLIC && public_used[i], "a public page that is free is freed");
	public_used[i % NR_PUBLIC] = false;
}

void *map_domain_page(mfn_t m)
{
	check(mfn_x(m) >= PRIVATE && mfn_x(m) <= PRIVATE + NR_SIBLINGS, "a private page");
	return &private_page[mfn_x(m) - PRIVATE];
}

void unmap_domain_page(const void *p)
{
	check(p >= (void *)private_page && p < (void *)(private_page + 1 + NR_SIBLINGS),
	      "what was mapped");
}

void invlpg(u64 va) { cpu_invlpg(va); }

bool mfn_has_page(mfn_t m) { return mfn_x(m) < NR_FRAMES; }

/* The product is about to touch a table. */
void race_point(mfn_t m) { shadow_moment(); }

static void load_cr3(u64 cr3)
{
	check(world_irq_off, "CR3 and its record change with interrupts off");
	this_cpu.cr3 = cr3;
	cpu_write_cr3(cr3);
}

/* As asi/root.c has them; roots.t is about that. */
void root_reload(void)
{
	u64 flags = irq_save();

	shadow_reloads++;
	shadow_flush();
	load_cr3(this_cpu.cr3);
	shadow_past_is_over(true, true);
	irq_restore(flags);
}

static u64 peeked_from;

void root_peek_kernel(void)
{
	peeked_from = this_cpu.cr3;
	load_cr3(current->cr3_kernel);
}

void root_peek_done(void) { load_cr3(peeked_from); }

void root_adopt(u64 cr3)
{
	load_cr3(cr3);
	shadow_past_is_over(true, true);
}

/* ---- The vcpu comes and goes ---- */

void shadow_load(void)
{
	world_irq_off = true;
	shadow_begin(&shadow_vcpu);
	this_cpu.curr = &shadow_vcpu;
	this_cpu.shadowed = shadow_vcpu.shadow.on;
	shadow_vcpu.on_cpu = 0;
	load_cr3(this_vcpu.kernel_mode ? shadow_vcpu.cr3_kernel : shadow_vcpu.cr3_user);
	shadow_past_is_over(true, true);
	world_irq_off = false;
}

void shadow_unload(void)
{
	world_irq_off = true;
	this_cpu.shadowed = false;
	this_cpu.curr = &idle;
	load_cr3(0);
	shadow_vcpu.on_cpu = NO_CPU;
	world_irq_off = false;
}

void shadow_toggle(void)
{
	world_irq_off = true;
	this_vcpu.kernel_mode = !this_vcpu.kernel_mode;
	load_cr3(this_vcpu.kernel_mode ? shadow_vcpu.cr3_kernel : shadow_vcpu.cr3_user);
	world_irq_off = false;
}

void shadow_base(mfn_t l4)
{
	u64 was = this_cpu.cr3;

	world_irq_off = true;
	if (this_vcpu.kernel_mode) {
		this_vcpu.kernel_l4 = l4;
		shadow_flush_tree(SHADOW_KERNEL);
	} else {
		this_vcpu.user_l4 = l4;
		shadow_flush_tree(SHADOW_USER);
	}
	load_cr3(was);
	shadow_past_is_over(this_vcpu.kernel_mode, !this_vcpu.kernel_mode);
	world_irq_off = false;
}

u32 shadow_faults_ours(void) { return private_page[0].faults_ours; }

/* ---- Accesses ---- */

u32 shadow_access(u64 va, u32 kind, pte_t *way)
{
	for (unsigned tries = 0; tries < 24; tries++) {
		u32 ec = kind;

		*way = cpu_access(va, &ec);
		if (*way)
			return 0;
		if (!(ec & shadow_faults_ours()))
			return ec;
		ec = shadow_guest_fault(va, ec);
		check(!world_irq_off, "behind a fault interrupts are as before");
		if (ec)
			return ec;
	}
	check(shadow_is_moving(), "%lx by %x is tried for ever", va, kind);
	return 0;
}

bool shadow_own_access(u64 va, u32 kind, pte_t *way)
{
	world_irq_off = tap_random() % 2;
	for (unsigned tries = 0; tries < 24; tries++) {
		u32 ec = kind;
		bool off = world_irq_off;

		*way = cpu_access(va, &ec);
		if (*way || !shadow_own_fault(va, ec)) {
			check(world_irq_off == off, "interrupts are as they were");
			world_irq_off = false;
			return *way;
		}
	}
	world_irq_off = false;
	check(shadow_is_moving(), "%lx by %x of the hypervisor's is tried for ever", va, kind);
	return false;
}

/* ---- Making ---- */

static unsigned nr_public_used(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NR_PUBLIC; i++)
		n += public_used[i];
	return n;
}

void shadow_check_unshadowed(const char *when)
{
	const struct vcpu *v = &shadow_vcpu;

	check(!v->shadow.on && !cpu_tree_pages && nr_public_used() == 2, "%s: %u pages, %u public",
	      when, cpu_tree_pages, nr_public_used());
	check(v->root_kernel.n == PUBLIC_FIRST && v->root_user.n == PUBLIC_FIRST + 1 &&
		      v->cr3_kernel == PUBLIC_FIRST * PAGE_SIZE &&
		      v->cr3_user == (PUBLIC_FIRST + 1) * PAGE_SIZE,
	      "%s: its roots are those that follow its tables", when);
	check(private_page[0].faults_ours == PFEC_R, "%s: its faults are its own", when);
}

void shadow_check_roots(void)
{
	const u64 *roots[2] = { public_ptr(shadow_vcpu.root_kernel),
				public_ptr(shadow_vcpu.root_user) };

	for (unsigned i = 0; i < 2; i++) {
		check(roots[i] != shadow_vcpu.mirror[i], "a root of the shadow's own");
		check(!memcmp(roots[i] + L4_SLOT_HV_FIRST, shadow_vcpu.mirror[i] + L4_SLOT_HV_FIRST,
			      8 * (L4_SLOT_HV_LAST + 1 - L4_SLOT_HV_FIRST)),
		      "root %u has the hypervisor's slots", i);
	}
}

static void refuse_without_memory(void)
{
	const unsigned public[] = { 0, 1, 2, 2, 2 },
		       tree[] = { ~0u, ~0u, 0, 1, VCPU_SHADOW_PAGES - 1 };

	for (unsigned i = 0; i < 5; i++) {
		shadow_public_left = public[i];
		cpu_tree_pages_left = tree[i];
		check(shadow_create(&shadow_vcpu) == -ENOMEM, "no shadow without memory");
		shadow_check_unshadowed("refused");
	}
	shadow_public_left = cpu_tree_pages_left = ~0u;
	shadow_destroy(&shadow_vcpu);
	shadow_check_unshadowed("never made");
}

void shadow_come(void)
{
	struct vcpu_shadow *s = &shadow_vcpu.shadow;
	u64 root = this_cpu.cr3;

	*s = (struct vcpu_shadow){ .absent = ABSENT_FAILED, .nr_used = { 1, 1 }, .faults = 1 };
	check(shadow_create(&shadow_vcpu) == 0 && shadow_vcpu.shadow.on, "a shadow is made");
	if (current == &shadow_vcpu)
		check(this_cpu.shadowed && !world_irq_off &&
			      this_cpu.cr3 == shadow_vcpu.cr3_kernel && this_cpu.cr3 != root,
		      "of the vcpu that runs: it runs on it");
	check(cpu_tree_pages == VCPU_SHADOW_PAGES && nr_public_used() == 4, "of so many pages");
	check(!s->nr_used[0] && !s->nr_used[1] && !s->faults, "which knows nothing of one before");
	check(s->absent == (current == &shadow_vcpu ? ABSENT_NONE : ABSENT_FAILED),
	      "what has failed is not forgotten by who makes it for another");
	s->absent = ABSENT_NONE;
	check(private_page[0].faults_ours == (PFEC_R | PFEC_U), "and the guest's faults are ours");
	check(shadow_vcpu.cr3_kernel == mfn_to_maddr(shadow_vcpu.root_kernel) &&
		      shadow_vcpu.cr3_user == mfn_to_maddr(shadow_vcpu.root_user) &&
		      shadow_vcpu.cr3_kernel != shadow_vcpu.cr3_user,
	      "it is loaded from now on");
	shadow_check_roots();
}

void shadow_go(void)
{
	shadow_destroy(&shadow_vcpu);
	shadow_check_unshadowed("gone");
}

/* Loads and stores beside the window fault, and the exception table has what follows. */
extern const struct ex_entry ex_table_start[], ex_table_end[];

static void on_fault(int signal_number, siginfo_t *info, void *at)
{
	greg_t *rip = &((ucontext_t *)at)->uc_mcontext.gregs[16];

	for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
		if ((u64)&e->insn + e->insn == (u64)*rip) {
			*rip = (u64)&e->fixup + e->fixup;
			return;
		}
	check(false, "a fault at %p", info->si_addr);
	fflush(stdout);
	signal(signal_number, SIG_DFL);
}

static void map_at(u64 va, u64 bytes)
{
	if (mmap((void *)va, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		panic("no memory at %lx", va);
}

static void start(void)
{
	map_at(VA_PUBLIC + PUBLIC_FIRST * PAGE_SIZE, NR_PUBLIC * PAGE_SIZE);
	map_at(VA_WINDOW, NR_FRAMES * PAGE_SIZE);
	map_at(VA_SHADOW, VCPU_SHADOW_PAGES * PAGE_SIZE);
	map_at(VA_FRAMETABLE, ROUNDUP(NR_FRAMES * sizeof(struct page_info), PAGE_SIZE));
	sigaction(SIGSEGV,
		  &(struct sigaction){ .sa_sigaction = on_fault,
				       .sa_flags = SA_SIGINFO | SA_NODEFER },
		  NULL);
	for (unsigned i = 0; i < 2; i++) {
		shadow_vcpu.mirror[i] = alloc_public_page();
		for (unsigned s = 0; s < PT_ENTRIES; s++)
			shadow_vcpu.mirror[i][s] = tap_random();
	}
	shadow_vcpu.root_kernel = _mfn(PUBLIC_FIRST);
	shadow_vcpu.root_user = _mfn(PUBLIC_FIRST + 1);
	shadow_vcpu.cr3_kernel = PUBLIC_FIRST * PAGE_SIZE;
	shadow_vcpu.cr3_user = (PUBLIC_FIRST + 1) * PAGE_SIZE;
	shadow_vcpu.private_mfn[0] = _mfn(PRIVATE);
	private_page[0].faults_ours = PFEC_R;
	this_vcpu.kernel_mode = 1;
	this_vcpu.user_l4 = INVALID_MFN;
	this_cpu.curr = &idle;
}

int main(int argc, char **argv)
{
	unsigned long nr = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000;

	tap_random_state += 2 * (argc > 2 ? strtoul(argv[2], NULL, 0) : 0);
	start();
	refuse_without_memory();
	all_ok("without memory there is no shadow, and nothing is left of it");
	shadow_come();
	shadow_go();
	all_ok("a shadow comes, and all of it goes");
	shadow_cases();
	shadow_self();
	shadow_random(nr);
	return done();
}
