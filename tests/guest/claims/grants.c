/* SPDX-License-Identifier: MIT */
/*
 * grants: a domain lends frames to itself, version 1.
 *
 * The rule: a grant is used only as its entry says, for as long as a handle is held; the entry
 * shows use while it lasts; what is taken for a mapping is given back exactly once. The guest maps,
 * copies and unmaps in good order, then with wrong references, wrong addresses, handles used twice,
 * and frames that must not become writable.
 */
#define TOPIC "grants"
#include "../claim.h"
#include "../lending.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

CLAIM(map_writable,
      "a granted frame can be mapped and written; the entry shows its use until it is unmapped")
{
	volatile uint64_t *page = page_alloc(), *w = window(0);
	struct gnttab_map_grant_ref m;
	uint64_t v;

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(w), GNTMAP_host_map);
	CHECK_OK(m.status);
	CHECK_EQ(m.dev_bus_addr, mfn_of(page) * PAGE_BYTES);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
	w[3] = 0x6789;
	CHECK_EQ(page[3], 0x6789);
	CHECK_OK(grant_unmap(m.handle, ARG(w), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	CHECK(!try_read(w, &v));
}

CLAIM(map_read_only, "a read-only grant maps read-only, not writable")
{
	volatile uint64_t *page = page_alloc(), *w = window(0);
	struct gnttab_map_grant_ref m;

	page[0] = 0x33;
	grant(FIRST_REF, mfn_of(page), GTF_permit_access | GTF_readonly);
	CHECK_EQ(grant_map(FIRST_REF, ARG(w), GNTMAP_host_map).status,
		 (int16_t)GNTST_general_error);
	m = grant_map(FIRST_REF, ARG(w), GNTMAP_host_map | GNTMAP_readonly);
	CHECK_OK(m.status);
	CHECK_EQ(*w, 0x33);
	CHECK(!try_write(w, 1));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, GTF_reading);
	CHECK_OK(grant_unmap(m.handle, ARG(w), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(map_twice, "two mappings of one grant: its use ends with the second unmap")
{
	volatile uint64_t *page = page_alloc();
	struct gnttab_map_grant_ref a, b;

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	a = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map);
	b = grant_map(FIRST_REF, ARG(window(1)), GNTMAP_host_map | GNTMAP_readonly);
	CHECK_OK(a.status);
	CHECK_OK(b.status);
	CHECK(a.handle != b.handle);
	CHECK_OK(grant_unmap(a.handle, ARG(window(0)), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, GTF_reading);
	CHECK_OK(grant_unmap(b.handle, ARG(window(1)), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(map_refusals,
      "wrong references, domains, flags and entries are refused, each with its status")
{
	volatile uint64_t *page = page_alloc();
	struct gnttab_map_grant_ref m = {
		.host_addr = ARG(window(0)), .flags = GNTMAP_host_map, .ref = FIRST_REF, .dom = 77
	};

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
	CHECK_EQ(m.status, (int16_t)GNTST_bad_domain);
	CHECK_EQ(grant_map(BEYOND_REF, ARG(window(0)), GNTMAP_host_map).status,
		 (int16_t)GNTST_bad_gntref);
	CHECK_EQ(grant_map(FIRST_REF, ARG(window(0)), 0).status, (int16_t)GNTST_bad_gntref);
	grant(FIRST_REF, mfn_of(page), 0);
	CHECK_EQ(grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map).status,
		 (int16_t)GNTST_general_error);
	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	grant_table()[FIRST_REF].domid = 5;
	CHECK_EQ(grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map).status,
		 (int16_t)GNTST_general_error);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(map_nobodys_frame, "a grant of a frame that is not ours maps nothing and shows no use")
{
	grant(FIRST_REF, 0xffffffff, GTF_permit_access);
	CHECK(grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map).status < 0);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(map_table, "a page table cannot be made writable by granting it")
{
	uint64_t *l1 = table_alloc();

	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(l1), 0));
	grant(FIRST_REF, mfn_of(l1), GTF_permit_access);
	CHECK(grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map).status < 0);
	CHECK(grant_map(FIRST_REF, 0, GNTMAP_device_map).status < 0);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(l1), 0));
}

