/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own log: levels, rate limits, one line at a time.
 *
 * Invariants: a line is put together on the caller's stack and handed to the console whole.
 * Whatever a guest can cause is limited per domain: a burst, then so many lines a second (BUG-2);
 * what was dropped is counted and told.
 */
#include <isola/printk.h>
#include <isola/console.h>
#include <isola/errno.h>
#include <isola/clock.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/format.h>

#define LINE_BYTES         256
#define LIMIT_BURST        40           /* lines */
#define LIMIT_NS_PER_LINE  MILLISECS(125)

/* Levels below `always' are printed, those below `limited' within the rate limit. 0 = none. */
struct threshold {
	u8 always, limited;
};
static struct threshold hv_threshold = { LOG_INFO + 1, LOG_INFO + 1 };
static struct threshold guest_threshold = { 0, LOG_WARNING + 1 };
static struct log_limit hv_limit;       /* for lines that are about no domain */

/*
 * A bucket of LIMIT_BURST lines that fills by one each LIMIT_NS_PER_LINE; `used_until' is when it
 * is full again.
 */
static bool limit_allows(struct log_limit *limit, u32 *dropped)
{
	u64 now = now_ns();
	u64 full_at = READ_ONCE(limit->full_at);

	if (full_at < now)
		full_at = now;
	if (full_at - now >= LIMIT_BURST * LIMIT_NS_PER_LINE) {
		__atomic_fetch_add(&limit->dropped, 1, __ATOMIC_RELAXED);
		return false;
	}
	/* CPUs may race: a line more, never without end */
	WRITE_ONCE(limit->full_at, full_at + LIMIT_NS_PER_LINE);
	*dropped = __atomic_exchange_n(&limit->dropped, 0, __ATOMIC_RELAXED);
	return true;
}

bool log_shows(enum log_level level, bool about_guest)
{
	const struct threshold *t = about_guest ? &guest_threshold : &hv_threshold;

	return (u8)level < max(t->always, t->limited);
}

/* Of a line that is shown: does the rate limit let it through? */
static bool may_print(enum log_level level, bool about_guest, const struct log_subject *s)
{
	struct log_limit *limit = s ? s->limit : &hv_limit;
	u32 dropped = 0;

	if ((u8)level < hv_threshold.always && !about_guest)
		return true;
	if (!limit_allows(limit, &dropped))
		return false;
	if (dropped) {
		char line[64];
		int len = scnprintf(line, sizeof(line), "%u lines suppressed", dropped);

		console_write_line(line, len);
	}
	return true;
}

void vprintk(enum log_level level, bool about_guest, const char *fmt, va_list ap)
{
	struct log_subject s;
	char line[LINE_BYTES];
	bool known;
	int len = 0;

	if (!log_shows(level, about_guest))
		return;
	known = about_guest && log_subject(&s);
	if (!may_print(level, about_guest, known ? &s : NULL))
		return;
	if (known)
		len = scnprintf(line, sizeof(line), "d%uv%u ", s.domid, s.vcpu);
	len += vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	console_write_line(line, min_t(size_t, len, sizeof(line) - 1));
}

void printk_level(enum log_level level, bool about_guest, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk(level, about_guest, fmt, ap);
	va_end(ap);
}

/* ---- loglvl=<level>[/<level>], guest_loglvl= ------------------------------------------------ */

static int parse_level(const char *s, const char *end)
{
	static const struct { const char *word; int threshold; } words[] = {
		{ "none", 0 }, { "error", LOG_ERR + 1 }, { "warning", LOG_WARNING + 1 },
		{ "info", LOG_INFO + 1 }, { "debug", LOG_DEBUG + 1 }, { "all", LOG_DEBUG + 1 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (cmdline_is(s, end, words[i].word))
			return words[i].threshold;
	return -EINVAL;
}

/* Either level may be wrong: that costs itself, and is said. */
static int parse_threshold(const char *name, const char *value, struct threshold *t)
{
	const char *slash = value, *end;
	int lower, upper;

	while (*slash && *slash != '/')
		slash++;
	for (end = slash; *end; end++)
		;
	lower = parse_level(value, slash);
	upper = *slash ? parse_level(slash + 1, end) : lower;
	if (lower < 0 && upper < 0)
		return -EINVAL;
	if (lower >= 0)
		t->always = lower;
	if (upper >= 0)
		t->limited = max(t->always, (u8)upper);
	else
		t->limited = max(t->always, t->limited);
	if (lower < 0 || upper < 0)
		pr_warn("%s=: ignoring \"%.*s\": no such level", name,
			(int)(lower < 0 ? slash - value : end - slash - 1),
			lower < 0 ? value : slash + 1);
	return 0;
}

static int parse_loglvl(const char *value)
{
	return parse_threshold("loglvl", value, &hv_threshold);
}

static int parse_guest_loglvl(const char *value)
{
	return parse_threshold("guest_loglvl", value, &guest_threshold);
}

CMDLINE_CUSTOM("loglvl", parse_loglvl);
CMDLINE_CUSTOM("guest_loglvl", parse_guest_loglvl);
