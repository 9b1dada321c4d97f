/* SPDX-License-Identifier: MIT */
/*
 * An NMI: stored, then told; the other side of vcpu_sleep() and of deliver() in entry/exit.c.
 */
#include "vcpu_tell.h"
#include <isola/vcpu_nmi.h>

void vcpu_send_nmi(struct vcpu *v)
{
	if (!__atomic_exchange_n(&v->nmi_pending, true, __ATOMIC_SEQ_CST))
		vcpu_tell(v);
}
