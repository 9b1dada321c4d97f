/* SPDX-License-Identifier: MIT */
/*
 * What is to be delivered to the guest: an exception in place of an instruction, or an upcall.
 */
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/printk.h>
#include <asm/hvm.h>
#include <asm/loaded.h>
#include <asm/percpu.h>
#include <xen/sched.h>

static bool is_contributory(u8 vector)
{
	return vector == TRAP_DE || (vector >= TRAP_TS && vector <= TRAP_GP) || vector == TRAP_CP;
}

/*
 * An exception while another was being delivered: SDM vol. 3 table 6-5. Others than these take
 * their turn: what was cut off is found again by who raised it, or by executing it again.
 */
void hvm_inject(u8 vector, bool has_error, u32 error)
{
	struct hvm_event *e = &this_hvm.event;
	bool first = e->valid && e->type == HVM_EVENT_EXCEPTION;
	bool both = first && (is_contributory(vector) || vector == TRAP_PF);

	if (both && e->vector == TRAP_DF) {
		guest_warn("triple fault");
		domain_shutdown(current->domain, SHUTDOWN_reboot);
		return;
	}
	if ((both && e->vector == TRAP_PF) ||
	    (first && is_contributory(e->vector) && is_contributory(vector))) {
		vector = TRAP_DF;
		has_error = true;
		error = 0;
	}
	*e = (struct hvm_event){ .valid = true, .has_error = has_error, .vector = vector,
				 .type = HVM_EVENT_EXCEPTION, .error = error };
}

bool hvm_upcall_due(void)
{
	ASSERT_KERNEL_ROOT();
	evtchn_fold();
	return current->domain->hvm->callback_vector &&
	       READ_ONCE(vcpu_info_of(current)->evtchn_upcall_pending);
}
