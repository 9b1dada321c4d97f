/* SPDX-License-Identifier: MIT */
/*
 * conring_size=<size>: how much of the log is kept for who reads it. A power of two, as in Xen;
 * until there is an allocator it is the least.
 */
#include <isola/console.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/lib/cmdline.h>
#include <asm/layout.h>

#define MOST MIB(2)

static u64 opt_conring_size = CONSOLE_RING_BYTES;
CMDLINE_SIZE("conring_size", opt_conring_size, 0, ~0ul);

static unsigned order_of(u64 bytes)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < bytes)
		order++;
	return order;
}

void console_log_grow(void)
{
	unsigned order = order_of(min(opt_conring_size, MOST));
	mfn_t m;

	if (opt_conring_size > MOST)
		pr_warn("conring_size=: %lu KiB is the most", MOST / KIB(1));
	if (PAGE_SIZE << order <= CONSOLE_RING_BYTES)
		return;
	m = page_alloc(ALLOC_PUBLIC, order, 0); /* public: log */
	if (mfn_is_valid_num(m))
		console_use_ring(public_ptr(m), PAGE_SIZE << order);
	else
		pr_warn("conring_size=: no memory for %lu KiB", (PAGE_SIZE << order) / KIB(1));
}
