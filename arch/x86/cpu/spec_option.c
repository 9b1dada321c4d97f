/* SPDX-License-Identifier: MIT */
/*
 * spec-ctrl= and pv-l1tf=: what the command line wants done about speculation. A subset of Xen's
 * options, with Xen's words. docs/command-line.md has the grammar for people.
 */
#include <asm/spec_ctrl.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/lib/cmdline.h>

struct spec_wanted spec_wanted = {
	.verw = -1, .rsb = -1, .ibpb = -1, .l1d_flush = -1, .ibrs = -1, .stibp = -1, .ssbd = -1,
	.l1tf_dom0 = -1, .l1tf_domu = -1,
};

/* @by_type: also as <name>=pv[=<bool>]. */
static const struct { const char *name; s8 *wanted; bool by_type; } knobs[] = {
	{ "verw",      &spec_wanted.verw,      true },
	{ "md-clear",  &spec_wanted.verw,      true },          /* its old name */
	{ "rsb",       &spec_wanted.rsb,       true },
	{ "ibpb",      &spec_wanted.ibpb,      false },
	{ "l1d-flush", &spec_wanted.l1d_flush, false },
	{ "ibrs",      &spec_wanted.ibrs,      false },
	{ "stibp",     &spec_wanted.stibp,     false },
	{ "ssbd",      &spec_wanted.ssbd,      false },
};

/* Words of Xen's that have no meaning here, whatever their value. */
static const struct { const char *name, *why; } not_built[] = {
	{ "hvm",           "HVM guests are not built" },
	{ "msr-sc",        "guests have no SPEC_CTRL of their own" },
	{ "ibpb-entry",    "IBPB is done at a change of domain only" },
	{ "bti-thunk",     "indirect branches have no thunk" },
	{ "psfd",          "not built" },
	{ "eager-fpu",     "FPU state is always switched eagerly" },
	{ "branch-harden", "not built" },
	{ "srb-lock",      "not built" },
	{ "unpriv-mmio",   "domains without privilege have no devices" },
	{ "gds-mit",       "not built" },
	{ "div-scrub",     "not built" },
};

static void all_off(bool l1tf_too)
{
	for (unsigned i = 0; i < ARRAY_SIZE(knobs); i++)
		*knobs[i].wanted = 0;
	if (!l1tf_too)
		return;
	/* As with Xen: what was said of them before stands. */
	if (spec_wanted.l1tf_dom0 < 0)
		spec_wanted.l1tf_dom0 = 0;
	if (spec_wanted.l1tf_domu < 0)
		spec_wanted.l1tf_domu = 0;
}

/* `no', and `xen=no': the only values that mean something for everything at once. */
static bool parse_all(const char *s, const char *end)
{
	int all = cmdline_parse_bool(s, end), xen = cmdline_parse_boolean("xen", s, end);

	if (all < 0 && xen < 0)
		return false;
	if (all > 0 || xen > 0)
		pr_warn("spec-ctrl=: \"%.*s\" is refused: what is on by default depends on the "
			"CPU, and everything at once is no sensible wish", (int)(end - s), s);
	else
		all_off(all == 0);
	return true;
}

/* `pv[=<bool>]' after @only's name, or (NULL) for whatever goes by type. */
static bool parse_pv(const char *s, const char *end, s8 *only)
{
	int on = cmdline_parse_boolean("pv", s, end);

	if (on < 0)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(knobs); i++)
		if (knobs[i].by_type && (!only || only == knobs[i].wanted))
			*knobs[i].wanted = on;
	return true;
}

static bool parse_knob(const char *s, const char *end)
{
	for (unsigned i = 0; i < ARRAY_SIZE(knobs); i++) {
		int on = cmdline_parse_boolean(knobs[i].name, s, end);
		const char *value;

		if (on >= 0) {
			*knobs[i].wanted = on;
			return true;
		}
		if (knobs[i].by_type && cmdline_has_value(s, end, knobs[i].name, &value)) {
			if (parse_pv(value, end, knobs[i].wanted))
				return true;
			/* <knob>=hvm: of nothing that is there */
			return cmdline_parse_boolean("hvm", value, end) >= 0;
		}
	}
	return false;
}

static const char *why_not_built(const char *s, const char *end)
{
	for (unsigned i = 0; i < ARRAY_SIZE(not_built); i++) {
		const char *value;

		if (cmdline_parse_boolean(not_built[i].name, s, end) >= 0 ||
		    cmdline_has_value(s, end, not_built[i].name, &value))
			return not_built[i].why;
	}
	return NULL;
}

static void parse_item(const char *s, const char *end)
{
	const char *why;

	if (s == end || parse_all(s, end) || parse_pv(s, end, NULL) || parse_knob(s, end))
		return;
	why = why_not_built(s, end);
	pr_warn("spec-ctrl=: ignoring \"%.*s\"%s%s", (int)(end - s), s, why ? ": " : "",
		why ? why : "");
}

static int parse_spec_ctrl(const char *value)
{
	return cmdline_each_item(value, parse_item);
}
CMDLINE_CUSTOM("spec-ctrl", parse_spec_ctrl);

static bool parse_l1tf_item(const char *s, const char *end)
{
	int all = cmdline_parse_bool(s, end), dom0 = cmdline_parse_boolean("dom0", s, end),
	    domu = cmdline_parse_boolean("domu", s, end);

	if (all >= 0)
		dom0 = domu = all;
	if (dom0 >= 0)
		spec_wanted.l1tf_dom0 = dom0;
	if (domu >= 0)
		spec_wanted.l1tf_domu = domu;
	return s == end || dom0 >= 0 || domu >= 0;
}

static int parse_l1tf(const char *value)
{
	const char *cursor = value, *item, *end;

	if (!*value)
		spec_wanted.l1tf_dom0 = spec_wanted.l1tf_domu = 1;
	while (cmdline_next_item(&cursor, &item, &end))
		if (!parse_l1tf_item(item, end))
			pr_warn("pv-l1tf=: ignoring \"%.*s\"", (int)(end - item), item);
	return 0;
}
CMDLINE_CUSTOM("pv-l1tf", parse_l1tf);
