/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes that a guest asks for: on the CPUs of its own vcpus only.
 */
#pragma once

#include <isola/types.h>
#include <asm/shadow.h>
#include <asm/tlb.h>

#define FLUSH_EVERYTHING (~0ul)         /* in place of an address */

/* The translation of @va, or everything, as far as... */
static __always_inline void guest_flush_local(u64 va)   /* ...the current vcpu may have it cached */
{
	if (va == FLUSH_EVERYTHING)
		tlb_flush_local();
	else
		guest_invlpg(va);
}
void guest_flush_all(u64 va);                           /* ...any vcpu of its domain may; waits */
/*
 * ...the vcpus in the guest's bitmap at @bitmap (u64 words, bit n = vcpu n, as many as the domain
 * has) may; waits. -EFAULT.
 */
int __must_check guest_flush_listed(u64 bitmap, u64 va);
