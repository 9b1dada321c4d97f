/* SPDX-License-Identifier: MIT */
/*
 * memory_op: what memory there is, whose it is, and giving pages back.
 */
#define TOPIC "memory_op"
#include "../claim.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

struct e820_entry {		/* as BIOS INT 15h AX=E820 stores it */
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

static long machine_map(struct e820_entry *buffer, unsigned int *nr)
{
	struct xen_memory_map map = { .nr_entries = *nr };
	long rc;

	map.buffer.p = buffer;
	rc = HC2(memory_op, XENMEM_machine_memory_map, &map);
	*nr = map.nr_entries;
	return rc;
}

CLAIM_DOM0(machine_memory_map, "XENMEM_machine_memory_map is sorted, without overlap, and holds "
	   "RAM for nr_pages")
{
	struct e820_entry *e = page_alloc();
	unsigned int nr = PAGE_BYTES / sizeof(*e);
	uint64_t ram = 0;

	CHECK_OK(machine_map(e, &nr));
	CHECK(nr > 0 && nr < 200);
	for (unsigned int i = 0; i < nr; i++) {
		CHECK(e[i].size != 0);
		CHECK(e[i].type >= 1 && e[i].type <= 20);
		if (i)
			CHECK(e[i].addr >= e[i - 1].addr + e[i - 1].size);
		if (e[i].type == 1)
			ram += e[i].size;
	}
	CHECK(ram / PAGE_BYTES >= start->nr_pages);
}

CLAIM_DOM0(machine_memory_map_apics, "the machine map marks the IO-APIC and local APIC pages as "
	   "not RAM, reserved")
{
	struct e820_entry *e = page_alloc();
	unsigned int nr = PAGE_BYTES / sizeof(*e), found = 0;

	CHECK_OK(machine_map(e, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		static const uint64_t apics[] = { 0xfec00000, 0xfee00000 };

		for (unsigned int a = 0; a < 2; a++)
			if (e[i].addr <= apics[a] && apics[a] < e[i].addr + e[i].size) {
				CHECK_EQ(e[i].type, 2);
				found++;
			}
	}
	CHECK_EQ(found, 2);
}

CLAIM_DOM0(machine_memory_map_short, "a buffer of too few entries is -EINVAL and is not overrun")
{
	struct e820_entry *e = page_alloc();
	unsigned int nr = 2;

	memset(e, 0x5a, PAGE_BYTES);
	CHECK_ERR(machine_map(e, &nr), XEN_EINVAL);
	CHECK_EQ(*(uint8_t *)(e + 2), 0x5a);
}

CLAIM_DOM0(machine_memory_map_bad_buffer, "a machine map buffer that cannot be written is -EFAULT")
{
	unsigned int nr = 100;

	CHECK_ERR(machine_map(UNMAPPED_POINTER, &nr), XEN_EFAULT);
	nr = 100;
	CHECK_ERR(machine_map(HYPERVISOR_POINTER, &nr), XEN_EFAULT);
}

CLAIM(memory_map, "XENMEM_memory_map of a domain nobody gave a map is -ENOSYS")
{
	struct xen_memory_map map = { .nr_entries = 10 };

	map.buffer.p = page_alloc();
	CHECK_ERR(HC2(memory_op, XENMEM_memory_map, &map), XEN_ENOSYS);
}

CLAIM(machphys_mapping, "XENMEM_machphys_mapping says where the machine-to-phys table is, and its "
      "size covers our frames")
{
	struct xen_machphys_mapping m = { 0 };

	CHECK_OK(HC2(memory_op, XENMEM_machphys_mapping, &m));
	CHECK_EQ(m.v_start, MACH2PHYS_VIRT_START);
	CHECK_EQ(m.v_end, MACH2PHYS_VIRT_END);
	CHECK(m.max_mfn >= mfn_of(start));
	CHECK(m.max_mfn < 1ul << 40);
}

CLAIM(reservations, "current_reservation is nr_pages, maximum_reservation is not less, "
      "maximum_gpfn is the last pfn")
{
	domid_t self = DOMID_SELF;
	long current = HC2(memory_op, XENMEM_current_reservation, &self);

	CHECK_EQ(current, start->nr_pages);
	CHECK(HC2(memory_op, XENMEM_maximum_reservation, &self) >= current);
}

CLAIM(maximum_ram_page, "maximum_ram_page covers our own frames")
{
	long max = HC2(memory_op, XENMEM_maximum_ram_page, 0);

	CHECK(max > 0);
	CHECK((unsigned long)max >= mfn_of(start));
}

CLAIM_DOM0(no_such_domain, "reservations of a domain that does not exist are -ESRCH")
{
	domid_t nobody = 1234;

	CHECK_ERR(HC2(memory_op, XENMEM_current_reservation, &nobody), NO_SUCH_DOMAIN);
	CHECK_ERR(HC2(memory_op, XENMEM_maximum_reservation, &nobody), NO_SUCH_DOMAIN);
}

CLAIM_DOM0(add_to_physmap, "add_to_physmap is -EACCES for a PV domain, which has no such map, "
	   "and -ESRCH for one that does not exist")
{
	struct xen_add_to_physmap a = { .domid = DOMID_SELF,
					.space = XENMAPSPACE_shared_info,
					.gpfn = 5 };

	CHECK_ERR(HC2(memory_op, XENMEM_add_to_physmap, &a), XEN_EACCES);
	a.domid = 1234;
	CHECK_ERR(HC2(memory_op, XENMEM_add_to_physmap, &a), NO_SUCH_DOMAIN);
	CHECK_ERR(HC2(memory_op, XENMEM_add_to_physmap, UNMAPPED_POINTER), XEN_EFAULT);
}

CLAIM_DOM0(acquire_resource, "acquire_resource is -EPERM for one's own grant table, -ESRCH for "
	   "that of a domain that does not exist, -EINVAL with a word set that must be zero")
{
	struct xen_mem_acquire_resource r = { .domid = 0, .type = XENMEM_resource_grant_table };

	CHECK_ERR(HC2(memory_op, XENMEM_acquire_resource, &r), XEN_EPERM);
	r.domid = 1234;
	CHECK_ERR(HC2(memory_op, XENMEM_acquire_resource, &r), NO_SUCH_DOMAIN);
	r.domid = DOMID_SELF;
	CHECK_ERR(HC2(memory_op, XENMEM_acquire_resource, &r), NO_SUCH_DOMAIN);
	r.pad = 1;
	CHECK_ERR(HC2(memory_op, XENMEM_acquire_resource, &r), XEN_EINVAL);
	CHECK_ERR(HC2(memory_op, XENMEM_acquire_resource, UNMAPPED_POINTER), XEN_EFAULT);
}

CLAIM(unknown, "an unknown memory_op is -ENOSYS")
{
	CHECK_ERR(HC2(memory_op, 63, page_alloc()), XEN_ENOSYS);
	CHECK_ERR(HC2(memory_op, 40, page_alloc()), XEN_ENOSYS);
}
