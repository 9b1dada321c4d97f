/* SPDX-License-Identifier: MIT */
/*
 * Small control calls: trap table, callbacks, debug registers, vm_assist, console, physdev and
 * platform.
 *
 * Each is called with what a kernel passes, with what it must not pass, and with addresses that no
 * handler can have.
 */
#define TOPIC "control"
#include "../claim.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"
#include <xen/grant_table.h>
#include <xen/arch-x86/xen-mca.h>

CLAIM(trap_table_partial, "set_trap_table changes only the vectors it lists")
{
	struct trap_info t[2] = { { TRAP_DE, 0, FLAT_KERNEL_CS, trap_stub(TRAP_BP) } };

	CHECK_OK(HC1(set_trap_table, t));
	/* The stub of #BP must run. */
	CHECK_TRAP(TRAP_BP, "divl %0", : : "r"(0) : "rax", "rdx", "memory");
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
}

CLAIM(trap_table_terminator, "set_trap_table stops at the first entry of address 0")
{
	struct trap_info t[3] = {
		{ TRAP_DE, 0, FLAT_KERNEL_CS, trap_stub(TRAP_DE) },
		{ TRAP_UD, 0, FLAT_KERNEL_CS, 0 },
		{ TRAP_BP, 0, FLAT_KERNEL_CS, trap_stub(TRAP_OF) },
	};

	CHECK_OK(HC1(set_trap_table, t));
	CHECK_TRAP(TRAP_BP, "int3", : : : "memory");
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
}

CLAIM(trap_table_noncanonical, "a handler at a non-canonical address is -EINVAL")
{
	struct trap_info t[2] = { { TRAP_UD, 0, FLAT_KERNEL_CS, ARG(NONCANONICAL_POINTER) } };

	CHECK_ERR(HC1(set_trap_table, t), XEN_EINVAL);
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
}

CLAIM(trap_table_selector, "the code selector of a trap table entry is ignored in 64-bit: handlers "
      "run at e033")
{
	struct trap_info t[2] = { { TRAP_UD, 0, 0x10, trap_stub(TRAP_UD) } };

	CHECK_OK(HC1(set_trap_table, t));
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
	CHECK_EQ(trap_last.handler_cs, FLAT_KERNEL_CS);
}

static long callback(uint16_t type, unsigned long address)
{
	struct callback_register r = { .type = type, .address = address };

	return HC2(callback_op, CALLBACKOP_register, &r);
}

CLAIM(callback_register, "event, failsafe and syscall callbacks can be registered; unknown types "
      "are -ENOSYS")
{
	CHECK_OK(callback(CALLBACKTYPE_event, trap_stub(TRAP_EVENT)));
	CHECK_OK(callback(CALLBACKTYPE_failsafe, trap_stub(TRAP_FAILSAFE)));
	CHECK_OK(callback(CALLBACKTYPE_syscall, trap_stub(TRAP_SYSCALL)));
	CHECK_ERR(callback(99, trap_stub(TRAP_EVENT)), XEN_ENOSYS);
	CHECK_ERR(callback(CALLBACKTYPE_sysenter_deprecated, trap_stub(TRAP_EVENT)), XEN_ENOSYS);
}

CLAIM(callback_noncanonical, "a callback at a non-canonical address is -EINVAL")
{
	CHECK_ERR(callback(CALLBACKTYPE_event, ARG(NONCANONICAL_POINTER)), XEN_EINVAL);
	CHECK_ERR(callback(CALLBACKTYPE_failsafe, ARG(NONCANONICAL_POINTER)), XEN_EINVAL);
	CHECK_ERR(callback(CALLBACKTYPE_syscall, 0x8000000000000000), XEN_EINVAL);
}

CLAIM(callback_unregister, "unregistering event, failsafe and syscall callbacks is -EINVAL; an "
      "unknown command -ENOSYS")
{
	struct callback_unregister u = { .type = CALLBACKTYPE_event };

	CHECK_ERR(HC2(callback_op, CALLBACKOP_unregister, &u), XEN_EINVAL);
	u.type = 99;
	CHECK_ERR(HC2(callback_op, CALLBACKOP_unregister, &u), XEN_ENOSYS);
	CHECK_ERR(HC2(callback_op, 7, &u), XEN_ENOSYS);
}

