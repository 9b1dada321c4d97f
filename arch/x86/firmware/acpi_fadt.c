/* SPDX-License-Identifier: MIT */
/*
 * The FADT: the power-management timer, and how to reset the machine and switch it off.
 *
 * Source: ACPI 6.4, 5.2.9 (fields, by offset), 16.1.3 and 7.4.2.6 (soft off), 20.2 (AML encoding).
 */
#include "acpi_tables.h"

#include <isola/printk.h>

enum fadt_offset {
	FADT_DSDT = 40,
	FADT_SCI = 46,
	FADT_SMI_CMD = 48,
	FADT_ACPI_ENABLE = 52,
	FADT_PM1A_EVT = 56,
	FADT_PM1B_EVT = 60,
	FADT_PM1A_CNT = 64,
	FADT_PM1B_CNT = 68,
	FADT_PM_TMR = 76,
	FADT_PM1_EVT_LEN = 88,
	FADT_PM1_CNT_LEN = 89,
	FADT_PM_TMR_LEN = 91,
	FADT_BOOT_ARCH = 109,
	FADT_FLAGS = 112,
	FADT_RESET = 116,
	FADT_RESET_VALUE = 128,
	FADT_X_DSDT = 140,
	FADT_X_PM1A_EVT = 148,
	FADT_X_PM1B_EVT = 160,
	FADT_X_PM1A_CNT = 172,
	FADT_X_PM1B_CNT = 184,
	FADT_X_PM_TMR = 208,
};

#define FLAG_TMR_VAL_EXT	BIT(8)
#define FLAG_RESET_REG		BIT(10)
#define FLAG_HW_REDUCED		BIT(20)
#define BOOT_NO_CMOS_RTC	BIT(5)

/*
 * A register that the table gives twice: as a full address where the table is new enough and names
 * one, else as a port. A full address in a space that we cannot reach is no address.
 */
static struct acpi_register pick_register(const struct acpi_table *t, struct acpi_gas gas,
					  u32 port_offset, u32 len_offset)
{
	struct acpi_register r = { 0 };

	if (gas.addr && (gas.space == ACPI_SPACE_MEMORY || gas.space == ACPI_SPACE_IO)) {
		r.addr = gas.addr;
		r.space = gas.space;
		r.width_bits = gas.width;
	} else if (port_offset && acpi_u32(t, port_offset)) {
		r.addr = acpi_u32(t, port_offset);
		r.space = ACPI_SPACE_IO;
		r.width_bits = (u8)(acpi_u8(t, len_offset) * 8);
	}
	return r;
}

static struct acpi_register read_register(const struct acpi_table *t, u32 x_offset, u32 port_offset,
					  u32 len_offset)
{
	struct acpi_register r;
	struct acpi_gas gas;

	acpi_copy(t, x_offset, &gas, sizeof(gas));
	r = pick_register(t, gas, port_offset, len_offset);
	if (r.space == ACPI_SPACE_IO && r.addr > 0xffff) {
		pr_warn("ACPI: the FADT's register at offset %u is at port 0x%lx: left out",
			x_offset, r.addr);
		return (struct acpi_register){ 0 };
	}
	if (gas.addr && !r.addr)
		pr_warn("ACPI: the FADT's register at offset %u lies in address space %u: left out",
			x_offset, gas.space);
	return r;
}

/* This one may lie in configuration space too, of bus 0 (ACPI 6.4 §4.8.3.6). */
static struct acpi_register read_reset(const struct acpi_table *t)
{
	struct acpi_gas gas;

	acpi_copy(t, FADT_RESET, &gas, sizeof(gas));
	if (gas.space != ACPI_SPACE_PCI)
		return read_register(t, FADT_RESET, 0, 0);
	if (gas.addr >> 37 || gas.addr >> 19 & 0x1fff || gas.addr >> 8 & 0xff) {
		pr_warn("ACPI: the reset register would be 0x%lx of configuration space: left out",
			gas.addr);
		return (struct acpi_register){ 0 };
	}
	return (struct acpi_register){ gas.addr, gas.space, gas.width };
}

