/* SPDX-License-Identifier: MIT */
/*
 * Lending: this domain grants frames to itself, version 1, and maps them.
 */
#pragma once

#include <stdint.h>
#include "hypercall.h"
#include <xen/grant_table.h>

#define FIRST_REF 8u		/* below are reserved ones */
/* our own number, as granter and grantee: we are the control domain */
/* Ours: dom0's, until the harness has asked. */
extern uint16_t own_domid;
#define BEYOND_REF 0x7fffffffu
#define IN_USE (GTF_reading | GTF_writing)

/* The shared table, mapped at window 3. */
volatile struct grant_entry_v1 *grant_table(void);

/* Entry @ref lends frame @mfn to ourselves, with @flags. */
void grant(unsigned int ref, unsigned long mfn, uint16_t flags);
uint16_t grant_flags(unsigned int ref);

/* The result is in .status. */
struct gnttab_map_grant_ref grant_map(unsigned int ref, uint64_t host_addr, uint32_t flags);
int16_t grant_unmap(uint32_t handle, uint64_t host_addr, uint64_t dev_bus_addr);

/* The share of static domains with the option @name: its page, mapped at window @w with @flags. */
int16_t share_map(const char *name, unsigned int w, uint32_t flags, uint32_t *handle);
