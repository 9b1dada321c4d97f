/* SPDX-License-Identifier: MIT */
/*
 * Start of day, command line, the loop of each vCPU, the end.
 *
 * Words of the command line: seed=N, ops=N (of all vCPUs together), cpus=N (vCPUs that fuzz),
 * trace=N (say each operation of vCPU 0 from its Nth on before it is done).
 */
#include "ops.h"

#define OPS_PER_AUDIT 1000ul
#define AUDITS_PER_LINE 20ul

uint64_t boot_regs[32];			/* head.S keeps the first registers there */
unsigned int checks_made;		/* claim.h, for memory.c */
uint64_t seed = 1;
static uint64_t nr_wanted = 10000, trace_from = ~0ul;

void guest_main(struct start_info *si) __attribute__((noreturn));
void fail(const char *file, int line, const char *f, ...) __attribute__((noreturn));
void skip(const char *f, ...) __attribute__((noreturn));

static void __attribute__((noreturn)) shutdown(unsigned int reason)
{
	struct sched_shutdown s = { .reason = reason };

	for (;;)
		HC2(sched_op, SCHEDOP_shutdown, &s);
}

/* Once, by whoever is first; the others may go on or not. */
void die(const char *f, ...)
{
	static volatile bool dying;
	char text[300];
	va_list args;

	if (__atomic_exchange_n(&dying, true, __ATOMIC_SEQ_CST))
		for (;;)
			asm volatile("pause");
	va_start(args, f);
	format_v(text, sizeof(text), f, args);
	va_end(args);
	print("\nhfuzz: FAILED: %s\n", text);
	print("hfuzz: to be had again with seed=%lu cpus=%u\n", seed, nr_cpus);
	if (areas[0].me.ring)
		rings_print();
	shutdown(SHUTDOWN_crash);
}

void fail(const char *file, int line, const char *f, ...)
{
	die("%s:%d: %s", file, line, f);
}

void skip(const char *f, ...)
{
	die("%s", f);
}

/* ---- The loop ---- */

static uint64_t nr_done(void)
{
	uint64_t n = 0;

	for (unsigned int v = 0; v < nr_cpus; v++)
		n += areas[v].me.number;
	return n;
}

static void __attribute__((noreturn)) end(struct me *m)
{
	audit(m);
	table_print();
	print("hfuzz: done: seed %lu, %lu operations, %u vCPUs, %lu audits, no difference\n", seed,
	      nr_done(), nr_cpus, nr_audits);
	shutdown(SHUTDOWN_poweroff);
}

/* Only vCPU 0: what all of them have done so far. */
static void lead(struct me *m)
{
	static uint64_t next = OPS_PER_AUDIT;
	uint64_t done = nr_done();

	if (done >= nr_wanted)
		end(m);
	if (done < next)
		return;
	next = done + OPS_PER_AUDIT;
	audit(m);
	if (nr_audits % AUDITS_PER_LINE == 0)
		print("hfuzz: %lu operations, %lu audits\n", done, nr_audits);
}

static void __attribute__((noreturn)) loop(void)
{
	struct me *m = me_here();

	do {
		m->guarded = !context_save(&m->back);
		if (m->guarded)
			vcpu_repair(m);
	} while (!m->guarded);
	m->guarded = false;
	m->info->evtchn_upcall_mask = 0;
	for (;;) {
		if (m->id)
			sleep_for_audit(m);
		else
			lead(m);
		if (m->number % 16 == 0)
			watch(m);
		flip_others(m);
		if (!m->id && m->number >= trace_from)
			print("hfuzz: trace %lu\n", m->number);
		ops_run(m);
		if (m->wrong)
			die("vCPU %u: %s", m->id, m->wrong);
	}
}

/* ---- Start of day ---- */

static uint64_t option(const char *key, uint64_t otherwise)
{
	const char *line = (const char *)start->cmd_line, *p = strstr(line, key);
	uint64_t n = 0;

	if (!p || (p != line && p[-1] != ' '))
		return otherwise;
	for (p += strlen(key); *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	return n;
}

void guest_main(struct start_info *si)
{
	start = si;
	seed = option("seed=", seed);
	nr_wanted = option("ops=", nr_wanted);
	nr_cpus = (unsigned int)option("cpus=", nr_cpus);
	trace_from = option("trace=", trace_from);
	MUST(traps_install());
	MUST(callbacks_install());
	MUST(memory_init(si));
	if (hypercall_bare(__HYPERVISOR_arch_7, 0, 0, 0, 0, 0))
		die("this hypervisor has no audit: build it with CONFIG_AUDIT=y");
	vcpus_init();
	record_init();
	print("hfuzz: begins: seed %lu, %lu operations, %u vCPUs\n", seed, nr_wanted, nr_cpus);
	sandbox_init();
	user_init();
	integrity_init();
	vcpus_start(loop);
	__builtin_unreachable();
}
