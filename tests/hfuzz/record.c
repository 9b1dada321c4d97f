/* SPDX-License-Identifier: MIT */
/*
 * What was done and what came of it: a ring of the last operations per vCPU, and the table of
 * operations and results.
 */
#include "hfuzz.h"

#define MAX_OPS 160u

static union {
	struct record ring[RING_OPS];
	uint8_t bytes[PAGE_BYTES];		/* in one frame: read from outside too */
} rings[MAX_CPUS] __attribute__((aligned(PAGE_BYTES)));
static uint32_t counts[MAX_CPUS][MAX_OPS][NR_RESULTS];

void record_init(void)
{
	if (nr_ops > MAX_OPS)
		die("more operations than the table has rows");
	for (unsigned int v = 0; v < nr_cpus; v++) {
		areas[v].me.ring = rings[v].ring;
		print("hfuzz: vCPU %u: its last operations stand at %lx\n", v, maddr_of(&rings[v]));
	}
	for (unsigned int i = 0; i < nr_ops; i++)
		print("hfuzz: operation %u is %s\n", i, ops[i].name);
}

struct record *record_begin(struct me *m, unsigned int op)
{
	struct record *r = here(m);

	memset(r, 0, sizeof(*r));
	r->number = m->number;
	r->op_result = op;
	return r;
}

void record_end(struct me *m, unsigned int op, unsigned int result)
{
	here(m)->op_result = op | (uint64_t)(result + 1) << 32;
	counts[m->id][op][result]++;
}

unsigned int result_of(long rc)
{
	if (rc >= 0)
		return 0;
	return rc > -(long)NR_RESULTS ? (unsigned int)-rc : 127;
}

static const char *result_name(unsigned int result, char *buf, size_t size)
{
	static const char *const traps[] = {
		"DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "9", "TS", "NP", "SS", "GP",
		"PF", "15", "MF", "AC", "MC", "XM",
	};
	static const struct { uint8_t nr; const char *name;
	} errnos[] = {
		{ XEN_EPERM, "EPERM" },
		{ XEN_ENOENT, "ENOENT" },
		{ XEN_ESRCH, "ESRCH" },
		{ XEN_ENXIO, "ENXIO" },
		{ XEN_E2BIG, "E2BIG" },
		{ XEN_EAGAIN, "left-out" },
		{ XEN_ENOMEM, "ENOMEM" },
		{ XEN_EACCES, "EACCES" },
		{ XEN_EFAULT, "EFAULT" },
		{ XEN_EBUSY, "EBUSY" },
		{ XEN_EEXIST, "EEXIST" },
		{ XEN_ENODEV, "ENODEV" },
		{ XEN_EINVAL, "EINVAL" },
		{ XEN_ENOSPC, "ENOSPC" },
		{ XEN_EDOM, "EDOM" },
		{ XEN_ENOSYS, "ENOSYS" },
		{ XEN_ENODATA, "ENODATA" },
		{ XEN_ETIME, "ETIME" },
		{ XEN_EOPNOTSUPP, "EOPNOTSUPP" },
	};

	if (!result)
		return "ok";
	for (unsigned int i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].nr == result)
			return errnos[i].name;
	if (result >= RESULT_STATUS)
		format(buf, size, "GNTST-%u", result - RESULT_STATUS);
	else if (result >= RESULT_TRAP + 20)
		return "INT";
	else if (result >= RESULT_TRAP)
		format(buf, size, "#%s", traps[result - RESULT_TRAP]);
	else
		format(buf, size, "E%u", result);
	return buf;
}

static uint64_t count(unsigned int op, unsigned int result)
{
	uint64_t n = 0;

	for (unsigned int v = 0; v < nr_cpus; v++)
		n += counts[v][op][result];
	return n;
}

void table_print(void)
{
	char line[360], name[16];

	for (unsigned int op = 0; op < nr_ops; op++) {
		size_t at = format(line, sizeof(line), "hfuzz: table %s:", ops[op].name);

		for (unsigned int r = 0; r < NR_RESULTS; r++)
			if (count(op, r))
				at += format(line + at, sizeof(line) - at, " %s=%lu",
					     result_name(r, name, sizeof(name)), count(op, r));
		print("%s\n", line);
	}
}

static void ring_print(unsigned int v)
{
	char name[16];

	uint64_t last = areas[v].me.number;

	for (uint64_t n = last < 8 ? 0 : last - 8; n <= last; n++) {
		const struct record *r = &rings[v].ring[n % RING_OPS];
		unsigned int result = (unsigned int)(r->op_result >> 32);

		print("hfuzz: vCPU %u operation %lu: %s: %s; ", v, r->number,
		      ops[(uint32_t)r->op_result % nr_ops].name,
		      result ? result_name(result - 1, name, sizeof(name)) : "not ended");
		print("call %lu (%lx, %lx, %lx, %lx, %lx), rip %lx\n", r->call[0], r->call[1],
		      r->call[2], r->call[3], r->call[4], r->call[5], r->rip);
	}
}

void rings_print(void)
{
	for (unsigned int v = 0; v < nr_cpus; v++)
		ring_print(v);
}
