/* SPDX-License-Identifier: MIT */
/*
 * The runstate area: a guest's own copy of its vcpu's runstate clock.
 *
 * Invariant: it is written through the guest's kernel page tables by the vcpu itself, so the
 * address needs no pinning and a bad one harms nobody. With VMASST runstate_update_flag, bit 63 of
 * state_entry_time stands while the record is inconsistent.
 */
#include <asm/runstate.h>
#include <isola/sched.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <xen/vcpu.h>

static_assert(sizeof(struct vcpu_runstate_info) == 48,
	      "vcpu_runstate_get() initialises all of it, padding too");

void runstate_write(u64 area)
{
	u64 entry_at = area + offsetof(struct vcpu_runstate_info, state_entry_time);
	struct vcpu_runstate_info info;
	bool flagged = current->domain->vm_assist & BIT(VMASST_TYPE_runstate_update_flag);
	u64 entry;

	vcpu_runstate_get(current, &info);
	entry = info.state_entry_time;
	if (flagged) {
		info.state_entry_time |= XEN_RUNSTATE_UPDATE;
		if (copy_to_guest(entry_at, &info.state_entry_time, sizeof(entry)))
			return;
		barrier();
	}
	if (copy_to_guest(area, &info, sizeof(info)) || !flagged)
		return;
	barrier();
	if (copy_to_guest(entry_at, &entry, sizeof(entry)))
		return;
}
