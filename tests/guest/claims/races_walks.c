/* SPDX-License-Identifier: MIT */
/*
 * races_walks: a sibling takes away the tables by which a call of ours is on its way.
 *
 * The rule: a walk goes through tables that stay what they are until it is over, or it is refused.
 */
#define TOPIC "races"
#include "../claim.h"
#include "../lending.h"
#include "races.h"
#include "../clock.h"
#include "../text.h"
#include "../traps.h"

static volatile uint64_t wrong, rounds_done;

/* Take the table of @level out, give its frame back, get another, and hook it as it was. */
static void replace_table(struct way *w, unsigned int level)
{
	static uint64_t copy[512];
	uint64_t *table = w->t[level];
	unsigned long pfn = pfn_of(table), list = mfn_of(table);
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = &list;
	memcpy(copy, table, PAGE_BYTES);
	CHECK_OK(write_entry(slot_of(w, level), 0));
	/* No flush: its IPI would wait for the walk, which has interrupts off. */
	CHECK_OK(HC3(update_va_mapping, table, 0, UVMF_NONE));
	/* A walk under way may hold it for a moment. */
	for (unsigned int tries = 0; HC2(memory_op, XENMEM_decrease_reservation, &r) != 1; tries++)
		CHECK(tries < 1000000);
	list = pfn;
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 1);
	((unsigned long *)start->mfn_list)[pfn] = list;
	CHECK_OK(remap(table, make_pte(list, PTE_RW_PAGE)));
	memcpy(table, copy, PAGE_BYTES);
	CHECK_OK(make_readonly(table));
	CHECK_OK(write_entry(slot_of(w, level), table_pte(table)));
}

static uint64_t walk_entry;
static uint64_t *walk_alias;

static void job_walk_uva(void)
{
	while (!stop) {
		long rc = HC3(update_va_mapping, SLOT_VA, walk_entry, UVMF_INVLPG);

		if (rc && rc != -XEN_EINVAL && rc != -XEN_EBUSY)
			wrong = (uint64_t)rc;
		rounds_done++;
	}
}

/* SLOT_VA maps a pinned L1 table read-only: a store is emulated, or is our fault. */
static void job_walk_store(void)
{
	for (uint64_t v = 0; !stop; v = (v + 2) & 0xffe) {
		other_write(SLOT_VA, v);
		rounds_done++;
	}
}

static void job_walk_lock(void)
{
	while (!stop) {
		asm volatile("movq $1f, smp_resume(%%rip)\n\tlock orq $0x200, (%0)\n1:"
			     :
			     : "r"(SLOT_VA)
			     : "memory", "cc");
		rounds_done++;
	}
}

/*
 * The grant's mapping goes where the walk ends; the sibling's own address stands in the way of
 * none. A mapping whose table went away goes with it, but its handle stays, and with it the use of
 * the grant: each level has a grant of its own, of a page that is nothing else afterwards.
 */
static uint32_t walk_ref;

static void job_walk_grant(void)
{
	while (!stop) {
		struct gnttab_map_grant_ref m = {
			.host_addr = ARG(SLOT_VA),
			.flags = GNTMAP_host_map,
			.ref = walk_ref,
			.dom = own_domid,
		};
		struct gnttab_unmap_grant_ref u = { .host_addr = ARG(SLOT_VA) };

		HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
		u.handle = m.handle;
		u.status = m.status;
		/* The entry is there again when the tables are. */
		for (unsigned int tries = 0; !m.status && tries < 20; tries++) {
			HC3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
			if (!u.status)
				break;
		}
		rounds_done++;
	}
}

/* A descriptor table there: the first use of a selector walks to it. */
static void job_walk_ldt(void)
{
	while (!stop) {
		struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };
		uint16_t selector = 7;

		op.arg1.linear_addr = ARG(SLOT_VA);
		op.arg2.nr_ents = 512;
		HC4(mmuext_op, &op, 1, 0, DOMID_SELF);
		asm volatile("movq $1f, smp_resume(%%rip)\n\tverr %w0\n1:"
			     :
			     : "r"(selector)
			     : "memory", "cc");
		op.arg2.nr_ents = 0;
		HC4(mmuext_op, &op, 1, 0, DOMID_SELF);
		rounds_done++;
	}
}

static void walk(void (*what)(void), uint64_t last, unsigned int level)
{
	struct way w = way_build(last);

	CHECK_OK(write_entry(l4_slot(SLOT), table_pte(w.t[3])));
	other_start();
	stop = false;
	wrong = rounds_done = 0;
	job = what;
	for (unsigned int round = 0; round < 100; round++) {
		uint64_t walks = rounds_done;

		CHECK(WAIT_FOR(rounds_done > walks, 5000));
		replace_table(&w, level);
	}
	stop = true;
	other_stop();
	CHECK_EQ((int64_t)wrong, 0);
	CHECK_OK(write_entry(l4_slot(SLOT), 0));
	for (unsigned int i = 1; i < 4; i++)
		CHECK_OK(make_writable(w.t[i]));
}

static void walk_uva(unsigned int level)
{
	walk_entry = rw_pte(page_alloc());
	walk(job_walk_uva, walk_entry, level);
}

static void walk_store(void (*what)(void), unsigned int level)
{
	walk_alias = table_alloc();
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(walk_alias), 0));
	walk(what, make_pte(mfn_of(walk_alias), PTE_RO_PAGE), level);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(walk_alias), 0));
	CHECK_OK(make_writable(walk_alias));
}

static void walk_grant(unsigned int level)
{
	static uint8_t page[4][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));

	walk_ref = FIRST_REF + 100 + level;
	grant(walk_ref, mfn_of(page[level]), GTF_permit_access);
	walk(job_walk_grant, 0, level);
}

static void walk_ldt(unsigned int level)
{
	walk(job_walk_ldt, make_pte(mfn_of(page_alloc()), PTE_RO_PAGE), level);
}

#define BALLOONED(level) \
	"its L" #level \
	" table, that another vCPU unhooks, gives back and replaces: it works or is refused, and " \
	"nobody is hurt"
CLAIM(walk_uva_l2, "update_va_mapping walks by way of " BALLOONED(2)) { walk_uva(2); }
CLAIM(walk_uva_l3, "update_va_mapping walks by way of " BALLOONED(3)) { walk_uva(3); }
CLAIM(walk_store_l1, "a store into a page table is emulated by way of " BALLOONED(1))
{
	walk_store(job_walk_store, 1);
}
CLAIM(walk_store_l2, "a store into a page table is emulated by way of " BALLOONED(2))
{
	walk_store(job_walk_store, 2);
}
CLAIM(walk_store_l3, "a store into a page table is emulated by way of " BALLOONED(3))
{
	walk_store(job_walk_store, 3);
}
CLAIM(walk_lock_l1, "a locked or with a page-table entry is emulated by way of " BALLOONED(1))
{
	walk_store(job_walk_lock, 1);
}
CLAIM(walk_lock_l3, "a locked or with a page-table entry is emulated by way of " BALLOONED(3))
{
	walk_store(job_walk_lock, 3);
}
CLAIM(walk_grant_l2, "a grant is mapped and unmapped by way of " BALLOONED(2)) { walk_grant(2); }
CLAIM(walk_grant_l3, "a grant is mapped and unmapped by way of " BALLOONED(3)) { walk_grant(3); }
CLAIM(walk_ldt_l1, "an LDT page is looked up by way of " BALLOONED(1)) { walk_ldt(1); }
CLAIM(walk_ldt_l3, "an LDT page is looked up by way of " BALLOONED(3)) { walk_ldt(3); }
