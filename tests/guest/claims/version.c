/* SPDX-License-Identifier: MIT */
/*
 * xen_version: who the hypervisor says it is, in the forms tools and kernels parse.
 */
#define TOPIC "version"
#include "../claim.h"
#include "../memory.h"
#include "../text.h"

CLAIM(version, "XENVER_version is 4.17, needs no argument, and ignores one")
{
	CHECK_EQ(HC2(xen_version, XENVER_version, 0), 4 << 16 | 17);
	CHECK_EQ(HC2(xen_version, XENVER_version, HYPERVISOR_POINTER), 4 << 16 | 17);
}

CLAIM(extraversion, "XENVER_extraversion is a terminated string of at most 15 characters")
{
	char s[XEN_EXTRAVERSION_LEN + 1];

	memset(s, 'x', sizeof(s));
	CHECK_OK(HC2(xen_version, XENVER_extraversion, s));
	CHECK(strlen(s) < XEN_EXTRAVERSION_LEN);
	CHECK_EQ(s[XEN_EXTRAVERSION_LEN], 'x');
}

CLAIM(compile_info, "XENVER_compile_info names a compiler, in terminated strings")
{
	struct xen_compile_info *info = page_alloc();

	memset(info, 'x', sizeof(*info) + 1);
	CHECK_OK(HC2(xen_version, XENVER_compile_info, info));
	CHECK(strlen(info->compiler) > 0 && strlen(info->compiler) < sizeof(info->compiler));
	CHECK(strlen(info->compile_by) < sizeof(info->compile_by));
	CHECK(strlen(info->compile_date) < sizeof(info->compile_date));
	CHECK_EQ(((char *)info)[sizeof(*info)], 'x');
}

CLAIM(capabilities, "XENVER_capabilities lists xen-3.0-x86_64")
{
	char *s = page_alloc();

	CHECK_OK(HC2(xen_version, XENVER_capabilities, s));
	CHECK(strstr(s, "xen-3.0-x86_64"));
}

CLAIM(changeset, "XENVER_changeset is a terminated string")
{
	char *s = page_alloc();

	memset(s, 'x', 128);
	CHECK_OK(HC2(xen_version, XENVER_changeset, s));
	CHECK(strlen(s) < sizeof(xen_changeset_info_t));
	CHECK_EQ(s[sizeof(xen_changeset_info_t)], 'x');
}

CLAIM(platform_parameters, "XENVER_platform_parameters says where the hypervisor's range begins")
{
	struct xen_platform_parameters p = { 0 };

	CHECK_OK(HC2(xen_version, XENVER_platform_parameters, &p));
	CHECK_EQ(p.virt_start, HYPERVISOR_VIRT_START);
}

CLAIM_DOM0(features, "XENVER_get_features submap 0 has what a 64-bit PV dom0 relies on and "
	   "nothing that changes its code path")
{
	struct xen_feature_info f = { .submap_idx = 0 };
	const uint32_t required = 1u << XENFEAT_mmu_pt_update_preserve_ad |
				  1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_dom0 |
				  1u << XENFEAT_highmem_assist;
	const uint32_t forbidden = 1u << XENFEAT_writable_page_tables |
				   1u << XENFEAT_auto_translated_physmap |
				   1u << XENFEAT_supervisor_mode_kernel;

	CHECK_OK(HC2(xen_version, XENVER_get_features, &f));
	CHECK_EQ(f.submap & required, required);
	CHECK_EQ(f.submap & forbidden, 0);
}

CLAIM(features_beyond, "XENVER_get_features of a submap beyond the last is -EINVAL")
{
	struct xen_feature_info f = { .submap_idx = XENFEAT_NR_SUBMAPS };

	CHECK_ERR(HC2(xen_version, XENVER_get_features, &f), XEN_EINVAL);
	f.submap_idx = ~0u;
	CHECK_ERR(HC2(xen_version, XENVER_get_features, &f), XEN_EINVAL);
}

CLAIM(pagesize, "XENVER_pagesize is 4096 and takes no argument")
{
	CHECK_EQ(HC2(xen_version, XENVER_pagesize, 0), 4096);
}

CLAIM(guest_handle, "XENVER_guest_handle writes 16 bytes and no more")
{
	uint8_t h[17];

	memset(h, 0x5a, sizeof(h));
	CHECK_OK(HC2(xen_version, XENVER_guest_handle, h));
	CHECK_EQ(h[16], 0x5a);
}

CLAIM(commandline, "XENVER_commandline is the hypervisor's command line, terminated")
{
	char *s = page_alloc();

	memset(s, 'x', 2000);
	CHECK_OK(HC2(xen_version, XENVER_commandline, s));
	CHECK(strlen(s) < sizeof(xen_commandline_t));
	CHECK_EQ(s[sizeof(xen_commandline_t)], 'x');
}

CLAIM_DOM0(build_id, "XENVER_build_id gives a length, or says that there is none")
{
	long rc = HC2(xen_version, XENVER_build_id, 0);

	CHECK(rc > 0 || rc == -XEN_ENODATA || rc == -XEN_ENOSYS);
}

CLAIM(unknown, "an unknown xen_version command is -ENOSYS")
{
	CHECK_ERR(HC2(xen_version, 11, 0), XEN_ENOSYS);
	CHECK_ERR(HC2(xen_version, 1000, 0), XEN_ENOSYS);
	CHECK_ERR(HC2(xen_version, 0xffffffff, 0), XEN_ENOSYS);
}
