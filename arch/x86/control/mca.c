/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_mca: dom0 asks which CPUs there are and for records of machine checks. Those are
 * lines of the hypervisor's log (cpu/mce.c), so there is never a record to give; VIRQ_MCA can be
 * bound and never fires.
 */
#include <asm/control_op.h>
#include <asm/cpufeature.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <isola/lib/string.h>
#include <xen/xen.h>
#include <xen/arch-x86/xen-mca.h>

/* SDM vol. 2, CPUID: the vendor in leaf 0, the brand in leaves 80000002H to 80000004H. */
static void read_names(struct mcinfo_logical_cpu *info)
{
	struct cpuid_regs r = cpuid(0, 0);
	u32 vendor[3] = { r.ebx, r.edx, r.ecx };

	memcpy(info->mc_vendorid, vendor, sizeof(vendor));
	for (u32 i = 0; i < 3 && cpu_facts.max_extended >= 0x80000004; i++) {
		r = cpuid(0x80000002 + i, 0);
		memcpy(info->mc_brandid + i * sizeof(r), &r, sizeof(r));
	}
}

/*
 * CPUs are alike but for their numbers. How they share chips and cores is not read: each is told as
 * a chip of its own.
 */
static void fill(struct mcinfo_logical_cpu *info, u32 cpu)
{
	*info = (struct mcinfo_logical_cpu){
		.mc_cpunr = cpu,
		.mc_chipid = cpu_public[cpu].apic_id,
		.mc_apicid = cpu_public[cpu].apic_id,
		.mc_ncores = 1, .mc_ncores_active = 1, .mc_nthreads = 1,
		.mc_cpuid_level = (s32)cpu_facts.max_basic,
		.mc_family = cpu_facts.family,
		.mc_vendor = cpu_facts.vendor,
		.mc_model = cpu_facts.model,
		.mc_step = cpu_facts.stepping,
	};
	read_names(info);
}

/* The number of CPUs, and what each is if @op->info is given, for at most @op->ncpus of them. */
static long physcpuinfo(struct xen_mc_physcpuinfo *op)
{
	u64 to = (u64)op->info.p;
	u32 nr = min_t(u32, op->ncpus, nr_cpus);
	struct mcinfo_logical_cpu info;

	op->ncpus = nr_cpus;
	if (!to)
		return 0;
	if (!nr)
		return -EINVAL;
	op->ncpus = nr;
	for (u32 cpu = 0; cpu < nr; cpu++) {
		fill(&info, cpu);
		if (copy_to_guest(to + cpu * sizeof(info), &info, sizeof(info)))
			return -EFAULT;
	}
	return 0;
}

static long fetch(struct xen_mc_fetch *op)
{
	switch (op->flags) {
	case XEN_MC_NONURGENT:
	case XEN_MC_URGENT:
		if (!op->data.p)
			return -EINVAL;
		op->flags = XEN_MC_NODATA;
		op->fetch_id = 0;
		return 0;
	case XEN_MC_NONURGENT | XEN_MC_ACK:
	case XEN_MC_URGENT | XEN_MC_ACK:
		op->flags = XEN_MC_OK;
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * HYPERVISOR_mca(op): 0; -EPERM not dom0; -EACCES wrong interface version; -EFAULT, -EINVAL;
 * -ENOSYS.
 */
long hc_mca(u64 arg)
{
	struct xen_mc op;
	long rc;

	rc = control_op_get(MAY_mca, &op, sizeof(op), arg, XEN_MCA_INTERFACE_VERSION);
	if (rc)
		return rc;
	switch (op.cmd) {
	case XEN_MC_fetch:
		rc = fetch(&op.u.mc_fetch);
		break;
	case XEN_MC_physcpuinfo:
		rc = physcpuinfo(&op.u.mc_physcpuinfo);
		break;
	default:
		return -ENOSYS;
	}
	return control_op_end(arg, &op, sizeof(op), rc);
}
