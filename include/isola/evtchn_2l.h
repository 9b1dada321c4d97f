/* SPDX-License-Identifier: MIT */
/*
 * Two-level event words: pending and mask bits in shared_info, selector and upcall flag in
 * vcpu_info; or, where those are not mapped, the public post box of the vcpu. @port <
 * EVTCHN_2L_PORTS throughout.
 */
#pragma once

#include <isola/vcpu.h>

/* Make @port pending for @v, whose domain and kernel root are loaded. evtchn_lock held, or sending. */
void evtchn_2l_deliver(struct vcpu *v, u32 port);
/*
 * Make @port pending for @v: straight through if v's domain is the loaded one, else posted.
 * Hypercall context, evtchn_lock held.
 */
void evtchn_2l_send(struct vcpu *v, u32 port);
/* The same, posted in any case. Any context but NMI; no lock. */
void evtchn_2l_post(struct vcpu *v, u32 port);
/*
 * Move v's posts to its domain's memory. v's domain loaded; evtchn_lock held unless v is current.
 */
void evtchn_2l_fold(struct vcpu *v);
/* Clear the mask bit and raise what was held back. v's domain loaded, evtchn_lock held. */
void evtchn_2l_unmask(struct vcpu *v, u32 port);
/* Forget that @port is pending. evtchn_lock held. */
void evtchn_2l_clear(struct vcpu *v, u32 port);