CLAIM(set_callbacks, "the old set_callbacks call registers all three at once, and drops "
      "non-canonical addresses")
{
	uint32_t p = (uint32_t)port_bind_ipi(0);
	long rc;

	CHECK_OK(HC3(set_callbacks, trap_stub(TRAP_EVENT), trap_stub(TRAP_FAILSAFE),
		     trap_stub(TRAP_SYSCALL)));
	port_unmask(p);
	CHECK_OK(port_send(p));
	CHECK_EQ(evtchn_count[p], 1);
	/* Xen answers 0 and ignores a bad address; an error is as good if the old one stays. */
	rc = HC3(set_callbacks, ARG(NONCANONICAL_POINTER), trap_stub(TRAP_FAILSAFE),
		 trap_stub(TRAP_SYSCALL));
	CHECK(rc == 0 || rc == -XEN_EINVAL);
	CHECK_OK(port_send(p));
	CHECK_EQ(evtchn_count[p], 2);
}

CLAIM(debugreg_values, "debug registers 0 to 3 read back what was set; 7 reads with its fixed bit, "
      "6 keeps its fixed ones")
{
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_OK(HC2(set_debugreg, i, 0x1000 + i));
		CHECK_EQ(HC1(get_debugreg, i), 0x1000 + i);
	}
	CHECK_OK(HC2(set_debugreg, 7, 0));
	CHECK_EQ(HC1(get_debugreg, 7) & ~0x400, 0);
	CHECK_OK(HC2(set_debugreg, 6, 0));
	CHECK_EQ((uint32_t)HC1(get_debugreg, 6), 0xffff0ff0);
}

CLAIM(debugreg_hypervisor, "a breakpoint address in the hypervisor's range is -EPERM")
{
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_ERR(HC2(set_debugreg, i, 0xffff82d080200000), XEN_EPERM);
		CHECK_ERR(HC2(set_debugreg, i, HYPERVISOR_VIRT_START), XEN_EPERM);
		CHECK_ERR(HC2(set_debugreg, i, HYPERVISOR_VIRT_END - 1), XEN_EPERM);
	}
}

CLAIM(debugreg_refusals, "DR7 with GD or I/O breakpoints is refused, and registers 8 and up are "
      "-EINVAL")
{
	CHECK_ERR(HC2(set_debugreg, 7, 0x2000), XEN_EPERM);		/* GD */
	CHECK_ERR(HC2(set_debugreg, 7, 0x00020001), XEN_EPERM);	/* DR0 on I/O, without CR4.DE */
	CHECK_ERR(HC2(set_debugreg, 8, 0), XEN_ENODEV);
	CHECK_ERR(HC2(set_debugreg, 0xffffffff, 0), XEN_ENODEV);
	CHECK_ERR(HC1(get_debugreg, 8), XEN_ENODEV);
}

CLAIM(debugreg_alias, "debug registers 4 and 5 are 6 and 7, or not there when CR4.DE is set")
{
	long rc = HC2(set_debugreg, 4, 0);

	CHECK(rc == 0 || rc == -XEN_ENODEV);
	CHECK_EQ(HC2(set_debugreg, 5, 0), rc);
}

