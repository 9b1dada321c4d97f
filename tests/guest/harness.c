/* SPDX-License-Identifier: MIT */
/*
 * The harness: start of day, command line, running claims one by one, TAP version 14 on the
 * console.
 *
 * Words of the command line (others are ignored, because domain builders add their own):
 *	list              print the claims and stop
 *	claims=A,B        run only claims matching a pattern: topic/name, topic/x*, name; a pattern
 *	                  that matches none ends the guest with a crash, and nothing is run
 *	only=A,B          the same
 *	attack=NAME       run one attack instead: it ends the domain or prints "not ok"
 *	exit=poweroff     how to end: poweroff (default), crash, reboot, never
 *	seconds=N         time limit of one claim, default 20
 *	dwell             where the claim waiting/released has its server destroyed, 5 s longer
 *	rounds=N          how many domains come and go in life/many, default 300
 */
#include "claim.h"
#include "clock.h"
#include "events.h"
#include "lending.h"
#include "memory.h"
#include "text.h"
#include "traps.h"
#include "user.h"

extern const struct claim *const claims_begin[], *const claims_end[];
#define MAX_CLAIMS 1024u
static const struct claim *claims[MAX_CLAIMS];	/* all of them, in the order they run */
static unsigned int nr_claims;
extern const struct attack *const attacks_begin[], *const attacks_end[];

struct boot_regs boot_regs;
struct boot_shared boot_shared;
bool on_isola;
unsigned int checks_made;
unsigned int hypervisor_version;

enum verdict { VERDICT_OK, VERDICT_NOT_OK, VERDICT_SKIP };

/* The running claim. @inside is false while the harness itself works. */
static struct {
	bool inside;
	struct context back;
	uint64_t deadline;
	enum verdict verdict;
	char why[320];
	char notes[8][160];
	unsigned int nr_notes;
} now;

static uint64_t limit_ns = 20000 * MS_NS;

void guest_main(struct start_info *si) __attribute__((noreturn));

static void __attribute__((noreturn)) shutdown(unsigned int reason)
{
	struct sched_shutdown s = { .reason = reason };

	HC2(sched_op, SCHEDOP_shutdown, &s);
	for (;;)
		HC2(sched_op, SCHEDOP_yield, 0);
}

static void __attribute__((noreturn)) bail_out(const char *why)
{
	print("Bail out! %s\n", why);
	shutdown(SHUTDOWN_crash);
}

static void __attribute__((noreturn)) end_claim(enum verdict verdict)
{
	if (!now.inside)
		bail_out(now.why);
	now.verdict = verdict;
	context_resume(&now.back, 1);
}

void fail(const char *file, int line, const char *f, ...)
{
	va_list args;
	size_t n = format(now.why, sizeof(now.why), "%s:%d: ", file, line);

	va_start(args, f);
	format_v(now.why + n, sizeof(now.why) - n, f, args);
	va_end(args);
	end_claim(VERDICT_NOT_OK);
}

void skip(const char *f, ...)
{
	va_list args;

	va_start(args, f);
	format_v(now.why, sizeof(now.why), f, args);
	va_end(args);
	end_claim(VERDICT_SKIP);
}

void note(const char *f, ...)
{
	va_list args;

	if (now.nr_notes == sizeof(now.notes) / sizeof(now.notes[0]))
		return;
	va_start(args, f);
	format_v(now.notes[now.nr_notes++], sizeof(now.notes[0]), f, args);
	va_end(args);
}

void trap_unexpected(void)
{
	static const char *const names[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "vector 9", "#TS",
		"#NP", "#SS", "#GP", "#PF", "vector 15", "#MF", "#AC", "#MC", "#XM",
	};
	int v = trap_last.vector;

	format(now.why, sizeof(now.why),
	       "unexpected trap %d (%s) error 0x%lx rip %p cr2 %p rsp %p cs 0x%x from %s mode", v,
	       v >= 0 && v < 20 ? names[v] : "other", trap_last.error, (void *)trap_last.rip,
	       (void *)trap_last.cr2, (void *)trap_last.rsp, trap_last.cs,
	       trap_last.from_user ? "user" : "kernel");
	end_claim(VERDICT_NOT_OK);
}

void harness_timer(void)
{
	if (now.inside && clock_ns() >= now.deadline) {
		format(now.why, sizeof(now.why), "ran out of time: still running after %lu ms",
		       limit_ns / MS_NS);
		end_claim(VERDICT_NOT_OK);
	}
}

/* The state every claim starts from. */
static void reset_world(void)
{
	static const uint32_t mxcsr = 0x1f80;
	struct physdev_set_iopl iopl = { .iopl = 0 };

	user_exit = NULL;
	trap_set_if = false;
	user_leave_on_event = false;
	user_events_before_exit = 0;
	user_iret_flags = user_start_rip = 0;
	trap_resume = trap_clear_rflags = 0;
	memory_reset();			/* first: it makes vcpu_info writable */
	events_reset();
	traps_install();
	callbacks_install();
	HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl);
	HC1(fpu_taskswitch, 0);
	asm volatile("fninit; ldmxcsr %0" : : "m"(mxcsr));
	for (unsigned int i = 0; i < 4; i++)
		HC2(set_debugreg, i, 0);
	HC2(set_debugreg, 7, 0);
	mmuext(MMUEXT_SET_LDT, 0, 0);
	HC2(set_gdt, 0, 0);
}

