/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_sysctl: what the control domain asks about the machine and all domains.
 * <xen/sysctl.h>. The machine's own facts: sysctl_machine.c.
 */
#define __XEN_TOOLS__ 1
#include <isola/console.h>
#include <isola/debug_keys.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/control_op.h>
#include <asm/control_refused.h>
#include <asm/domain_info.h>
#include <asm/hypercall.h>
#include <asm/sysctl_machine.h>
#include <asm/uaccess.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

#define CHUNK_BYTES 256			/* of the log, on the stack */
#define MAX_KEYS    64			/* that one call presses */

/* The oldest first; as much as there is room for. */
static long read_console(struct xen_sysctl *op)
{
	struct xen_sysctl_readconsole *r = &op->u.readconsole;
	u64 to = (u64)r->buffer.p;
	u32 index = r->incremental ? r->index : console_log_start(), done = 0;
	char buf[CHUNK_BYTES];

	while (done < r->count) {
		u32 n = console_log_read(&index, buf, min_t(u32, sizeof(buf), r->count - done));

		if (!n)
			break;
		if (copy_to_guest(to + done, buf, n))
			return -EFAULT;
		done += n;
	}
	if (r->clear)
		console_log_clear(index);
	r->count = done;
	r->index = index;
	return 0;
}

static long debug_keys(struct xen_sysctl *op)
{
	struct xen_sysctl_debug_keys *k = &op->u.debug_keys;
	char keys[MAX_KEYS];

	if (k->nr_keys > sizeof(keys))
		return -E2BIG;
	if (copy_from_guest(keys, (u64)k->keys.p, k->nr_keys))
		return -EFAULT;
	for (u32 i = 0; i < k->nr_keys; i++)
		debug_key(keys[i]);
	return 0;
}

/* As many as there is room for, from a number on. */
static long domain_info_list(struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
	struct xen_domctl_getdomaininfo info;
	domid_t next = l->first_domain;
	u32 nr = 0;
	long rc = 0;

	while (nr < l->max_domains && !rc) {
		struct domain *d = get_domain_from(next);

		if (!d)
			break;
		domain_info(d, &info);
		next = d->domid + 1;
		put_domain(d);
		rc = copy_to_guest(guest_elem((u64)l->buffer.p, nr, sizeof(info)), &info,
				   sizeof(info));
		nr += !rc;
	}
	l->num_domains = nr;
	return rc;
}

static const struct {
	u32 cmd;
	long (*fn)(struct xen_sysctl *op);
} ops[] = {
	{ XEN_SYSCTL_readconsole, read_console },
	{ XEN_SYSCTL_physinfo, sysctl_physinfo },
	{ XEN_SYSCTL_sched_id, sysctl_sched_id },
	{ XEN_SYSCTL_getdomaininfolist, domain_info_list },
	{ XEN_SYSCTL_debug_keys, debug_keys },
	{ XEN_SYSCTL_getcpuinfo, sysctl_getcpuinfo },
	{ XEN_SYSCTL_availheap, sysctl_availheap },
	{ XEN_SYSCTL_cputopoinfo, sysctl_cputopoinfo },
	{ XEN_SYSCTL_numainfo, sysctl_numainfo },
	{ XEN_SYSCTL_cpupool_op, sysctl_cpupool },
	{ XEN_SYSCTL_scheduler_op, sysctl_scheduler },
	{ XEN_SYSCTL_get_cpu_levelling_caps, sysctl_levelling },
	{ XEN_SYSCTL_get_cpu_featureset, sysctl_featureset },
	{ XEN_SYSCTL_get_cpu_policy, sysctl_cpu_policy },
};

static long do_op(struct xen_sysctl *op)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i].cmd == op->cmd)
			return ops[i].fn(op);
	return sysctl_refused(op);
}

/*
 * 0; -EPERM not the control domain; -EACCES wrong interface version; -EFAULT; the operation's own;
 * what is not built: control_refused.h.
 */
long hc_sysctl(u64 arg)
{
	struct xen_sysctl op;
	long rc = control_op_get(MAY_sysctl, &op, sizeof(op), arg,
				 XEN_SYSCTL_INTERFACE_VERSION);

	if (rc)
		return rc;
	return control_op_end(arg, &op, sizeof(op), do_op(&op));
}
