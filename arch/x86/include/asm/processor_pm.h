/* SPDX-License-Identifier: MIT */
/*
 * Processor power: dom0's call about it, of the platform call's.
 */
#pragma once

struct xenpf_set_processor_pminfo;

/* XENPF_set_processor_pminfo, of the control domain: 0; -EFAULT, -EINVAL; -ENOSYS. */
long processor_pm_set(const struct xenpf_set_processor_pminfo *op);