void acpi_read_fadt(const struct acpi_table *t, struct acpi_info *out, u64 *dsdt)
{
	u32 flags = acpi_u32(t, FADT_FLAGS);

	out->has_fadt = true;
	out->sci_irq = acpi_u16(t, FADT_SCI);
	out->smi_cmd_port = acpi_u32(t, FADT_SMI_CMD);
	out->acpi_enable = acpi_u8(t, FADT_ACPI_ENABLE);
	out->hw_reduced = flags & FLAG_HW_REDUCED;
	out->no_cmos_rtc = acpi_u16(t, FADT_BOOT_ARCH) & BOOT_NO_CMOS_RTC;

	out->pm1a_evt = read_register(t, FADT_X_PM1A_EVT, FADT_PM1A_EVT, FADT_PM1_EVT_LEN);
	out->pm1b_evt = read_register(t, FADT_X_PM1B_EVT, FADT_PM1B_EVT, FADT_PM1_EVT_LEN);
	out->pm1a_cnt = read_register(t, FADT_X_PM1A_CNT, FADT_PM1A_CNT, FADT_PM1_CNT_LEN);
	out->pm1b_cnt = read_register(t, FADT_X_PM1B_CNT, FADT_PM1B_CNT, FADT_PM1_CNT_LEN);
	out->pm_timer = read_register(t, FADT_X_PM_TMR, FADT_PM_TMR, FADT_PM_TMR_LEN);
	out->pm_timer_32bit = flags & FLAG_TMR_VAL_EXT;

	out->reset = read_reset(t);
	out->has_reset = (flags & FLAG_RESET_REG) && out->reset.addr;
	out->reset_value = acpi_u8(t, FADT_RESET_VALUE);

	*dsdt = acpi_u64(t, FADT_X_DSDT);
	if (!*dsdt)
		*dsdt = acpi_u32(t, FADT_DSDT);
}

/* ---- AML, just enough of it for Name (\_S5, Package () { a, b, ... }). ----------------------- */

#define AML_ZERO	0x00
#define AML_ONE		0x01
#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_WORD	0x0b
#define AML_DWORD	0x0c
#define AML_PACKAGE	0x12

/* The small integer at *@pos, moving behind it; false if it is anything else. */
static bool read_integer(const struct acpi_table *t, u32 *pos, u8 *value)
{
	u8 op = acpi_u8(t, *pos);
	u32 len = op == AML_BYTE ? 1 : op == AML_WORD ? 2 : op == AML_DWORD ? 4 : 0;

	if (*pos >= t->len || len >= t->len - *pos)
		return false;
	if (!len && op != AML_ZERO && op != AML_ONE)
		return false;
	*value = len ? acpi_u8(t, *pos + 1) : op;
	*pos += 1 + len;
	return true;
}

/* @pos is behind the name. */
static bool read_package(const struct acpi_table *t, u32 pos, u8 *a, u8 *b)
{
	u8 nr_elements;

	if (acpi_u8(t, pos) != AML_PACKAGE)
		return false;
	/* PkgLength: the top two bits of its first byte count the bytes that follow. */
	pos += 2 + (acpi_u8(t, pos + 1) >> 6);
	nr_elements = acpi_u8(t, pos++);
	if (nr_elements < 1 || !read_integer(t, &pos, a))
		return false;
	*b = *a;
	return nr_elements < 2 || read_integer(t, &pos, b);
}

void acpi_read_s5(const struct acpi_table *dsdt, struct acpi_info *out)
{
	for (u32 i = sizeof(struct acpi_header) + 1; i < dsdt->len && dsdt->len - i >= 4; i++) {
		const u8 *p = dsdt->base + i;

		if (memcmp(p, "_S5_", 4))
			continue;
		if (p[-1] != AML_NAME && !(p[-1] == '\\' && p[-2] == AML_NAME))
			continue;
		if (read_package(dsdt, i + 4, &out->s5_a, &out->s5_b)) {
			out->has_s5 = true;
			return;
		}
	}
	pr_warn("ACPI: the DSDT has no package \\_S5: how to switch off only dom0 can say");
}
