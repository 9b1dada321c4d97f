/* SPDX-License-Identifier: MIT */
/*
 * PV domains: the parts of a domain that only a PV guest has.
 */
#pragma once

#include <isola/domain.h>
#include <isola/lib/elf.h>

/* Hooks of the lower floors that this room fills. Boot, once. */
void pv_init(void);

/* v's private pages as a vcpu has them before its first instruction. On the boot root. */
void pv_vcpu_init_private(struct vcpu *v);

/*
 * Build the domains that the modules' lines describe, and dom0 if there is a kernel for it, on the
 * boot root; the first vcpu of each is ready to be woken. Input that cannot be used: fatal().
 */
void pv_build_domains(void);
/* Wake them. */
void pv_start_domains(void);
