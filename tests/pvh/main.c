/* SPDX-License-Identifier: MIT */
/*
 * The PVH selftest guest: claims one by one, as TAP; then power-off. Words of the command line:
 * claims=A,B as for the PV guest, attack=NAME, stay.
 */
#include "claim.h"
#include "machine.h"
#include "text.h"

extern const struct claim *const claims_begin[], *const claims_end[];
extern const struct attack *const attacks_begin[], *const attacks_end[];

void pvh_main(const struct hvm_start_info *info);
void trap_unexpected(const struct trap_regs *r) __attribute__((noreturn));

bool on_isola;
unsigned int checks_made, hypervisor_version;
static void *way_out[5];
static const char *skipped;
static char why[300];

void fail(const char *file, int line, const char *f, ...)
{
	va_list args;
	size_t n = format(why, sizeof(why), "%s:%d: ", file, line);

	va_start(args, f);
	format_v(why + n, sizeof(why) - n, f, args);
	va_end(args);
	__builtin_longjmp(way_out, 1);
}

void skip(const char *f, ...)
{
	va_list args;

	va_start(args, f);
	format_v(why, sizeof(why), f, args);
	va_end(args);
	skipped = why;
	__builtin_longjmp(way_out, 1);
}

void trap_unexpected(const struct trap_regs *r)
{
	fail("trap", (int)r->vector, "error %lx, rip %lx, cr2 %lx", r->error, r->rip,
	     trap_last.cr2);
}

const char *option(const char *key)
{
	const char *s = (const char *)start_info->cmdline_paddr, *at = s;

	while (s && (at = strstr(at, key))) {
		if (at == s || at[-1] == ' ')
			return at + strlen(key);
		at++;
	}
	return NULL;
}

/* Does the list of claims= name @c, or its topic and a star? */
static bool is_wanted(const struct claim *c)
{
	const char *list = option("claims=");

	if (!list)
		return true;
	while (*list && *list != ' ') {
		size_t topic = strlen(c->topic), name = strlen(c->name);

		if (!strncmp(list, c->topic, topic) && list[topic] == '/' &&
		    (list[topic + 1] == '*' || (!strncmp(list + topic + 1, c->name, name) &&
						(list[topic + 1 + name] <= ' ' ||
						 list[topic + 1 + name] == ','))))
			return true;
		while (*list && *list != ' ' && *list != ',')
			list++;
		list += *list == ',';
	}
	return false;
}

static bool run(const struct claim *c)
{
	skipped = c->only_on_isola && !on_isola ? c->only_on_isola : NULL;
	checks_made = 0;
	trap_resume = 0;
	why[0] = 0;
	if (skipped)
		return true;
	if (__builtin_setjmp(way_out)) {
		asm volatile("sti; nop; cli");
		return skipped != NULL;
	}
	c->run();
	if (!checks_made)
		format(why, sizeof(why), "nothing was checked");
	return checks_made != 0;
}

static void end(unsigned reason)
{
	struct sched_shutdown s = { .reason = reason };

	HC2(sched_op, SCHEDOP_shutdown, &s);
}

static void run_attack(const char *name)
{
	for (const struct attack *const *a = attacks_begin; a < attacks_end; a++)
		if (!strncmp(name, (*a)->name, strlen((*a)->name))) {
			print("# attack %s: %s\n", (*a)->name, (*a)->sentence);
			(*a)->run();
			print("not ok 1 - it goes on\n");
			return;
		}
	print("Bail out! no such attack\n");
}

/* In the order of files and lines: the linker's order is that of objects, then of definition. */
static void run_claims(void)
{
	unsigned n = 0, bad = 0, all = 0;

	for (const struct claim *const *c = claims_begin; c < claims_end; c++)
		all += is_wanted(*c);
	print("TAP version 14\n1..%u\n", all);
	for (const struct claim *const *c = claims_begin; c < claims_end; c++) {
		bool good;

		if (!is_wanted(*c))
			continue;
		good = run(*c);
		print("%sok %u - %s/%s: %s%s%s\n", good ? "" : "not ", ++n, (*c)->topic,
		      (*c)->name, (*c)->sentence, skipped ? " # SKIP " : "",
		      skipped ? skipped : "");
		bad += !good;
		if (!good)
			print("# %s\n", why);
	}
	if (bad)
		print("# selftest ends: %u claims do not hold\n", bad);
	else
		print("# selftest ends: all claims hold\n");
}

void pvh_main(const struct hvm_start_info *info)
{
	char extra[XEN_EXTRAVERSION_LEN] = "";
	const char *attack;

	start_info = info;
	machine_init();
	HC2(xen_version, XENVER_extraversion, extra);
	on_isola = strstr(extra, "isola") != NULL;
	attack = option("attack=");
	if (attack)
		run_attack(attack);
	else
		run_claims();
	if (!option("stay"))
		end(SHUTDOWN_poweroff);
	for (;;)
		asm volatile("sti; hlt");
}