CLAIM(vm_assist, "vm_assist knows the types Linux asks for, and -EINVAL for unknown types and "
      "-ENOSYS for unknown commands")
{
	CHECK_OK(HC2(vm_assist, VMASST_CMD_enable, VMASST_TYPE_4gb_segments));
	CHECK_OK(HC2(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
	CHECK_OK(HC2(vm_assist, VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3));
	CHECK_OK(HC2(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag));
	CHECK_OK(HC2(vm_assist, VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag));
	CHECK_ERR(HC2(vm_assist, VMASST_CMD_enable, 31), XEN_EINVAL);
	CHECK_ERR(HC2(vm_assist, VMASST_CMD_enable, 64), XEN_EINVAL);
	CHECK_ERR(HC2(vm_assist, VMASST_CMD_enable, 0xffffffff), XEN_EINVAL);
	CHECK_ERR(HC2(vm_assist, 2, VMASST_TYPE_writable_pagetables), XEN_ENOSYS);
}

CLAIM_DOM0(console_write, "console_io write of 0 bytes is 0, of 1500 bytes too, and an unknown "
	   "command is -ENOSYS")
{
	char *text = page_alloc();

	memset(text, '.', 1500);
	text[0] = '#';
	for (unsigned int i = 99; i < 1500; i += 100) {
		text[i] = '\n';
		text[i + 1] = '#';
	}
	text[1499] = '\n';
	CHECK_OK(HC3(console_io, CONSOLEIO_write, 0, text));
	CHECK_OK(HC3(console_io, CONSOLEIO_write, 1500, text));
	CHECK_ERR(HC3(console_io, 2, 0, text), XEN_ENOSYS);
}

CLAIM_DOM0(console_read, "console_io read without input is 0 bytes")
{
	CHECK_EQ(HC3(console_io, CONSOLEIO_read, 16, page_alloc()), 0);
}

CLAIM(console_negative, "console_io with a count above 2^31 is refused")
{
	CHECK(HC3(console_io, CONSOLEIO_read, 0xffffffff, page_alloc()) < 0);
}

CLAIM(set_iopl, "set_iopl takes 0 to 3 and refuses more with -EINVAL")
{
	struct physdev_set_iopl iopl = { .iopl = 4 };

	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl), XEN_EINVAL);
	for (iopl.iopl = 0; iopl.iopl < 4; iopl.iopl++)
		CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
}

CLAIM(set_iobitmap, "set_iobitmap takes up to 65536 ports, a null bitmap of none, and refuses more "
      "with -EINVAL")
{
	struct physdev_set_iobitmap b = { .nr_ports = 65536 };

	b.bitmap.p = page_alloc();
	page_alloc();
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iobitmap, &b));
	b.nr_ports = 65537;
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_set_iobitmap, &b), XEN_EINVAL);
	b.nr_ports = 8;
	b.bitmap.p = HYPERVISOR_POINTER;
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_set_iobitmap, &b), XEN_EINVAL);
	b.nr_ports = 0;
	b.bitmap.p = NULL;
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iobitmap, &b));
}

CLAIM(physdev_unknown, "an unknown physdev_op is -ENOSYS")
{
	CHECK_ERR(HC2(physdev_op, 100, page_alloc()), XEN_ENOSYS);
}

CLAIM_DOM0(irq_status_query, "irq_status_query of a number beyond the last is -EINVAL, of GSI 0 "
	   "an answer or a refusal")
{
	struct physdev_irq_status_query q = { .irq = 0xffffff };
	long rc = HC2(physdev_op, PHYSDEVOP_irq_status_query, &q);

	CHECK(rc == -XEN_EINVAL || rc == -XEN_ENOSYS);
	q.irq = 0xffffffff;
	rc = HC2(physdev_op, PHYSDEVOP_irq_status_query, &q);
	CHECK(rc == -XEN_EINVAL || rc == -XEN_ENOSYS);
}

CLAIM_DOM0(platform_version, "platform_op with another interface version is -EACCES, whatever "
	   "the command")
{
	struct xen_platform_op op = { .cmd = XENPF_firmware_info, .interface_version = 1 };

	CHECK_ERR(HC1(platform_op, &op), XEN_EACCES);
	op.cmd = 0x7fff;
	CHECK_ERR(HC1(platform_op, &op), XEN_EACCES);
}

CLAIM_DOM0(platform_unknown, "an unknown platform_op is -ENOSYS")
{
	struct xen_platform_op op = { .cmd = 0x7fff, .interface_version = XENPF_INTERFACE_VERSION };

	CHECK_ERR(HC1(platform_op, &op), XEN_ENOSYS);
}

