/* SPDX-License-Identifier: MIT */
/*
 * The console's output, later: a softirq after each line, and a timer while the ports are busy. The
 * softirq tells of new lines, too, whoever reads the log (VIRQ_CON_RING).
 *
 * Invariant: while something is pending, the timer is armed, or a softirq is, or a CPU that owns
 * the transmitter will look once more.
 */
#include <isola/clock.h>
#include <isola/console.h>
#include <isola/console_port.h>
#include <isola/evtchn.h>
#include <isola/softirq.h>
#include <isola/timer.h>
#include <xen/xen.h>

#define MIN_WAIT     MICROSECS(200)     /* between two looks at a busy port */
#define MAX_WAIT     MILLISECS(10)
#define MAX_FILLS    32                 /* FIFOs filled by one softirq */

static struct timer drain_timer;
static u64 log_told;			/* up to where */

/* Softirq, and the timer. Interrupts on. */
static void drain(void)
{
	u64 wait = console_ports_fill_ns();

	if (console_log_grew(&log_told))
		raise_global_virq(VIRQ_CON_RING);
	for (unsigned i = 0; i < MAX_FILLS && console_is_pending(); i++)
		if (!console_send_some())
			break;
	if (console_is_pending())
		timer_set(&drain_timer, now_ns() + min(max(wait, MIN_WAIT), MAX_WAIT));
}

static void drain_again(void *data __maybe_unused)
{
	drain();
}

void console_start_async(void)
{
	timer_init(&drain_timer, drain_again, NULL);
	softirq_register(SOFTIRQ_CONSOLE, drain);
	console_out_start_async();
}
