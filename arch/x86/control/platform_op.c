/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_platform_op: what dom0 does to the machine on everybody's behalf: the clock, soft off,
 * and asking which CPUs there are and what the firmware is.
 */
#include <isola/nospec.h>
#include <asm/control_op.h>
#include <asm/cpu_ids.h>
#include <asm/firmware.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/memtype.h>
#include <asm/percpu.h>
#include <asm/power.h>
#include <asm/processor_pm.h>
#include <asm/pvclock.h>
#include <asm/uaccess.h>
#include <asm/ucode.h>
#include <isola/domain.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/time.h>
#include <isola/vcpu.h>
#include <xen/xen.h>
#include <xen/platform.h>
#include <xen/sched.h>

/* ABI: whatever the numbers are, modulo 2^64. */
static long settime(u64 seconds, u32 ns, u64 system_time)
{
	pvclock_set_wallclock(seconds * SECONDS(1) + ns - system_time);
	return 0;
}

static long settime64(const struct xenpf_settime64 *op)
{
	return op->mbz ? -EINVAL : settime(op->secs, op->nsecs, op->system_time);
}

/* Soft off only: sleeping states need a wake-up path that is not built. */
static long enter_acpi_sleep(const struct xenpf_enter_acpi_sleep *op)
{
	if (op->sleep_state != 5 || op->flags)
		return -ENOSYS;
	if (!power_offer_s5(op->val_a, op->val_b))
		return -EINVAL;
	domain_shutdown(current->domain, SHUTDOWN_poweroff);
	return 0;
}

/*
 * One CPU by number; @op is answered in place. Numbers beyond the last are told apart by a flag,
 * not by an error.
 */
static long get_cpuinfo(struct xenpf_pcpuinfo *op)
{
	u32 cpu = op->xen_cpuid;

	op->max_present = nr_cpus - 1;
	op->flags = op->apic_id = op->acpi_id = 0;
	if (cpu >= nr_cpus) {
		op->flags = XEN_PCPU_FLAGS_INVALID;
		return 0;
	}
	cpu = index_nospec(cpu, nr_cpus);
	op->apic_id = cpu_public[cpu].apic_id;
	op->acpi_id = cpu_acpi_id(op->apic_id);
	if (op->acpi_id == ~0u)
		op->acpi_id = op->apic_id;
	if (cpu_public[cpu].online)
		op->flags |= XEN_PCPU_FLAGS_ONLINE;
	return 0;
}

/* A copy, for what is looked at must stay as it is. */
static long microcode_update(const struct xenpf_microcode_update *op)
{
	u8 *file;
	long rc;

	if (!ucode_is_known())
		return -EINVAL;
	file = public_alloc(max(op->length, 1u)); /* public: microcode */
	if (!file)
		return -ENOMEM;
	rc = copy_from_guest(file, (u64)op->data.p, op->length);
	if (!rc)
		rc = ucode_update(file, op->length);
	public_free(file);
	return rc;
}

/*
 * HYPERVISOR_platform_op(op): 0; -EPERM not dom0; -EACCES wrong interface version; -EFAULT,
 * -EINVAL, -ESRCH, -EOPNOTSUPP, -ENODATA; -ENOSYS.
 */
long hc_platform_op(u64 arg)
{
	struct xen_platform_op op;
	long rc;

	rc = control_op_get(MAY_platform_op, &op, sizeof(op), arg, XENPF_INTERFACE_VERSION);
	if (rc)
		return rc;
	switch (op.cmd) {
	case XENPF_settime32:
		return settime(op.u.settime32.secs, op.u.settime32.nsecs,
			       op.u.settime32.system_time);
	case XENPF_read_memtype:
		rc = memtype_read(&op.u.read_memtype);
		break;
	case XENPF_settime64:
		return settime64(&op.u.settime64);
	case XENPF_enter_acpi_sleep:
		return enter_acpi_sleep(&op.u.enter_acpi_sleep);
	case XENPF_microcode_update:
		return microcode_update(&op.u.microcode);
	case XENPF_set_processor_pminfo:
		return processor_pm_set(&op.u.set_pminfo);
	case XENPF_firmware_info:
		rc = firmware_info(&op.u.firmware_info);
		break;
	case XENPF_efi_runtime_call:
		rc = firmware_runtime_call(&op.u.efi_runtime_call);
		break;
	case XENPF_get_cpuinfo:
		rc = get_cpuinfo(&op.u.pcpu_info);
		break;
	default:
		guest_debug("platform_op %u is not built", op.cmd);
		return -ENOSYS;
	}
	return control_op_end(arg, &op, sizeof(op), rc);
}
