/* SPDX-License-Identifier: MIT */
/*
 * The vCPU area (slot 258): what every vcpu has there from its creation to its end, as perdomain
 * mappings (asm/perdomain.h). What its guest adds comes and goes by gdt.c, ldt.c and mapcache.c.
 */
#pragma once

#include <isola/vcpu.h>

#define VCPU_ROOTS		2	/* kernel, user (asi/root.c) */
#define VCPU_AREA_TABLES	4
/* Pages that a vcpu takes because what it sees is its own. */
#define VCPU_ISOLATION_PAGES	(VCPU_ROOTS + VCPU_AREA_TABLES + VCPU_PRIVATE_PAGES)

/* Make the area's tables and private pages for @v. -ENOMEM; nothing left behind then. */
int __must_check vcpu_area_create(struct vcpu *v);
/*
 * Take it apart. @v is loaded nowhere and never will be again; what its guest had in the area has
 * been given back. An area that is not there, or only in part, is as good.
 */
void vcpu_area_destroy(struct vcpu *v);

/*
 * What a page of the GDT window shows that the guest has not set: zeroes. The window is never
 * absent: its limit is constant (cpu/desc.c).
 */
void vcpu_area_clear_gdt_page(struct vcpu *v, unsigned i);

/*
 * Nothing of its guest's is shown in @v's descriptor windows any more, whose frames are to go: @v
 * will not run again.
 */
void vcpu_area_clear_descs(struct vcpu *v);

/* The one area of all idle roots: the hypervisor's GDT page and zero pages. Its L3. Boot only. */
void vcpu_area_init_idle(void);
extern mfn_t idle_area_l3;
