/* SPDX-License-Identifier: MIT */
/*
 * What each control call answers when its argument is all zeroes: on Debian's Xen 4.17 by
 * measurement, and here. Where the two differ docs/limits.md says so.
 *
 * The rule: a tool gets the error that it knows, for what is built and for what is not; and a
 * domain that there is not is missed before anything else is.
 */
#define TOPIC "answers"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../domains.h"
#include "../text.h"
#include <xen/domctl.h>
#include <xen/sysctl.h>

static const struct row {
	const char *name;
	uint32_t cmd;
	long xen, isola;
} sysctls[] = {
	{ "readconsole", XEN_SYSCTL_readconsole, 0, 0 },
	{ "tbuf_op", XEN_SYSCTL_tbuf_op, 0, -XEN_ENOSYS },
	{ "physinfo", XEN_SYSCTL_physinfo, 0, 0 },
	{ "sched_id", XEN_SYSCTL_sched_id, 0, 0 },
	{ "perfc_op", XEN_SYSCTL_perfc_op, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "getdomaininfolist", XEN_SYSCTL_getdomaininfolist, 0, 0 },
	{ "debug_keys", XEN_SYSCTL_debug_keys, 0, 0 },
	{ "getcpuinfo", XEN_SYSCTL_getcpuinfo, 0, 0 },
	{ "availheap", XEN_SYSCTL_availheap, 0, 0 },
	{ "get_pmstat", XEN_SYSCTL_get_pmstat, -XEN_ENODEV, -XEN_ENODEV },
	{ "cpu_hotplug", XEN_SYSCTL_cpu_hotplug, -XEN_EEXIST, -XEN_EEXIST },
	{ "pm_op", XEN_SYSCTL_pm_op, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "page_offline_op", XEN_SYSCTL_page_offline_op, -XEN_EFAULT, -XEN_ENOSYS },
	{ "lockprof_op", XEN_SYSCTL_lockprof_op, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "cputopoinfo", XEN_SYSCTL_cputopoinfo, 0, 0 },
	{ "numainfo", XEN_SYSCTL_numainfo, 0, 0 },
	{ "cpupool_op", XEN_SYSCTL_cpupool_op, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "scheduler_op", XEN_SYSCTL_scheduler_op, -XEN_EINVAL, -XEN_EINVAL },
	{ "coverage_op", XEN_SYSCTL_coverage_op, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP },
	{ "psr_cmt_op", XEN_SYSCTL_psr_cmt_op, -XEN_ENODEV, -XEN_ENODEV },
	{ "pcitopoinfo", XEN_SYSCTL_pcitopoinfo, -XEN_EINVAL, -XEN_EINVAL },
	{ "psr_alloc", XEN_SYSCTL_psr_alloc, -XEN_ENODEV, -XEN_ENODEV },
	{ "get_cpu_levelling_caps", XEN_SYSCTL_get_cpu_levelling_caps, 0, 0 },
	{ "get_cpu_featureset", XEN_SYSCTL_get_cpu_featureset, 0, 0 },
	{ "livepatch_op", XEN_SYSCTL_livepatch_op, -XEN_EINVAL, -XEN_ENOSYS },
	{ "get_cpu_policy", XEN_SYSCTL_get_cpu_policy, 0, 0 },
}, domctls[] = {
	{ "pausedomain", XEN_DOMCTL_pausedomain, 0, 0 },
	{ "unpausedomain", XEN_DOMCTL_unpausedomain, 0, 0 },
	{ "setvcpuaffinity", XEN_DOMCTL_setvcpuaffinity, -XEN_EINVAL, -XEN_EINVAL },
	{ "shadow_op", XEN_DOMCTL_shadow_op, -XEN_EINVAL, 0 },
	{ "max_mem", XEN_DOMCTL_max_mem, 0, 0 },
	{ "setvcpucontext", XEN_DOMCTL_setvcpucontext, 0, 0 },
	{ "getvcpucontext", XEN_DOMCTL_getvcpucontext, -XEN_ENODATA, -XEN_ENODATA },
	{ "getvcpuinfo", XEN_DOMCTL_getvcpuinfo, 0, 0 },
	{ "max_vcpus", XEN_DOMCTL_max_vcpus, -XEN_EINVAL, -XEN_EINVAL },
	{ "scheduler_op", XEN_DOMCTL_scheduler_op, -XEN_EINVAL, -XEN_EINVAL },
	{ "setdomainhandle", XEN_DOMCTL_setdomainhandle, 0, 0 },
	{ "setdebugging", XEN_DOMCTL_setdebugging, 0, 0 },
	{ "irq_permission", XEN_DOMCTL_irq_permission, -XEN_EPERM, -XEN_EPERM },
	{ "iomem_permission", XEN_DOMCTL_iomem_permission, -XEN_EPERM, -XEN_EPERM },
	{ "ioport_permission", XEN_DOMCTL_ioport_permission, -XEN_EINVAL, -XEN_EINVAL },
	{ "hypercall_init", XEN_DOMCTL_hypercall_init, -XEN_EINVAL, -XEN_EINVAL },
	{ "settimeoffset", XEN_DOMCTL_settimeoffset, 0, 0 },
	{ "getvcpuaffinity", XEN_DOMCTL_getvcpuaffinity, -XEN_EINVAL, -XEN_EINVAL },
	{ "resumedomain", XEN_DOMCTL_resumedomain, 0, 0 },
	{ "sendtrigger", XEN_DOMCTL_sendtrigger, 0, 0 },
	{ "subscribe", XEN_DOMCTL_subscribe, 0, -XEN_ENOSYS },
	{ "gethvmcontext", XEN_DOMCTL_gethvmcontext, -XEN_EINVAL, -XEN_EINVAL },
	{ "sethvmcontext", XEN_DOMCTL_sethvmcontext, -XEN_EINVAL, -XEN_EINVAL },
	{ "set_address_size", XEN_DOMCTL_set_address_size, -XEN_EINVAL, -XEN_EINVAL },
	{ "get_address_size", XEN_DOMCTL_get_address_size, 0, 0 },
	{ "assign_device", XEN_DOMCTL_assign_device, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP },
	{ "bind_pt_irq", XEN_DOMCTL_bind_pt_irq, -XEN_EINVAL, -XEN_EINVAL },
	{ "memory_mapping", XEN_DOMCTL_memory_mapping, -XEN_EINVAL, -XEN_EINVAL },
	{ "ioport_mapping", XEN_DOMCTL_ioport_mapping, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP },
	{ "set_ext_vcpucontext", XEN_DOMCTL_set_ext_vcpucontext, -XEN_EINVAL, -XEN_EINVAL },
	{ "get_ext_vcpucontext", XEN_DOMCTL_get_ext_vcpucontext, 0, 0 },
	{ "test_assign_device", XEN_DOMCTL_test_assign_device, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP },
	{ "set_target", XEN_DOMCTL_set_target, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP },
	{ "deassign_device", XEN_DOMCTL_deassign_device, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP },
	{ "unbind_pt_irq", XEN_DOMCTL_unbind_pt_irq, -XEN_EINVAL, -XEN_EINVAL },
	{ "get_device_group", XEN_DOMCTL_get_device_group, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP },
	{ "debug_op", XEN_DOMCTL_debug_op, -XEN_EINVAL, -XEN_EINVAL },
	{ "gethvmcontext_partial", XEN_DOMCTL_gethvmcontext_partial, -XEN_EINVAL, -XEN_EINVAL },
	{ "vm_event_op", XEN_DOMCTL_vm_event_op, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "mem_sharing_op", XEN_DOMCTL_mem_sharing_op, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "gettscinfo", XEN_DOMCTL_gettscinfo, 0, 0 },
	{ "settscinfo", XEN_DOMCTL_settscinfo, 0, 0 },
	{ "getpageframeinfo3", XEN_DOMCTL_getpageframeinfo3, 0, 0 },
	{ "setvcpuextstate", XEN_DOMCTL_setvcpuextstate, -XEN_EINVAL, -XEN_EINVAL },
	{ "getvcpuextstate", XEN_DOMCTL_getvcpuextstate, 0, 0 },
	{ "set_access_required", XEN_DOMCTL_set_access_required, 0, 0 },
	{ "audit_p2m", XEN_DOMCTL_audit_p2m, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "set_virq_handler", XEN_DOMCTL_set_virq_handler, -XEN_EINVAL, -XEN_EINVAL },
	{ "set_broken_page_p2m", XEN_DOMCTL_set_broken_page_p2m, -XEN_EINVAL, -XEN_EINVAL },
	{ "setnodeaffinity", XEN_DOMCTL_setnodeaffinity, -XEN_EINVAL, -XEN_EINVAL },
	{ "getnodeaffinity", XEN_DOMCTL_getnodeaffinity, 0, 0 },
	{ "cacheflush", XEN_DOMCTL_cacheflush, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "get_vcpu_msrs", XEN_DOMCTL_get_vcpu_msrs, 0, 0 },
	{ "set_vcpu_msrs", XEN_DOMCTL_set_vcpu_msrs, 0, 0 },
	{ "setvnumainfo", XEN_DOMCTL_setvnumainfo, -XEN_EINVAL, -XEN_EINVAL },
	{ "psr_cmt_op", XEN_DOMCTL_psr_cmt_op, -XEN_ENODEV, -XEN_ENODEV },
	{ "monitor_op", XEN_DOMCTL_monitor_op, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP },
	{ "psr_alloc", XEN_DOMCTL_psr_alloc, -XEN_ENODEV, -XEN_ENODEV },
	{ "soft_reset", XEN_DOMCTL_soft_reset, -XEN_EINVAL, -XEN_EINVAL },
	{ "vuart_op", XEN_DOMCTL_vuart_op, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "get_cpu_policy", XEN_DOMCTL_get_cpu_policy, 0, 0 },
	{ "set_cpu_policy", XEN_DOMCTL_set_cpu_policy, 0, 0 },
	{ "vmtrace_op", XEN_DOMCTL_vmtrace_op, -XEN_EINVAL, -XEN_EINVAL },
	{ "get_paging_mempool_size", XEN_DOMCTL_get_paging_mempool_size, -XEN_EOPNOTSUPP,
	  -XEN_EOPNOTSUPP },
	{ "set_paging_mempool_size", XEN_DOMCTL_set_paging_mempool_size, -XEN_EOPNOTSUPP,
	  -XEN_EOPNOTSUPP },
	{ "gdbsx_guestmemio", XEN_DOMCTL_gdbsx_guestmemio, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "gdbsx_pausevcpu", XEN_DOMCTL_gdbsx_pausevcpu, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "gdbsx_unpausevcpu", XEN_DOMCTL_gdbsx_unpausevcpu, -XEN_ENOSYS, -XEN_ENOSYS },
	{ "gdbsx_domstatus", XEN_DOMCTL_gdbsx_domstatus, -XEN_ENOSYS, -XEN_ENOSYS },
};

