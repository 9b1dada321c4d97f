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
 * Build dom0 from the first module (its kernel) and the second (its initrd, if any), on the boot
 * root; its vcpu 0 is ready to be woken. Input that cannot be used: fatal().
 */
void pv_build_dom0(void);
