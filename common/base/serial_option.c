/* SPDX-License-Identifier: MIT */
/*
 * com1= and com2=: the grammar.
 *
 * <baud>[/<base-baud>][,[DPS][,[<io-base>|pci|amt][,[<irq>|msi][,[<port-bdf>][,[<bridge-bdf>]]]]]]
 *
 * and name=value for each of these and for what has no place of its own; places come first. Source:
 * Xen 4.17's xen-command-line documentation.
 *
 * Invariant: each part writes a member of *o only after it has been found good as a whole.
 */
#include <isola/serial_option.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/lib/cmdline.h>

#define MAX_CLOCK_HZ    (1u << 30)
#define MAX_REG_SHIFT   6               /* eight registers then fill 512 bytes */
#define MAX_IRQ         255

/* A part of the list: NULL when it was good, else what is wrong with it. */
typedef const char *(*parse_fn)(const char *s, const char *end, struct serial_option *o);

/* Where @c is in @choices: 0 .., or -1. */
static int choice(const char *choices, char c)
{
	for (int i = 0; choices[i]; i++)
		if (choices[i] == c)
			return i;
	return -1;
}

static const char *parse_clock(const char *s, const char *end, struct serial_option *o)
{
	u64 base_baud;

	if (cmdline_parse_u64(s, end, &base_baud) || !base_baud ||
	    base_baud > MAX_CLOCK_HZ / CLOCKS_PER_BIT)
		return "not a base baud rate";
	o->clock_hz = base_baud * CLOCKS_PER_BIT;
	return NULL;
}

static const char *parse_rate(const char *s, const char *end, struct serial_option *o)
{
	u64 baud;

	if (cmdline_is(s, end, "auto")) {
		o->baud = 0;
		return NULL;
	}
	if (cmdline_parse_u64(s, end, &baud) || !baud || baud > MAX_CLOCK_HZ)
		return "not a baud rate";
	o->baud = baud;
	return NULL;
}

/* <baud>[/<base-baud>]: two parts, of which either may be wrong. */
static const char *parse_baud(const char *s, const char *end, struct serial_option *o)
{
	const char *slash = s, *why = NULL, *why_base = NULL;

	while (slash < end && *slash != '/')
		slash++;
	if (slash > s)
		why = parse_rate(s, slash, o);
	if (slash < end)
		why_base = parse_clock(slash + 1, end, o);
	return why ? why : why_base;
}

static const char *parse_data_bits(const char *s, const char *end, struct serial_option *o)
{
	if (end - s != 1 || choice("5678", *s) < 0)
		return "data bits are 5 to 8";
	o->data_bits = *s - '0';
	return NULL;
}

/* Codes 0 1 3 5 7 are none, odd, even, mark, space. */
static const char *parse_parity(const char *s, const char *end, struct serial_option *o)
{
	static const u8 codes[] = { 0, 1, 3, 5, 7 };

	if (end - s != 1 || choice("noems", *s) < 0)
		return "parity is n, o, e, m or s";
	o->parity = codes[choice("noems", *s)];
	return NULL;
}

static const char *parse_stop_bits(const char *s, const char *end, struct serial_option *o)
{
	if (end - s != 1 || choice("12", *s) < 0)
		return "stop bits are 1 or 2";
	o->stop_bits = *s - '0';
	return NULL;
}

static const char *parse_frame(const char *s, const char *end, struct serial_option *o)
{
	static const parse_fn parts[] = { parse_data_bits, parse_parity, parse_stop_bits };
	const char *why = NULL;

	if (end - s != ARRAY_SIZE(parts))
		return "not data bits, parity and stop bits";
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *w = parts[i](s + i, s + i + 1, o);

		why = why ? why : w;
	}
	return why;
}

static const char *parse_base(const char *s, const char *end, struct serial_option *o)
{
	u64 base;

	if (cmdline_parse_u64(s, end, &base) || !base)
		return "not an I/O base";
	if (base > SERIAL_MAX_IO_BASE && base < 0x10000)
		return "the eight ports would not fit below 64 KiB";
	o->base = base;
	o->has_base = true;
	return NULL;
}

static const char *parse_device(const char *s, const char *end, struct serial_option *o)
{
	if (cmdline_is(s, end, "pci"))
		o->device = SERIAL_PCI;
	else if (cmdline_is(s, end, "amt"))
		o->device = SERIAL_AMT;
	else
		return "devices are pci and amt";
	return NULL;
}

