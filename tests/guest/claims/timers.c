/* SPDX-License-Identifier: MIT */
/*
 * Timers and the clock: time goes forward, at the rate the record says, and alarms come when they
 * were asked for.
 *
 * The guest reads the record thousands of times, compares it with the TSC, sets each kind of timer
 * in the past, in the near future and never, and counts what arrives.
 */
#define TOPIC "timers"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"

static void need_timer(void)
{
	if (!timer_port)
		skip("VIRQ_TIMER cannot be bound");
}

static long singleshot(uint64_t ns, uint32_t flags)
{
	struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = ns, .flags = flags };

	return HC3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &t);
}

static long periodic(uint64_t ns)
{
	struct vcpu_set_periodic_timer t = { .period_ns = ns };

	return HC3(vcpu_op, VCPUOP_set_periodic_timer, 0, &t);
}

CLAIM(clock_monotonic, "the clock never goes back over 100000 readings with hypercalls in between")
{
	uint64_t last = clock_ns();

	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t ns = clock_ns();

		CHECK_SAY(ns >= last, "%lu after %lu", ns, last);
		last = ns;
		if (i % 1000 == 0)
			HC2(sched_op, SCHEDOP_yield, 0);
	}
}

CLAIM(clock_rate, "clock and TSC agree about a 20 ms interval within 2 %")
{
	const volatile struct vcpu_time_info *t = &vcpu_info->time;

	/* The CPU may be taken away between two readings: one good interval of ten is enough. */
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t ns0 = clock_ns(), tsc0 = rdtsc(), ns, by_tsc;

		WAIT_FOR(false, 20);
		ns = clock_ns() - ns0;
		by_tsc = rdtsc() - tsc0;
		by_tsc = t->tsc_shift < 0 ? by_tsc >> -t->tsc_shift : by_tsc << t->tsc_shift;
		by_tsc = (uint64_t)(((unsigned __int128)by_tsc * t->tsc_to_system_mul) >> 32);
		note("%lu ns by the record, %lu by the TSC", ns, by_tsc);
		if (by_tsc > ns * 98 / 100 && by_tsc < ns * 102 / 100) {
			CHECK(ns >= 20 * MS_NS);
			return;
		}
	}
	fail(__FILE__, __LINE__, "no interval agreed");
}

CLAIM(version_even, "the time record's version is even whenever the guest looks, and its timestamp "
      "is in the past")
{
	const volatile struct vcpu_time_info *t = &vcpu_info->time;

	for (unsigned int i = 0; i < 1000; i++) {
		CHECK_EQ(t->version & 1, 0);
		CHECK(t->tsc_timestamp <= rdtsc());
		HC2(sched_op, SCHEDOP_yield, 0);
	}
}

CLAIM(set_timer_future, "set_timer_op delivers VIRQ_TIMER once, not before its time, and soon "
      "after")
{
	uint64_t due = clock_ns() + 20 * MS_NS;

	need_timer();
	CHECK_OK(timer_set(due));
	CHECK(WAIT_FOR(evtchn_count[timer_port], 3000));
	CHECK(clock_ns() >= due - 100000);
	CHECK_EQ(evtchn_count[timer_port], 1);
}

CLAIM(set_timer_past, "set_timer_op with a time in the past fires at once")
{
	need_timer();
	CHECK_OK(timer_set(1));
	CHECK(WAIT_FOR(evtchn_count[timer_port], 3000));
}

CLAIM(set_timer_cancel, "set_timer_op(0) cancels")
{
	need_timer();
	CHECK_OK(timer_set(clock_ns() + 10 * MS_NS));
	CHECK_OK(timer_set(0));
	CHECK(!WAIT_FOR(evtchn_count[timer_port], 40));
}

CLAIM(singleshot_future, "a single-shot timer fires once, not before its time")
{
	uint64_t due = clock_ns() + 10 * MS_NS;

	need_timer();
	CHECK_OK(singleshot(due, 0));
	CHECK(WAIT_FOR(evtchn_count[timer_port], 3000));
	CHECK(clock_ns() >= due - 100000);
	CHECK(!WAIT_FOR(evtchn_count[timer_port] > 1, 30));
}

CLAIM(singleshot_past, "a single-shot timer in the past answers 0 and fires at once")
{
	need_timer();
	CHECK_OK(singleshot(clock_ns() - 1000, 0));
	CHECK(WAIT_FOR(evtchn_count[timer_port], 3000));
}

CLAIM(singleshot_past_future_flag, "a single-shot timer in the past with VCPU_SSHOTTMR_future is "
      "-ETIME and does not fire, or fires")
{
	long rc;

	need_timer();
	rc = singleshot(clock_ns() - 10 * MS_NS, VCPU_SSHOTTMR_future);
	/* The flag "can be ignored by the hypervisor", says the header. */
	CHECK(rc == -XEN_ETIME || rc == 0);
	CHECK_EQ(WAIT_FOR(evtchn_count[timer_port], 30), rc == 0);
}