CLAIM_DOM0(platform_firmware_info, "firmware_info of an unknown type is -EINVAL, a known one "
	   "has an answer or a polite refusal")
{
	struct xen_platform_op op = {
		.cmd = XENPF_firmware_info, .interface_version = XENPF_INTERFACE_VERSION,
	};
	long rc;

	op.u.firmware_info.type = 99;
	rc = HC1(platform_op, &op);
	CHECK(rc == -XEN_EINVAL || rc == -XEN_ENOSYS);
	op.u.firmware_info.type = XEN_FW_DISK_INFO;
	op.u.firmware_info.index = 0;
	rc = HC1(platform_op, &op);
	CHECK(rc == 0 || rc == -XEN_ESRCH || rc == -XEN_ENOENT || rc == -XEN_ENOSYS);
}

/* Where the CPU has no MTRRs there is no register 0 either. */
CLAIM_DOM0(platform_memtype, "read_memtype: each variable range is of whole pages, of a size that "
	   "is a power of two and divides its address, or off; there are few, and none behind them")
{
	struct xen_platform_op op = {
		.cmd = XENPF_read_memtype, .interface_version = XENPF_INTERFACE_VERSION,
	};
	uint64_t nr, on = 0;
	uint32_t reg;
	long rc = 0;

	for (reg = 0; reg < 256; reg++) {
		op.u.read_memtype.reg = reg;
		op.u.read_memtype.nr_mfns = 3;
		rc = HC1(platform_op, &op);
		if (rc)
			break;
		nr = op.u.read_memtype.nr_mfns;
		CHECK(!(nr & (nr - 1)));
		CHECK(!nr || !(op.u.read_memtype.mfn & (nr - 1)));
		CHECK(op.u.read_memtype.type <= 6);
		on += nr != 0;
	}
	CHECK_ERR(rc, XEN_EINVAL);
	note("%u ranges, %lu of them on", reg, on);
	op.u.read_memtype.reg = 0xffffffff;
	CHECK_ERR(HC1(platform_op, &op), XEN_EINVAL);
}

/* ---- Microcode ---- */

static long microcode(const void *data, uint32_t length)
{
	struct xen_platform_op op = {
		.cmd = XENPF_microcode_update, .interface_version = XENPF_INTERFACE_VERSION,
	};

	op.u.microcode.data.p = data;
	op.u.microcode.length = length;
	return HC1(platform_op, &op);
}

/* Leaf 0's EBX and leaf 1's EAX. */
static bool is_intel(uint32_t *signature)
{
	uint32_t a = 0, b, c, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	a = 1;
	asm volatile("cpuid" : "+a"(a), "=b"(c), "=c"(c), "=d"(d));
	*signature = a;
	return b == 0x756e6547;
}

CLAIM_DOM0(microcode_bad, "a file of microcode that is none is -EINVAL")
{
	CHECK_ERR(microcode(start, 64), XEN_EINVAL);
}

/* SDM vol. 3, 9.11.1: an update of 1 KiB, of whose data nobody but the processor knows. */
CLAIM_DOM0(microcode_late, "an update that the processor does not take is -EIO; one that is not "
	   "newer, or is another's, -ENOENT; of a damaged one nothing is tried")
{
	static uint32_t update[256];
	uint32_t signature, sum = 0;

	if (!is_intel(&signature))
		skip("for Intel's processors");
	update[0] = update[5] = 1;
	update[1] = 0x7000;
	update[3] = signature;
	update[6] = 0xff;
	update[7] = sizeof(update) - 48;
	update[8] = sizeof(update);
	for (unsigned int i = 0; i < 256; i++)
		sum += update[i];
	update[4] = -sum;
	CHECK_ERR(microcode(update, sizeof(update)), XEN_EIO);
	CHECK_ERR(microcode(update, sizeof(update) - 1), XEN_EINVAL);
	CHECK_ERR(microcode(UNMAPPED_POINTER, sizeof(update)), XEN_EFAULT);
	update[3]++;
	update[4]--;
	CHECK_ERR(microcode(update, sizeof(update)), XEN_ENOENT);
	update[3]--;
	CHECK_ERR(microcode(update, sizeof(update)), XEN_EINVAL);	/* its checksum */
}

