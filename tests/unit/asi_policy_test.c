/* SPDX-License-Identifier: MIT */
/*
 * asi=: a table of command lines, each with the nine knobs that it must lead to and the words that
 * must be complained of.
 *
 * The knobs are written as "pv hvm dom0", each as the letters of what is on: v vcpu-pt, c
 * cpu-stack, z zero-stack; - none.
 *
 * Sources: arch/x86/asi/policy.c common/lib/cmdline.c
 */
#include "tap.h"
#include "log_stub.h"

#include <asm/asi_policy.h>
#include <isola/domain.h>
#include <isola/lib/cmdline.h>

extern const struct cmdline_option __start_cmdline_options[], __stop_cmdline_options[];

static char refused[256];

static void report(const char *word, const char *why, bool limit)
{
	snprintf(refused, sizeof(refused), "%.100s: %.100s", word, why);
}

static const char *class_state(const struct asi_class *c)
{
	static const char *const text[8] = { "-", "z", "c", "cz", "v", "vz", "vc", "vcz" };

	return text[c->vcpu_pt << 2 | c->cpu_stack << 1 | c->zero_stack];
}

static const char *state(void)
{
	static char s[64];

	snprintf(s, sizeof(s), "%s %s %s", class_state(&asi_policy.pv),
		 class_state(&asi_policy.hvm), class_state(&asi_policy.dom0));
	return s;
}

static void parse(const char *line)
{
	static const struct asi_class on = { true, true, true };

	asi_policy = (struct asi_policy){ on, on, on };
	log_text[0] = refused[0] = '\0';
	cmdline_parse(line, __start_cmdline_options, __stop_cmdline_options, report);
}

#define ON "vcz vcz vcz"
#define OFF "- - -"

