/* SPDX-License-Identifier: MIT */
/*
 * Caches that a guest has cleaned. RAM is write-back, and no device of a guest's reads past the
 * caches: WBINVD does nothing, unless cache-tracking= says that there may be such a device.
 */
#include <isola/domain.h>
#include <isola/printk.h>
#include <asm/hvm.h>
#include <asm/p2m_track.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>

bool hvm_clean_caches(void)
{
	struct domain *d = current->domain;
	struct p2m *p = &d->hvm->p2m;

	if (p->track.mode == CACHE_NO)
		return true;
	if (!this_hvm.batch)
		this_hvm.batch = p2m_batch_next(p);
	while (!p2m_batch_some(d, p, this_hvm.batch))
		if (READ_ONCE(this_cpu.pub->softirq_pending))
			return false;
	this_hvm.batch = 0;
	guest_debug("caches cleaned: %lu pages", READ_ONCE(p->track.cleaned));
	return true;
}
