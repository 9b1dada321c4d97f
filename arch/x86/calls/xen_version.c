/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_xen_version: what a guest may know about the hypervisor it runs on. The ABI is Xen's
 * of 4.17; what is ours says so. Every answer is built in a zeroed object of the ABI's size
 * (LEAK-1).
 */
#include <asm/layout.h>
#include <isola/version.h>
#include <isola/memmap.h>
#include <asm/p2m.h>
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <isola/domain.h>
#include <isola/privilege.h>
#include <isola/lib/string.h>
#include <isola/vcpu.h>
#include <xen/xen.h>
#include <xen/version.h>

/* ABI: a PVH kernel that begins in 32-bit mode is one of x86_32 to the tools. */
#define CAPABILITIES "xen-3.0-x86_64 "
#define CAPABILITIES_HVM CAPABILITIES "hvm-3.0-x86_32 hvm-3.0-x86_64 "

static u32 features(const struct domain *d)
{
	u32 map = 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
		1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_direct_mapped;

	if (domain_may(d, MAY_feature_dom0))
		map |= 1u << XENFEAT_dom0;
	if (domain_may(d, MAY_feature_dom0) || d->vm_assist & 1ul << VMASST_TYPE_pae_extended_cr3)
		map |= 1u << XENFEAT_pae_pgdir_above_4gb;
	return map;
}

static long get_features(u64 arg)
{
	xen_feature_info_t info;

	if (copy_from_guest(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
		return -EINVAL;
	info.submap = features(current->domain);
	return copy_to_guest(arg, &info, sizeof(info));
}

static long compile_info(u64 arg)
{
	static const struct xen_compile_info info = {
		.compiler = COMPILER,
		.compile_by = "isola",
		.compile_domain = "",
		.compile_date = "",             /* the build is reproducible */
	};

	return copy_to_guest(arg, &info, sizeof(info));
}

/* A string in a buffer of the ABI's size, the rest of it zero. */
static long give_string(u64 arg, const char *s, size_t size)
{
	char buf[XEN_CAPABILITIES_INFO_LEN] = { 0 };

	strlcpy(buf, s, min(size, sizeof(buf)));
	return copy_to_guest(arg, buf, min(size, sizeof(buf)));
}

/*
 * HYPERVISOR_xen_version(cmd, arg): 0 or the number asked for; -EFAULT, -EINVAL, -EPERM, -ENODATA,
 * -ENOSYS.
 */
long hc_xen_version(u64 cmd, u64 arg)
{
	static const xen_platform_parameters_t parameters = { .virt_start = VA_HV_FIRST };
	static const xen_domain_handle_t no_handle;

	if (likely((u32)cmd == XENVER_version))
		return ABI_VERSION;
	switch ((u32)cmd) {
	case XENVER_extraversion:
		return give_string(arg, ABI_EXTRAVERSION, XEN_EXTRAVERSION_LEN);
	case XENVER_compile_info:
		return compile_info(arg);
	case XENVER_capabilities:
		return give_string(arg, p2m_is_offered ? CAPABILITIES_HVM : CAPABILITIES,
				   XEN_CAPABILITIES_INFO_LEN);
	case XENVER_changeset:
		return give_string(arg, "", XEN_CHANGESET_INFO_LEN);
	case XENVER_platform_parameters:
		return copy_to_guest(arg, &parameters, sizeof(parameters));
	case XENVER_get_features:
		return get_features(arg);
	case XENVER_pagesize:
		return arg ? -EINVAL : (long)PAGE_SIZE;
	case XENVER_guest_handle:
		return copy_to_guest(arg, no_handle, sizeof(no_handle));
	case XENVER_commandline:
		return give_string(arg, domain_may(current->domain, MAY_version_commandline)
						? boot_info.cmdline : "<denied>",
				   sizeof(xen_commandline_t));
	case XENVER_build_id:
		return domain_may(current->domain, MAY_version_build_id) ? -ENODATA : -EPERM;
	default:
		return -ENOSYS;
	}
}