/* @ignored: the items that are complained of, each in the quotes of its line, in order. */
static const struct {
	const char *line, *state, *ignored;
} cases[] = {
	/* Everything at once, in every spelling of a bool. */
	{ "", ON, "" },
	{ "asi", ON, "" },
	{ "asi=", ON, "" },
	{ "asi=yes", ON, "" },
	{ "asi=on", ON, "" },
	{ "asi=true", ON, "" },
	{ "asi=enable", ON, "" },
	{ "asi=1", ON, "" },
	{ "no-asi", OFF, "" },
	{ "asi=no", OFF, "" },
	{ "asi=off", OFF, "" },
	{ "asi=false", OFF, "" },
	{ "asi=disable", OFF, "" },
	{ "asi=0", OFF, "" },
	{ "asi=off asi", ON, "" },
	{ "no-asi asi=on", ON, "" },
	/* A class. pv is not dom0. */
	{ "asi=pv=off", "- vcz vcz", "" },
	{ "asi=pv=no", "- vcz vcz", "" },
	{ "asi=pv=false", "- vcz vcz", "" },
	{ "asi=pv=disable", "- vcz vcz", "" },
	{ "asi=pv=0", "- vcz vcz", "" },
	{ "asi=no-pv", "- vcz vcz", "" },
	{ "asi=hvm=off", "vcz - vcz", "" },
	{ "asi=no-hvm", "vcz - vcz", "" },
	{ "asi=dom0=off", "vcz vcz -", "" },
	{ "asi=no-dom0", "vcz vcz -", "" },
	{ "asi=off,pv", "vcz - -", "" },
	{ "asi=off,pv=on", "vcz - -", "" },
	{ "asi=off,pv=yes", "vcz - -", "" },
	{ "asi=off,pv=true", "vcz - -", "" },
	{ "asi=off,pv=enable", "vcz - -", "" },
	{ "asi=off,pv=1", "vcz - -", "" },
	{ "asi=off,hvm", "- vcz -", "" },
	{ "asi=off,hvm=on", "- vcz -", "" },
	{ "asi=off,dom0", "- - vcz", "" },
	{ "asi=off,dom0=on", "- - vcz", "" },
	{ "asi=off,pv,hvm,dom0", ON, "" },
	/* A feature, of all classes. */
	{ "asi=off,vcpu-pt", "v v v", "" },
	{ "asi=off,vcpu-pt=on", "v v v", "" },
	{ "asi=off,vcpu_pt", "v v v", "" },
	{ "asi=off,cpu-stack", "c c c", "" },
	{ "asi=off,cpu-stack=1", "c c c", "" },
	{ "asi=off,zero-stack", "z z z", "" },
	{ "asi=off,zero-stack=yes", "z z z", "" },
	{ "asi=vcpu-pt=off", "cz cz cz", "" },
	{ "asi=no-vcpu-pt", "cz cz cz", "" },
	{ "asi=cpu-stack=off", "vz vz vz", "" },
	{ "asi=no-cpu-stack", "vz vz vz", "" },
	{ "asi=zero-stack=off", "vc vc vc", "" },
	{ "asi=no-zero-stack", "vc vc vc", "" },
	/* A feature of a class. */
	{ "asi=off,vcpu-pt=pv", "v - -", "" },
	{ "asi=off,vcpu-pt=pv=on", "v - -", "" },
	{ "asi=off,vcpu-pt=hvm", "- v -", "" },
	{ "asi=off,vcpu-pt=hvm=1", "- v -", "" },
	{ "asi=off,vcpu-pt=dom0", "- - v", "" },
	{ "asi=off,vcpu-pt=dom0=yes", "- - v", "" },
	{ "asi=off,cpu-stack=pv", "c - -", "" },
	{ "asi=off,cpu-stack=hvm=on", "- c -", "" },
	{ "asi=off,cpu-stack=dom0", "- - c", "" },
	{ "asi=off,zero-stack=pv=true", "z - -", "" },
	{ "asi=off,zero-stack=hvm", "- z -", "" },
	{ "asi=off,zero-stack=dom0", "- - z", "" },
	{ "asi=vcpu-pt=pv=off", "cz vcz vcz", "" },
	{ "asi=vcpu-pt=no-pv", "cz vcz vcz", "" },
	{ "asi=cpu-stack=hvm=off", "vcz vz vcz", "" },
	{ "asi=cpu-stack=no-dom0", "vcz vcz vz", "" },
	{ "asi=zero-stack=dom0=0", "vcz vcz vc", "" },
	/* The later wins; empty items are none. */
	{ "asi=on,off", OFF, "" },
	{ "asi=off,on", ON, "" },
	{ "asi=pv=off,pv", ON, "" },
	{ "asi=pv,pv=off", "- vcz vcz", "" },
	{ "asi=vcpu-pt=off,vcpu-pt=pv", "vcz cz cz", "" },
	{ "asi=vcpu-pt=pv,vcpu-pt=off", "cz cz cz", "" },
	{ "asi=pv=off,vcpu-pt", "v vcz vcz", "" },
	{ "asi=off asi=pv", "vcz - -", "" },
	{ "asi=,", ON, "" },
	{ "asi=,,off,,", OFF, "" },
	{ "asi=off,", OFF, "" },
	/* What is not understood is named, and ignored; the rest holds. */
	{ "asi=maybe", ON, "\"maybe\"" },
	{ "asi=off,maybe,pv", "vcz - -", "\"maybe\"" },
	{ "asi=pv=maybe", ON, "\"pv=maybe\"" },
	{ "asi=pv=", ON, "\"pv=\"" },
	{ "asi=no-pv=on", ON, "\"no-pv=on\"" },
	{ "asi=no-pv=off", ON, "\"no-pv=off\"" },
	{ "asi=vcpu-pt=", ON, "\"vcpu-pt=\"" },
	{ "asi=vcpu-pt=maybe", ON, "\"vcpu-pt=maybe\"" },
	{ "asi=vcpu-pt=pv=maybe", ON, "\"vcpu-pt=pv=maybe\"" },
	{ "asi=vcpu-pt=domu", ON, "\"vcpu-pt=domu\"" },
	{ "asi=vcpu-pt=pv=on=off", ON, "\"vcpu-pt=pv=on=off\"" },
	{ "asi=no-vcpu-pt=pv", ON, "\"no-vcpu-pt=pv\"" },
	{ "asi=vcpupt=off", ON, "\"vcpupt=off\"" },
	{ "asi=PV=off", ON, "\"PV=off\"" },
	{ "asi=pvx,xpv,on", ON, "\"pvx\"\"xpv\"" },
	{ "asi=a,b,off", OFF, "\"a\"\"b\"" },
};