CLAIM(mapped_stays_writable, "a page that a grant maps writable cannot become a page table")
{
	uint64_t *page = page_alloc();
	struct gnttab_map_grant_ref m;

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map);
	CHECK_OK(m.status);
	CHECK_OK(make_readonly(page));
	CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0), XEN_EINVAL);
	CHECK_OK(grant_unmap(m.handle, ARG(window(0)), 0));
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0));
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));
	m = grant_map(FIRST_REF, 0, GNTMAP_device_map);
	CHECK_OK(m.status);
	CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0), XEN_EINVAL);
	CHECK_OK(grant_unmap(m.handle, 0, m.dev_bus_addr));
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0));
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));
}

CLAIM(unmap_twice, "a handle is good for one unmap; handles never given are refused")
{
	struct gnttab_map_grant_ref m;

	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map);
	CHECK_OK(m.status);
	CHECK_OK(grant_unmap(m.handle, ARG(window(0)), 0));
	CHECK_EQ(grant_unmap(m.handle, ARG(window(0)), 0), (int16_t)GNTST_bad_handle);
	CHECK_EQ(grant_unmap(0x7fffffff, ARG(window(0)), 0), (int16_t)GNTST_bad_handle);
	CHECK_EQ(grant_unmap(~0u, ARG(window(0)), 0), (int16_t)GNTST_bad_handle);
}

CLAIM(unmap_elsewhere, "unmapping at an address that does not map the grant is refused, and the "
		       "right address still works")
{
	uint64_t *other = page_alloc();
	struct gnttab_map_grant_ref m;

	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map);
	CHECK_OK(m.status);
	CHECK_EQ(grant_unmap(m.handle, ARG(other), 0), (int16_t)GNTST_general_error);
	other[0] = 1;			/* still mapped, still ours */
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
	CHECK_OK(grant_unmap(m.handle, ARG(window(0)), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(unmap_list,
      "one list takes back a handle's two mappings one after the other; a third time is refused")
{
	struct gnttab_map_grant_ref m;
	struct gnttab_unmap_grant_ref u[3] = { 0 };

	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map | GNTMAP_device_map);
	CHECK_OK(m.status);
	for (unsigned int i = 0; i < 3; i++)
		u[i].handle = m.handle;
	u[0].host_addr = ARG(window(0));
	u[1].dev_bus_addr = m.dev_bus_addr;
	u[2].host_addr = ARG(window(0));
	CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_grant_ref, u, 3));
	CHECK_OK(u[0].status);
	CHECK_OK(u[1].status);
	CHECK_EQ(u[2].status, (int16_t)GNTST_bad_handle);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(unmap_part, "a handle of two mappings keeps the grant in use until both are gone")
{
	struct gnttab_map_grant_ref m;

	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map | GNTMAP_device_map);
	CHECK_OK(m.status);
	CHECK_EQ(grant_unmap(m.handle, 0, m.dev_bus_addr + PAGE_BYTES),
		 (int16_t)GNTST_bad_dev_addr);
	CHECK_EQ(grant_unmap(m.handle, ARG(window(0)), m.dev_bus_addr + PAGE_BYTES),
		 (int16_t)GNTST_bad_dev_addr);
	CHECK(l1e(window(0)) & PTE_P);		/* refused before anything was done */
	CHECK_OK(grant_unmap(m.handle, 0, m.dev_bus_addr));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
	CHECK_OK(grant_unmap(m.handle, ARG(window(0)), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(overwritten, "an entry that the guest has overwritten itself leaves the grant in use; put "
		   "back, it can be unmapped")
{
	uint64_t *page = page_alloc();
	struct gnttab_map_grant_ref m;

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map);
	CHECK_OK(m.status);
	CHECK_OK(remap(window(0), 0));
	CHECK_EQ(grant_unmap(m.handle, ARG(window(0)), 0), (int16_t)GNTST_general_error);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
	/*
	 * Xen forgets that a processor may still know the entry of a domain that is not the owner.
	 */
	CHECK_OK(make_readonly(page));
	if (on_isola)
		CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0), XEN_EINVAL);
	CHECK_OK(remap(window(0), rw_pte(page)));
	CHECK_OK(grant_unmap(m.handle, ARG(window(0)), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0));
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));
}

