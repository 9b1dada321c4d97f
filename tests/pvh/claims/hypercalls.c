/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls by the page: numbers, registers, pointers.
 */
#define TOPIC "hypercalls"
#include "claim.h"
#include "machine.h"
#include "text.h"
#include <xen/grant_table.h>

#define XEN_LOW_32(x) ((uint32_t)(x))

CLAIM(version, "xen_version answers, and its string arrives in our memory")
{
	char extra[XEN_EXTRAVERSION_LEN];

	memset(extra, 0xff, sizeof(extra));
	CHECK_EQ(HC2(xen_version, XENVER_version, 0) >> 16, 4);
	CHECK_OK(HC2(xen_version, XENVER_extraversion, extra));
	CHECK(strlen(extra) < sizeof(extra));
}

CLAIM(unknown, "numbers that there are none of, and PV's alone, answer -ENOSYS")
{
	CHECK_ERR(hypercall_by_page(63, 0, 0, 0, 0, 0), XEN_ENOSYS);
	CHECK_ERR(HC4(mmu_update, 0, 0, 0, DOMID_SELF), XEN_ENOSYS);
	CHECK_ERR(HC2(set_gdt, 0, 0), XEN_ENOSYS);
	CHECK_ERR(HC1(set_trap_table, 0), XEN_ENOSYS);
}

CLAIM_ISOLA_ONLY(control, "what controls the machine is refused with -EPERM", "dom0 may on Xen")
{
	CHECK_ERR(HC1(sysctl, 0), XEN_EPERM);
	CHECK_ERR(HC1(domctl, 0), XEN_EPERM);
	CHECK_ERR(HC1(platform_op, 0), XEN_EPERM);
}

CLAIM(iret, "the page's entry for iret is #UD")
{
	CHECK_TRAP(6, "call *%0", : : "r"(hypercall_page + 32 * __HYPERVISOR_iret) : "memory");
}

CLAIM(features, "tables are translated for us, upcalls can be vectors; what is PV's is not offered")
{
	struct xen_feature_info f = { 0 };

	CHECK_OK(HC2(xen_version, XENVER_get_features, &f));
	CHECK(f.submap & 1u << XENFEAT_auto_translated_physmap);
	CHECK(f.submap & 1u << XENFEAT_hvm_callback_vector);
	CHECK(f.submap & 1u << XENFEAT_hvm_safe_pvclock);
	CHECK(!(f.submap & (1u << XENFEAT_mmu_pt_update_preserve_ad |
			    1u << XENFEAT_supervisor_mode_kernel)));
}

CLAIM(registers, "a call keeps every register but rax; rcx and r11 too")
{
	uint64_t rcx = 0x1111111111111111, rbx = 0x2222222222222222;
	register uint64_t r11 asm("r11") = 0x3333333333333333;
	register uint64_t r15 asm("r15") = 0x4444444444444444;
	uint64_t rax = __HYPERVISOR_xen_version, rdi = 0, rsi = 0;

	asm volatile(HYPERCALL_INSN : "+a"(rax), "+c"(rcx), "+b"(rbx), "+r"(r11), "+r"(r15),
		     "+D"(rdi), "+S"(rsi) : : "memory");
	CHECK_EQ(rax >> 16, 4);
	CHECK_EQ(rcx, 0x1111111111111111);
	CHECK_EQ(rbx, 0x2222222222222222);
	CHECK_EQ(r11, 0x3333333333333333);
	CHECK_EQ(r15, 0x4444444444444444);
}

CLAIM(pointers, "a pointer to nothing, or to no address, is -EFAULT; so is half a structure")
{
	char *edge = (char *)(32ul << 20);
	char *const absent = (char *)(1ul << 40);

	CHECK_ERR(HC2(xen_version, XENVER_extraversion, absent), XEN_EFAULT);
	CHECK_ERR(HC2(xen_version, XENVER_extraversion, NONCANONICAL_POINTER), XEN_EFAULT);
	set_present((uint64_t)edge, false);
	CHECK_ERR(HC2(xen_version, XENVER_extraversion, edge - 4), XEN_EFAULT);
	CHECK_ERR(HC2(xen_version, XENVER_get_features, edge), XEN_EFAULT);
	set_present((uint64_t)edge, true);
	CHECK_OK(HC2(xen_version, XENVER_extraversion, edge - 4));
}