/* Run a claim or an attack; fail(), skip() and unexpected traps end it and come back here. */
static void run_guarded(void (*run)(void))
{
	now.verdict = VERDICT_OK;
	if (!context_save(&now.back)) {
		now.inside = true;
		run();
	}
	now.inside = false;
}

void more_time(void)
{
	now.deadline = clock_ns() + limit_ns;
	if (timer_port)
		timer_set(now.deadline);
}

static enum verdict run_claim(const struct claim *c)
{
	now.nr_notes = 0;
	now.why[0] = 0;
	if (c->only_dom0 && !(start->flags & SIF_INITDOMAIN)) {
		format(now.why, sizeof(now.why), "only in dom0");
		return VERDICT_SKIP;
	}
	if (c->only_on_isola && !on_isola) {
		format(now.why, sizeof(now.why), "only on Isola: %s", c->only_on_isola);
		return VERDICT_SKIP;
	}
	reset_world();
	more_time();
	checks_made = 0;
	run_guarded(c->run);
	if (now.verdict == VERDICT_OK && !checks_made) {
		format(now.why, sizeof(now.why), "this claim checked nothing");
		return VERDICT_NOT_OK;
	}
	return now.verdict;
}

/* Isola's recount of every reference on our frames; -ENOSYS elsewhere. */
#define AUDIT() hypercall_bare(__HYPERVISOR_arch_7, 0, 0, 0, 0, 0)

/*
 * The last claim of a file also answers for what all of them left behind in the hypervisor's
 * counts.
 */
static enum verdict audit(enum verdict v)
{
	long rc = on_isola ? AUDIT() : -XEN_ENOSYS;

	if (rc == 0 || rc == -XEN_ENOSYS || v == VERDICT_NOT_OK)
		return v;
	format(now.why, sizeof(now.why), "the audit after the claims of this file answers %ld", rc);
	return VERDICT_NOT_OK;
}

static void report(unsigned int number, const struct claim *c, enum verdict v)
{
	print("%s %u - %s/%s: %s%s%s\n", v == VERDICT_NOT_OK ? "not ok" : "ok", number, c->topic,
	      c->name, c->sentence, v == VERDICT_SKIP ? " # SKIP " : "",
	      v == VERDICT_SKIP ? now.why : "");
	if (v != VERDICT_NOT_OK)
		return;
	print("#   %s\n", now.why);
	for (unsigned int i = 0; i < now.nr_notes; i++)
		print("#   %s\n", now.notes[i]);
}

/* Find @key at the start of a word of the command line; NULL or what follows it. */
const char *option(const char *key)
{
	size_t n = strlen(key);

	for (const char *p = (const char *)start->cmd_line; *p; p++)
		if ((p == (const char *)start->cmd_line || p[-1] == ' ') && !strncmp(p, key, n))
			return p + n;
	return NULL;
}

static bool word_is(const char *value, const char *word)
{
	size_t n = strlen(word);

	return value && !strncmp(value, word, n) && (!value[n] || value[n] == ' ');
}

/* Does the pattern at @p (ended by comma, space or NUL; one "*" at its end) match @text? */
static bool pattern_matches(const char *p, const char *text)
{
	for (; *p && *p != ',' && *p != ' '; p++, text++) {
		if (*p == '*')
			return true;
		if (*p != *text && !(*p == '-' && *text == '_'))
			return false;
	}
	return !*text;
}

/* Files in link order, claims of one file by line: a compiler may emit them in any order. */
static void collect_claims(void)
{
	nr_claims = (unsigned int)(claims_end - claims_begin);
	if (nr_claims > MAX_CLAIMS)
		bail_out("too many claims");
	for (unsigned int i = 0; i < nr_claims; i++) {
		unsigned int at = i;

		for (; at && claims[at - 1]->file == claims_begin[i]->file &&
		       claims[at - 1]->line > claims_begin[i]->line; at--)
			claims[at] = claims[at - 1];
		claims[at] = claims_begin[i];
	}
}

/* The list of patterns, NULL: none is asked for. */
static const char *patterns(void)
{
	return option("claims=") ?: option("only=");
}

/* Behind the pattern at @p and its comma; NULL: it was the last. */
static const char *next_pattern(const char *p)
{
	while (*p && *p != ' ' && *p != ',')
		p++;
	return *p == ',' ? p + 1 : NULL;
}

static bool pattern_selects(const char *p, const struct claim *c)
{
	char full[128];

	format(full, sizeof(full), "%s/%s", c->topic, c->name);
	return pattern_matches(p, full) || pattern_matches(p, c->name);
}

static bool selected(const struct claim *c)
{
	const char *p = patterns();

	if (!p)
		return true;
	for (; p; p = next_pattern(p))
		if (pattern_selects(p, c))
			return true;
	return false;
}