/* ---- Processor power ---- */

/* A buffer for firmware's _PDC: revision, how many words, the first of them. */
static long set_pdc(const void *pdc)
{
	static struct xen_platform_op op;

	op.cmd = XENPF_set_processor_pminfo;
	op.interface_version = XENPF_INTERFACE_VERSION;
	op.u.set_pminfo.id = ~0u;
	op.u.set_pminfo.type = XEN_PM_PDC;
	op.u.set_pminfo.u.pdc.p = (uint32_t *)pdc;
	return HC1(platform_op, &op);
}

CLAIM_DOM0(pdc, "_PDC bits come back with none that was not offered; another revision, no bits "
	   "or a bad address are errors")
{
	uint32_t pdc[4] = { 1, 1, 0xffffffff, 0x5a5a5a5a };

	CHECK_OK(set_pdc(pdc));
	CHECK_EQ(pdc[0], 1);
	CHECK_EQ(pdc[1], 1);
	CHECK_EQ(pdc[3], 0x5a5a5a5a);
	pdc[2] = 2;		/* HLT for C1: any processor */
	CHECK_OK(set_pdc(pdc));
	CHECK_EQ(pdc[2] & 2, 2);
	pdc[0] = 2;
	CHECK_ERR(set_pdc(pdc), XEN_EINVAL);
	pdc[0] = 1;
	pdc[1] = 0;
	CHECK_ERR(set_pdc(pdc), XEN_EINVAL);
	CHECK_ERR(set_pdc(UNMAPPED_POINTER), XEN_EFAULT);
	CHECK_ERR(set_pdc(HYPERVISOR_POINTER), XEN_EFAULT);
}

static long set_states(uint32_t acpi_id, uint32_t type)
{
	static struct xen_platform_op op;

	memset(&op, 0, sizeof(op));
	op.cmd = XENPF_set_processor_pminfo;
	op.interface_version = XENPF_INTERFACE_VERSION;
	op.u.set_pminfo.id = acpi_id;
	op.u.set_pminfo.type = type;
	return HC1(platform_op, &op);
}

/* A hypervisor that leaves power states alone, as Xen by cpuidle=0 and cpufreq=none: -ENOSYS. */
CLAIM_DOM0(power_states, "throttling states are -ENOSYS, a type that there is not -EINVAL; C and P "
	   "states of a CPU that there is not are refused, without a look at it or with one")
{
	CHECK_ERR(set_states(0, XEN_PM_TX), XEN_ENOSYS);
	CHECK_ERR(set_states(100000, XEN_PM_TX), XEN_ENOSYS);
	CHECK_ERR(set_states(0, XEN_PM_PDC + 1), XEN_EINVAL);
	CHECK_ERR(set_states(100000, ~0u), XEN_EINVAL);
	for (uint32_t type = XEN_PM_CX; type <= XEN_PM_PX; type++) {
		long rc = set_states(100000, type);

		CHECK(rc == -XEN_ENOSYS || rc == -XEN_EINVAL);
		rc = set_states(0, type);
		CHECK(rc == -XEN_ENOSYS || rc == 0);
	}
}

/* ---- Machine checks ---- */

#define MCA(op) hypercall_bare(__HYPERVISOR_mca, ARG(op), 0, 0, 0, 0)

CLAIM_DOM0(mca_version, "mca with another interface version is -EACCES; an unknown command of "
	   "the right one is -ENOSYS or -EINVAL")
{
	struct xen_mc op = { .cmd = XEN_MC_physcpuinfo, .interface_version = 1 };
	long rc;

	CHECK_ERR(MCA(&op), XEN_EACCES);
	op = (struct xen_mc){ .cmd = 99, .interface_version = XEN_MCA_INTERFACE_VERSION };
	rc = MCA(&op);
	CHECK(rc == -XEN_ENOSYS || rc == -XEN_EINVAL);
	CHECK_ERR(MCA(UNMAPPED_POINTER), XEN_EFAULT);
}