#define NR(rows) (sizeof(rows) / sizeof((rows)[0]))

static void check(const struct row *r, long answer)
{
	long want = on_isola ? r->isola : r->xen;

	CHECK_SAY(answer == want, "%s: %ld, not %ld", r->name, answer, want);
}

static long zero_domctl(uint32_t cmd, domid_t domid)
{
	memset(&domctl_op, 0, sizeof(domctl_op));
	return domctl(cmd, domid);
}

CLAIM_DOM0(sysctl, "each sysctl of zeroes is answered as Xen does, but for those that are listed")
{
	static struct xen_sysctl op;

	for (unsigned int i = 0; i < NR(sysctls); i++) {
		memset(&op, 0, sizeof(op));
		op.cmd = sysctls[i].cmd;
		op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
		check(&sysctls[i], HC1(sysctl, &op));
	}
}

CLAIM_DOM0(domctl, "each domctl of zeroes on a new domain is answered as Xen does, but for those "
	   "that are listed")
{
	domid_t d = create();

	CHECK_OK(max_vcpus(d, 2));
	for (unsigned int i = 0; i < NR(domctls); i++)
		check(&domctls[i], zero_domctl(domctls[i].cmd, d));
	destroy(d);
}

CLAIM_DOM0(nobody, "a domctl about a domain that there is not is -ESRCH, whatever it is")
{
	for (unsigned int i = 0; i < NR(domctls); i++)
		CHECK_ERR(zero_domctl(domctls[i].cmd, 0x7000), XEN_ESRCH);
	CHECK_ERR(zero_domctl(0xffff, 0x7000), XEN_ESRCH);
}

static uint64_t bytes_free(int32_t node)
{
	static struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.cmd = XEN_SYSCTL_availheap;
	op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	op.u.availheap.node = node;
	CHECK_OK(HC1(sysctl, &op));
	return op.u.availheap.avail_bytes;
}

CLAIM_DOM0(availheap, "availheap: of all nodes, and of each together, as many bytes as physinfo "
		      "has free pages; of another none")
{
	uint64_t bytes = free_pages() * 4096, sum = 0;

	CHECK_EQ(bytes_free(-1), bytes);
	for (int32_t node = 0; node < 16; node++)
		sum += bytes_free(node);
	CHECK_EQ(sum, bytes);
	CHECK_EQ(bytes_free(63), 0);
}