CLAIM(across, "what lies across two pages is written in both")
{
	char *at = (char *)(32ul << 20) - 3;

	memset(at, 0x55, XEN_CAPABILITIES_INFO_LEN);
	CHECK_OK(HC2(xen_version, XENVER_capabilities, at));
	CHECK(!strncmp(at, "xen-3.0-x86_64", 14));
}

CLAIM(by_32, "from 32-bit code a call does not see upper halves: an answer of 32 bits")
{
	answer_32 = ~0ul;
	leave_long_mode(1);
	CHECK(XEN_LOW_32(answer_32) >> 16 == 4 || XEN_LOW_32(answer_32) == (uint32_t)-XEN_ENOSYS);
}

CLAIM_ISOLA_ONLY(pae, "32-bit code pages by three levels: its directory is read as paging goes on",
		 "under QEMU the guest gets a #PF for its code, behind the first exit there")
{
	answer_32 = 0x5a5a1234;
	leave_long_mode(2);
	CHECK_EQ(answer_32 >> 32, 0x5a5a1234);
}

CLAIM(params, "parameters of no such number are -EINVAL; ours can be read back")
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_NR_PARAMS };

	CHECK_ERR(HC2(hvm_op, HVMOP_get_param, &p), XEN_EINVAL);
	CHECK_ERR(HC2(hvm_op, HVMOP_set_param, &p), XEN_EINVAL);
	p = (struct xen_hvm_param){ .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ,
				    .value = 2ul << 56 | UPCALL_VECTOR };
	CHECK_OK(HC2(hvm_op, HVMOP_set_param, &p));
	p.value = 0;
	CHECK_OK(HC2(hvm_op, HVMOP_get_param, &p));
	CHECK_EQ(p.value, 2ul << 56 | UPCALL_VECTOR);
	p = (struct xen_hvm_param){ .domid = DOMID_SELF, .index = HVM_PARAM_VM_GENERATION_ID_ADDR,
				    .value = 0x123000 };
	CHECK_OK(HC2(hvm_op, HVMOP_set_param, &p));
	p.value = 0;
	CHECK_OK(HC2(hvm_op, HVMOP_get_param, &p));
	CHECK_EQ(p.value, 0x123000);
	p.index = HVM_PARAM_CONSOLE_PFN;
	if (on_isola)			/* a dom0 may */
		CHECK_ERR(HC2(hvm_op, HVMOP_set_param, &p), XEN_EPERM);
}

static long put_grant_frame(uint64_t idx, const void *page)
{
	struct xen_add_to_physmap map = { .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table,
					  .idx = idx, .gpfn = (uint64_t)page >> 12 };

	return HC2(memory_op, XENMEM_add_to_physmap, &map);
}

CLAIM(others_grants, "what is no grant is not mapped: its element says so, and the call is good")
{
	struct gnttab_map_grant_ref map[2] = {
		{ .host_addr = 0x1000, .flags = GNTMAP_host_map, .ref = 8, .dom = DOMID_SELF },
		{ .host_addr = 0x1000, .flags = GNTMAP_host_map, .ref = 9, .dom = DOMID_SELF } };
	struct gnttab_unmap_grant_ref unmap = { .host_addr = 0x1000, .handle = 12345 };

	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, map, 2));
	CHECK(map[0].status < 0 && map[1].status < 0);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_unmap_grant_ref, &unmap, 1));
	CHECK(unmap.status < 0);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, map, 0));
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_map_grant_ref, map, 1u << 31), XEN_EINVAL);
}

CLAIM(grants, "frames of the grant table are put behind pages of ours, and elsewhere again")
{
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	struct gnttab_get_version version = { .dom = DOMID_SELF };
	volatile uint64_t *one = page_alloc(), *other = page_alloc();

	CHECK_OK(HC3(grant_table_op, GNTTABOP_query_size, &size, 1));
	CHECK(!size.status && size.nr_frames && size.max_nr_frames >= 4);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_get_version, &version, 1));
	CHECK_EQ(version.version, 1);
	*one = *other = ~0ul;
	CHECK_OK(put_grant_frame(1, (void *)one));
	CHECK_EQ(*one, 0);
	one[3] = 0x1234;
	CHECK_OK(put_grant_frame(1, (void *)other));
	CHECK_EQ(other[3], 0x1234);
	other[3] = 0;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_query_size, &size, 1));
	CHECK(size.nr_frames >= 2);
	CHECK(put_grant_frame(size.max_nr_frames, page_alloc()) < 0);
}
