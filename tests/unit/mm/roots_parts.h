/* SPDX-License-Identifier: MIT */
/*
 * What roots.c's machine is made of beside CPUs and vcpus.
 */
#pragma once

#include <stdbool.h>
#include <isola/vcpu.h>

#define NR_PUBLIC	96u
#define AREA_L3		0x2000u		/* + CPU: its area; + 16 + vcpu: the vcpu's */

extern mfn_t idle_area_l3, cpu_areas_l3;
extern bool no_pages, world_irq_off;
unsigned roots_vcpu(const struct vcpu *v);
