/* SPDX-License-Identifier: MIT */
/*
 * The way out to a guest, while siblings send it one event after the other: it comes to its end
 * when they do, interrupts get their chance before each repeat, and softirqs go first.
 *
 * Flags: -Itests/unit/mm/include
 * Sources: arch/x86/entry/exit.c
 */
#include "tap.h"

#include <isola/evtchn.h>
#include <isola/softirq.h>
#include <isola/vcpu.h>
#include <asm/bounce.h>
#include <asm/entry.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/vcpu_private.h>

struct cpu_private this_cpu;
struct vcpu_private this_vcpu;
static struct vcpu self;
static struct cpu_public public;
static struct vcpu_info info;
bool world_irq_off;
unsigned world_irq_windows;

static unsigned folds, events_to_come, deaf, softirqs_run, bounced, softirqs_to_come, peeks;
static bool heard;			/* interrupts have had their chance since the last fold */
static unsigned windows_seen;

void panic(const char *fmt, ...)
{
	printf("Bail out! panic: %s\n", fmt);
	exit(1);
}

void evtchn_fold(void)
{
	heard |= world_irq_windows != windows_seen;
	windows_seen = world_irq_windows;
	deaf += folds && !heard;
	heard = false;
	folds++;
	self.event_check = events_to_come != 0;
	events_to_come -= events_to_come != 0;
	if (softirqs_to_come && folds % 3 == 0) {
		public.softirq_pending = 1;
		softirqs_to_come--;
	}
	info.evtchn_upcall_pending = 1;
}

void softirq_run(void)
{
	check(!world_irq_off, "softirqs run with interrupts on");
	heard = true;
	softirqs_run++;
	public.softirq_pending = 0;
}

void bounce_event(void)
{
	bounced++;
	info.evtchn_upcall_mask = 1;
}

void bounce_failsafe(void) { }
void bounce_nmi(void) { }
void root_peek_kernel(void) { peeks++; }
void root_peek_done(void) { peeks--; }

static unsigned way_out(unsigned events, unsigned softirqs, bool kernel)
{
	unsigned rounds = 1;

	folds = deaf = softirqs_run = bounced = 0;
	heard = false;
	windows_seen = world_irq_windows;
	events_to_come = events;
	softirqs_to_come = softirqs;
	info = (struct vcpu_info){ 0 };
	this_vcpu.kernel_mode = kernel;
	self.event_check = 1;
	world_irq_off = true;
	while (!exit_work() && rounds < 10 * (events + softirqs) + 10) {
		check(world_irq_off, "a repeat begins with interrupts off");
		rounds++;
	}
	check(world_irq_off && !peeks,
	      "a guest is returned to with interrupts off, on its own root");
	return rounds;
}

int main(void)
{
	this_cpu.pub = &public;
	current = &self;
	this_vcpu.vcpu_info = &info;
	ok(way_out(0, 0, true) == 1 && bounced == 1, "nothing but an event: one look, one bounce");
	ok(way_out(1000, 0, true) == 1001 && folds == 1001,
	   "a thousand events in a row: a repeat for each");
	ok(!deaf, "interrupts had their chance before each repeat");
	ok(bounced == 1, "the guest has masked upcalls: one bounce");
	way_out(1000, 100, false);
	ok(!deaf && softirqs_run == 100 && folds >= 1001,
	   "the same from user mode, with softirqs between");
	done();
	return 0;
}