CLAIM(singleshot_stop, "stop_singleshot_timer cancels, and stopping nothing is 0")
{
	need_timer();
	CHECK_OK(singleshot(clock_ns() + 10 * MS_NS, 0));
	CHECK_OK(HC3(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0));
	CHECK_OK(HC3(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0));
	CHECK(!WAIT_FOR(evtchn_count[timer_port], 40));
}

CLAIM(singleshot_far, "a timer centuries away is accepted and does not fire now")
{
	need_timer();
	CHECK_OK(singleshot(1ul << 62, 0));
	CHECK(!WAIT_FOR(evtchn_count[timer_port], 20));
	CHECK_OK(HC3(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0));
}

CLAIM(periodic_timer, "a periodic timer of 10 ms fires again and again, and stops when told")
{
	uint32_t after;

	need_timer();
	CHECK_OK(periodic(10 * MS_NS));
	CHECK(WAIT_FOR(evtchn_count[timer_port] >= 4, 5000));
	CHECK_OK(HC3(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0));
	after = evtchn_count[timer_port];
	CHECK(!WAIT_FOR(evtchn_count[timer_port] > after + 1, 50));
}

CLAIM(periodic_too_short, "a period below a millisecond, zero included, is -EINVAL")
{
	need_timer();
	CHECK_ERR(periodic(0), XEN_EINVAL);
	CHECK_ERR(periodic(1), XEN_EINVAL);
	CHECK_ERR(periodic(999999), XEN_EINVAL);
}

CLAIM(timer_border_values, "no absolute time hangs or kills anything: 0, 1, 2^63 - 1, 2^63, 2^64 - "
      "1")
{
	static const uint64_t times[] = { 0, 1, 0x7ffffffffffffffful, 1ul << 63, ~0ul, ~0ul - 1 };

	need_timer();
	for (unsigned int i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		timer_set(times[i]);
		singleshot(times[i], 0);
		HC2(sched_op, SCHEDOP_yield, 0);
	}
	CHECK_OK(HC3(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0));
	CHECK(clock_ns() < 1ul << 62);
}

/* ---- Against another clock ---- */

static uint8_t rtc_second(void)
{
	uint8_t value = 0;

	asm volatile("out %b1, $0x70; in $0x71, %b0" : "=a"(value) : "0"(value));
	return value;
}

/* A second of the RTC begins after @before and not after @after. */
struct second {
	uint64_t before, after;
	unsigned int number;
};

static struct second wait_second(void)
{
	struct second s = { .after = clock_ns() };
	uint8_t first = rtc_second();

	do {
		s.before = s.after;
		s.number = rtc_second();
		s.after = clock_ns();
	} while (s.number == first);
	return s;
}

/* One that is known to 500 us: the emulator may be held up between two looks. */
static struct second good_second(void)
{
	struct second s;

	do
		s = wait_second();
	while (s.after - s.before > MS_NS / 2);
	return s;
}

CLAIM(clock_against_rtc,
      "over four seconds and more the clock goes as the machine's RTC does, to 1 ms per second")
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	struct second a, b;
	uint64_t seconds, elapsed, real;

	if (!strstr((const char *)start->cmd_line, "rtc"))
		skip("it takes long");
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	a = good_second();
	do {
		b = good_second();
		/* BCD, and modulo a minute */
		seconds = ((b.number >> 4) * 10 + (b.number & 15) + 60 - (a.number >> 4) * 10 -
			   (a.number & 15)) %
			  60;
	} while (seconds < 4);
	elapsed = b.after - a.after;
	real = seconds * 1000 * MS_NS;
	print("#   in %lu s of the RTC the clock goes %ld us too far, +-%lu us\n", seconds,
	      (long)(elapsed - real) / 1000, (b.after - b.before + a.after - a.before) / 1000);
	CHECK(b.after - a.before >= real - seconds * MS_NS);
	CHECK(b.before - a.after <= real + seconds * MS_NS);
}

CLAIM(lateness, "of 50 single-shot timers none is early, and the median comes within 5 ms")
{
	uint64_t late[50];

	need_timer();
	for (unsigned int i = 0; i < 50; i++) {
		uint64_t due = clock_ns() + 2 * MS_NS + i * 50000, n, t;

		evtchn_count[timer_port] = 0;
		CHECK_OK(singleshot(due, 0));
		do {
			n = evtchn_count[timer_port];
			t = clock_ns();
		} while (!n && t < due + 3000 * MS_NS);
		CHECK_EQ(n, 1);
		CHECK_SAY(t >= due, "%lu ns early", due - t);
		t -= due;
		for (n = i; n && late[n - 1] > t; n--)
			late[n] = late[n - 1];
		late[n] = t;
	}
	print("#   lateness of timers: median %lu us, at most %lu us\n", late[25] / 1000,
	      late[49] / 1000);
	CHECK(late[25] < 5 * MS_NS);
}
