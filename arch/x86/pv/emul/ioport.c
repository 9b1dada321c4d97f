/* SPDX-License-Identifier: MIT */
/*
 * I/O ports of a domain: see asm/ioport.h. dom0 reaches hardware directly, but for what the
 * hypervisor keeps and for four devices that are virtual: the PIT's channel 2 with the speaker
 * gate, the RTC, the PCI address latch, the PCI data window.
 *
 * Ports of virtual devices are never in the `direct' bitmap, so the common access is one bitmap
 * lookup (IOP-1). PCI configuration by CF8H/CFCH and the RTC's index/data pair are two-step on
 * hardware: a lock makes each one step, pci_conf.c's and rtc_lock.
 */
#include <asm/acpi.h>
#include <asm/insn.h>
#include <asm/pc_ports.h>
#include <asm/ioport.h>
#include <asm/ioport_keep.h>
#include <asm/pci_conf.h>
#include <asm/pirq.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/privilege.h>
#include <isola/spinlock.h>

#define PIT_MODE         0x43
#define SPEAKER_GATE     0x61

/*
 * What no domain reaches directly, whoever it is. The first rows are virtual devices' ports, the
 * others do not exist for it.
 */
static struct { u16 first, last; } kept[24] = {
	{ PIT_CHANNEL2, PIT_MODE },
	{ SPEAKER_GATE, SPEAKER_GATE },
	{ RTC_INDEX, RTC_DATA },
	{ PCI_DATA, PCI_DATA + 3 },
	{ 0x20, 0x21 },                 /* 8259 master */
	{ 0xa0, 0xa1 },                 /* and slave */
	{ 0x4d0, 0x4d1 },               /* their edge/level control */
	{ 0x40, 0x41 },                 /* PIT channels 0 and 1 */
};
static unsigned int nr_kept = 8;

static spinlock_t rtc_lock = SPINLOCK_INIT(LOCK_NONE);

void ioport_keep(u16 first, u16 last)
{
	BUG_ON(nr_kept == ARRAY_SIZE(kept));
	kept[nr_kept].first = first;
	kept[nr_kept++].last = last;
}

void ioport_keep_acpi(const struct acpi_info *acpi)
{
	if (acpi->has_fadt && acpi->pm_timer.space == 1 && acpi->pm_timer.addr)
		ioport_keep(acpi->pm_timer.addr, acpi->pm_timer.addr + 3);
}

int ioport_rights_create(struct domain *d)
{
	struct ioport_rights *r = public_alloc(sizeof(*r)); /* public: port rights */

	if (!r)
		return -ENOMEM;
	if (domain_may(d, MAY_io_ports))
		for (unsigned int i = 0; i < ARRAY_SIZE(r->direct); i++)
			r->direct[i] = ~0ul;
	d->ioports = r;
	for (unsigned int i = 0; i < nr_kept; i++)
		ioport_deny(d, kept[i].first, kept[i].last);
	return 0;
}

void ioport_rights_destroy(struct domain *d)
{
	public_free(d->ioports);
	d->ioports = NULL;
}

void ioport_deny(struct domain *d, u16 first, u16 last)
{
	for (unsigned int port = first; port <= last; port++)
		d->ioports->direct[port / 64] &= ~(1ul << port % 64);
}

/*
 * Dword accesses to CF8H are the PCI address latch, always virtual; narrower ones are other
 * registers.
 */
static __always_inline bool is_direct(const struct domain *d, u16 port, unsigned int bytes)
{
	const u64 *direct = d->ioports->direct;
	u64 want = (1ul << bytes) - 1, have;

	if ((u32)port + bytes > 0x10000 || (port == PCI_ADDRESS && bytes == 4))
		return false;
	if (likely(bytes == 1))
		return direct[port / 64] >> port % 64 & 1;
	have = direct[port / 64] >> port % 64;
	if (port % 64 + bytes > 64)
		have |= direct[port / 64 + 1] << (64 - port % 64);
	return (have & want) == want;
}

bool ioport_is_direct(const struct domain *d, u16 port, unsigned int bytes)
{
	return is_direct(d, port, bytes);
}

/* The latch of PCI's data window is set to the domain's for this one access. */
static u32 pci_read(struct ioport_rights *r, unsigned int offset, unsigned int bytes)
{
	u32 address = READ_ONCE(r->cf8);

	return address & PCI_ENABLE ? pci_conf_in(address, offset, bytes) : ~0u;
}

