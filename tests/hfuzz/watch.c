/* SPDX-License-Identifier: MIT */
/*
 * Keeping each other going, and coming to rest for the audit.
 *
 * Who has not got on for a while is sent an NMI, which ends every sleep, and brought up. vCPU 0 is
 * never put down and never sleeps without a time, so there is always one to do it.
 */
#include "hfuzz.h"
#include <xen/vcpu.h>

#define STUCK_NS (10 * MS_NS)
#define REST_NS (60000 * MS_NS)		/* emulators stand still at times */

static volatile bool audit_wanted;
unsigned long nr_audits;

static void wake(unsigned int v)
{
	HC3(vcpu_op, VCPUOP_send_nmi, v, 0);
	if (v && !audit_wanted)
		HC3(vcpu_op, VCPUOP_up, v, 0);
}

void watch(struct me *m)
{
	uint64_t now = clock_ns();

	for (unsigned int v = 0; v < nr_cpus; v++) {
		uint64_t number = areas[v].me.number;

		if (v == m->id)
			continue;
		if (number != m->seen_number[v]) {
			m->seen_number[v] = number;
			m->seen_at[v] = now;
		} else if (now > m->seen_at[v] + STUCK_NS) {
			wake(v);
			m->seen_at[v] = now;
		}
	}
}

void sleep_for_audit(struct me *m)
{
	while (audit_wanted)
		HC3(vcpu_op, VCPUOP_down, m->id, 0);
}

static bool all_down(void)
{
	for (unsigned int v = 1; v < nr_vcpus; v++)
		if (HC3(vcpu_op, VCPUOP_is_up, v, 0))
			return false;
	return true;
}

static long recount(void)
{
	return hypercall_bare(__HYPERVISOR_arch_7, 0, 0, 0, 0, 0);
}

/* -EBUSY: somebody has been brought up by another's last operation. */
static long recount_at_rest(struct me *m)
{
	uint64_t end = clock_ns() + REST_NS, next = 0;
	long rc = -XEN_EBUSY;

	while (rc == -XEN_EBUSY) {
		if (clock_ns() > end)
			die("the others do not come to rest");
		if (clock_ns() > next) {
			for (unsigned int v = 1; v < nr_cpus; v++)
				wake(v);
			next = clock_ns() + 2 * MS_NS;
		}
		flip_others(m);
		if (all_down())
			rc = recount();
	}
	return rc;
}

void audit(struct me *m)
{
	long rc;

	audit_wanted = true;
	rc = recount_at_rest(m);
	if (rc)
		die(rc > 0 ? "the audit finds %ld frames wrong" : "the audit is %ld", rc);
	nr_audits++;
	integrity_check();
	sandbox_heal(m);
	audit_wanted = false;
	for (unsigned int v = 1; v < nr_cpus; v++)
		HC3(vcpu_op, VCPUOP_up, v, 0);
}

/* ---- Control memory ---- */

extern const uint64_t image_start[], claims_end[];	/* text and read-only data */
static uint64_t canary[4 * 512] __attribute__((aligned(PAGE_BYTES)));
static uint64_t text_at_start[32 * 512];

static uint64_t canary_word(uint64_t i)
{
	return ~i * 0x9e3779b97f4a7c15ul;
}

void integrity_init(void)
{
	for (unsigned int i = 0; i < 4 * 512; i++)
		canary[i] = canary_word(i);
	if (claims_end - image_start > 32 * 512)
		die("text is larger than was thought");
	for (unsigned int i = 0; image_start + i < claims_end; i++)
		text_at_start[i] = image_start[i];
}

void integrity_check(void)
{
	for (unsigned int i = 0; i < 4 * 512; i++)
		if (canary[i] != canary_word(i))
			die("memory that no call was told of has changed: %lx holds %lx",
			    ARG(&canary[i]), canary[i]);
	for (unsigned int i = 0; image_start + i < claims_end; i++)
		if (text_at_start[i] != image_start[i])
			die("text has changed: %lx holds %lx", ARG(&image_start[i]),
			    image_start[i]);
}
