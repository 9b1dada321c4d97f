/* SPDX-License-Identifier: MIT */
/*
 * dom0=: what kind of domain dom0 is. A list in Xen's words; those that mean nothing here are told
 * one by one. docs/command-line.md has the grammar for people.
 */
#include <asm/dom0_option.h>
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <isola/printk.h>

struct dom0_option dom0_option;

static const struct { const char *name, *why; } not_built[] = {
	{ "pvh",            "dom0 is a PV domain; others are not built" },
	{ "shadow",         "shadow page tables are not built" },
	{ "verbose",        "what is told of building dom0 is always the same" },
	{ "cpuid-faulting", "CPUID faults in dom0 wherever the CPU can make it" },
	{ "pf-fixup",       "it is about PVH, which is not built" },
};

static const char *why_not_built(const char *s, const char *end)
{
	for (unsigned i = 0; i < ARRAY_SIZE(not_built); i++)
		if (cmdline_parse_boolean(not_built[i].name, s, end) != -1)
			return not_built[i].why;
	return NULL;
}

static void parse_item(const char *s, const char *end)
{
	int relaxed = cmdline_parse_boolean("msr-relaxed", s, end);
	const char *why;

	if (relaxed >= 0) {
		dom0_option.msr_relaxed = relaxed;
		return;
	}
	if (s == end || cmdline_is(s, end, "pv"))
		return;
	why = why_not_built(s, end);
	pr_warn("dom0=: ignoring \"%.*s\"%s%s", (int)(end - s), s, why ? ": " : "", why ? why : "");
}

static int parse_dom0(const char *value)
{
	return cmdline_each_item(value, parse_item);
}
CMDLINE_CUSTOM("dom0", parse_dom0);
