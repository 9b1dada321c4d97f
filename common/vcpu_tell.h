/* SPDX-License-Identifier: MIT */
/*
 * Telling a vcpu that there is something for it: a post, an upcall flag, an NMI.
 */
#pragma once

#include <isola/sched.h>
#include <asm/insn.h>

/*
 * What @v is to look at on its way to the guest has been stored: it looks soon, and wakes if it
 * sleeps. Any context but NMI.
 */
static __always_inline void vcpu_tell(struct vcpu *v)
{
	WRITE_ONCE(v->event_check, 1);
	vcpu_unblock(v);
	vcpu_kick(v);
}
