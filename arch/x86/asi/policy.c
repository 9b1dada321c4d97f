/* SPDX-License-Identifier: MIT */
/*
 * asi= : comma list of <bool>, pv=<bool>, hvm=<bool>, dom0=<bool>,
 * {vcpu-pt,cpu-stack,zero-stack}=<bool>|{pv,hvm,dom0}=<bool>; the later item wins.
 * docs/command-line.md has the grammar for people.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <isola/printk.h>
#include <asm/asi_policy.h>

#define ALL_ON { .vcpu_pt = true, .cpu_stack = true, .zero_stack = true }

struct asi_policy asi_policy = { .pv = ALL_ON, .hvm = ALL_ON, .dom0 = ALL_ON };

const struct asi_class *asi_class_of(const struct domain *d)
{
	return d->is_privileged ? &asi_policy.dom0 : d->hvm ? &asi_policy.hvm : &asi_policy.pv;
}

/* In the order of struct asi_policy, which holds nothing else. */
static const char *const classes[] = { "pv", "hvm", "dom0" };
static_assert(sizeof(asi_policy) == ARRAY_SIZE(classes) * sizeof(struct asi_class), "nothing else");

static const struct { const char *name; size_t offset; } features[] = {
	{ "vcpu-pt", offsetof(struct asi_class, vcpu_pt) },
	{ "cpu-stack", offsetof(struct asi_class, cpu_stack) },
	{ "zero-stack", offsetof(struct asi_class, zero_stack) },
};

#define class_at(c) ((struct asi_class *)&asi_policy + (c))

/* Set @feature (or all, -1) of @class (or all, -1). */
static void set_knobs(int class, int feature, bool on)
{
	for (unsigned c = 0; c < ARRAY_SIZE(classes); c++)
		for (unsigned f = 0; f < ARRAY_SIZE(features); f++)
			if ((class < 0 || c == (unsigned)class) &&
			    (feature < 0 || f == (unsigned)feature))
				*(bool *)((char *)class_at(c) + features[f].offset) = on;
}

/*
 * [@s, @end) as <class>[=<bool>] or no-<class>, for @feature (-1: all). False: no class is named,
 * or the value is no bool.
 */
static bool parse_class(const char *s, const char *end, int feature)
{
	for (unsigned c = 0; c < ARRAY_SIZE(classes); c++) {
		int on = cmdline_parse_boolean(classes[c], s, end);

		if (on >= 0) {
			set_knobs(c, feature, on);
			return true;
		}
	}
	return false;
}

static bool parse_item(const char *s, const char *end)
{
	int on = cmdline_parse_bool(s, end);

	if (s == end)
		return true;
	if (on >= 0) {
		set_knobs(-1, -1, on);
		return true;
	}
	for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
		const char *value;

		on = cmdline_parse_boolean(features[f].name, s, end);
		if (on >= 0) {
			set_knobs(-1, f, on);
			return true;
		}
		if (cmdline_has_value(s, end, features[f].name, &value))
			return parse_class(value, end, f);
	}
	return parse_class(s, end, -1);
}

static int parse_asi(const char *value)
{
	const char *cursor = value, *item, *end;

	if (!*value)
		set_knobs(-1, -1, true);
	while (cmdline_next_item(&cursor, &item, &end))
		if (!parse_item(item, end))
			pr_warn("asi=: ignoring \"%.*s\"", (int)(end - item), item);
	return 0;
}
CMDLINE_CUSTOM("asi", parse_asi);

void asi_policy_resolve(void)
{
	for (unsigned c = 0; c < ARRAY_SIZE(classes); c++) {
		struct asi_class *class = class_at(c);

		if (class->cpu_stack && !class->vcpu_pt) {
			pr_warn("asi=: cpu-stack without vcpu-pt for %s is a contradiction, all "
				"memory would be mapped but the stacks: vcpu-pt stays on",
				classes[c]);
			class->vcpu_pt = true;
		}
	}
	for (unsigned c = 0; c < ARRAY_SIZE(classes); c++)
		pr_info("address-space isolation for %s: vcpu-pt %s, cpu-stack %s, zero-stack %s",
			classes[c], class_at(c)->vcpu_pt ? "on" : "off",
			class_at(c)->cpu_stack ? "on" : "off",
			class_at(c)->zero_stack ? "on" : "off");
}