static const char *parse_place(const char *s, const char *end, struct serial_option *o)
{
	return parse_device(s, end, o) ? parse_base(s, end, o) : NULL;
}

static const char *parse_irq(const char *s, const char *end, struct serial_option *o)
{
	u64 irq = 0;

	if (!cmdline_is(s, end, "msi") && (cmdline_parse_u64(s, end, &irq) || irq > MAX_IRQ))
		return "not an interrupt";
	o->irq = irq;
	return NULL;
}

/* Hexadecimal digits up to @stop or @end, at most @max; *@s is left behind the stop. */
static bool hex_field(const char **s, const char *end, char stop, u32 max, u32 *val)
{
	const char *p = *s;
	int digit;

	for (*val = 0; p < end && (digit = choice("0123456789abcdef", *p | ' ')) >= 0; p++)
		if ((*val = *val * 16 + digit) > max)
			return false;
	if (p == *s || (stop ? p == end || *p != stop : p != end))
		return false;
	*s = p + (stop != '\0');
	return true;
}

/* [<segment>:]<bus>:<device>.<function>; there is segment 0 only. */
static bool parse_bdf(const char *s, const char *end, u16 *bdf)
{
	u32 bus, dev, fn;

	if (end - s > 5 && s[4] == ':') {
		if (!hex_field(&s, end, ':', 0, &bus))
			return false;
	}
	if (!hex_field(&s, end, ':', 0xff, &bus) || !hex_field(&s, end, '.', 0x1f, &dev) ||
	    !hex_field(&s, end, '\0', 7, &fn))
		return false;
	*bdf = bus << 8 | dev << 3 | fn;
	return true;
}

static const char *parse_port(const char *s, const char *end, struct serial_option *o)
{
	if (!parse_bdf(s, end, &o->port))
		return "not a PCI bus:device.function";
	o->has_port = true;
	return NULL;
}

static const char *parse_bridge(const char *s, const char *end, struct serial_option *o)
{
	if (!parse_bdf(s, end, &o->bridge))
		return "not a PCI bus:device.function";
	o->has_bridge = true;
	return NULL;
}

static const char *parse_reg_shift(const char *s, const char *end, struct serial_option *o)
{
	u64 shift;

	if (cmdline_parse_u64(s, end, &shift) || shift > MAX_REG_SHIFT)
		return "register shifts are 0 to 6";
	o->reg_shift = shift;
	return NULL;
}

static const char *parse_reg_width(const char *s, const char *end, struct serial_option *o)
{
	if (end - s != 1 || choice("14", *s) < 0)
		return "register widths are 1 and 4";
	o->reg_width = *s - '0';
	return NULL;
}

static const parse_fn places[] = {
	parse_baud, parse_frame, parse_place, parse_irq, parse_port, parse_bridge,
};

static const struct { const char *name; parse_fn parse; } names[] = {
	{ "baud", parse_rate },
	{ "bridge", parse_bridge },
	{ "clock-hz", parse_clock },
	{ "data-bits", parse_data_bits },
	{ "dev", parse_device },
	{ "io-base", parse_base },
	{ "irq", parse_irq },
	{ "parity", parse_parity },
	{ "port", parse_port },
	{ "reg-shift", parse_reg_shift },
	{ "reg-width", parse_reg_width },
	{ "stop-bits", parse_stop_bits },
};

static const char *parse_named(const char *s, const char *end, struct serial_option *o)
{
	const char *value;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (cmdline_has_value(s, end, names[i].name, &value))
			return names[i].parse(value, end, o);
	return "no such name";
}

static bool has_equals(const char *s, const char *end)
{
	while (s < end && *s != '=')
		s++;
	return s < end;
}

void serial_option_parse(unsigned nr, const char *value, struct serial_option *o)
{
	const char *cursor = value, *item, *end;
	bool named = false;

	for (unsigned place = 0; cmdline_next_item(&cursor, &item, &end); place++) {
		const char *why = NULL;

		if (has_equals(item, end)) {
			named = true;
			why = parse_named(item, end, o);
		} else if (item == end) {
			continue;
		} else if (named) {
			why = "a value without a name stands before those that have one";
		} else {
			why = place < ARRAY_SIZE(places) ? places[place](item, end, o)
							 : "one value too many";
		}
		if (why)
			pr_warn("com%u=: ignoring \"%.*s\": %s", nr, (int)(end - item), item, why);
	}
}
