/* SPDX-License-Identifier: MIT */
/*
 * The console's screen: the hypervisor's lines, while it boots and at the end; in between the
 * screen is dom0's, unless it is to be kept.
 *
 * vga=<item>[,<item>]...: `keep'; and modes in Xen's words, which only the loader can set: what it
 * has set is what there is. Source: Xen 4.17's xen-command-line documentation.
 */
#include <isola/console.h>
#include <isola/console_port.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/screen.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>

static enum { CLOSED, IN_USE, LEFT } state;
static bool keep;
static char wanted_mode[32];            /* "": as it is */

bool console_screen_open(const char **why)
{
	char mode[sizeof(wanted_mode)];

	if (!screen_open(why))
		return false;
	state = IN_USE;
	screen_describe(mode, sizeof(mode));
	pr_info("screen: %s", mode);
	if (wanted_mode[0] && strcmp(wanted_mode, mode))
		pr_warn("vga=: no \"%s\": a mode is the loader's to set, in GRUB's menu by `set "
			"gfxpayload=' behind the multiboot2 line", wanted_mode);
	return true;
}

void console_screen_put(char c)
{
	if (state == IN_USE)
		screen_put(c);
}

void console_leave_screen(void)
{
	if (state != IN_USE || keep)
		return;
	pr_info("the screen is dom0's from now on");
	state = LEFT;
}

void console_screen_force(void)
{
	const char *why;

	if (state == LEFT && screen_open(&why))
		state = IN_USE;
}

/* ---- vga= ------------------------------------------------------------------------------------ */

static bool begins(const char *s, const char *end, const char *with)
{
	size_t len = strlen(with);

	return (size_t)(end - s) > len && !strncmp(s, with, len);
}

static bool is_mode(const char *s, const char *end)
{
	return (begins(s, end, "text-80x") || begins(s, end, "gfx-") || begins(s, end, "mode-")) &&
	       (size_t)(end - s) < sizeof(wanted_mode);
}

static const char *parse_item(const char *s, const char *end)
{
	if (cmdline_is(s, end, "keep")) {
		keep = true;
	} else if (cmdline_is(s, end, "current")) {
		wanted_mode[0] = '\0';
	} else if (cmdline_is(s, end, "ask")) {
		return "nobody can be asked, for the loader sets the mode";
	} else if (is_mode(s, end)) {
		strlcpy(wanted_mode, s, end - s + 1);
	} else {
		return "no such mode";
	}
	return NULL;
}

static int parse_vga(const char *value)
{
	const char *cursor = value, *item, *end, *why;

	if (!*value)
		return -EINVAL;
	while (cmdline_next_item(&cursor, &item, &end)) {
		why = parse_item(item, end);
		if (why)
			pr_warn("vga=: ignoring \"%.*s\": %s", (int)(end - item), item, why);
	}
	return 0;
}
CMDLINE_CUSTOM("vga", parse_vga);