/* A pattern that selects nothing is a slip of the pen: claims that nobody ran do not hold. */
static void check_patterns(void)
{
	for (const char *p = patterns(); p; p = next_pattern(p)) {
		unsigned int i = 0, len = 0;
		char word[64] = "", why[96];

		while (i < nr_claims && !pattern_selects(p, claims[i]))
			i++;
		if (i < nr_claims)
			continue;
		for (; p[len] && p[len] != ' ' && p[len] != ',' && len < sizeof(word) - 1; len++)
			word[len] = p[len];
		format(why, sizeof(why), "no claim is called \"%s\"", word);
		bail_out(why);
	}
}

static void run_attack(const char *name)
{
	for (const struct attack *const *a = attacks_begin; a < attacks_end; a++) {
		if (!word_is(name, (*a)->name))
			continue;
		reset_world();
		print("# attack %s: %s\n", (*a)->name, (*a)->sentence);
		now.deadline = UINT64_MAX;
		format(now.why, sizeof(now.why), "it returned");
		run_guarded((*a)->run);
		print("not ok 1 - attack %s was survived: %s\n", (*a)->name, now.why);
		return;
	}
	print("not ok 1 - no such attack; there are:\n");
	for (const struct attack *const *a = attacks_begin; a < attacks_end; a++)
		print("#   %s: %s\n", (*a)->name, (*a)->sentence);
}

static unsigned int run_claims(void)
{
	unsigned int count[3] = { 0 }, number = 0, total = 0;

	check_patterns();
	for (unsigned int i = 0; i < nr_claims; i++)
		total += selected(claims[i]);
	print("TAP version 14\n1..%u\n", total);
	for (unsigned int i = 0; i < nr_claims; i++) {
		if (selected(claims[i])) {
			enum verdict v = run_claim(claims[i]);

			if (i + 1 == nr_claims || claims[i + 1]->file != claims[i]->file ||
			    number + 1 == total)
				v = audit(v);
			count[v]++;
			report(++number, claims[i], v);
		}
	}
	reset_world();
	print("# %u ok, %u not ok, %u skipped\n", count[VERDICT_OK], count[VERDICT_NOT_OK],
	      count[VERDICT_SKIP]);
	return count[VERDICT_NOT_OK];
}

static void snapshot_shared(void)
{
	for (unsigned int i = 0; i < 32; i++) {
		boot_shared.pending[i] = shared->vcpu_info[i].evtchn_upcall_pending;
		boot_shared.mask[i] = shared->vcpu_info[i].evtchn_upcall_mask;
	}
	for (unsigned int i = 0; i < 64; i++) {
		boot_shared.pending_words |= shared->evtchn_pending[i];
		boot_shared.mask_words |= shared->evtchn_mask[i];
	}
}

/* Nobody tells a domain its number but the ports that it opens for itself. */
static void learn_domid(void)
{
	int port = port_alloc_unbound(DOMID_SELF);
	struct evtchn_status s;

	if (port > 0 && !port_status((uint32_t)port, &s))
		own_domid = s.u.unbound.dom;
	port_close((uint32_t)port);
}

static void identify(void)
{
	char extra[XEN_EXTRAVERSION_LEN + 1] = "";

	hypervisor_version = (unsigned int)HC2(xen_version, XENVER_version, 0);
	HC2(xen_version, XENVER_extraversion, extra);
	on_isola = strstr(extra, "isola") != NULL;
	print("# selftest guest on %s %u.%u%s, %lu pages, command line \"%s\"\n",
	      on_isola ? "Isola as" : "Xen", hypervisor_version >> 16, hypervisor_version & 0xffff,
	      extra, start->nr_pages, (const char *)start->cmd_line);
}

void guest_main(struct start_info *si)
{
	const char *value;
	bool bad;

	start = si;
	if (traps_install() || callbacks_install())
		bail_out("trap table or callbacks refused");
	if (memory_init(si))
		bail_out("shared_info cannot be mapped");
	snapshot_shared();
	events_init();
	learn_domid();
	identify();
	collect_claims();

	value = option("seconds=");
	if (value && *value >= '1' && *value <= '9')
		limit_ns = (uint64_t)(*value - '0') * 1000 * MS_NS;
	if (option("list")) {
		for (unsigned int i = 0; i < nr_claims; i++)
			print("# %s/%s: %s\n", claims[i]->topic, claims[i]->name,
			      claims[i]->sentence);
		shutdown(SHUTDOWN_poweroff);
	}
	value = option("attack=");
	if (value) {
		run_attack(value);
		shutdown(SHUTDOWN_poweroff);
	}
	bad = run_claims() != 0;
	value = option("exit=");
	print("# selftest ends: %s\n", bad ? "some claims failed" : "all claims hold");
	while (word_is(value, "never"))
		HC2(sched_op, SCHEDOP_block, 0);
	shutdown(word_is(value, "crash") ? SHUTDOWN_crash :
		 word_is(value, "reboot") ? SHUTDOWN_reboot : SHUTDOWN_poweroff);
}
