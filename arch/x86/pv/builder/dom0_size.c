/* SPDX-License-Identifier: MIT */
/*
 * dom0_mem= and dom0_max_vcpus=: see asm/dom0_size.h.
 *
 * Invariant: an option's value is taken whole or not at all. Amounts are of what is available when
 * dom0 is built: a negative one leaves that much, a percentage is a part of it.
 */
#include <asm/dom0_size.h>
#include <asm/layout.h>
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <isola/printk.h>
#include <isola/vcpu.h>

/* `[-](<size> | <n>% | <size>+<n>%)'; given: it stands on the command line. */
struct amount {
	bool given, minus;
	u32 percent;
	u64 bytes;
};

struct mem_option {
	struct amount size, min, max;
};

/* `<n>', `<n>-', `-<n>', `<n>-<n>'. */
struct vcpu_option {
	u64 min, max;
};

static struct mem_option opt_mem;
static struct vcpu_option opt_vcpus = { .min = 1, .max = ~0ul };

/* ---- dom0_mem=[min:|max:]<amount>[,...] ----------------------------------------------------- */

static int parse_percent(const char *s, const char *end, u32 *percent)
{
	u64 v;

	if (s == end || end[-1] != '%' || cmdline_parse_u64(s, end - 1, &v) || v >= 100)
		return -EINVAL;
	*percent = v;
	return 0;
}

static int parse_amount(const char *s, const char *end, struct amount *to)
{
	struct amount a = { .given = true, .minus = s < end && *s == '-' };
	const char *plus;

	s += a.minus;
	for (plus = s; plus < end && *plus != '+'; plus++)
		;
	if (plus < end) {
		if (cmdline_parse_size(s, plus, &a.bytes) ||
		    parse_percent(plus + 1, end, &a.percent))
			return -EINVAL;
	} else if (parse_percent(s, end, &a.percent) && cmdline_parse_size(s, end, &a.bytes)) {
		return -EINVAL;
	}
	*to = a;
	return 0;
}

/* Is [*@s, @end) led by @word? Then *@s moves behind it. */
static bool skip_word(const char **s, const char *end, const char *word)
{
	const char *p = *s;

	while (*word && p < end && *p == *word)
		p++, word++;
	if (*word)
		return false;
	*s = p;
	return true;
}

static int parse_dom0_mem(const char *value)
{
	struct mem_option m = opt_mem;
	const char *cursor = value, *item, *end;

	if (!*value)
		return -EINVAL;
	while (cmdline_next_item(&cursor, &item, &end)) {
		struct amount *to = skip_word(&item, end, "min:") ? &m.min :
				    skip_word(&item, end, "max:") ? &m.max : &m.size;

		if (parse_amount(item, end, to))
			return -EINVAL;
	}
	opt_mem = m;
	return 0;
}
CMDLINE_LIMIT("dom0_mem", parse_dom0_mem);

/* A bare 0 is as good as none, with Xen. */
static bool is_asked_for(const struct amount *a)
{
	return a->given && (a->minus || a->bytes || a->percent);
}

/* A negative amount of more than there is leaves nothing. */
static u64 pages_of(const struct amount *a, u64 avail)
{
	u64 part = avail / 100 * a->percent + avail % 100 * a->percent / 100;
	u64 pages = a->bytes / PAGE_SIZE + part;

	if (!a->minus)
		return pages;
	return pages < avail ? avail - pages : 0;
}

u64 dom0_size_pages(u64 avail)
{
	u64 least = pages_of(&opt_mem.min, avail), pages = avail;

	if (is_asked_for(&opt_mem.size))
		pages = pages_of(&opt_mem.size, avail);
	pages = max(pages, least);
	if (opt_mem.max.given)
		pages = min(pages, pages_of(&opt_mem.max, avail));
	if (pages > avail) {
		pr_warn("dom0_mem: %lu MiB are wanted for dom0, which gets the %lu MiB that are "
			"free", pages >> 8, avail >> 8);
		pages = avail;
	}
	if (!pages)
		fatal("dom0_mem: of the %lu MiB that are free nothing is left for dom0",
		      avail >> 8);
	return pages;
}

u32 dom0_size_max_pages(u64 avail)
{
	return opt_mem.max.given ? min(pages_of(&opt_mem.max, avail), (u64)~0u) : ~0u;
}

/* ---- dom0_max_vcpus=<n> | [<min>]-[<max>] --------------------------------------------------- */

static int parse_dom0_max_vcpus(const char *value)
{
	struct vcpu_option v = opt_vcpus;
	const char *dash, *end;

	for (dash = value; *dash && *dash != '-'; dash++)
		;
	for (end = dash; *end; end++)
		;
	if (dash > value && cmdline_parse_u64(value, dash, &v.min))
		return -EINVAL;
	v.min = max(v.min, (u64)1);
	if (dash == end)
		v.max = v.min;
	else if (end - dash > 1 && (cmdline_parse_u64(dash + 1, end, &v.max) || !v.max))
		return -EINVAL;
	if (end - value == (*value == '-'))		/* nothing, or a dash alone */
		return -EINVAL;
	opt_vcpus = v;
	return 0;
}
CMDLINE_LIMIT("dom0_max_vcpus", parse_dom0_max_vcpus);

unsigned dom0_size_vcpus(unsigned nr_cpus)
{
	u64 nr = min(max((u64)nr_cpus, opt_vcpus.min), opt_vcpus.max);

	if (nr > MAX_VCPUS && opt_vcpus.min > MAX_VCPUS)
		pr_warn("dom0_max_vcpus: %lu vCPUs are wanted for dom0, which gets %u", nr,
			MAX_VCPUS);
	return min(nr, (u64)MAX_VCPUS);
}
