/* SPDX-License-Identifier: MIT */
/*
 * The runstate area: a guest's own copy of its vcpu's runstate clock, written by the vcpu on its
 * kernel root.
 */
#pragma once

#include <isola/vcpu.h>
#include <asm/percpu.h>

/*
 * Copy the current vcpu's runstate clock to the area its guest has registered, if any: at
 * switch-out (before its root goes), at switch-in, at registration. An area that cannot be written
 * is left alone.
 */
void runstate_write(u64 area);
static inline void runstate_publish(void)
{
	u64 area = READ_ONCE(current->runstate_va);

	if (unlikely(area))
		runstate_write(area);
}
