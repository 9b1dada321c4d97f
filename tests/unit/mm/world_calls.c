/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: the guest's side of a hypercall.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asm/by_gfn.h>
#include <asm/hypercall.h>
#include <asm/p2m.h>
#include <asm/uaccess.h>
#include "world_parts.h"

unsigned preempt_rate, fault_rate;
struct continuation world_continuation;

static size_t copy(void *to, const void *from, u64 guest_va, size_t len)
{
	if (guest_va < MIB(1) || world_chance(fault_rate))
		return len;
	memcpy(to, from, len);
	return 0;
}

void (*world_on_copy)(u64 guest_va);

size_t raw_copy_from_guest(void *to, u64 from, size_t len)
{
	if (world_on_copy)
		world_on_copy(from);
	return copy(to, (void *)from, from, len);
}

size_t raw_copy_to_guest(u64 to, const void *from, size_t len)
{
	return copy((void *)to, from, to, len);
}

bool guest_range_ok(u64 va, u64 len)
{
	return va + len > va && !is_hv_address(va) && !is_hv_address(va + len - 1);
}

bool hypercall_preempt_check(void) { return world_chance(preempt_rate); }

long hypercall_continue_with(unsigned nr, const u64 *args, unsigned nr_args)
{
	world_continuation = (struct continuation){ .pending = true, .nr = nr };
	memcpy(world_continuation.arg, args, nr_args * sizeof(*args));
	return nr;
}

/*
 * Who has no shadows refuses what it would be shadowed for; on its own behalf not before it has
 * been asked again, as often as chance will have it.
 */
__attribute__((weak)) int shadow_instead(struct domain *d, int rc) { return rc; }
__attribute__((weak)) int shadow_hides_absent(struct domain *d)
{
	return d == current->domain && world_chance(preempt_rate) ? -ERESTART : -EINVAL;
}

/* No domain here is one of type=pvh: the guest's own claims try those (tests/guest/claims). */
int hvm_request_by_gfn(struct domain *owner, u64 ptr, u64 val, void *state,
		       int (*request)(void *state, u64 ptr, u64 val)) { abort(); }
int hvm_show_extent(struct domain *d, u64 gfn, mfn_t first, unsigned order) { abort(); }
int hvm_release_extent(struct domain *d, u64 gfn, u32 nr) { abort(); }
mfn_t p2m_lookup(const struct p2m *p, gfn_t gfn) { abort(); }

/* scrub, window and log of other rooms that the linked files mention */
void printk_level(enum log_level level, bool about_guest,
		  const char *fmt, ...)
{
}
