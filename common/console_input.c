/* SPDX-License-Identifier: MIT */
/*
 * Console input: VIRQ_CONSOLE for dom0 while bytes wait in a port.
 *
 * Invariant: what was typed is not read here, so it lies in no memory of ours until dom0 asks for
 * it. A port's FIFO holds 16 bytes: who types faster than that in 10 ms loses some.
 */
#include <isola/console.h>
#include <isola/evtchn.h>
#include <isola/clock.h>
#include <isola/timer.h>

#define INPUT_POLL MILLISECS(10)

static struct timer input_timer;

static void poll_input(void *data __maybe_unused)
{
	if (dom0 && console_input_ready())
		send_global_virq(dom0, VIRQ_CONSOLE);
	timer_set(&input_timer, now_ns() + INPUT_POLL);
}

void console_watch_input(void)
{
	if (input_timer.fn)
		return;
	timer_init(&input_timer, poll_input, NULL);
	timer_set(&input_timer, now_ns() + INPUT_POLL);
}
