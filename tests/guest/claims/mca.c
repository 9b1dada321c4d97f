/* SPDX-License-Identifier: MIT */
/*
 * Records of machine checks: HYPERVISOR_mca's fetch after VIRQ_MCA. They need somebody who puts
 * errors into the processor's banks (tests/boot/mce.t), and the word "inject".
 *
 * The records are printed, so that two hypervisors can be compared: "# record urgent|nonurgent cpu
 * flags gstatus bank status addr misc".
 */
#define TOPIC "mca"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../text.h"
#include <xen/arch-x86/xen-mca.h>

#define VALID		(1ul << 63)
#define UNCORRECTED	(1ul << 61)

static struct xen_mc op;
static struct mc_info info;

static long mca(uint32_t cmd)
{
	op.cmd = cmd;
	op.interface_version = XEN_MCA_INTERFACE_VERSION;
	return hypercall_bare(__HYPERVISOR_mca, ARG(&op), 0, 0, 0, 0);
}

/* The id of the oldest record, which is in @info then; 0: there is none. */
static uint64_t fetch(uint32_t which)
{
	memset(&info, 0x5a, sizeof(info));
	op.u.mc_fetch.flags = which;
	op.u.mc_fetch.data.p = &info;
	CHECK_OK(mca(XEN_MC_fetch));
	if (op.u.mc_fetch.flags == XEN_MC_NODATA) {
		CHECK_EQ(op.u.mc_fetch.fetch_id, 0);
		return 0;
	}
	CHECK_EQ(op.u.mc_fetch.flags, XEN_MC_OK);
	CHECK(op.u.mc_fetch.fetch_id);
	return op.u.mc_fetch.fetch_id;
}

static void acknowledge(uint32_t which, uint64_t id)
{
	op.u.mc_fetch.flags = which | XEN_MC_ACK;
	op.u.mc_fetch.fetch_id = id;
	CHECK_OK(mca(XEN_MC_fetch));
	CHECK_EQ(op.u.mc_fetch.flags, XEN_MC_OK);
}

/* The number of the CPU with this APIC id, as physcpuinfo tells; ~0: there is none. */
static uint32_t cpu_of(uint32_t apic_id)
{
	static struct mcinfo_logical_cpu cpus[8];

	op.u.mc_physcpuinfo.ncpus = 8;
	op.u.mc_physcpuinfo.info.p = cpus;
	CHECK_OK(mca(XEN_MC_physcpuinfo));
	for (uint32_t i = 0; i < op.u.mc_physcpuinfo.ncpus; i++)
		if (cpus[i].mc_apicid == apic_id)
			return cpus[i].mc_cpunr;
	return ~0u;
}

/* Of Linux's reading: entries one behind the other, the CPU's first, then what is no entry. */
static const struct mcinfo_bank *bank_of(const struct mcinfo_global **global)
{
	const struct mcinfo_common *entry = (const void *)info.mi_data;
	const struct mcinfo_bank *bank = NULL;

	*global = NULL;
	for (uint32_t i = 0; i < info.mi_nentries; i++) {
		CHECK(entry->size >= sizeof(*entry) && entry->type <= MC_TYPE_RECOVERY);
		if (entry->type == MC_TYPE_GLOBAL)
			*global = (const void *)entry;
		if (entry->type == MC_TYPE_BANK && !bank)
			bank = (const void *)entry;
		entry = (const void *)((const uint8_t *)entry + entry->size);
	}
	CHECK_EQ(entry->size, 0);
	CHECK(*global && bank);
	return bank;
}

static void look_at(uint32_t which)
{
	const struct mcinfo_global *global;
	const struct mcinfo_bank *bank = bank_of(&global);
	bool urgent = which == XEN_MC_URGENT;

	CHECK(bank->mc_status & VALID);
	CHECK(bank->mc_tsc);
	CHECK_EQ(!(global->mc_flags & MC_FLAG_MCE), !urgent);
	CHECK_EQ(!(global->mc_flags & MC_FLAG_UNCORRECTABLE), !(bank->mc_status & UNCORRECTED));
	CHECK(cpu_of(global->mc_apicid) != ~0u);
	print("# record %s %u %x %lx %u %lx %lx %lx\n", urgent ? "urgent" : "nonurgent",
	      cpu_of(global->mc_apicid), global->mc_flags, global->mc_gstatus, bank->mc_bank,
	      bank->mc_status, bank->mc_addr, bank->mc_misc);
}

static unsigned int drain(uint32_t which)
{
	unsigned int nr = 0;
	uint64_t id;

	for (; (id = fetch(which)); nr++) {
		look_at(which);
		acknowledge(which, id + 1);
		acknowledge(which ^ (XEN_MC_URGENT | XEN_MC_NONURGENT), id);
		acknowledge(which, 0);
		CHECK_EQ(fetch(which), id);
		op.u.mc_fetch.flags = which;
		op.u.mc_fetch.data.p = UNMAPPED_POINTER;
		CHECK_ERR(mca(XEN_MC_fetch), XEN_EFAULT);
		CHECK_EQ(fetch(which), id);
		acknowledge(which, id);
		CHECK(fetch(which) != id);
		acknowledge(which, id);
	}
	return nr;
}

CLAIM_DOM0(told, "an error in a bank raises VIRQ_MCA; it is fetched until it is acknowledged by "
	   "its id, those that an exception told of as urgent ones")
{
	const char *wanted = option("inject=");
	unsigned int want = wanted ? (unsigned int)(wanted[0] - '0') : 0, nr;
	int port;

	if (!want)
		skip("nobody injects machine checks");
	port = port_bind_virq(VIRQ_MCA, 0);
	CHECK(port > 0);
	port_unmask((uint32_t)port);
	nr = drain(XEN_MC_URGENT) + drain(XEN_MC_NONURGENT);
	print("# waiting for machine checks\n");
	for (unsigned int rounds = 0; nr < want && rounds < 60; rounds++) {
		bool is_told = WAIT_FOR(evtchn_count[port], 1000);

		more_time();
		evtchn_count[port] = 0;
		if (is_told)
			nr += drain(XEN_MC_URGENT) + drain(XEN_MC_NONURGENT);
	}
	CHECK(nr >= want);
	CHECK_EQ(fetch(XEN_MC_URGENT), 0);
	CHECK_EQ(fetch(XEN_MC_NONURGENT), 0);
}
