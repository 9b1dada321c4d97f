/* SPDX-License-Identifier: MIT */
/*
 * com1= and com2=: a table of values, each with what it must ask for and what must be said about
 * it. A part that is wrong costs that part: what came before it and after it counts.
 *
 * Sources: common/base/serial_option.c common/lib/cmdline.c
 */
#include "log_stub.h"
#include "tap.h"
#include <isola/lib/cmdline.h>
#include <isola/serial_option.h>

/* The linker wants the section to be there. */
static bool unused;
CMDLINE_BOOL("unused", unused);

#define DEFAULTS \
	.baud = 115200, .clock_hz = 1843200, .data_bits = 8, .stop_bits = 1, .reg_width = 1, \
	.irq = -1
#define BASE(b) .has_base = true, .base = (b)
#define PORT(b) .has_port = true, .port = (b)
#define BRIDGE(b) .has_bridge = true, .bridge = (b)

#pragma GCC diagnostic ignored "-Woverride-init"
static const struct {
	const char *value;
	struct serial_option want;
	/* what is ignored and why, joined by newlines; NULL: nothing */
	const char *complaint;
} cases[] = {
	{ "115200", { DEFAULTS }, NULL },
	{ "9600", { DEFAULTS, .baud = 9600 }, NULL },
	{ "auto", { DEFAULTS, .baud = 0 }, NULL },
	{ "115200/115200", { DEFAULTS }, NULL },
	{ "9600/921600", { DEFAULTS, .baud = 9600, .clock_hz = 14745600 }, NULL },
	{ "/921600", { DEFAULTS, .clock_hz = 14745600 }, NULL },
	{ "auto/460800", { DEFAULTS, .baud = 0, .clock_hz = 7372800 }, NULL },
	{ "115200,8n1", { DEFAULTS }, NULL },
	{ "38400,7e2",
	  { DEFAULTS, .baud = 38400, .data_bits = 7, .parity = 3, .stop_bits = 2 },
	  NULL },
	{ "38400,5o1", { DEFAULTS, .baud = 38400, .data_bits = 5, .parity = 1 }, NULL },
	{ "38400,6m1", { DEFAULTS, .baud = 38400, .data_bits = 6, .parity = 5 }, NULL },
	{ "38400,8s1", { DEFAULTS, .baud = 38400, .parity = 7 }, NULL },
	{ "115200,8n1,0x3e8,5", { DEFAULTS, BASE(0x3e8), .irq = 5 }, NULL },
	{ "115200,8n1,0x3e8,0", { DEFAULTS, BASE(0x3e8), .irq = 0 }, NULL },
	{ "115200,8n1,0x3e8,msi", { DEFAULTS, BASE(0x3e8), .irq = 0 }, NULL },
	{ "115200,8n1,1016", { DEFAULTS, BASE(0x3f8) }, NULL },
	{ "115200,,0x2f8", { DEFAULTS, BASE(0x2f8) }, NULL },
	{ ",,0x2f8,3", { DEFAULTS, BASE(0x2f8), .irq = 3 }, NULL },
	{ "115200,8n1,0xfe030000", { DEFAULTS, BASE(0xfe030000) }, NULL },
	{ "115200,8n1,0x4010c01000,0", { DEFAULTS, BASE(0x4010c01000), .irq = 0 }, NULL },
	{ "115200,8n1,pci", { DEFAULTS, .device = SERIAL_PCI }, NULL },
	{ "115200,8n1,amt", { DEFAULTS, .device = SERIAL_AMT }, NULL },
	{ "115200,8n1,pci,0", { DEFAULTS, .device = SERIAL_PCI, .irq = 0 }, NULL },
	{ "115200,8n1,pci,0,01:1f.7",
	  { DEFAULTS, .device = SERIAL_PCI, .irq = 0, PORT(0x1ff) },
	  NULL },
	{ "115200,8n1,0xe000,0,02:00.0,00:1c.4",
	  { DEFAULTS, BASE(0xe000), .irq = 0, PORT(0x200), BRIDGE(0xe4) },
	  NULL },
	{ "115200,8n1,,,0000:0A:05.1", { DEFAULTS, PORT(0xa29) }, NULL },

	{ "baud=9600,parity=e,data-bits=7,stop-bits=2,io-base=0x3e8,irq=10",
	  { DEFAULTS, .baud = 9600, .parity = 3, .data_bits = 7, .stop_bits = 2, BASE(0x3e8),
	    .irq = 10 },
	  NULL },
	{ "baud=auto", { DEFAULTS, .baud = 0 }, NULL },
	{ "115200,8n1,0x3f8,4,reg-width=4,reg-shift=2",
	  { DEFAULTS, BASE(0x3f8), .irq = 4, .reg_width = 4, .reg_shift = 2 },
	  NULL },
	{ "115200,reg_width=4,reg_shift=2,io_base=0xfedc9000",
	  { DEFAULTS, .reg_width = 4, .reg_shift = 2, BASE(0xfedc9000) },
	  NULL },
	{ "clock-hz=921600", { DEFAULTS, .clock_hz = 14745600 }, NULL },
	{ "dev=pci,port=00:04.0,bridge=00:01.0",
	  { DEFAULTS, .device = SERIAL_PCI, PORT(0x20), BRIDGE(8) },
	  NULL },
	{ "115200,8n1,dev=amt", { DEFAULTS, .device = SERIAL_AMT }, NULL },

	/* A part that is wrong costs itself. */
	{ "fast,7e2,0x3e8,5",
	  { DEFAULTS, .data_bits = 7, .parity = 3, .stop_bits = 2, BASE(0x3e8), .irq = 5 },
	  "\"fast\": not a baud rate" },
	{ "9600/slow,8n1,0x3e8",
	  { DEFAULTS, .baud = 9600, BASE(0x3e8) },
	  "\"9600/slow\": not a base baud rate" },
	{ "x/921600,8n1", { DEFAULTS, .clock_hz = 14745600 }, "\"x/921600\": not a baud rate" },
	{ "0,8n1", { DEFAULTS }, "\"0\": not a baud rate" },
	{ "9600,8n1x,0x3e8,5",
	  { DEFAULTS, .baud = 9600, BASE(0x3e8), .irq = 5 },
	  "\"8n1x\": not data bits, parity and stop bits" },
	{ "9600,9n2", { DEFAULTS, .baud = 9600, .stop_bits = 2 }, "\"9n2\": data bits are 5 to 8" },
	{ "9600,7x2",
	  { DEFAULTS, .baud = 9600, .data_bits = 7, .stop_bits = 2 },
	  "\"7x2\": parity is n, o, e, m or s" },
	{ "9600,7e3",
	  { DEFAULTS, .baud = 9600, .data_bits = 7, .parity = 3 },
	  "\"7e3\": stop bits are 1 or 2" },
	{ "9600,7e2,here,5",
	  { DEFAULTS, .baud = 9600, .data_bits = 7, .parity = 3, .stop_bits = 2, .irq = 5 },
	  "\"here\": not an I/O base" },
	{ "9600,8n1,0", { DEFAULTS, .baud = 9600 }, "\"0\": not an I/O base" },
	{ "9600,8n1,0xfffc",
	  { DEFAULTS, .baud = 9600 },
	  "\"0xfffc\": the eight ports would not fit below 64 KiB" },
	{ "9600,8n1,0x3e8,five",
	  { DEFAULTS, .baud = 9600, BASE(0x3e8) },
	  "\"five\": not an interrupt" },
	{ "9600,8n1,0x3e8,256,00:04.0",
	  { DEFAULTS, .baud = 9600, BASE(0x3e8), PORT(0x20) },
	  "\"256\": not an interrupt" },
	{ "9600,8n1,pci,,4",
	  { DEFAULTS, .baud = 9600, .device = SERIAL_PCI },
	  "\"4\": not a PCI bus:device.function" },
	{ "9600,8n1,pci,,00:20.0",
	  { DEFAULTS, .baud = 9600, .device = SERIAL_PCI },
	  "\"00:20.0\": not a PCI bus:device.function" },
	{ "9600,8n1,pci,,100:00.0",
	  { DEFAULTS, .baud = 9600, .device = SERIAL_PCI },
	  "\"100:00.0\": not a PCI bus:device.function" },
	{ "9600,8n1,pci,,00:04.8",
	  { DEFAULTS, .baud = 9600, .device = SERIAL_PCI },
	  "\"00:04.8\": not a PCI bus:device.function" },
	{ "9600,8n1,pci,,0001:00:04.0",
	  { DEFAULTS, .baud = 9600, .device = SERIAL_PCI },
	  "\"0001:00:04.0\": not a PCI bus:device.function" },
	{ "9600,8n1,0x3e8,5,00:04.0,00:01.0,more",
	  { DEFAULTS, .baud = 9600, BASE(0x3e8), .irq = 5, PORT(0x20), BRIDGE(8) },
	  "\"more\": one value too many" },
	{ "9600,8n1,colour=red,io-base=0x3e8",
	  { DEFAULTS, .baud = 9600, BASE(0x3e8) },
	  "\"colour=red\": no such name" },
	{ "baud=9600,8n1,parity=e",
	  { DEFAULTS, .baud = 9600, .parity = 3 },
	  "\"8n1\": a value without a name stands before those that have one" },
	{ "9600,reg-width=2,reg-shift=7,stop-bits=2",
	  { DEFAULTS, .baud = 9600, .stop_bits = 2 },
	  "\"reg-width=2\": register widths are 1 and 4\n\"reg-shift=7\": register shifts are 0 to "
	  "6" },
	{ "dev=usb,irq=,baud=9600",
	  { DEFAULTS, .baud = 9600 },
	  "\"dev=usb\": devices are pci and amt\n\"irq=\": not an interrupt" },
	{ "99999999999999999999,8n1,0x3e8",
	  { DEFAULTS, BASE(0x3e8) },
	  "\"99999999999999999999\": not a baud rate" },
};

