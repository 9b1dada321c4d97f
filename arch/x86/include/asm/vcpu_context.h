/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's whole context at once, as VCPUOP_initialise gives it.
 */
#pragma once

#include <isola/vcpu.h>
#include <xen/xen.h>

/*
 * Give @v, which is down and has never been initialised, the context @c (a private copy, on the
 * stack). The base pointers and descriptor frames get their references here. @v is a sibling, or of
 * another domain, none of whose vcpus runs.
 * Returns 0; -EINVAL (an address or value no vcpu may start with; a base pointer that is no L4),
 * -ERESTART (preempted; call again with the same context). Nothing has changed on error. Context:
 * kernel root of a sibling; the domain's evtchn and page locks are not held.
 */
int __must_check vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);

/*
 * The same for @v of another domain that has a context, and does not run: its registers, callbacks
 * and traps. 0; -EINVAL; -EOPNOTSUPP other tables or descriptors than it has.
 */
int __must_check vcpu_change_context(struct vcpu *v, const struct vcpu_guest_context *c);

/*
 * @v, of another domain that is paused, has no context any more, and is down. 0; -ERESTART: to be
 * called again; what it showed is gone by then.
 */
int __must_check vcpu_reset(struct vcpu *v);

/*
 * *@c: the context of @v, which is initialised and does not run. It goes to the control domain
 * whole: the copy on the stack is the caller's to give away.
 */
void vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c);
