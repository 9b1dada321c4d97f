/* SPDX-License-Identifier: MIT */
/*
 * A vcpu that shadows its own domain (arch/x86/shadow/self.c): who waits meanwhile and who is kept
 * off, what comes of it where there is no memory, where it is stopped, or where somebody else is
 * there. Two siblings, which have nothing but numbers.
 */
#include <string.h>
#include <asm/percpu.h>
#include <asm/preempt.h>
#include <asm/pt_check.h>
#include <asm/visit.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include "shadow.h"
#include "tap.h"

static struct vcpu siblings[NR_SIBLINGS];
static void (*handler)(void);
static bool is_raised, is_kept_off, is_paused, visitor_is_there;
static unsigned nr_told, nr_pauses;
static unsigned stops;			/* so many vcpus, and then something else is due */

/* ---- What the product calls ---- */

void printk_level(enum log_level level, bool about_guest, const char *fmt, ...) { nr_told++; }

void softirq_register(enum softirq nr, void (*fn)(void))
{
	check(nr == SOFTIRQ_SHADOW, "its softirq");
	handler = fn;
}

void softirq_raise(enum softirq nr)
{
	check(nr == SOFTIRQ_SHADOW, "its softirq");
	is_raised = true;
}

bool hypercall_preempt_check(void) { return stops && !--stops; }

bool visit_keep_off(struct domain *d)
{
	check(d == &shadow_domain && !is_kept_off && !is_paused, "visitors are kept off first");
	is_kept_off = !visitor_is_there;
	return is_kept_off;
}

void visit_allow(struct domain *d)
{
	check(is_kept_off && !is_paused, "and longest");
	is_kept_off = false;
}

void domain_pause(struct domain *d)
{
	check(d == &shadow_domain && is_kept_off && !is_paused, "siblings wait");
	is_paused = true;
	nr_pauses++;
	for (unsigned i = 0; i < NR_SIBLINGS; i++)
		siblings[i].on_cpu = NO_CPU;
}

void domain_unpause(struct domain *d)
{
	check(is_kept_off && is_paused, "and go on");
	is_paused = false;
	for (unsigned i = 0; i < NR_SIBLINGS; i++)
		siblings[i].on_cpu = 1 + i;
}

int domain_pause_by_control(struct domain *d)
{
	check(false, "no control domain is here");
	return -EOVERFLOW;
}

int domain_unpause_by_control(struct domain *d) { return -EINVAL; }

/* ---- What becomes of it ---- */

/* The call again and again, softirqs between: what it comes to, and in how many turns. */
static int settle(unsigned *turns)
{
	int rc;

	for (*turns = 1; *turns < 100; ++*turns) {
		rc = shadow_hides_absent(&shadow_domain);
		check(is_raised == (rc == -ERESTART), "who is to come again has asked");
		if (rc != -ERESTART)
			return rc;
		is_raised = false;
		handler();
		check(!is_kept_off && !is_paused && !world_irq_off, "nobody waits behind it");
		visitor_is_there = false;
	}
	return rc;
}

static bool all_are(bool on)
{
	return siblings[0].shadow.on == on && siblings[1].shadow.on == on &&
	       shadow_vcpu.shadow.on == on && cpu_siblings == (on ? 6 : 0);
}

/* The guest's vcpu, running, without a shadow; and its siblings. */
static void begin(void)
{
	shadow_domain.log = (struct domain_log){ 0 };
	shadow_vcpu.shadow.absent = ABSENT_NONE;
	shadow_domain.is_privileged = false;
	shadow_load();
	nr_told = nr_pauses = stops = 0;
	cpu_siblings_left = cpu_tree_pages_left = shadow_public_left = ~0u;
}

static void end(void)
{
	shadow_unload();
	domain_pause((is_kept_off = true, &shadow_domain));
	shadow_destroy_all(&shadow_domain);
	domain_unpause(&shadow_domain);
	visit_allow(&shadow_domain);
	check(all_are(false), "no shadow is left");
	shadow_check_unshadowed("at its end");
	shadow_domain.log = (struct domain_log){ 0 };
}

static void taken(void)
{
	unsigned turns;

	begin();
	check(!settle(&turns) && turns == 2 && all_are(true) && shadow_domain.log.for_good,
	      "all are shadowed, for good");
	check(this_cpu.cr3 == shadow_vcpu.cr3_kernel && this_cpu.shadowed, "who runs, too");
	check(!settle(&turns) && turns == 1 && nr_pauses == 1 && nr_told == 1, "once");
	domain_pause((is_kept_off = true, &shadow_domain));
	check(!shadow_make_for_good(&shadow_domain) && nr_told == 1, "who comes late tells nobody");
	domain_unpause(&shadow_domain);
	visit_allow(&shadow_domain);
	end();
	all_ok("a domain is shadowed on behalf of its own vcpu");
}

