/* SPDX-License-Identifier: MIT */
/*
 * Grants of this domain to itself.
 */
#include "ops.h"
#include <xen/grant_table.h>

#define NR_REFS 24u
#define NR_KEPT 64u		/* handles remembered, of all vCPUs */

static volatile uint32_t handles[NR_KEPT];
static volatile uint64_t mapped_at[NR_KEPT];

static uint32_t any_ref(struct me *m)
{
	return one_in(m, 16) ? (uint32_t)border(m) : 8 + (uint32_t)below(m, NR_REFS);
}

static volatile uint64_t *table(void)
{
	static volatile uint64_t page[512] __attribute__((aligned(4096)));
	static unsigned long frame;
	static volatile uint64_t *mapped;
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };

	if (!mapped) {
		setup.frame_list.p = &frame;
		MUST(HC3(grant_table_op, GNTTABOP_setup_table, &setup, 1));
		MUST(setup.status);
		MUST(remap(page, make_pte(frame, PTE_RW_PAGE)));
		mapped = page;
	}
	return mapped;
}

/* Through the control mapping: the frame named is never control memory. */
long op_grant_entry(struct me *m, unsigned int nothing)
{
	static const uint16_t flags[] = {
		GTF_permit_access, GTF_permit_access, GTF_permit_access, GTF_permit_access,
		GTF_permit_access | GTF_readonly, GTF_permit_access | GTF_readonly, GTF_invalid,
		GTF_accept_transfer, GTF_transitive, GTF_permit_access | GTF_PWT,
		GTF_permit_access | GTF_sub_page, GTF_permit_access | 3 << 3,
	};
	uint64_t frame = any_mfn(m, one_in(m, 6) ? 1 : 0) & 0xffffffff;

	if (is_control(frame))
		frame = 0xfffffff;
	table()[8 + below(m, NR_REFS)] =
		PICK(m, flags) | (uint64_t)(one_in(m, 10) ? any_domid(m) : 0) << 16 | frame << 32;
	return 0;
}

static struct gnttab_map_grant_ref map(struct me *m)
{
	static const uint32_t flags[] = {
		GNTMAP_host_map,
		GNTMAP_host_map,
		GNTMAP_host_map | GNTMAP_readonly,
		GNTMAP_host_map | GNTMAP_readonly,
		GNTMAP_device_map,
		GNTMAP_device_map | GNTMAP_host_map,
		GNTMAP_host_map | GNTMAP_application_map,
		GNTMAP_host_map | GNTMAP_contains_pte,
		GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly,
		0,
		1u << 5,
	};
	struct gnttab_map_grant_ref op = { .ref = any_ref(m), .flags = PICK(m, flags),
					   .dom = one_in(m, 16) ? any_domid(m) : 0 };
	unsigned int level;

	op.host_addr = op.flags & GNTMAP_contains_pte ? entry_address(m, &level) :
		       one_in(m, 4) ? sand_address(m) & ~(PAGE_BYTES - 1) : sand_page(m);
	if (one_in(m, 30))
		op.flags = (uint32_t)border(m);
	if (one_in(m, 30))
		op.host_addr = bad_address(m);
	return op;
}

long op_grant_map(struct me *m, unsigned int flipped)
{
	struct gnttab_map_grant_ref a = map(m), b = map(m);
	uint64_t at;
	unsigned int slot;
	long rc;

	/* Any address may be an entry's, or an entry's an address: both are the sandbox's. */
	at = flipped ? arg_flipped(m, &a, &b, sizeof(a)) : arg(m, &a, sizeof(a));
	rc = CALL(m, grant_table_op, GNTTABOP_map_grant_ref, at, one_in(m, 30) ? border(m) & 3 : 1,
		  0, 0);
	flip_end(m);
	if (rc || !arg_is_good(m, at, sizeof(a)))
		return rc;
	memcpy(&a, (void *)at, sizeof(a));
	if (a.status == GNTST_okay) {
		slot = (unsigned int)below(m, NR_KEPT);
		handles[slot] = a.handle;
		mapped_at[slot] = a.host_addr;
	}
	return STATUS(a.status);
}

