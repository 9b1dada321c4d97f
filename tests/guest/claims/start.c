/* SPDX-License-Identifier: MIT */
/*
 * Start of day: what the domain builder owes a PV kernel at its first instruction.
 *
 * The rule: registers, start_info, shared_info, the translation lists and the bootstrap page tables are as the
 * PV ABI says. The guest only looks, so a failure here means that the builder has made a domain that real
 * kernels would not boot in.
 */
#define TOPIC "start"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

extern char image_start[], image_end[], guest_entry[];

CLAIM(magic, "start_info begins with the magic of a 64-bit PV guest")
{
	CHECK(!strncmp(start->magic, "xen-3.0-x86_64", 14));
	CHECK(start->magic[14] == 0 || start->magic[14] == 'p');
}