static void one_by_one(void)
{
	unsigned turns;

	for (unsigned i = 1; i <= NR_SIBLINGS; i++) {
		begin();
		stops = i;
		check(shadow_hides_absent(&shadow_domain) == -ERESTART, "once more");
		handler();
		check(0u + siblings[0].shadow.on + siblings[1].shadow.on == i &&
			      !shadow_vcpu.shadow.on && !shadow_domain.log.for_good,
		      "it stops behind %u, and nothing is taken yet", i);
		check(!settle(&turns) && all_are(true), "and goes on");
		end();
	}
	begin();
	visitor_is_there = true;
	check(!settle(&turns) && turns == 3 && nr_pauses == 1, "a visitor leaves first");
	end();
	all_ok("it comes again where it was stopped, or somebody is there");
}

static void without_memory(void)
{
	unsigned turns;

	for (unsigned i = 0; i < 7; i++) {
		begin();
		if (i <= NR_SIBLINGS)
			cpu_siblings_left = i;
		if (i == NR_SIBLINGS)
			cpu_tree_pages_left = 7;
		if (i > NR_SIBLINGS)
			shadow_public_left = i - NR_SIBLINGS;
		check(settle(&turns) == -EINVAL && turns == 2, "it is refused");
		check(all_are(false) && !this_cpu.shadowed && !shadow_domain.log.for_good,
		      "nobody is shadowed");
		shadow_check_unshadowed("without memory");
		cpu_siblings_left = cpu_tree_pages_left = shadow_public_left = ~0u;
		check(!settle(&turns) && turns == 2 && all_are(true), "when there is, it is taken");
		end();
	}
	all_ok("without memory it is refused, and nothing is left");
}

/* A sibling that was stopped has shadowed the vcpu that runs now. */
static void without_memory_on_a_shadow(void)
{
	unsigned turns;

	begin();
	siblings[0].shadow.absent = ABSENT_FAILED;
	check(!shadow_create(&shadow_vcpu), "it has one");
	cpu_siblings_left = 1;
	check(settle(&turns) == -EINVAL && turns == 2, "it is refused");
	check(!siblings[0].shadow.on && !siblings[1].shadow.on, "siblings have none");
	check(shadow_vcpu.shadow.on && this_cpu.shadowed && this_cpu.cr3 == shadow_vcpu.cr3_kernel,
	      "who runs on its own keeps it");
	check(!shadow_domain.log.for_good, "and nothing is taken");
	cpu_siblings_left = ~0u;
	check(!settle(&turns) && turns == 2 && all_are(true), "when there is memory, it is");
	check(siblings[0].shadow.absent == ABSENT_FAILED, "what failed is not forgotten by that");
	siblings[0].shadow.absent = ABSENT_NONE;
	end();
	all_ok("without memory, what runs stays on its shadow");
}

static void logged(void)
{
	unsigned turns;

	begin();
	shadow_domain.log.op = 1;
	cpu_siblings_left = 1;
	check(settle(&turns) == -EINVAL && siblings[0].shadow.on && !shadow_vcpu.shadow.on,
	      "shadows that the log will have stay");
	end();
	begin();
	shadow_domain.is_privileged = true;
	check(settle(&turns) == -EINVAL && turns == 1 && !nr_pauses, "dom0 is not shadowed");
	end();
	shadow_domain.is_privileged = false;
	nr_pauses = 0;
	check(shadow_hides_absent(&shadow_domain) == -EINVAL && !is_raised &&
		      shadow_domain.log.absent_refused,
	      "who visits is told so");
	handler();
	check(!nr_pauses, "and who has not asked has no answer");
	all_ok("a log, dom0 and visitors have it their own way");
}

void shadow_self(void)
{
	static struct vcpu *all[1 + NR_SIBLINGS];

	all[0] = &shadow_vcpu;
	for (unsigned i = 0; i < NR_SIBLINGS; i++) {
		all[1 + i] = &siblings[i];
		siblings[i] = shadow_vcpu;
		siblings[i].id = 1 + i;
		siblings[i].on_cpu = 1 + i;
		siblings[i].private_mfn[0] = _mfn(PRIVATE + 1 + i);
	}
	memcpy(shadow_domain.vcpu, all, sizeof(all));
	shadow_domain.nr_vcpus = 1 + NR_SIBLINGS;
	shadow_init();
	taken();
	one_by_one();
	without_memory();
	without_memory_on_a_shadow();
	logged();
}
