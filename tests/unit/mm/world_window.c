/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: memory at fixed addresses, and the window, through which the product can
 * touch what its tables show and nothing else.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <asm/trap.h>
#include <asm/hyper_pt.h>
#include <asm/loaded.h>
#include <isola/printk.h>
#include "panic.h"
#include "tap.h"
#include "world_parts.h"

/* Zeroed memory at @va; the first time it is made. */
void world_map_at(u64 va, u64 bytes, bool first)
{
	if (!first) {
		memset((void *)va, 0, bytes);
	} else if (mmap((void *)va, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
}

/* The same for @nr frames from @first on, where the window has them and where the harness does. */
static void map_frames(unsigned first, unsigned nr)
{
	static int memory = -1;
	const u64 at[] = { VA_WINDOW, VA_FRAMES };
	const u64 from = (u64)first << PAGE_SHIFT, bytes = (u64)nr << PAGE_SHIFT;

	if (memory < 0)
		memory = syscall(SYS_memfd_create, "frames", 0);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++)
		if (ftruncate(memory, MIB(16)) ||
		    mmap((void *)(at[i] + from), bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, memory, from) == MAP_FAILED) {
			perror("memory");
			exit(1);
		}
	memset((void *)(VA_FRAMES + from), 0, bytes);
}

/* ---- The window: what it does not show cannot be touched ---- */

bool world_guarded;
unsigned long world_fixups;

/*
 * The entry of the window's tables for frame @f; NULL: there is no L1. A large page's stands for
 * itself.
 */
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

/* Frames from @f to before @end are, or are not, to be had. */
static void window_open(unsigned f, unsigned end, bool open)
{
	bool changes = false;

	for (unsigned g = f; g < end; g++) {
		changes |= open_frame[g] != open;
		open_frame[g] = open;
	}
	if (changes && mprotect((void *)(VA_WINDOW + ((u64)f << PAGE_SHIFT)),
				(u64)(end - f) << PAGE_SHIFT,
				open ? PROT_READ | PROT_WRITE : PROT_NONE)) {
		perror("mprotect");
		exit(1);
	}
}

/*
 * The product has written the entry @p of some window's tables. All frames that are watched have
 * one L1 in each.
 */
void world_window_written(const pte_t *p)
{
	unsigned f = (u64)p % PAGE_SIZE / sizeof(*p);

	if (world_guarded && f < NR_FRAMES && window_entry(loaded_domain(), f) == p)
		window_open(f, f + 1, pte_present(*p));
}

/* Another domain's window is loaded: a system call for each run of frames that are alike. */
void world_window_load(void)
{
	for (unsigned f = 0, end; world_guarded && f < NR_FRAMES; f = end) {
		bool open = window_shows(loaded_domain(), f);

		for (end = f + 1; end < NR_FRAMES; end++)
			if (window_shows(loaded_domain(), end) != open)
				break;
		window_open(f, end, open);
	}
}

/* None is. */
void world_window_close(void)
{
	memset(open_frame, 0, sizeof(open_frame));
	if (world_guarded && mprotect((void *)VA_WINDOW, NR_FRAMES * PAGE_SIZE, PROT_NONE)) {
		perror("mprotect");
		exit(1);
	}
}
#else
void world_window_load(void) { }
void world_window_close(void) { }
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
		printf("# failed: the hypervisor faulted: frame %lu is not in the window\n",
		       (va - VA_WINDOW) >> PAGE_SHIFT);
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

void world_map_memory(void)
{
	static bool mapped;

	if (mapped)
		memset(frame_ptr(0), 0, NR_FRAMES * PAGE_SIZE);
	else
		map_frames(0, NR_FRAMES + 1);
	world_map_at(VA_FRAMETABLE,
		     ROUNDUP((PUBLIC_FIRST + NR_PUBLIC) * sizeof(struct page_info), PAGE_SIZE),
		     !mapped);
	world_map_at(VA_M2P_RW, PAGE_SIZE, !mapped);
	world_map_at(VA_PUBLIC + PUBLIC_FIRST * PAGE_SIZE, NR_PUBLIC * PAGE_SIZE, !mapped);
	if (!mapped)
		sigaction(SIGSEGV,
			  &(struct sigaction){ .sa_sigaction = on_fault,
					       .sa_flags = SA_SIGINFO | SA_NODEFER },
			  &old_action);
	mapped = true;
}

static unsigned extra_first, nr_extra;

bool mfn_has_page(mfn_t m)
{
	return mfn_x(m) < NR_FRAMES ||
	       (mfn_x(m) >= extra_first && mfn_x(m) - extra_first < nr_extra);
}

void world_extra(unsigned first, unsigned nr)
{
	extra_first = first;
	nr_extra = nr;
	if (!nr)
		return;
	map_frames(first, nr);
	world_map_at(ROUNDDOWN((u64)page_of(_mfn(first)), PAGE_SIZE),
		     ROUNDUP((nr + 1) * sizeof(struct page_info), PAGE_SIZE), true);
	world_map_at(ROUNDDOWN(VA_M2P_RW + first * sizeof(u64), PAGE_SIZE),
		     ROUNDUP((nr + 1) * sizeof(u64), PAGE_SIZE), true);
}

void world_window_show(const struct domain *d, unsigned f, bool own)
{
	*window_entry(d, f) = own ? pte_make(_mfn(f), PAGE_HV_RW) : 0;
}