static void pci_write(struct ioport_rights *r, unsigned int offset, unsigned int bytes, u32 val)
{
	u32 address = READ_ONCE(r->cf8);
	u32 reg = (address & 0xfc) + offset;

	if (!(address & PCI_ENABLE) || pci_conf_is_kept(address >> 8) ||
	    pirq_conf_write(address >> 8, reg, bytes, val))
		return;
	pci_conf_out(address, offset, bytes, val);
}

void rtc_begin(void)
{
	spin_lock(&rtc_lock);
}

void rtc_end(void)
{
	spin_unlock(&rtc_lock);
}

/* And so is the RTC's index. */
static u8 rtc_access(struct ioport_rights *r, bool write, u8 val)
{
	rtc_begin();
	outb(r->rtc_index & 0x7f, RTC_INDEX);
	if (write)
		outb(val, RTC_DATA);
	else
		val = inb(RTC_DATA);
	rtc_end();
	return val;
}

/* A byte of a virtual device of dom0's, or of a port that is not there. */
static u8 virtual_read(struct ioport_rights *r, u16 port)
{
	switch (port) {
	case PIT_CHANNEL2:
	case PIT_MODE:
	case SPEAKER_GATE:
		return inb(port);
	case RTC_INDEX:
		return r->rtc_index;
	case RTC_DATA:
		return rtc_access(r, false, 0);
	default:
		return 0xff;
	}
}

static void virtual_write(struct ioport_rights *r, u16 port, u8 val)
{
	switch (port) {
	case PIT_CHANNEL2:
		outb(val, port);
		break;
	case PIT_MODE:
		if (val >> 6 == 2)              /* channel 2; the others are not the guest's */
			outb(val, port);
		break;
	case SPEAKER_GATE:
		outb((inb(port) & ~3) | (val & 3), port);
		break;
	case RTC_INDEX:
		r->rtc_index = val;
		break;
	case RTC_DATA:
		rtc_access(r, true, val);
		break;
	}
}

/*
 * How many of @bytes at @port are one access to the PCI data window; 0: none. Three at its end are
 * done as two and one.
 */
static unsigned int pci_data_bytes(u16 port, unsigned int bytes)
{
	unsigned int n;

	if ((port & ~3u) != PCI_DATA)
		return 0;
	n = min(bytes, 4 - (port & 3u));
	return n == 3 ? 2 : n;
}

u32 ioport_read(struct domain *d, u16 port, unsigned int bytes)
{
	struct ioport_rights *r = d->ioports;
	u32 val = 0;

	if (likely(is_direct(d, port, bytes)))
		return port_read(port, bytes);
	if (port == PCI_ADDRESS && bytes == 4)
		return r->cf8;

	for (unsigned int i = 0, n; i < bytes; i += n, port += n) {
		u32 part = 0xff;

		n = pci_data_bytes(port, bytes - i);
		if (n && domain_may(d, MAY_io_ports))
			part = pci_read(r, port & 3, n);
		else if (n)
			part = ~0u;
		else if (ioport_is_direct(d, port, 1))
			part = inb(port);
		else if (domain_may(d, MAY_io_ports))
			part = virtual_read(r, port);
		n = n ? n : 1;
		val |= (part & (u32)((1ul << 8 * n) - 1)) << 8 * i;
	}
	return val;
}

void ioport_write(struct domain *d, u16 port, unsigned int bytes, u32 val)
{
	struct ioport_rights *r = d->ioports;

	if (likely(is_direct(d, port, bytes))) {
		port_write(port, bytes, val);
		return;
	}
	if (port == PCI_ADDRESS && bytes == 4) {
		r->cf8 = val;
		return;
	}

	for (unsigned int i = 0, n; i < bytes; i += n, port += n) {
		u32 part = val >> 8 * i;

		n = pci_data_bytes(port, bytes - i);
		if (n && domain_may(d, MAY_io_ports))
			pci_write(r, port & 3, n, part);
		else if (!n && ioport_is_direct(d, port, 1))
			outb(part, port);
		else if (!n && domain_may(d, MAY_io_ports))
			virtual_write(r, port, part);
		n = n ? n : 1;
	}
}
