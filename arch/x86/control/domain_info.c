/* SPDX-License-Identifier: MIT */
/*
 * Domains as the tools see them: <xen/domctl.h>, getdomaininfo and getvcpuinfo.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <asm/domain_info.h>
#include <asm/frametable.h>
#include <asm/hvm_domain.h>
#include <asm/percpu.h>
#include <xen/domctl.h>
#include <xen/vcpu.h>

#define NO_CODE 0xffffu			/* in place of a shutdown code: it has not shut down */

static u64 cpu_time(struct vcpu *v)
{
	struct vcpu_runstate_info r;

	vcpu_runstate_get(v, &r);
	return r.time[RUNSTATE_running];
}

static bool is_running(const struct vcpu *v)
{
	return READ_ONCE(cpu_public[READ_ONCE(v->cpu)].running) == v;
}

static bool is_blocked(const struct vcpu *v)
{
	enum vcpu_state s = READ_ONCE(v->state);

	return s == VCPU_BLOCKED || s == VCPU_POLLING;
}

/* ABI: blocked, if all are that are up; running, if one is. */
static void add_vcpus(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	info->flags |= XEN_DOMINF_blocked;
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		struct vcpu *v = d->vcpu[i];

		info->cpu_time += cpu_time(v);
		if (READ_ONCE(v->state) == VCPU_DOWN)
			continue;
		info->nr_online_vcpus++;
		if (!is_blocked(v))
			info->flags &= ~XEN_DOMINF_blocked;
		if (is_running(v))
			info->flags |= XEN_DOMINF_running;
	}
}

void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	u32 code = NO_CODE;

	memset(info, 0, sizeof(*info));
	info->domain = d->domid;
	/* ABI: once it is taken apart. */
	if (READ_ONCE(d->is_dead))
		info->flags |= XEN_DOMINF_dying;
	if (READ_ONCE(d->is_shut_down)) {
		info->flags |= XEN_DOMINF_shutdown;
		code = READ_ONCE(d->shutdown_code) & XEN_DOMINF_shutdownmask;
	}
	info->flags |= code << XEN_DOMINF_shutdownshift;
	if (d->hvm)
		info->flags |= XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;
	if (READ_ONCE(d->control_pauses))
		info->flags |= XEN_DOMINF_paused;
	add_vcpus(d, info);
	info->tot_pages = READ_ONCE(d->nr_pages);
	info->outstanding_pages = READ_ONCE(d->claimed);
	info->max_pages = d->max_pages;
	info->shared_info_frame = d->hvm ? READ_ONCE(d->hvm->shared_info_gfn)
					 : mfn_x(d->shared_info_mfn);
	info->max_vcpu_id = d->nr_vcpus ? d->nr_vcpus - 1 : XEN_INVALID_MAX_VCPU_ID;
	info->gpaddr_bits = machine_address_bits();
	memcpy(info->handle, d->handle, sizeof(info->handle));
}

int vcpu_info(struct domain *d, struct xen_domctl_getvcpuinfo *info)
{
	struct vcpu *v = vcpu_by_id(d, info->vcpu);

	if (!v)
		return -EINVAL;
	info->online = READ_ONCE(v->state) != VCPU_DOWN;
	info->blocked = is_blocked(v);
	info->running = is_running(v);
	info->cpu_time = cpu_time(v);
	info->cpu = READ_ONCE(v->cpu);
	return 0;
}
