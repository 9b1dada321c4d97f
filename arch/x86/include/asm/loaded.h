/* SPDX-License-Identifier: MIT */
/*
 * Preconditions about what this CPU has loaded, asked in debug builds as precondition.h's are.
 */
#pragma once

#include <isola/printk.h>
#include <isola/vcpu.h>
#include <asm/percpu.h>

/*
 * Whose window is loaded: the domain whose tables are walked and changed, and whose the references
 * of their entries are.
 */
static __always_inline struct domain *loaded_domain(void)
{
	return unlikely(this_cpu.visited) ? this_cpu.visited : current->domain;
}

/*
 * "Kernel root": the current vcpu's. Its domain's memory is in sight, and the guest's kernel half.
 */
#define ASSERT_KERNEL_ROOT() ASSERT(this_cpu.cr3 == current->cr3_kernel)

/* "Owner loaded": the window shows @d's frames. While it is being built, at boot, all of RAM. */
#define ASSERT_OWNER_LOADED(d) \
	ASSERT(vcpu_is_idle(current) || \
	       (loaded_domain() == (d) && \
		(this_cpu.visited || this_cpu.cr3 == current->cr3_kernel)))

/* "On a visit" to @d (asm/visit.h). */
#define ASSERT_VISITED(d) ASSERT(this_cpu.visited == (d))
