/* SPDX-License-Identifier: MIT */
/*
 * PV domains: the parts of a domain that only a PV guest has.
 */
#pragma once

#include <isola/domain.h>
#include <isola/lib/elf.h>

/* Hooks of the lower floors that this room fills. Boot, once. */
void pv_init(void);

/*
 * What every domain has beside its vcpus and its memory: port rights, a window, shared_info, a
 * grant table. NULL, or what there is no memory for; then it is to be abandoned.
 */
const char *__must_check pv_domain_make_parts(struct domain *d);
/* d's vcpus, max_vcpus of them, if it has none yet: down. -ENOMEM: it still has none. */
int __must_check pv_domain_make_vcpus(struct domain *d);
/* A domain of which no vcpu has ever run, whole or not: it and its frames go, with the last put. */
void pv_domain_abandon(struct domain *d);

/*
 * Build the domains that the modules' lines describe, and dom0 if there is a kernel for it, on the
 * boot root; the first vcpu of each is ready to be woken. Then, perhaps on another, empty stack,
 * @then is called, which does not return. Input that cannot be used: fatal().
 */
void pv_build_domains(void (*then)(void));
/* Wake them. */
void pv_start_domains(void);
