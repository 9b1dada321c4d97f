/* SPDX-License-Identifier: MIT */
/*
 * The three timers of a vcpu. The scheduler knows nothing of them.
 */
#pragma once

#include <isola/vcpu.h>

/* Once, before it can run. */
void vcpu_timers_init(struct vcpu *v);
/* vcpu_wake(), and the periodic timer of a vcpu that was DOWN starts. */
void vcpu_up(struct vcpu *v);
/* Start the periodic one; 0: off. */
void vcpu_periodic_set(struct vcpu *v, u64 period_ns);
void vcpu_timers_kill(struct vcpu *v);
