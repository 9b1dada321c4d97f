/* SPDX-License-Identifier: MIT */
/*
 * Rows of grants to oneself: one element a call. A frame is mapped where nothing was mapped, and
 * bytes are copied between pages of our own, the source named by a grant, the target by a grant too
 * or by its number.
 */
#include "bench.h"
#include "lending.h"

#define REF_FROM 8u			/* the first ones are the toolstack's */
#define REF_TO 9u

static uint64_t time_op(unsigned int cmd, void *op, const int16_t *status)
{
	uint64_t ticks = TIME_HC(grant_table_op, cmd, op, 1, 0);

	if (*status)
		die("grant operation %u: status %d", cmd, *status);
	return ticks;
}

static uint64_t map_or_unmap(void *arg)
{
	const struct lent *l = arg;
	struct gnttab_map_grant_ref m = { .host_addr = ARG(l->va), .flags = l->flags,
					  .ref = l->ref, .dom = l->dom };
	struct gnttab_unmap_grant_ref u = { .host_addr = ARG(l->va) };
	uint64_t map = time_op(GNTTABOP_map_grant_ref, &m, &m.status), unmap;

	u.handle = m.handle;
	unmap = time_op(GNTTABOP_unmap_grant_ref, &u, &u.status);
	return l->map ? map : unmap;
}

void grant_mapping(const char *map, const char *unmap, struct lent l)
{
	l.map = true;
	row(map, map_or_unmap, &l, 0);
	l.map = false;
	row(unmap, map_or_unmap, &l, 0);
}

uint64_t grant_copy(void *arg)
{
	struct gnttab_copy c = *(struct gnttab_copy *)arg;

	return time_op(GNTTABOP_copy, &c, &c.status);
}

static void copying(const volatile uint8_t *from, volatile uint8_t *to)
{
	struct gnttab_copy c = { .source = { .domid = own_domid, .u.ref = REF_FROM },
				 .dest.domid = DOMID_SELF,
				 .len = PAGE_BYTES,
				 .flags = GNTCOPY_source_gref };

	c.dest.u.gmfn = mfn_of((const void *)to);
	row("grant-copy", grant_copy, &c, 0);
	c.dest.domid = own_domid;
	c.dest.u.ref = REF_TO;
	c.flags |= GNTCOPY_dest_gref;
	row("grant-copy-refs", grant_copy, &c, 0);
	if (to[0] != from[0] || to[PAGE_BYTES - 1] != from[PAGE_BYTES - 1])
		die("the copy is not what was copied");
}

void bench_grants(void)
{
	uint8_t *from = page_alloc(), *to = page_alloc();
	struct lent l = { window(0), GNTMAP_host_map, REF_FROM, own_domid, true };

	from[0] = 0x5a;
	from[PAGE_BYTES - 1] = 0xa5;
	grant(REF_FROM, mfn_of(from), GTF_permit_access);
	grant(REF_TO, mfn_of(to), GTF_permit_access);
	MUST(remap(window(0), 0));
	grant_mapping("grant-map", "grant-unmap", l);
	l.flags |= GNTMAP_readonly;
	grant_mapping("grant-map-ro", "grant-unmap-ro", l);
	copying(from, to);
}