static const char *expected_log(const char *complaint)
{
	static char text[1024];
	const char *line = complaint;
	size_t at = 0;

	text[0] = '\0';
	while (line) {
		const char *end = strchr(line, '\n');
		int len = end ? (int)(end - line) : (int)strlen(line);

		at += snprintf(text + at, sizeof(text) - at, "com1=: ignoring %.*s\n", len, line);
		line = end ? end + 1 : NULL;
	}
	return text;
}

static bool same(const struct serial_option *a, const struct serial_option *b)
{
	return a->baud == b->baud && a->clock_hz == b->clock_hz && a->data_bits == b->data_bits &&
	       a->stop_bits == b->stop_bits && a->parity == b->parity &&
	       a->has_base == b->has_base && a->base == b->base && a->reg_shift == b->reg_shift &&
	       a->reg_width == b->reg_width && a->irq == b->irq && a->device == b->device &&
	       a->has_port == b->has_port && a->port == b->port && a->has_bridge == b->has_bridge &&
	       a->bridge == b->bridge;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct serial_option got = { DEFAULTS };
		const char *log = expected_log(cases[i].complaint);

		log_text[0] = '\0';
		serial_option_parse(1, cases[i].value, &got);
		ok(same(&got, &cases[i].want) && !strcmp(log_text, log), "com1=%s%s%s",
		   cases[i].value, cases[i].complaint ? ": ignoring " : "",
		   cases[i].complaint && !strchr(cases[i].complaint, '\n') ? cases[i].complaint
									   : "");
		if (strcmp(log_text, log))
			printf("# said: %s", log_text);
	}

	/* Whatever is typed: no crash, and the values stay usable. */
	for (int i = 0; i < 200000; i++) {
		static const char chars[] = "0123456789abcdefnoemsxpciamtirq=,:./- ";
		struct serial_option got = { DEFAULTS };
		char text[40];
		size_t len = tap_random() % (sizeof(text) - 1);

		for (size_t c = 0; c < len; c++)
			text[c] = chars[tap_random() % (sizeof(chars) - 1)];
		text[len] = '\0';
		log_text[0] = '\0';
		serial_option_parse(2, text, &got);
		check(got.clock_hz && got.data_bits >= 5 && got.data_bits <= 8 &&
			      got.stop_bits >= 1 && got.stop_bits <= 2 && got.parity < 8 &&
			      got.reg_shift <= 6 && (got.reg_width == 1 || got.reg_width == 4) &&
			      got.irq >= -1 && got.irq < 256,
		      "com2=%s", text);
	}
	all_ok("200,000 values at random leave an option that can be used");
	return done();
}