#define MANY 100u

CLAIM(handles, "handles are given out again: more maps and unmaps than there can be handles, in "
	       "lists, all work")
{
	static struct gnttab_map_grant_ref m[MANY];
	static struct gnttab_unmap_grant_ref u[MANY];

	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	for (unsigned int round = 0; round < 330; round++) {
		for (unsigned int i = 0; i < MANY; i++)
			m[i] = (struct gnttab_map_grant_ref){ .flags = GNTMAP_device_map,
							      .ref = FIRST_REF,
							      .dom = own_domid };
		CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, m, MANY));
		for (unsigned int i = 0; i < MANY; i++) {
			CHECK_OK(m[i].status);
			CHECK(!i || m[i].handle != m[i - 1].handle);
			u[i] = (struct gnttab_unmap_grant_ref){ .dev_bus_addr = m[i].dev_bus_addr,
								.handle = m[i].handle };
		}
		CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_grant_ref, u, MANY));
		for (unsigned int i = 0; i < MANY; i++)
			CHECK_OK(u[i].status);
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	}
}

CLAIM(map_by_entry, "GNTMAP_contains_pte maps through the machine address of an L1 entry")
{
	volatile uint64_t *page = page_alloc(), *w = window(0);
	uint64_t entry = pte_mfn(*entry_of(w, 2)) * PAGE_BYTES + ((ARG(w) >> 12) % 512) * 8;
	struct gnttab_map_grant_ref m;

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	CHECK_OK(remap(w, 0));		/* no TLB, a shadow's neither, has what stood there */
	m = grant_map(FIRST_REF, entry, GNTMAP_host_map | GNTMAP_contains_pte);
	CHECK_OK(m.status);
	*w = 0x99;
	CHECK_EQ(*page, 0x99);
	CHECK_OK(grant_unmap(m.handle, entry, 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	CHECK_EQ(grant_map(FIRST_REF, entry + 4, GNTMAP_host_map | GNTMAP_contains_pte).status,
		 (int16_t)GNTST_general_error);
	CHECK_EQ(grant_map(FIRST_REF, maddr_of(page), GNTMAP_host_map | GNTMAP_contains_pte).status,
		 (int16_t)GNTST_general_error);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(map_at_bad_address,
      "mapping at addresses of the hypervisor, or where there is no L1, is refused")
{
	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	CHECK_EQ(grant_map(FIRST_REF, ARG(HYPERVISOR_POINTER), GNTMAP_host_map).status,
		 (int16_t)GNTST_general_error);
	CHECK_EQ(grant_map(FIRST_REF, ARG(UNMAPPED_POINTER), GNTMAP_host_map).status,
		 (int16_t)GNTST_general_error);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(unmap_and_replace, "unmap_and_replace moves another page's mapping to the place of the grant")
{
	volatile uint64_t *w = window(0), *other = window(1);
	struct gnttab_unmap_and_replace u = { .host_addr = ARG(w), .new_addr = ARG(other) };
	struct gnttab_map_grant_ref m;
	uint64_t v;

	other[0] = 0x77;
	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(w), GNTMAP_host_map);
	CHECK_OK(m.status);
	u.handle = m.handle;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_and_replace, &u, 1));
	CHECK_OK(u.status);
	CHECK_EQ(w[0], 0x77);
	CHECK(!try_read(other, &v));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(replace_refusals, "unmap_and_replace looks at the handle first, then at the address of the "
			"replacement, and changes nothing")
{
	struct gnttab_unmap_and_replace u = { .host_addr = ARG(window(0)),
					      .new_addr = ARG(UNMAPPED_POINTER),
					      .handle = ~0u };
	struct gnttab_map_grant_ref m;

	CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_and_replace, &u, 1));
	CHECK_EQ(u.status, (int16_t)GNTST_bad_handle);
	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map);
	CHECK_OK(m.status);
	u.handle = m.handle;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_and_replace, &u, 1));
	CHECK_EQ(u.status, (int16_t)GNTST_general_error);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
	CHECK_OK(grant_unmap(m.handle, ARG(window(0)), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(map_order, "a map is refused for its flags first, then for who lends, DOMID_SELF being "
		 "nobody, and leaves the handle alone")
{
	struct gnttab_map_grant_ref m = {
		.ref = FIRST_REF, .dom = 1234, .host_addr = ARG(window(0)), .handle = 77
	};

	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
	CHECK_EQ(m.status, (int16_t)GNTST_bad_gntref);
	m.flags = GNTMAP_host_map;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
	CHECK_EQ(m.status, (int16_t)GNTST_bad_domain);
	m.dom = DOMID_SELF;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
	CHECK_EQ(m.status, (int16_t)GNTST_bad_domain);
	CHECK_EQ(m.handle, 77);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(replace_by_entry,
      "unmap_and_replace of a mapping made through its entry is refused, and it stays")
{
	volatile uint64_t *w = window(0);
	uint64_t entry = pte_mfn(*entry_of(w, 2)) * PAGE_BYTES + ((ARG(w) >> 12) % 512) * 8;
	struct gnttab_unmap_and_replace u = { .host_addr = entry, .new_addr = ARG(window(1)) };
	struct gnttab_map_grant_ref m;

	*(volatile uint64_t *)window(1) = 0x78;
	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	m = grant_map(FIRST_REF, entry, GNTMAP_host_map | GNTMAP_contains_pte);
	CHECK_OK(m.status);
	u.handle = m.handle;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_and_replace, &u, 1));
	CHECK_EQ(u.status, (int16_t)GNTST_general_error);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
	CHECK_EQ(*(volatile uint64_t *)window(1), 0x78);
	CHECK_OK(grant_unmap(m.handle, entry, 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM_DOM0(versions, "set_version tells the version in use on its way out; one that there is "
	   "not is -EINVAL; get_version says 1")
{
	struct gnttab_set_version s = { .version = 1 };
	struct gnttab_get_version g = { .dom = DOMID_SELF };

	CHECK_OK(HC3(grant_table_op, GNTTABOP_set_version, &s, 1));
	CHECK_EQ(s.version, 1);
	s.version = 7;
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_set_version, &s, 1), XEN_EINVAL);
	CHECK_EQ(s.version, 1);
	s.version = 0;
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_set_version, &s, 1), XEN_EINVAL);
	CHECK_EQ(s.version, 1);
	if (on_isola) {			/* Xen would go over to it */
		s.version = 2;
		CHECK_ERR(HC3(grant_table_op, GNTTABOP_set_version, &s, 1), XEN_ENOSYS);
		CHECK_EQ(s.version, 1);
	}
	CHECK_OK(HC3(grant_table_op, GNTTABOP_get_version, &g, 1));
	CHECK_EQ(g.version, 1);
	g.dom = 1234;
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_get_version, &g, 1), NO_SUCH_DOMAIN);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_set_version, UNMAPPED_POINTER, 1), XEN_EFAULT);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_get_version, UNMAPPED_POINTER, 1), XEN_EFAULT);
}

