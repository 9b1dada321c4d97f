/* SPDX-License-Identifier: MIT */
/*
 * Resetting the machine: the ways there are, and in which order they are tried.
 *
 * Nothing here takes a lock: the CPU that had it may have been stopped.
 * Sources: ACPI 6.4 §4.8.3.6 (reset register); Intel ICH9 datasheet, 13.7.5 (RST_CNT, port CF9h);
 * IBM AT: output port of the keyboard controller, word 0:472h for the firmware.
 */
#include <isola/clock.h>
#include <isola/console.h>
#include <isola/errno.h>
#include <isola/memmap.h>
#include <isola/panic.h>
#include <isola/printk.h>
#include <isola/lib/cmdline.h>
#include <asm/acpi.h>
#include <asm/cpu_window.h>
#include <asm/insn.h>
#include <asm/pc_ports.h>
#include <asm/pci_conf.h>
#include <asm/reset.h>

#define RST_CNT_HARD		0x02	/* the whole machine, not just the processors */
#define RST_CNT_NOW		0x04	/* from 0 to 1 */
#define RST_CNT_POWER		0x08	/* its power goes and comes */
#define KBD_INPUT_FULL		0x02
#define KBD_RESET		0xfe	/* pulse bit 0 of the output port */
#define BDA_RESET_FLAG		0x472
#define BDA_WARM		0x1234	/* the firmware's memory test is left out */

bool (*reset_by_efi)(bool warm);

static struct acpi_register reg;	/* addr 0: none */
static u8 reg_value;
static bool warm;

/* ---- The ways. Each returns if it has not worked. -------------------------------------------- */

static bool by_triple_fault(void)
{
	static const struct { u16 limit; u64 base; } __packed no_idt;

	asm volatile ("lidt %0; int3" :: "m"(no_idt));
	return true;
}

/* Nobody there reads as all ones: then this does not wait long either. */
static void wait_for_keyboard(void)
{
	for (unsigned i = 0; i < 1000 && (inb(KBD_STATUS) & KBD_INPUT_FULL); i++)
		udelay(10);
}

static bool by_keyboard(void)
{
	if (inb(KBD_STATUS) == 0xff)
		return false;
	for (unsigned i = 0; i < 10; i++) {
		wait_for_keyboard();
		outb(KBD_RESET, KBD_STATUS);
		udelay(5000);
	}
	return true;
}

/* ACPI names a register of configuration space by device, function and offset, 16 bits each. */
static u32 pci_address(u64 addr)
{
	return PCI_ENABLE | (addr >> 32 & 0x1f) << 11 | (addr >> 16 & 7) << 8 | (addr & 0xfc);
}

static bool by_acpi(void)
{
	if (!reg.addr)
		return false;
	if (reg.space == ACPI_SPACE_IO) {
		outb(reg_value, (u16)reg.addr);
	} else if (reg.space == ACPI_SPACE_PCI) {
		outl(pci_address(reg.addr), PCI_ADDRESS);
		outb(reg_value, PCI_DATA + (reg.addr & 3));
	} else {
		volatile u8 *page = cpu_window_map(WINDOW_BOOT, maddr_to_mfn(reg.addr),
						   PAGE_HV_UC);

		page[reg.addr % PAGE_SIZE] = reg_value;
	}
	udelay(50000);
	return true;
}

static void write_rst_cnt(u8 how)
{
	u8 old = inb(RST_CNT) & ~(RST_CNT_HARD | RST_CNT_NOW | RST_CNT_POWER);

	outb(old | how, RST_CNT);
	udelay(50);
	outb(old | how | RST_CNT_NOW, RST_CNT);
	udelay(50000);
}

static bool by_cf9(void)
{
	write_rst_cnt(warm ? 0 : RST_CNT_HARD);
	return true;
}

static bool by_power_cycle(void)
{
	write_rst_cnt(RST_CNT_POWER | RST_CNT_HARD);
	return true;
}

