/* SPDX-License-Identifier: MIT */
/*
 * Frames of other domains that stay mapped for a while, by each way that there is: an auditor
 * outside looks at them meanwhile (tests/boot/isolation.t, with "hold=SECONDS").
 *
 * The rule: the control domain maps a frame by naming its owner; whoever is lent one maps it by the
 * reference; static domains map what their lines declare.
 */
#define TOPIC "held"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../lending.h"
#include "../memory.h"
#include <xen/grant_table.h>

enum { CONTROL = 1, LENT = 2 };		/* windows; of what was given, too */
#define REF 8u

/* On its CPU, so that its root is loaded. */
static void hold(void)
{
	const char *value = option("hold=");
	uint64_t end = clock_ns() + (value ? (uint64_t)(*value - '0') * 1000 * MS_NS : 0);

	/* Most of the time outside the hypervisor: only then all counts fit together. */
	while (clock_ns() < end) {
		uint64_t next = clock_ns() + MS_NS / 4;

		HC2(sched_op, SCHEDOP_yield, 0);
		while (clock_ns() < next)
			asm volatile("pause");
	}
}

/* Entry REF of @d's table lends us frame @mfn, as its kernel would write it. */
static void lend(domid_t d, uint64_t mfn)
{
	uint64_t frame = 0;
	struct gnttab_setup_table s = { .dom = d, .nr_frames = 1, .frame_list.p = &frame };

	CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &s, 1));
	CHECK_EQ(s.status, GNTST_okay);
	set_foreign_word(d, frame, REF, GTF_permit_access | (uint64_t)own_domid << 16 | mfn << 32);
}

CLAIM_DOM0(both, "the control domain maps a frame of another's by its number, and one by a grant")
{
	struct gnttab_map_grant_ref m = { .host_addr = ARG(window(LENT)), .ref = REF,
					  .flags = GNTMAP_host_map };
	domid_t d = create();

	max_mem(d, 8);
	CHECK_EQ(populate(d, 4, 0), 4);
	CHECK_OK(map_foreign(CONTROL, given[CONTROL], PTE_RW_PAGE, d));
	*(volatile uint64_t *)window(CONTROL) = 1;
	lend(d, given[LENT]);
	m.dom = d;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
	CHECK_EQ(m.status, GNTST_okay);
	*(volatile uint64_t *)window(LENT) = 2;
	hold();
	CHECK_EQ(grant_unmap(m.handle, m.host_addr, 0), GNTST_okay);
	CHECK_OK(map_foreign(CONTROL, 0, 0, d));
	destroy(d);
	CHECK(becomes(is_gone, d));
}

CLAIM(share, "a static domain maps what it shares with another, and keeps it for a while")
{
	uint32_t handle;

	CHECK_EQ(share_map("isola.share.ring=", LENT, GNTMAP_host_map, &handle), GNTST_okay);
	hold();
	CHECK_EQ(grant_unmap(handle, ARG(window(LENT)), 0), GNTST_okay);
}