CLAIM_DOM0(single_calls, "setup_table and query_size take one structure, not a list; no "
	   "operation has bits above its number")
{
	struct gnttab_query_size q[2] = { { .dom = DOMID_SELF }, { .dom = DOMID_SELF } };
	struct gnttab_setup_table s[2] = { { .dom = DOMID_SELF }, { .dom = DOMID_SELF } };

	CHECK_ERR(HC3(grant_table_op, GNTTABOP_query_size, q, 2), XEN_EINVAL);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_query_size, q, 0), XEN_EINVAL);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_setup_table, s, 2), XEN_EINVAL);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_map_grant_ref | 1u << 12, q, 0), XEN_EINVAL);
	CHECK_ERR(HC3(grant_table_op, 100, q, 1), XEN_ENOSYS);
	q[0].dom = 1234;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_query_size, q, 1));
	CHECK_EQ(q[0].status, (int16_t)GNTST_bad_domain);
	s[0].dom = 1234;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, s, 1));
	CHECK_EQ(s[0].status, (int16_t)GNTST_bad_domain);
}

CLAIM(mapped_frame_not_exchanged, "a frame that a grant maps is not exchanged away")
{
	uint64_t *page = page_alloc();
	unsigned long in[1] = { mfn_of(page) }, out[1] = { pfn_of(page) };
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .nr_extents = 1, .domid = DOMID_SELF },
	};
	struct gnttab_map_grant_ref m;

	x.in.extent_start.p = in;
	x.out.extent_start.p = out;
	grant(FIRST_REF, in[0], GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map | GNTMAP_readonly);
	CHECK_OK(m.status);
	CHECK_OK(remap(page, 0));
	CHECK_ERR(HC2(memory_op, XENMEM_exchange, &x), XEN_EINVAL);
	CHECK_OK(make_writable(page));
	CHECK_OK(grant_unmap(m.handle, ARG(window(0)), 0));
}

