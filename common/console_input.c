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
	if (console_input_ready())
		raise_global_virq(VIRQ_CONSOLE);
	timer_set(&input_timer, now_ns() + INPUT_POLL);
}

void console_watch_input(void)
{
	if (input_timer.fn)
		return;
	timer_init(&input_timer, poll_input, NULL);
	timer_set(&input_timer, now_ns() + INPUT_POLL);
}
