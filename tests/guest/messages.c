/* SPDX-License-Identifier: MIT */
/*
 * Messages of devices: see messages.h.
 */
#include "messages.h"
#include "claim.h"
#include "events.h"

static long mapped[16];

void messages_reset(void)
{
	for (unsigned int i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++)
		if (mapped[i])
			unmap_message(mapped[i]);
}

long map_any(struct physdev_map_pirq op)
{
	long rc = HC2(physdev_op, PHYSDEVOP_map_pirq, &op);

	if (rc)
		return rc;
	for (unsigned int i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++)
		if (!mapped[i]) {
			mapped[i] = op.pirq;
			break;
		}
	return op.pirq;
}

long map_message(unsigned int bdf, int entry, uint64_t table)
{
	return map_any((struct physdev_map_pirq){
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG, .index = -1, .pirq = -1,
		.bus = (int)(bdf >> 8), .devfn = (int)(bdf & 0xff), .entry_nr = entry,
		.table_base = table });
}

long unmap_message(long pirq)
{
	struct physdev_unmap_pirq op = { .domid = DOMID_SELF, .pirq = (int)pirq };

	for (unsigned int i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++)
		if (mapped[i] == pirq)
			mapped[i] = 0;
	return HC2(physdev_op, PHYSDEVOP_unmap_pirq, &op);
}

uint32_t bind_message(long pirq, _Bool open)
{
	int port = port_bind_pirq((uint32_t)pirq, 0);

	CHECK_SAY(port > 0, "bind_pirq of %ld answered %d", pirq, port);
	if (open)
		port_unmask((uint32_t)port);
	return (uint32_t)port;
}
