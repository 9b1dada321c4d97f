/* SPDX-License-Identifier: MIT */
/*
 * console_timestamps=none|date|datems|boot|raw: what Xen 4.17 prints for each. What cannot be told
 * yet is told by the next in that order: time of day, time since boot, the TSC.
 */
#include <isola/console_stamp.h>
#include <isola/clock.h>
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>
#include <asm/insn.h>

#define SECONDS_A_DAY 86400ul

static enum stamp { NONE, DATE, DATE_MS, BOOT, RAW } stamp;

u64 (*console_wall_ns)(void);

struct date {
	unsigned year, month, day;
};

/*
 * Of day @days since 1970-01-01. Years are counted from March, so that the leap day is the last:
 * the inverse of arch/x86/time/wallclock.c's days_since_1970().
 */
static struct date date_of(u64 days)
{
	u64 z = days + 719468, era = z / 146097, in_era = z % 146097;
	u64 year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	u64 in_year = in_era - (365 * year + year / 4 - year / 100), m = (5 * in_year + 2) / 153;
	unsigned month = m < 10 ? m + 3 : m - 9;

	return (struct date){ .year = year + era * 400 + (month <= 2), .month = month,
			      .day = in_year - (153 * m + 2) / 5 + 1 };
}

static size_t put_date(char *buf, u64 ns)
{
	u64 seconds = ns / SECONDS(1);
	unsigned of_day = seconds % SECONDS_A_DAY;
	struct date d = date_of(seconds / SECONDS_A_DAY);
	size_t len = snprintf(buf, CONSOLE_STAMP_BYTES, "[%04u-%02u-%02u %02u:%02u:%02u", d.year,
			      d.month, d.day, of_day / 3600, of_day / 60 % 60, of_day % 60);

	if (stamp == DATE_MS)
		len += snprintf(buf + len, CONSOLE_STAMP_BYTES - len, ".%03lu",
				 ns % SECONDS(1) / MILLISECS(1));
	return len + snprintf(buf + len, CONSOLE_STAMP_BYTES - len, "] ");
}

size_t console_stamp(char buf[CONSOLE_STAMP_BYTES])
{
	u64 ns;

	if (stamp == NONE)
		return 0;
	if (stamp <= DATE_MS && console_wall_ns)
		return put_date(buf, console_wall_ns());
	if (stamp == RAW || !tsc_khz)
		return snprintf(buf, CONSOLE_STAMP_BYTES, "[%016lx] ", rdtsc_ordered());
	ns = now_ns();
	return snprintf(buf, CONSOLE_STAMP_BYTES, "[%5lu.%06lu] ", ns / SECONDS(1),
			 ns % SECONDS(1) / MICROSECS(1));
}

/* The bare name, and a bool that is one, are `date'. */
static int parse(const char *value)
{
	static const char *const words[] = { "none", "date", "datems", "boot", "raw" };
	const char *end = value + strlen(value);
	int on = *value ? cmdline_parse_bool(value, NULL) : 1;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (cmdline_is(value, end, words[i])) {
			stamp = i;
			return 0;
		}
	if (on < 0)
		return -EINVAL;
	stamp = on ? DATE : NONE;
	return 0;
}
CMDLINE_CUSTOM("console_timestamps", parse);
