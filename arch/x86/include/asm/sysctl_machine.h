/* SPDX-License-Identifier: MIT */
/*
 * The sysctl operations about the machine: its CPUs, memory, and what CPUs can do. Each answers in
 * @op, our copy, and in the buffers that it names. 0, -EFAULT, -EINVAL, or what is said there.
 */
#pragma once

struct xen_sysctl;

long sysctl_physinfo(struct xen_sysctl *op);
long sysctl_sched_id(struct xen_sysctl *op);
long sysctl_getcpuinfo(struct xen_sysctl *op);
/* A null buffer asks how many there are. */
long sysctl_availheap(struct xen_sysctl *op);
long sysctl_levelling(struct xen_sysctl *op);
long sysctl_cputopoinfo(struct xen_sysctl *op);
long sysctl_numainfo(struct xen_sysctl *op);
/* -ENOENT: no pool has that number, or a greater one. */
long sysctl_cpupool(struct xen_sysctl *op);
long sysctl_scheduler(struct xen_sysctl *op);
/* A null buffer asks how many there are; -ENOBUFS: too little room; -EOPNOTSUPP: that of HVM. */
long sysctl_featureset(struct xen_sysctl *op);
long sysctl_cpu_policy(struct xen_sysctl *op);
