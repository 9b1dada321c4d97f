/* SPDX-License-Identifier: MIT */
/*
 * The shadows of roots.c's vcpus: what stands in their trees, by the L4 slot it is behind, as a bit
 * for each L3 of the guest's. They take up whatever the guest's L4 names, and lose nothing until
 * the product has it forgotten.
 */
#pragma once

#include <stdbool.h>
#include <asm/pgentry.h>
#include <isola/vcpu.h>

/* One more L3 may be in @v's tree @which: bit @id of @slot. */
void shadow_sees(const struct vcpu *v, unsigned which, unsigned slot, unsigned id);
/* What is in it, of @slot. */
u64 shadow_has(const struct vcpu *v, unsigned which, unsigned slot);
/* When each tree was forgotten last, the older time; and a page of it. */
u64 shadow_forgotten_at(const struct vcpu *v);
u64 shadow_page_forgotten_at(const struct vcpu *v);
/* @v is loaded nowhere: whatever it has is stale. */
void shadow_rots(const struct vcpu *v);
/* @v, loaded nowhere, gets a shadow, or loses it. */
void shadow_flip(struct vcpu *v);
/* @v gets it, if it is the current one, and on its kernel's root. */
void shadow_start(struct vcpu *v);
extern unsigned long shadows_started;

/* roots.c's */
unsigned long roots_now(void);
