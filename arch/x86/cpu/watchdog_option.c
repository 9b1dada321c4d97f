/* SPDX-License-Identifier: MIT */
/*
 * watchdog=, watchdog_timeout=: Xen's words for one that looks by NMI, from a performance counter,
 * whether a CPU still takes timers. It is not built: no machine that Isola has run on has such a
 * counter, so it would be code that nobody has seen to notice anything. Whoever asks is told.
 */
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <isola/printk.h>

static int parse_watchdog(const char *value)
{
	int on = *value ? cmdline_parse_bool(value, NULL) : 1;

	if (on < 0 && !cmdline_is(value, NULL, "force"))
		return -EINVAL;
	if (on)
		pr_warn("watchdog=: the NMI watchdog is not built; CPUs that hang are not noticed");
	return 0;
}
CMDLINE_CUSTOM("watchdog", parse_watchdog);

/* Seconds, of what is not there. */
static int parse_timeout(const char *value)
{
	u64 seconds;

	return cmdline_parse_u64(value, NULL, &seconds);
}
CMDLINE_CUSTOM("watchdog_timeout", parse_timeout);
