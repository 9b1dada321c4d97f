/* SPDX-License-Identifier: MIT */
/*
 * Orphans without a reference, on their way to the allocator. They come from page_put_foreign().
 */
#include <isola/softirq.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/orphan.h>
#include <asm/percpu.h>
#include <asm/tlb.h>

/*
 * As many as were put between two preemption checks, since what waits says that a call should stop
 * (CON-1).
 */
void orphan_free_all(void)
{
	u32 n = this_cpu.orphans;

	this_cpu.orphans = 0;
	if (!n)
		return;
	/* Whose CPUs remember them is not known (TLB-9). */
	tlb_flush_stamped(NULL, tlb_stamp_now());
	while (n) {
		struct page_info *pg = page_of(_mfn(n));

		n = pg->next;
		domain_free_orphan(pg);
	}
}

void orphan_init(void)
{
	softirq_register(SOFTIRQ_ORPHANS, orphan_free_all);
}