CLAIM_DOM0(mca_cpus, "physcpuinfo tells how many CPUs there are, then fills as many records as "
	   "have room, and no more")
{
	struct xen_mc op = { .cmd = XEN_MC_physcpuinfo,
			     .interface_version = XEN_MCA_INTERFACE_VERSION };
	struct mcinfo_logical_cpu *info = page_alloc();
	uint8_t *end = (uint8_t *)(info + 1);

	CHECK_OK(MCA(&op));
	CHECK(op.u.mc_physcpuinfo.ncpus >= 1);
	memset(info, 0x5a, PAGE_BYTES);
	op.u.mc_physcpuinfo.ncpus = 1;
	op.u.mc_physcpuinfo.info.p = info;
	CHECK_OK(MCA(&op));
	CHECK_EQ(op.u.mc_physcpuinfo.ncpus, 1);
	CHECK_EQ(info->mc_cpunr, 0);
	CHECK(info->mc_vendorid[0] >= 'A' && info->mc_vendorid[15] == 0);
	CHECK(info->mc_ncores && info->mc_nthreads);
	CHECK(info->mc_cpu_caps[MC_CAPS_STD_EDX] & 1 << 9);
	CHECK_EQ(info->mc_nmsrvals, 1);
	CHECK_EQ(info->mc_msrvalues[0].reg, 0x179);
	for (unsigned int i = 0; i < 64; i++)
		CHECK_EQ(end[i], 0x5a);
	op.u.mc_physcpuinfo.info.p = UNMAPPED_POINTER;
	CHECK_ERR(MCA(&op), XEN_EFAULT);
	op.u.mc_physcpuinfo.ncpus = 0;
	CHECK_ERR(MCA(&op), XEN_EINVAL);
}

CLAIM_DOM0(mca_fetch, "fetch has nothing to tell; without a place for the record, or with "
	   "unknown flags, it is -EINVAL")
{
	struct xen_mc op = { .cmd = XEN_MC_fetch, .interface_version = XEN_MCA_INTERFACE_VERSION };

	op.u.mc_fetch.flags = XEN_MC_NONURGENT;
	CHECK_ERR(MCA(&op), XEN_EINVAL);
	op.u.mc_fetch.data.p = page_alloc();
	CHECK_OK(MCA(&op));
	CHECK_EQ(op.u.mc_fetch.flags, XEN_MC_NODATA);
	op.u.mc_fetch.flags = XEN_MC_URGENT | XEN_MC_NONURGENT;
	CHECK_ERR(MCA(&op), XEN_EINVAL);
	op.u.mc_fetch.flags = 0x100;
	CHECK_ERR(MCA(&op), XEN_EINVAL);
}

CLAIM(grant_table, "grant_table_op query_size answers or is -ENOSYS; an unknown one is an error")
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	long rc = HC3(grant_table_op, GNTTABOP_query_size, &q, 1);

	CHECK(rc == 0 || rc == -XEN_ENOSYS);
	if (!rc)
		CHECK_EQ(q.status, 0);
	CHECK_ERR(HC3(grant_table_op, 99, &q, 1), XEN_ENOSYS);
	rc = HC3(grant_table_op, GNTTABOP_query_size, UNMAPPED_POINTER, 1);
	CHECK(rc == -XEN_EFAULT || rc == -XEN_ENOSYS);
}

CLAIM(xenpmu, "xenpmu_op is refused politely")
{
	long rc = hypercall_bare(__HYPERVISOR_xenpmu_op, 4, ARG(page_alloc()), 0, 0, 0);

	CHECK(rc == 0 || rc == -XEN_ENOSYS || rc == -XEN_EOPNOTSUPP || rc == -XEN_EINVAL);
}