/* The quoted parts of the log. */
static const char *quoted(void)
{
	static char s[256];
	size_t n = 0;
	bool inside = false;

	for (const char *p = log_text; *p && n < sizeof(s) - 2; p++) {
		if (*p == '"' || inside)
			s[n++] = *p;
		inside ^= *p == '"';
	}
	s[n] = '\0';
	return s;
}

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].line);
		ok(!strcmp(state(), cases[i].state) && !strcmp(quoted(), cases[i].ignored) &&
			   !*refused,
		   "\"%s\" -> %s%s%s", cases[i].line, cases[i].state,
		   *cases[i].ignored ? ", ignored: " : "", cases[i].ignored);
		if (strcmp(state(), cases[i].state) || strcmp(quoted(), cases[i].ignored) ||
		    *refused)
			printf("# state %s; log: %s# refused: %s\n", state(), log_text, refused);
	}
}

/* asi_policy_resolve(): contradictions, and the three lines. */
static const struct {
	const char *line, *state;
	unsigned sentences;
} resolved[] = {
	{ "", ON, 0 },
	{ "asi=off", OFF, 0 },
	{ "asi=vcpu-pt=off", ON, 3 },
	{ "asi=vcpu-pt=off,cpu-stack=off", "z z z", 0 },
	{ "asi=vcpu-pt=pv=off", ON, 1 },
	{ "asi=off,cpu-stack", "vc vc vc", 3 },
	{ "asi=off,cpu-stack=dom0", "- - vc", 1 },
	{ "asi=off,zero-stack", "z z z", 0 },
	{ "asi=off,cpu-stack,vcpu-pt", "vc vc vc", 0 },
};

static unsigned count(const char *what)
{
	unsigned n = 0;

	for (const char *p = log_text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void test_resolve(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(resolved); i++) {
		parse(resolved[i].line);
		log_text[0] = '\0';
		asi_policy_resolve();
		ok(!strcmp(state(), resolved[i].state) &&
			   count("is a contradiction") == resolved[i].sentences &&
			   count("\n") == resolved[i].sentences + 3,
		   "\"%s\" is resolved to %s with %u sentences, and told in three lines",
		   resolved[i].line, resolved[i].state, resolved[i].sentences);
	}
	parse("asi=off,zero-stack=pv,vcpu-pt=dom0");
	asi_policy_resolve();
	ok(!strcmp(log_text,
		   "address-space isolation for pv: vcpu-pt off, cpu-stack off, zero-stack on\n"
		   "address-space isolation for hvm: vcpu-pt off, cpu-stack off, zero-stack off\n"
		   "address-space isolation for dom0: vcpu-pt on, cpu-stack off, zero-stack off\n"),
	   "each line names its class and all three knobs");
}

static void test_class(void)
{
	struct domain d = { .domid = 1 }, dom0 = { .is_privileged = true };
	struct domain h = { .hvm = (void *)&h };

	ok(asi_class_of(&d) == &asi_policy.pv && asi_class_of(&dom0) == &asi_policy.dom0 &&
	   asi_class_of(&h) == &asi_policy.hvm,
	   "a domain goes by pv, the privileged one by dom0, one of type=pvh by hvm");
}

int main(void)
{
	test_cases();
	test_resolve();
	test_class();
	return done();
}