long op_grant_unmap(struct me *m, unsigned int replace)
{
	unsigned int slot = (unsigned int)below(m, NR_KEPT);
	uint32_t handle = one_in(m, 12) ? (uint32_t)border(m) : handles[slot];
	uint64_t host = one_in(m, 20) ? sand_page(m) : mapped_at[slot], at;
	struct gnttab_unmap_grant_ref u = { .host_addr = host, .handle = handle };
	struct gnttab_unmap_and_replace r = { .host_addr = host, .handle = handle };
	long rc;

	r.new_addr = one_in(m, 12) ? bad_address(m) : one_in(m, 8) ? 0 : sand_page(m);
	if (one_in(m, 12))
		u.dev_bus_addr = border(m);
	if (replace) {
		at = arg(m, &r, sizeof(r));
		rc = CALL(m, grant_table_op, GNTTABOP_unmap_and_replace, at, 1, 0, 0);
		if (rc || !arg_is_good(m, at, sizeof(r)))
			return rc;
		memcpy(&r, (void *)at, sizeof(r));
		return STATUS(r.status);
	}
	at = arg(m, &u, sizeof(u));
	rc = CALL(m, grant_table_op, GNTTABOP_unmap_grant_ref, at, 1, 0, 0);
	if (rc || !arg_is_good(m, at, sizeof(u)))
		return rc;
	memcpy(&u, (void *)at, sizeof(u));
	return STATUS(u.status);
}

/* Offsets and lengths by words, so that no entry comes into being half way. */
static struct gnttab_copy copy(struct me *m)
{
	struct gnttab_copy op = { .flags = (uint16_t)below(m, 4) };

	op.source.domid = op.flags & GNTCOPY_source_gref && !one_in(m, 16) ? 0 : any_domid(m);
	op.dest.domid = op.flags & GNTCOPY_dest_gref && !one_in(m, 16) ? 0 : any_domid(m);
	if (op.flags & GNTCOPY_source_gref)
		op.source.u.ref = any_ref(m);
	else
		op.source.u.gmfn = any_mfn(m, 0);
	if (op.flags & GNTCOPY_dest_gref)
		op.dest.u.ref = any_ref(m);
	else
		op.dest.u.gmfn = any_mfn(m, 0);
	op.source.offset = one_in(m, 2) ? 0 : (uint16_t)(4 * below(m, 1200));
	op.dest.offset = one_in(m, 2) ? 0 : (uint16_t)(4 * below(m, 1200));
	op.len = one_in(m, 8) ? (uint16_t)(border(m) & ~3ul) : (uint16_t)(4 * below(m, 500));
	if (one_in(m, 30))
		op.flags = (uint16_t)border(m);
	return op;
}

long op_grant_copy(struct me *m, unsigned int flipped)
{
	struct gnttab_copy a = copy(m), b = copy(m);
	uint64_t at = flipped ? arg_flipped(m, &a, &b, sizeof(a)) : arg(m, &a, sizeof(a));
	long rc = CALL(m, grant_table_op, GNTTABOP_copy, at, 1, 0, 0);

	flip_end(m);
	if (rc || !arg_is_good(m, at, sizeof(a)))
		return rc;
	memcpy(&a, (void *)at, sizeof(a));
	return STATUS(a.status);
}

/* Sizes, versions, and what is not built. */
long op_grant_ask(struct me *m, unsigned int nothing)
{
	uint64_t a[8] = { any_domid(m), border(m), border(m) }, list[4] = { 0 }, cmd = below(m, 16);

	if (cmd <= GNTTABOP_unmap_grant_ref || cmd == GNTTABOP_copy ||
	    cmd == GNTTABOP_unmap_and_replace)
		cmd = GNTTABOP_query_size;
	if (cmd == GNTTABOP_setup_table) {
		a[0] |= below(m, 6) << 32;
		a[2] = arg(m, list, sizeof(list));
	}
	if (cmd == GNTTABOP_set_version)
		a[0] = below(m, 4);
	if (one_in(m, 20))
		cmd = border(m) | 16;
	return CALL(m, grant_table_op, cmd, arg(m, a, sizeof(a)), one_in(m, 10) ? border(m) : 1, 0,
		    0);
}
