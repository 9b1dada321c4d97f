/* SPDX-License-Identifier: MIT */
/*
 * XENPF_set_processor_pminfo: what firmware may be told of dom0's ways with a processor's power.
 *
 * The hypervisor does nothing with a processor's power states, so data about them (Cx, Px, Tx) are
 * refused, as by a Xen that is told to leave them alone (cpuidle=0 cpufreq=none; Tx it never
 * takes); but the bits that a kernel is about to hand to firmware's _PDC are put right: the fixed
 * hardware interfaces (MWAIT, performance and throttling MSRs) are out of dom0's reach.
 * Source: Intel Processor Vendor-Specific ACPI, 3.3 (_PDC).
 */
#include <asm/processor_pm.h>
#include <asm/uaccess.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <xen/xen.h>
#include <xen/platform.h>

#define PDC_REVISION	1u
#define PDC_P_FFH	(1u << 0)
#define PDC_T_FFH	(1u << 2)
#define PDC_C1_FFH	(1u << 8)
#define PDC_C2C3_FFH	(1u << 9)
#define PDC_HARDWARE	(PDC_P_FFH | PDC_T_FFH | PDC_C1_FFH | PDC_C2C3_FFH)

static long put_pdc_right(u64 at)
{
	struct { u32 revision, count, bits; } pdc;

	if (copy_from_guest(&pdc, at, 2 * sizeof(u32)))
		return -EFAULT;
	if (pdc.revision != PDC_REVISION || !pdc.count)
		return -EINVAL;
	if (copy_from_guest(&pdc.bits, at + 2 * sizeof(u32), sizeof(u32)))
		return -EFAULT;
	pdc.bits &= ~PDC_HARDWARE;
	return copy_to_guest(at + 2 * sizeof(u32), &pdc.bits, sizeof(u32));
}

long processor_pm_set(const struct xenpf_set_processor_pminfo *op)
{
	if (op->type == XEN_PM_PDC)
		return put_pdc_right((u64)op->u.pdc.p);
	if (op->type > XEN_PM_PDC)
		return -EINVAL;
	guest_debug("processor power data of type %u are not used", op->type);
	return -ENOSYS;
}