/* ---- Copy ---- */

static struct gnttab_copy copy_of(uint16_t flags, uint64_t source, uint64_t dest, uint16_t from,
				  uint16_t to, uint16_t len)
{
	struct gnttab_copy c = { .flags = flags, .len = len };

	c.source.domid = c.dest.domid = DOMID_SELF;
	c.source.offset = from;
	c.dest.offset = to;
	if (flags & GNTCOPY_source_gref) {
		c.source.u.ref = (grant_ref_t)source;
		c.source.domid = own_domid;
	} else {
		c.source.u.gmfn = source;
	}
	if (flags & GNTCOPY_dest_gref) {
		c.dest.u.ref = (grant_ref_t)dest;
		c.dest.domid = own_domid;
	} else {
		c.dest.u.gmfn = dest;
	}
	return c;
}

static int16_t copy(struct gnttab_copy c)
{
	CHECK_OK(HC3(grant_table_op, GNTTABOP_copy, &c, 1));
	return c.status;
}

CLAIM(copy_from_grant, "copy reads from a grant into our own page, just the bytes named")
{
	uint8_t *source = page_alloc(), *dest = page_alloc();

	for (unsigned int i = 0; i < PAGE_BYTES; i++)
		source[i] = (uint8_t)(i * 7);
	grant(FIRST_REF, mfn_of(source), GTF_permit_access | GTF_readonly);
	CHECK_OK(copy(copy_of(GNTCOPY_source_gref, FIRST_REF, mfn_of(dest), 100, 2000, 300)));
	for (unsigned int i = 0; i < PAGE_BYTES; i++)
		CHECK_EQ(dest[i], i >= 2000 && i < 2300 ? (uint8_t)((i - 1900) * 7) : 0);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(copy_to_grant,
      "copy writes into a writable grant, up to a whole page; not into a read-only one")
{
	uint8_t *source = page_alloc(), *dest = page_alloc();

	memset(source, 0x6b, PAGE_BYTES);
	grant(FIRST_REF, mfn_of(dest), GTF_permit_access);
	CHECK_OK(copy(copy_of(GNTCOPY_dest_gref, mfn_of(source), FIRST_REF, 0, 0, PAGE_BYTES)));
	CHECK_EQ(dest[0], 0x6b);
	CHECK_EQ(dest[PAGE_BYTES - 1], 0x6b);
	dest[0] = 1;
	grant(FIRST_REF, mfn_of(dest), GTF_permit_access | GTF_readonly);
	CHECK(copy(copy_of(GNTCOPY_dest_gref, mfn_of(source), FIRST_REF, 0, 0, 1)) < 0);
	CHECK_EQ(dest[0], 1);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

CLAIM(copy_by_number,
      "a copy's end that is named by number is DOMID_SELF's; its own number there is refused")
{
	uint8_t *from = page_alloc(), *to = page_alloc();
	struct gnttab_copy c = copy_of(0, mfn_of(from), mfn_of(to), 0, 0, 8);

	from[0] = 0x5a;
	c.source.domid = own_domid;
	CHECK_EQ(copy(c), (int16_t)GNTST_permission_denied);
	c.source.domid = DOMID_SELF;
	c.dest.domid = own_domid;
	CHECK_EQ(copy(c), (int16_t)GNTST_permission_denied);
	CHECK_EQ(to[0], 0);
	c.dest.domid = DOMID_SELF;
	CHECK_OK(copy(c));
	CHECK_EQ(to[0], 0x5a);
}

CLAIM(copy_refusals, "copies beyond a page, from frames of nobody, to page tables and by bad "
		     "references are refused")
{
	uint8_t *page = page_alloc();
	uint64_t *l1 = table_alloc();

	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(l1), 0));
	memset(page, 0x55, PAGE_BYTES);
	CHECK_EQ(copy(copy_of(0, mfn_of(page), mfn_of(page), 4000, 0, 97)),
		 (int16_t)GNTST_bad_copy_arg);
	CHECK_EQ(copy(copy_of(0, mfn_of(page), mfn_of(page), 0, 4000, 97)),
		 (int16_t)GNTST_bad_copy_arg);
	CHECK_EQ(copy(copy_of(0, mfn_of(page), mfn_of(page), 0xffff, 0, 1)),
		 (int16_t)GNTST_bad_copy_arg);
	CHECK_EQ(copy(copy_of(GNTCOPY_source_gref, BEYOND_REF, mfn_of(page), 0, 0, 1)),
		 (int16_t)GNTST_bad_gntref);
	CHECK(copy(copy_of(0, NOBODYS_MFN, mfn_of(page), 0, 0, 8)) < 0);
	CHECK(copy(copy_of(0, mfn_of(page), NOBODYS_MFN, 0, 0, 8)) < 0);
	CHECK(copy(copy_of(0, mfn_of(page), mfn_of(l1), 0, 0, 8)) < 0);
	CHECK_EQ(l1[0], 0);
	grant(FIRST_REF, mfn_of(l1), GTF_permit_access);
	CHECK(copy(copy_of(GNTCOPY_dest_gref, mfn_of(page), FIRST_REF, 0, 0, 8)) < 0);
	CHECK_EQ(l1[0], 0);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(l1), 0));
}

