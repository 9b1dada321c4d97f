/* SPDX-License-Identifier: MIT */
/*
 * What is to be delivered to the guest, in this order: an exception in place of an instruction, or
 * what was cut off; an NMI; an upcall; an interrupt of its local APIC.
 */
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/printk.h>
#include <asm/insn.h>
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

/* ---- Upcalls --------------------------------------------------------------------------------- */

static bool upcall_flag(void)
{
	return READ_ONCE(vcpu_info_of(current)->evtchn_upcall_pending);
}

void hvm_look_at_upcall(void)
{
	if (!upcall_flag())
		this_hvm.upcall_told = false;
}

/*
 * By the vcpu's own vector an upcall is an edge: the flag has risen since the guest last ran with
 * it down, or somebody says that he has raised it. (event_check is taken before it is looked at, so
 * that who raises the flag meanwhile is heard in the next round, to which he sends us.)
 */
static void request_upcall(u8 vector)
{
	bool said = __atomic_exchange_n(&current->event_check, 0, __ATOMIC_SEQ_CST);

	evtchn_fold();
	if (!upcall_flag() || (this_hvm.upcall_told && !said))
		return;
	this_hvm.upcall_told = true;
	vlapic_request(vector);
}

/* Is there an upcall to be delivered by the domain's vector, as a level? Posts are folded in. */
static bool upcall_due(void)
{
	u8 vector = READ_ONCE(current->domain->hvm->vcpu[current->id]->upcall_vector);

	ASSERT_KERNEL_ROOT();
	if (vector)
		request_upcall(vector);
	else
		evtchn_fold();
	return !vector && current->domain->hvm->callback_vector && upcall_flag();
}

/* Take what has been posted for its local APIC, and what the timer has come to. */
static void fold_apic(void)
{
	struct hvm_vcpu *h = current->domain->hvm->vcpu[current->id];

	for (unsigned i = 0; i < ARRAY_SIZE(h->posted); i++) {
		u32 bits = READ_ONCE(h->posted[i]);

		if (likely(!bits))
			continue;
		bits = __atomic_exchange_n(&h->posted[i], 0, __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1)
			vlapic_set_irq(i * 32 + __builtin_ctz(bits));
	}
	if (unlikely(READ_ONCE(h->timer_fired)) &&
	    __atomic_exchange_n(&h->timer_fired, false, __ATOMIC_SEQ_CST))
		vlapic_timer_end();
}

/* ---- At each entry --------------------------------------------------------------------------- */

bool hvm_interrupt_due(void)
{
	bool held_back;

	if (upcall_due())
		return true;
	fold_apic();
	return vlapic_next(&held_back) >= 0 || READ_ONCE(current->nmi_pending);
}

static bool deliver_nmi(void)
{
	if (likely(!READ_ONCE(current->nmi_pending)) || this_hvm.in_nmi || hvm->in_shadow() ||
	    !__atomic_exchange_n(&current->nmi_pending, false, __ATOMIC_SEQ_CST))
		return false;
	this_hvm.in_nmi = true;
	hvm->want_iret(true);
	this_hvm.event = (struct hvm_event){ .valid = true, .type = HVM_EVENT_NMI,
					     .vector = TRAP_NMI };
	return true;
}

/* The local APIC's, -1: none. */
static int next_of_apic(void)
{
	bool held_back = false;
	int vector;

	fold_apic();
	vector = vlapic_next(&held_back);
	hvm->want_cr8(held_back);
	return vector;
}

/* The vector that is due, -1: none. An upcall is a level: as long as its flag is up. */
static int next_vector(bool *is_upcall)
{
	*is_upcall = upcall_due();
	return *is_upcall ? current->domain->hvm->callback_vector : next_of_apic();
}

static void deliver_interrupt(void)
{
	bool is_upcall;
	int vector = next_vector(&is_upcall);
	bool can = vector >= 0 && guest_regs()->rflags & EFLAGS_IF && !hvm->in_shadow();
	bool more = vector >= 0 && !can;

	if (can) {
		this_hvm.event = (struct hvm_event){ .valid = true, .vector = vector,
						     .type = HVM_EVENT_INTERRUPT };
		/* An upcall keeps none of the APIC's back: behind it there may be one at once. */
		if (is_upcall)
			more = next_of_apic() >= 0;
		else
			vlapic_take(vector);
	}
	hvm->want_window(more);
}

void hvm_deliver(void)
{
	bool is_upcall;

	/*
	 * Not within a WBINVD that goes on: what a handler touches would not count for the
	 * handler's own.
	 */
	if (unlikely(this_hvm.batch) && !this_hvm.event.valid) {
		hvm->want_window(false);
		return;
	}
	/* What is due besides comes when that has been taken. */
	if (this_hvm.event.valid || deliver_nmi())
		hvm->want_window(next_vector(&is_upcall) >= 0);
	else
		deliver_interrupt();
	if (this_hvm.event.valid)
		hvm->inject(&this_hvm.event);
	this_hvm.event.valid = false;
}
