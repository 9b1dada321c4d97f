/* SPDX-License-Identifier: MIT */
/*
 * Flushes on request. The user root needs no flush of its own: leaving for it is a CR3 write
 * (CR4.PGE and PCIDE are 0).
 */
#include <asm/guest_flush.h>
#include <asm/percpu.h>
#include <asm/tlb.h>
#include <asm/uaccess.h>
#include <isola/vcpu.h>

static_assert(MAX_VCPUS <= 64, "one word of the guest's bitmap");

static void flush_vcpus(u64 mask, u64 va)
{
	struct domain *d = current->domain;

	mask &= ~0ul >> (64 - d->nr_vcpus);
	if (mask == 1ul << current->id)
		guest_flush_local(va);
	else if (mask)
		tlb_flush_vcpus(d, mask, va);
}

void guest_flush_all(u64 va)
{
	tlb_flush_vcpus(current->domain, ~0ul, va);
}

int guest_flush_listed(u64 bitmap, u64 va)
{
	u64 mask;

	if (copy_from_guest(&mask, bitmap, sizeof(mask)))
		return -EFAULT;
	flush_vcpus(mask, va);
	return 0;
}
