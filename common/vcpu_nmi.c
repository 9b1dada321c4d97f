/* SPDX-License-Identifier: MIT */
/*
 * An NMI: stored, then told; the other side of vcpu_sleep() and of deliver() in entry/exit.c.
 */
#include <isola/sched.h>
#include <isola/vcpu_nmi.h>

void vcpu_send_nmi(struct vcpu *v)
{
	if (__atomic_exchange_n(&v->nmi_pending, true, __ATOMIC_SEQ_CST))
		return;
	WRITE_ONCE(v->event_check, 1);
	vcpu_unblock(v);
	vcpu_kick(v);
}