CLAIM(copy_list, "each element of a list is judged by itself: one bad, its neighbours are done")
{
	uint8_t *a = page_alloc(), *b = page_alloc();
	struct gnttab_copy list[3];

	memset(a, 0x31, PAGE_BYTES);
	grant(FIRST_REF, mfn_of(a), GTF_permit_access | GTF_readonly);
	list[0] = copy_of(GNTCOPY_source_gref, FIRST_REF, mfn_of(b), 0, 0, 1);
	list[1] = copy_of(GNTCOPY_source_gref, BEYOND_REF, mfn_of(b), 0, 1, 1);
	list[2] = copy_of(GNTCOPY_source_gref, FIRST_REF, mfn_of(b), 0, 2, 1);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_copy, list, 3));
	CHECK_OK(list[0].status);
	CHECK_EQ(list[1].status, (int16_t)GNTST_bad_gntref);
	CHECK_OK(list[2].status);
	CHECK_EQ(b[0], 0x31);
	CHECK_EQ(b[1], 0);
	CHECK_EQ(b[2], 0x31);
}

CLAIM(table_size,
      "query_size says how many frames there are and may be; setup_table beyond that is refused")
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_setup_table s = { .dom = DOMID_SELF };

	grant_table();
	CHECK_OK(HC3(grant_table_op, GNTTABOP_query_size, &q, 1));
	CHECK_OK(q.status);
	CHECK(q.nr_frames >= 1 && q.nr_frames <= q.max_nr_frames);
	s.nr_frames = q.max_nr_frames + 1;
	s.frame_list.p = page_alloc();
	HC3(grant_table_op, GNTTABOP_setup_table, &s, 1);
	CHECK(s.status < 0);
}

CLAIM(pointers, "a list that cannot be read is -EFAULT; a negative count is -EINVAL")
{
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_map_grant_ref, UNMAPPED_POINTER, 1), XEN_EFAULT);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_unmap_grant_ref, HYPERVISOR_POINTER, 1), XEN_EFAULT);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_copy, NONCANONICAL_POINTER, 1), XEN_EFAULT);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_copy, page_alloc(), -1), XEN_EINVAL);
}