static bool by_efi(void)
{
	return reset_by_efi && reset_by_efi(warm);
}

enum way { TRIPLE, KEYBOARD, ACPI, CF9, POWER_CYCLE, EFI, NR_WAYS };

/* @then: what is tried when it has not worked. The last two follow each other until one does. */
static const struct {
	char letter;			/* of reboot= */
	const char *name;
	bool (*try)(void);		/* false: there is no such way here */
	enum way then;
} ways[NR_WAYS] = {
	[TRIPLE] = { 't', "triple fault", by_triple_fault, KEYBOARD },
	[KEYBOARD] = { 'k', "keyboard controller", by_keyboard, TRIPLE },
	[ACPI] = { 'a', "ACPI", by_acpi, KEYBOARD },
	[CF9] = { 'p', "port CF9h", by_cf9, ACPI },
	[POWER_CYCLE] = { 'P', "port CF9h, power cycle", by_power_cycle, ACPI },
	[EFI] = { 'e', "EFI", by_efi, ACPI },
};

static enum way first = NR_WAYS;	/* NR_WAYS: reboot= names none */

/* Which of @word's kind: its first letter counts, as on Xen. */
static int take_word(const char *word, const char *end)
{
	switch (word < end ? *word : 0) {
	case 'n':
		reboot_refuse();
		return 0;
	case 'w':
		warm = true;
		return 0;
	case 'c':
		warm = false;
		return 0;
	case 'x':
		pr_warn("command line: reboot=xen: nobody is below to be asked; the default way is "
			"taken");
		first = NR_WAYS;
		return 0;
	}
	for (unsigned i = 0; i < NR_WAYS && word < end; i++)
		if (ways[i].letter == *word) {
			first = i;
			return 0;
		}
	return -EINVAL;
}

static void warn_word(const char *word, const char *end)
{
	if (take_word(word, end))
		pr_warn("command line: reboot=: \"%.*s\" is no way to reset a machine",
			(int)(end - word), word);
}

static int parse_reboot(const char *value)
{
	return cmdline_each_item(value, warn_word);
}
CMDLINE_CUSTOM("reboot", parse_reboot);

void reset_init(const struct acpi_info *acpi)
{
	reg_value = acpi->reset_value;
	machine_reboot = machine_reset;
	if (!acpi->has_reset)
		return;
	if (acpi->reset.space == ACPI_SPACE_MEMORY &&
	    memmap_frame_is_ram(maddr_to_mfn(acpi->reset.addr))) {
		pr_warn("ACPI: the reset register at 0x%lx would lie in RAM: left out",
			acpi->reset.addr);
		return;
	}
	reg = acpi->reset;
}

static void leave_word_for_firmware(void)
{
	u8 *page = cpu_window_map(WINDOW_BOOT, maddr_to_mfn(0), PAGE_HV_RW);

	*(volatile u16 *)(page + BDA_RESET_FLAG) = warm ? BDA_WARM : 0;
	cpu_window_unmap(WINDOW_BOOT);
}

/*
 * Windows is known to write ACPI's register, pulse the keyboard's line, and do both once more: so
 * firmware is tested with that.
 */
static enum way next_way(enum way now, unsigned attempt, enum way begun)
{
	if (now == KEYBOARD && attempt == 1 && begun == ACPI)
		return ACPI;
	return ways[now].then;
}

void machine_reset(void)
{
	enum way begun = first < NR_WAYS ? first : reset_by_efi ? EFI : ACPI;
	enum way way = begun;

	leave_word_for_firmware();
	irq_disable();
	if (cpu_leaves)
		cpu_leaves();
	for (unsigned attempt = 0;; attempt++) {
		pr_info("reset by %s", ways[way].name);
		console_drain();
		if (!ways[way].try())
			pr_info("%s: not on this machine", ways[way].name);
		way = next_way(way, attempt, begun);
	}
}
