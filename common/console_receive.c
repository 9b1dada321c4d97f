/* SPDX-License-Identifier: MIT */
/*
 * The console's receiver: what comes in by the ports is taken when it comes, by an interrupt, and
 * waits in a hidden ring until somebody sees to it.
 *
 * An interrupt takes what a UART holds. If there is more then, or enough has come for a while, it
 * turns the ports' interrupts off, and the softirq turns them on again when the ports are empty. So
 * a port that always has something, or always says so, costs WINDOW_BYTES in WINDOW, and then it is
 * left alone. While there is no room in the ring, input stays where it is, in the UART and before
 * it.
 *
 * Invariants: receive_lock has the receivers' registers, and who adds to the ring. Bytes pass
 * through the stack of the CPU that takes them, which is wiped.
 */
#include <isola/console_receive.h>
#include <isola/clock.h>
#include <isola/console.h>
#include <isola/console_port.h>
#include <isola/hidden_ring.h>
#include <isola/lock_order.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <asm/precondition.h>

#define WINDOW		MILLISECS(10)
#define WINDOW_BYTES	1024u		/* a UART's at 921600 baud */
#define TAKE_BYTES	32u		/* 33 accesses to a port, one microsecond each on ISA */

static spinlock_t receive_lock = SPINLOCK_INIT(LOCK_RECEIVE);
static struct hidden_ring received;	/* put into under receive_lock */
static u64 window_ends;			/* ns; receive_lock */
static u32 nr_in_window;		/* bytes; receive_lock */
static bool is_listening;		/* written under receive_lock */

static u32 allowance(void)
{
	u64 now = now_ns();

	ASSERT_LOCKED(&receive_lock);
	if (now >= window_ends) {
		window_ends = now + WINDOW;
		nr_in_window = 0;
	}
	return min(hidden_ring_room(&received), WINDOW_BYTES - min(nr_in_window, WINDOW_BYTES));
}

static u32 take(void)
{
	char buf[TAKE_BYTES];
	u32 n = console_ports_read(buf, min(allowance(), TAKE_BYTES));

	ASSERT_LOCKED(&receive_lock);
	hidden_ring_put(&received, buf, n);
	nr_in_window += n;
	console_wipe(buf, sizeof(buf));
	return n;
}

static void listen(bool on)
{
	ASSERT_LOCKED(&receive_lock);
	console_ports_listen(on);
	WRITE_ONCE(is_listening, on);
}

void console_interrupt(void)
{
	ASSERT_IRQS_OFF();
	spin_lock(&receive_lock);
	if (is_listening && console_ports_heard()) {
		(void)take();
		if (console_ports_ready() || !allowance())
			listen(false);
		softirq_raise(SOFTIRQ_INPUT);
	}
	spin_unlock(&receive_lock);
}

bool console_receive(void)
{
	u64 flags = spin_lock_irqsave(&receive_lock);
	bool any = take();

	if (!any && !is_listening && allowance())
		listen(true);
	spin_unlock_irqrestore(&receive_lock, flags);
	return any;
}

bool console_receive_is_deaf(void)
{
	return !READ_ONCE(is_listening);
}

bool console_receive_is_due(void)
{
	u64 flags = spin_lock_irqsave(&receive_lock);
	bool due = console_ports_look() || !is_listening;

	spin_unlock_irqrestore(&receive_lock, flags);
	return due;
}

u32 console_received(char *buf, u32 size)
{
	return hidden_ring_look(&received, buf, size);
}

bool console_received_any(void)
{
	return hidden_ring_used(&received);
}

void console_received_drop(u32 n)
{
	hidden_ring_drop(&received, n);
}

bool console_receive_create(void)
{
	return hidden_ring_create(&received);
}

void console_receive_start(void)
{
	u64 flags = spin_lock_irqsave(&receive_lock);

	listen(true);
	spin_unlock_irqrestore(&receive_lock, flags);
}
