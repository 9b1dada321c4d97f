/* SPDX-License-Identifier: MIT */
/*
 * NMIs of a vcpu: VCPUOP_send_nmi's, and the control domain's.
 */
#pragma once

#include <isola/vcpu.h>

/* It takes one as soon as it runs; one that waits already is this one. Any context but NMI. */
void vcpu_send_nmi(struct vcpu *v);
