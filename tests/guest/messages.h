/* SPDX-License-Identifier: MIT */
/*
 * Messages of devices (MSI, MSI-X) mapped to pirqs. What a claim maps is unmapped before the next.
 */
#pragma once

#include <stdint.h>
#include "hypercall.h"

#define NR_LINES 24			/* numbers from here on are messages' */

/* The next claim begins: nothing is mapped. */
void messages_reset(void);

/* map_pirq of the device's MSI, or of @entry of its table if @table: the pirq, or a hypercall's
 * error. */
long map_message(unsigned int bdf, int entry, uint64_t table);
/* The same with a word for everything. */
long map_any(struct physdev_map_pirq op);
long unmap_message(long pirq);
/* The pirq's port, unmasked if @open. */
uint32_t bind_message(long pirq, _Bool open);
