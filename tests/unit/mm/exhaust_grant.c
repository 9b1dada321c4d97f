/* SPDX-License-Identifier: MIT */
/*
 * The one grant that there is: the other domain lends its frame by entry 0, and here one handle can
 * be had.
 */
#include <asm/page_type.h>
#include "exhaust.h"

struct grant_table our_grants, their_grants;
unsigned lent_frame;

struct grant_entry_v1 *lent_entry(void) { return window_ptr(their_grants.frame[0]); }

/* At rest everything follows from what the handle holds (GNT-1, GNT-2). */
void decode_handle(u8 flags, unsigned frame)
{
	bool used = flags & (GNTMAP_host_map | GNTMAP_device_map),
	     readonly = flags & GNTMAP_readonly;

	lent_frame = frame;
	our_grants.handles[0] =
		(struct grant_handle){ .mfn = used ? frame : 0, .granter = used, .flags = flags };
	our_grants.nr_handles = used;
	our_grants.free_handle = 0;
	their_grants.pins[0][0] =
		(struct grant_pins){ .mfn = used ? frame : 0, .readers = used && readonly,
				     .writers = used && !readonly };
	*lent_entry() =
		(struct grant_entry_v1){ .frame = frame,
					 .flags = GTF_permit_access | (used ? GTF_reading : 0) |
						  (used && !readonly ? GTF_writing : 0) };
}

bool handle_is_wrong(void)
{
	const struct grant_handle *h = &our_grants.handles[0];
	const struct grant_pins *p = &their_grants.pins[0][0];
	bool used = h->flags & (GNTMAP_host_map | GNTMAP_device_map),
	     readonly = h->flags & GNTMAP_readonly;
	u16 marks = (used ? GTF_reading : 0) | (used && !readonly ? GTF_writing : 0);

	return (h->flags && !used) || p->readers != (used && readonly) ||
	       p->writers != (used && !readonly) ||
	       (lent_entry()->flags & (GTF_reading | GTF_writing)) != marks;
}

void make_grants(void)
{
	static struct grant_handle handles[GNTTAB_MAX_HANDLES];
	static struct grant_pins pins[2][GNTTAB_REFS_PER_FRAME];

	world_extra(1024, 2);
	our_grants = (struct grant_table){
		.nr_frames = 1, .nr_mfn_refs = GNTTAB_REFS_PER_FRAME, .frame[0] = _mfn(1024),
		.pins[0] = pins[0], .handles = handles, .max_handles = 1
	};
	their_grants = (struct grant_table){
		.nr_frames = 1, .nr_mfn_refs = GNTTAB_REFS_PER_FRAME, .frame[0] = _mfn(1025),
		.pins[0] = pins[1]
	};
	world_domain.grants = &our_grants;
	world_foreign.grants = &their_grants;
	page_of(_mfn(1025))->owner = world_foreign.domid;
}
