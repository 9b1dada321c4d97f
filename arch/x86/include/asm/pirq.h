/* SPDX-License-Identifier: MIT */
/*
 * Pirqs: interrupts of devices that a domain may bind to event ports. A line (GSI) has a pirq of
 * its own number; messages (MSI, MSI-X) have others, given out from the top. Only a privileged
 * domain has any.
 *
 * A line is mapped, set up, bound, in this order or any but that binding needs a mapping; a message
 * is mapped, then bound. Binding and its end come with the port: evtchn_bind_pirq(),
 * evtchn_close(). All of it under gsi_lock inside; task context.
 */
#pragma once

#include <isola/domain.h>

struct acpi_info;

/* All lines masked, none mapped. The boot CPU, once, after its local APIC is on. */
void pirq_init(const struct acpi_info *acpi);
/*
 * ISA's interrupt @isa_irq, or the line of that number, is the hypervisor's from now on, never
 * bound, and comes as @vector to the boot CPU. Boot. The line; 0: it cannot be had.
 */
u32 pirq_keep(const struct acpi_info *acpi, u8 isa_irq, u8 vector);

/* 0; -EINVAL no such line; -EPERM line 0; -EBUSY another domain's. Again: 0. */
int pirq_map(struct domain *d, u32 gsi);
/*
 * The source is silent when this returns 0. -EINVAL: not @d's. Its port, if any, stays open. Of a
 * message nothing is left: the number and the vector are free.
 */
int pirq_unmap(struct domain *d, u32 pirq);
/* How the line is wired. -EINVAL no such line; -EEXIST said before, bound, or the hypervisor's. */
int pirq_setup(u32 gsi, bool level, bool low);
/* The device has been served. A line that waits for that may interrupt again. -EINVAL: not @d's. */
int pirq_eoi(struct domain *d, u32 pirq);

/* Is it a number that a line or a message could have? */
bool pirq_exists(u32 pirq);
/* PHYSDEVOP_apic_read. -EINVAL: no I/O APIC there. */
int pirq_apic_read(u64 maddr, u32 reg, u32 *val);

/* ---- Messages: irq/pirq_map.c, pirq_device.c ------------------------------------------------ */

struct pirq_msi {
	u16 bdf;
	bool is_x;
	u32 entry;			/* of the table, for MSI-X */
	int pirq;			/* in: the number wanted, below 0: any; out */
};
/*
 * Map a message for @d: masked until it is bound. 0; -ENODEV: no such device was told of, or it has
 * no such capability; -EINVAL: no such entry or number; -ENXIO: its memory is off, or where no
 * table may be; -EEXIST: message or number are mapped; -EBUSY: the device's other kind is;
 * -ENOSPC: no vector or number left; -ENOMEM. On error nothing has changed.
 */
int __must_check pirq_map_msi(struct domain *d, struct pirq_msi *op);
/* A number for a mapping to come: *@n. -ENOSPC. */
int __must_check pirq_take_number(bool is_line, u32 *n);

/* A PCI device is there. 0, again too; -ENOMEM. */
int __must_check pirq_device_add(u16 bdf);
/* It is gone, and with it its messages. -ENODEV: was not told of; as the next three. */
int __must_check pirq_device_remove(u16 bdf);
/* Messages are written anew: the device has lost them. */
int __must_check pirq_device_restore(u16 bdf);
/*
 * The table of messages is not to be written to, from now on, or no longer. -EBUSY: so it is
 * already, or for mapped messages; or it is not, or messages are mapped.
 */
int __must_check pirq_device_prepare(u16 bdf);
int __must_check pirq_device_release(u16 bdf);

/*
 * The domain that drives devices writes @bytes to the configuration of @bdf, at @reg. True: that
 * was a register of messages, and what of the write may be is done.
 */
bool pirq_conf_write(u16 bdf, u32 reg, unsigned bytes, u32 val);

/* ---------------------------------------------------------------------------------------------- */

/* From irq_dispatch(), interrupts off: false if @vector is no device's. */
bool pirq_interrupt(u8 vector);

/* For who looks: pirq @n as it is now. False: there is none of that number, or beyond. */
struct pirq_look {
	domid_t domid;			/* DOMID_INVALID: nobody's */
	u32 port;
	u8 vector;
	bool level, waits, rests;
	bool is_msi;
	u16 bdf;			/* whose message */
};
bool pirq_look(u32 n, struct pirq_look *look);
