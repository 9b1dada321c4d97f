/* SPDX-License-Identifier: MIT */
/*
 * races_stale: a sibling goes on using what we have taken away: tables, roots, writable mappings.
 *
 * The rule: when a call is over in which a frame became something else, no processor remembers what
 * it was.
 */
#define TOPIC "races"
#include "../claim.h"
#include "races.h"
#include "../clock.h"
#include "../text.h"
#include "stale.h"

static volatile uint64_t wrong, rounds_done;

uint64_t *volatile other_target;
volatile uint64_t other_stores;

void job_store(void)
{
	while (!stop) {
		/*
		 * Never a present entry, one that names a frame, or a large page: L1TF's rule
		 * refuses absent ones too.
		 */
		other_write(other_target, (other_stores & 0x3f) << 1);
		other_stores++;
	}
}

void stale_writable(unsigned int rounds, long (*become)(void), long (*cease)(void))
{
	other_start();
	other_target = page_alloc();
	stop = false;
	job = job_store;
	for (unsigned int round = 0; round < rounds; round++) {
		uint64_t seen, at, faults;

		CHECK_OK(make_writable(other_target));
		at = *(volatile uint64_t *)other_target;
		CHECK(WAIT_FOR(*(volatile uint64_t *)other_target != at, 5000));
		CHECK_OK(HC3(update_va_mapping, other_target,
			     make_pte(mfn_of(other_target), PTE_RO_PAGE), UVMF_NONE));
		CHECK_OK(become());
		seen = *(volatile uint64_t *)other_target;
		faults = smp_faults;
		CHECK(WAIT_FOR(smp_faults > faults + 3, 5000));
		CHECK_EQ(*(volatile uint64_t *)other_target, seen);
		CHECK_OK(cease());
	}
	stop = true;
	other_stop();
}

long unpin_target(void)
{
	return mmuext(MMUEXT_UNPIN_TABLE, mfn_of(other_target), 0);
}

static long pin_target_l3(void)
{
	return mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(other_target), 0);
}

static long pin_target_l4(void)
{
	return mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(other_target), 0);
}

static long hook_target(void)
{
	return write_entry(l4_slot(SLOT), table_pte(other_target));
}

static long unhook_target(void)
{
	return write_entry(l4_slot(SLOT), 0);
}

static long load_target_user(void)
{
	return mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(other_target), 0);
}

static long unload_target_user(void)
{
	return mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0);
}

static long gdt_target(void)
{
	unsigned long frame = mfn_of(other_target);

	return HC2(set_gdt, &frame, 512);
}

static long no_gdt(void)
{
	return HC2(set_gdt, 0, 0);
}

#define STALE_WRITABLE(how) \
	"a page that another vCPU keeps writing " how \
	" without any flush by us: from then on its " \
	"contents stand still"
CLAIM(stale_writable_l3, STALE_WRITABLE("becomes an L3 table"))
{
	stale_writable(50, pin_target_l3, unpin_target);
}
CLAIM(stale_writable_l4, STALE_WRITABLE("becomes an L4 table"))
{
	stale_writable(50, pin_target_l4, unpin_target);
}
CLAIM(stale_writable_hooked, STALE_WRITABLE("is hooked into the L4 in use"))
{
	stale_writable(50, hook_target, unhook_target);
}
CLAIM(stale_writable_user, STALE_WRITABLE("becomes the user's L4"))
{
	stale_writable(50, load_target_user, unload_target_user);
}
CLAIM(stale_writable_gdt, STALE_WRITABLE("becomes part of our GDT"))
{
	stale_writable(50, gdt_target, no_gdt);
}

static void job_read(void)
{
	while (!stop) {
		uint64_t v = other_read(SLOT_VA, FAULTED);

		if (v != 1 && v != FAULTED)
			wrong = v;
		rounds_done++;
	}
}

/*
 * XSA-286, XSA-408: a table is unhooked at @level without any flush by us, written as data, with an
 * entry of ours that no hypervisor has looked at, and hooked again. The sibling, which has the root
 * loaded and goes on reading, must never get to where the forged entry leads.
 */
static void stale_table(unsigned int level)
{
	uint64_t *page = page_alloc(), *decoy = page_alloc();
	struct way w = way_build(rw_pte(page)), forged = way_build(rw_pte(decoy));

	page[0] = 1;
	decoy[0] = 0xbad;
	other_start();
	stop = false;
	wrong = rounds_done = 0;
	job = job_read;
	CHECK_OK(write_entry(l4_slot(SLOT), table_pte(w.t[3])));
	for (unsigned int round = 0; round < 100; round++) {
		uint64_t before = rounds_done, right = w.t[level][0];

		CHECK(WAIT_FOR(rounds_done > before + 5, 5000));
		CHECK_OK(write_entry(slot_of(&w, level), 0));
		CHECK_OK(HC3(update_va_mapping, w.t[level], rw_pte(w.t[level]), UVMF_INVLPG));
		w.t[level][0] = forged.t[level][0];
		before = rounds_done;
		CHECK(WAIT_FOR(rounds_done > before + 5, 5000));
		w.t[level][0] = right;
		CHECK_OK(make_readonly(w.t[level]));
		CHECK_OK(write_entry(slot_of(&w, level), table_pte(w.t[level])));
	}
	stop = true;
	other_stop();
	CHECK_EQ(wrong, 0);
	CHECK_OK(write_entry(l4_slot(SLOT), 0));
}

#define STALE_TABLE(level) \
	"an L" #level \
	" table unhooked without any flush by us, then written as data, is no way to " \
	"other frames for the " \
	"vCPU that was using it"
CLAIM(stale_l2, STALE_TABLE(2)) { stale_table(2); }
CLAIM(stale_l3, STALE_TABLE(3)) { stale_table(3); }
