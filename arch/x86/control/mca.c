/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_mca: dom0 asks which CPUs there are and for records of machine checks, after VIRQ_MCA
 * has told it that there is one. The records are those of mca_record.h, one bank's each.
 */
#include <asm/control_op.h>
#include <asm/cpufeature.h>
#include <asm/frametable.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/mca_record.h>
#include <asm/percpu.h>
#include <asm/topology.h>
#include <asm/uaccess.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <isola/lib/string.h>
#include <xen/xen.h>
#include <xen/arch-x86/xen-mca.h>

#define MSR_MCG_CAP	0x179

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

/* The words of features as CPUID has them. */
static void read_caps(u32 caps[MC_NCAPS])
{
	struct cpuid_regs r = cpuid(1, 0);

	caps[MC_CAPS_STD_EDX] = r.edx;
	caps[MC_CAPS_STD_ECX] = r.ecx;
	if (cpu_facts.max_extended < 0x80000001)
		return;
	r = cpuid(0x80000001, 0);
	caps[MC_CAPS_AMD_EDX] = r.edx;
	caps[MC_CAPS_AMD_ECX] = r.ecx;
}

/*
 * CPUs are alike but for their numbers. Sizes are those that APIC ids have room for, as in CPUID.
 */
static void fill(struct mcinfo_logical_cpu *info, u32 cpu)
{
	struct topology t = topology_read();
	u32 id = cpu_public[cpu].apic_id, cores = 1u << (t.core_bits - t.thread_bits);

	*info = (struct mcinfo_logical_cpu){
		.mc_cpunr = cpu,
		.mc_chipid = topology_socket(t, id),
		.mc_coreid = (u16)topology_core(t, id),
		.mc_threadid = (u16)(id & ((1u << t.thread_bits) - 1)),
		.mc_apicid = id,
		.mc_ncores = cores, .mc_ncores_active = cores, .mc_nthreads = 1u << t.thread_bits,
		.mc_nmsrvals = 1,
		.mc_msrvalues = { { MSR_MCG_CAP, mce_capabilities() } },
		.mc_cpuid_level = (s32)cpu_facts.max_basic,
		.mc_family = cpu_facts.family,
		.mc_vendor = cpu_facts.vendor,
		.mc_model = cpu_facts.model,
		.mc_step = cpu_facts.stepping,
	};
	read_names(info);
	read_caps(info->mc_cpu_caps);
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

/* Whose frame @m is about; DOMID_INVALID: nobody's. It may be another's by the time it is read. */
static domid_t owner_of(const struct mce_record *m)
{
	mfn_t frame = _mfn(m->addr >> PAGE_SHIFT);

	return mce_has_address(m) && mfn_has_page(frame) ? READ_ONCE(page_of(frame)->owner)
							 : (domid_t)DOMID_INVALID;
}

static void tell_cpu(struct mcinfo_global *g, const struct mce_record *m)
{
	static const u32 flag_of[] = {
		[MCE_AT_BOOT] = MC_FLAG_RESET, [MCE_POLLED] = MC_FLAG_POLLED,
		[MCE_EXCEPTION] = MC_FLAG_MCE | MC_FLAG_RECOVERABLE,
	};
	struct topology t = topology_read();
	u32 id = cpu_public[m->cpu].apic_id;

	*g = (struct mcinfo_global){
		.common = { MC_TYPE_GLOBAL, sizeof(*g) },
		.mc_domid = m->domid, .mc_vcpuid = m->vcpu,
		.mc_socketid = topology_socket(t, id),
		.mc_coreid = (u16)topology_core(t, id),
		.mc_core_threadid = (u16)(id & ((1u << t.thread_bits) - 1)),
		.mc_apicid = id,
		.mc_flags = flag_of[m->how] | (mce_is_uncorrected(m) ? MC_FLAG_UNCORRECTABLE
								     : MC_FLAG_CORRECTABLE),
		.mc_gstatus = m->global,
	};
}

static void tell_bank(struct mcinfo_bank *b, const struct mce_record *m)
{
	*b = (struct mcinfo_bank){
		.common = { MC_TYPE_BANK, sizeof(*b) },
		.mc_bank = (u16)m->bank, .mc_domid = owner_of(m), .mc_status = m->status,
		.mc_addr = m->addr, .mc_misc = m->misc, .mc_tsc = m->tsc,
	};
}

/* The rest is zeroes: readers look for an entry without a size, too. */
static int give(u64 to, const struct mce_record *m)
{
	struct mc_info info = { .mi_nentries = 2 };
	u8 *at = (u8 *)info.mi_data;

	tell_cpu((struct mcinfo_global *)at, m);
	tell_bank((struct mcinfo_bank *)(at + sizeof(struct mcinfo_global)), m);
	return copy_to_guest(to, &info, sizeof(info));
}

/*
 * The oldest record, until it is acknowledged by its id; another id is as good as none.
 */
static long fetch(struct xen_mc_fetch *op)
{
	u32 which = op->flags & (XEN_MC_NONURGENT | XEN_MC_URGENT);
	bool is_urgent = which == XEN_MC_URGENT;
	struct mce_record m;

	if (which != XEN_MC_NONURGENT && !is_urgent)
		return -EINVAL;
	if (op->flags & XEN_MC_ACK) {
		mca_record_done(is_urgent, op->fetch_id);
		op->flags = XEN_MC_OK;
		return 0;
	}
	if (!op->data.p)
		return -EINVAL;
	op->fetch_id = mca_record_oldest(is_urgent, &m);
	op->flags = op->fetch_id ? XEN_MC_OK : XEN_MC_NODATA;
	return op->fetch_id ? give((u64)op->data.p, &m) : 0;
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
