/* SPDX-License-Identifier: MIT */
/*
 * UARTs on PCI: finding one, and where its registers are. PCI Local Bus Specification 3.0, §6.1 and
 * §6.2.5; class 07h of appendix D.
 *
 * Invariant: base addresses stay as firmware set them, unless the command line names both the
 * function and the base.
 */
#include <isola/serial_pci.h>
#include <asm/pci_conf.h>

#define CONF_ID           0x00
#define CONF_COMMAND      0x04
#define CONF_CLASS        0x08          /* the upper half: class and subclass */
#define CONF_HEADER       0x0c          /* bits 23..16 */
#define CONF_BAR0         0x10
#define CONF_BRIDGE_IO    0x1c          /* of a bridge: base and limit of its I/O window */

#define COMMAND_IO        1u
#define COMMAND_MEMORY    2u
#define HEADER_MANY       (0x80u << 16) /* has functions beyond 0 */
#define BAR_IO            1u
#define BAR_64            4u

#define CLASS_SERIAL      0x0700
#define CLASS_MULTIPORT   0x0702
#define NO_DEVICE         0xffff
#define VENDOR_INTEL      0x8086

/* Cards that are not one UART at the start of an I/O BAR 0. Clock 0: the PC's. */
static const struct card {
	u16 vendor, device;
	u8 nr_ports;
	bool memory;
	u32 first, step;                /* offsets: of the first port, to the next one */
	u32 clock_hz;
} cards[] = {
	{ 0x1b36, 0x0003, 2, false, 0, 8, 0 },                  /* QEMU pci-serial-2x */
	{ 0x1b36, 0x0004, 4, false, 0, 8, 0 },                  /* QEMU pci-serial-4x */
	{ 0x1415, 0xc11b, 1, true, 0x1000, 0x200, 64000000 },   /* Oxford OXPCIe952, native */
	{ 0x1415, 0xc158, 2, true, 0x1000, 0x200, 64000000 },   /* the same, two ports */
	{ 0x12d8, 0x7951, 1, false, 0, 8, 14745600 },           /* Pericom PI7C9X7951 */
	{ 0x12d8, 0x7952, 2, false, 0, 8, 14745600 },
	{ 0x12d8, 0x7954, 4, false, 0, 8, 14745600 },
	{ 0x12d8, 0x7958, 8, false, 0, 8, 14745600 },
	{ 0x13a8, 0x0352, 2, true, 0, 0x400, 125000000 },       /* Exar XR17V352 */
	{ 0x13a8, 0x0354, 4, true, 0, 0x400, 125000000 },
};

static const struct card single = { .nr_ports = 1, .step = 8 };

static const struct card *card_of(u16 bdf)
{
	u32 id = pci_conf_read(bdf, CONF_ID);

	for (unsigned i = 0; i < ARRAY_SIZE(cards); i++)
		if (id == ((u32)cards[i].device << 16 | cards[i].vendor))
			return &cards[i];
	return &single;
}

static bool is_there(u16 bdf)
{
	return (pci_conf_read(bdf, CONF_ID) & 0xffff) != NO_DEVICE;
}

static bool is_serial(u16 bdf)
{
	u32 class = pci_conf_read(bdf, CONF_CLASS) >> 16;

	return class == CLASS_SERIAL || class == CLASS_MULTIPORT;
}

/* Management engines show one on bus 0 that ends in the network. */
static bool is_amt(u16 bdf)
{
	return bdf < 0x100 && (pci_conf_read(bdf, CONF_ID) & 0xffff) == VENDOR_INTEL;
}

/* Where BAR 0 points; 0: it is not of that kind, or firmware has not set it. */
static u64 bar_base(u16 bdf, bool memory)
{
	u32 bar = pci_conf_read(bdf, CONF_BAR0);
	u64 high = 0;

	if (memory == !!(bar & BAR_IO))
		return 0;
	if (!memory)
		return bar & 0xfffc;
	if (bar & BAR_64)
		high = pci_conf_read(bdf, CONF_BAR0 + 4);
	return high << 32 | (bar & ~0xfu);
}

static void decode(u16 bdf, bool memory)
{
	u32 command = pci_conf_read(bdf, CONF_COMMAND) & 0xffff; /* the status bits clear by ones */

	pci_conf_write(bdf, CONF_COMMAND, command | (memory ? COMMAND_MEMORY : COMMAND_IO));
}

/* Port @index of the card at @bdf. */
static bool take(u16 bdf, unsigned index, struct serial_pci *found)
{
	const struct card *c = card_of(bdf);
	u64 base = bar_base(bdf, c->memory);

	if (!base || index >= c->nr_ports)
		return false;
	decode(bdf, c->memory);
	*found = (struct serial_pci){ bdf, base + c->first + index * c->step, c->clock_hz, 0 };
	return true;
}

/* All functions in the order of their addresses; *@bdf: the one after which to go on. */
static bool next_function(u32 *bdf)
{
	while (++*bdf < 0x10000) {
		if (is_there(*bdf))
			return true;
		if (!(*bdf & 7))
			*bdf |= 7;              /* without a function 0 there are none */
	}
	return false;
}

/* Has the device of @bdf, which is its function 0, no others? */
static bool is_single(u32 bdf)
{
	return !(bdf & 7) && !(pci_conf_read(bdf, CONF_HEADER) & HEADER_MANY);
}

/* The @nr'th UART; if there are fewer, the last one. */
static const char *scan(bool amt, unsigned nr, struct serial_pci *found)
{
	bool any = false;

	for (u32 bdf = ~0u; next_function(&bdf);) {
		bool is_one = is_serial(bdf) && (amt || !is_amt(bdf));

		for (unsigned i = 0; is_one && take(bdf, i, found); i++) {
			any = true;
			if (!nr--)
				return NULL;
		}
		if (is_single(bdf))
			bdf |= 7;
	}
	return any ? NULL : "there is no PCI UART";
}

/* The command line says where: the BAR, and the I/O window of the bridge before it. */
static void place(const struct serial_option *o)
{
	if (o->has_bridge) {
		u32 top = o->base >> 8 & 0xf0;

		pci_conf_write(o->bridge, CONF_BRIDGE_IO, top << 8 | top); /* 4 KiB; no status */
		decode(o->bridge, false);
	}
	pci_conf_write(o->port, CONF_BAR0, (u32)o->base | BAR_IO);
	decode(o->port, false);
}

static const char *named(const struct serial_option *o, unsigned nr, struct serial_pci *found)
{
	if (!is_there(o->port))
		return "there is no such PCI function";
	if (o->device == SERIAL_AT_BASE && o->has_base && o->base <= SERIAL_MAX_IO_BASE) {
		place(o);
		*found = (struct serial_pci){ .bdf = o->port, .base = o->base };
		return NULL;
	}
	if (!take(o->port, nr, found) && !take(o->port, 0, found))
		return "that PCI function has no UART that we know how to reach";
	return NULL;
}

const char *serial_pci_find(const struct serial_option *o, unsigned nr, struct serial_pci *found)
{
	return o->has_port ? named(o, nr, found) : scan(o->device == SERIAL_AMT, nr, found);
}
