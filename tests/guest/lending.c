/* SPDX-License-Identifier: MIT */
/*
 * Lending: grants of this domain to itself, version 1.
 */
#include "lending.h"
#include "claim.h"
#include "memory.h"

uint16_t own_domid;

volatile struct grant_entry_v1 *grant_table(void)
{
	static unsigned long frame;
	struct gnttab_set_version version = { .version = 1 };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };

	if (!frame) {
		CHECK_OK(HC3(grant_table_op, GNTTABOP_set_version, &version, 1));
		setup.frame_list.p = &frame;
		CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &setup, 1));
		CHECK_OK(setup.status);
	}
	CHECK_OK(remap(window(3), make_pte(frame, PTE_RW_PAGE)));
	return window(3);
}

void grant(unsigned int ref, unsigned long mfn, uint16_t flags)
{
	volatile struct grant_entry_v1 *e = &grant_table()[ref];

	e->flags = 0;
	e->domid = own_domid;
	e->frame = (uint32_t)mfn;
	asm volatile("" : : : "memory");
	e->flags = flags;
}

uint16_t grant_flags(unsigned int ref)
{
	return grant_table()[ref].flags;
}

/* What stood at @va before a grant may be in a TLB: nothing flushes it but the guest. */
static void forget(uint64_t va)
{
	struct mmuext_op e = { .cmd = MMUEXT_INVLPG_ALL, .arg1.linear_addr = va };

	HC4(mmuext_op, &e, 1, 0, DOMID_SELF);
}

struct gnttab_map_grant_ref grant_map(unsigned int ref, uint64_t host_addr, uint32_t flags)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = host_addr, .flags = flags, .ref = ref, .dom = own_domid
	};

	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
	if ((flags & GNTMAP_host_map) && !(flags & GNTMAP_contains_pte))
		forget(host_addr);
	return m;
}

int16_t grant_unmap(uint32_t handle, uint64_t host_addr, uint64_t dev_bus_addr)
{
	struct gnttab_unmap_grant_ref u = { .host_addr = host_addr,
					    .dev_bus_addr = dev_bus_addr,
					    .handle = handle };

	CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1));
	return u.status;
}

int16_t share_map(const char *name, unsigned int w, uint32_t flags, uint32_t *handle)
{
	const char *value = option(name);
	struct gnttab_map_grant_ref m = { .host_addr = ARG(window(w)), .flags = flags };

	if (!value)
		skip("no %s on the command line", name);
	for (; *value != ':'; value++)
		m.dom = (domid_t)(m.dom * 10 + *value - '0');
	m.ref = (uint32_t)(value[1] - '0');
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
	*handle = m.handle;
	return m.status;
}
