/* SPDX-License-Identifier: MIT */
/*
 * Pirqs: lines of devices (GSIs) that a domain may bind to event ports. A pirq has its line's
 * number, and only a privileged domain has any.
 *
 * A line is mapped, set up, bound, in this order or any but that binding needs a mapping. Binding
 * and its end come with the port: evtchn_bind_pirq(), evtchn_close(). All of it under gsi_lock
 * inside; task context.
 */
#pragma once

#include <isola/domain.h>

struct acpi_info;

/*
 * All lines masked, none mapped. The boot CPU, once, after its local APIC is on and the console has
 * been chosen.
 */
void pirq_init(const struct acpi_info *acpi);

/* 0; -EINVAL no such line; -EPERM line 0; -EBUSY another domain's. Again: 0. */
int pirq_map(struct domain *d, u32 gsi);
/* The line is silent when this returns 0. -EINVAL: not @d's. Its port, if any, stays open. */
int pirq_unmap(struct domain *d, u32 pirq);
/* How the line is wired. -EINVAL no such line; -EEXIST said before, bound, or the hypervisor's. */
int pirq_setup(u32 gsi, bool level, bool low);
/* The device has been served. A line that waits for that may interrupt again. -EINVAL: not @d's. */
int pirq_eoi(struct domain *d, u32 pirq);

/* Is there a line of this number? */
bool pirq_exists(u32 pirq);
/* PHYSDEVOP_apic_read. -EINVAL: no I/O APIC there. */
int pirq_apic_read(u64 maddr, u32 reg, u32 *val);

/* From irq_dispatch(), interrupts off: false if @vector is no device's. */
bool pirq_interrupt(u8 vector);

/* For who looks: line @n as it is now. False: there is none of that number, or beyond. */
struct pirq_look {
	domid_t domid;			/* DOMID_INVALID: nobody's */
	u32 port;
	u8 vector;
	bool level, waits, rests;
};
bool pirq_look(u32 n, struct pirq_look *look);
