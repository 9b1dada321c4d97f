/* SPDX-License-Identifier: MIT */
/*
 * The wall clock: what the control domain sets, and what each domain reads in shared_info.
 *
 * The rule: at system time t it is wc + t, for everybody at once; it begins with the RTC's time,
 * follows settime whatever the numbers are, and a domain's own offset comes on top.
 */
#define TOPIC "wallclock"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

#define SECOND_NS 1000000000ul

struct wallclock { uint64_t sec; uint32_t nsec; };

static struct wallclock wallclock(void)
{
	volatile struct shared_info *s = shared;
	struct wallclock w;
	uint32_t version;

	do {
		version = s->wc_version;
		asm volatile("" : : : "memory");
		w.sec = (uint64_t)s->wc_sec_hi << 32 | s->wc_sec;
		w.nsec = s->wc_nsec;
		asm volatile("" : : : "memory");
	} while (version & 1 || version != s->wc_version);
	return w;
}

static struct xen_platform_op op;

static long settime(uint32_t cmd, uint64_t sec, uint32_t nsec, uint64_t system_time)
{
	memset(&op, 0, sizeof(op));
	op.cmd = cmd;
	op.interface_version = XENPF_INTERFACE_VERSION;
	if (cmd == XENPF_settime32) {
		op.u.settime32.secs = (uint32_t)sec;
		op.u.settime32.nsecs = nsec;
		op.u.settime32.system_time = system_time;
	} else {
		op.u.settime64.secs = sec;
		op.u.settime64.nsecs = nsec;
		op.u.settime64.system_time = system_time;
	}
	return HC1(platform_op, &op);
}

static void check_set(uint32_t cmd, uint64_t sec, uint32_t nsec, uint64_t system_time)
{
	uint64_t want = sec * SECOND_NS + nsec - system_time;
	struct wallclock w;

	CHECK_OK(settime(cmd, sec, nsec, system_time));
	w = wallclock();
	CHECK_EQ(w.sec, want / SECOND_NS);
	CHECK_EQ(w.nsec, want % SECOND_NS);
}

static uint8_t cmos(uint8_t reg)
{
	uint8_t val;

	asm volatile("outb %1, $0x70; inb $0x71, %0" : "=a"(val) : "a"(reg) : "memory");
	return val;
}

static void cmos_write(uint8_t reg, uint8_t val)
{
	asm volatile("outb %0, $0x70" : : "a"(reg) : "memory");
	asm volatile("outb %0, $0x71" : : "a"(val) : "memory");
}

static unsigned int from_bcd(uint8_t v)
{
	return (v & 15u) + 10u * (v >> 4);
}

/* Seconds of the day, by the RTC as firmware and QEMU leave it: BCD, 24 hours. */
static uint64_t rtc_of_day(void)
{
	while (cmos(10) & 0x80)
		;
	return from_bcd(cmos(4)) * 3600u + from_bcd(cmos(2)) * 60u + from_bcd(cmos(0));
}

CLAIM_DOM0(rtc, "the wall clock at the beginning is the RTC's, which dom0 reads by its ports")
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	uint64_t now, rtc;

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	rtc = rtc_of_day();
	now = wallclock().sec + (wallclock().nsec + clock_ns()) / SECOND_NS;
	/* The second may have turned before and after; and midnight. */
	CHECK((now % 86400 - rtc + 3) % 86400 <= 6);
}

CLAIM_DOM0(rtc_index, "what is written to the RTC's index port is read there, and a register "
	   "that can be written keeps what is")
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	uint8_t index, alarm;

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl));
	alarm = cmos(1);
	asm volatile("inb $0x70, %0" : "=a"(index));
	CHECK_EQ(index, 1);
	cmos_write(1, alarm ^ 0x11);
	CHECK_EQ(cmos(1), alarm ^ 0x11);
	cmos_write(1, alarm);
}

CLAIM_DOM0(settime, "settime32 and settime64 set it at once, whatever the numbers are; a reserved "
	   "field that is not 0 is -EINVAL")
{
	struct wallclock before = wallclock();

	check_set(XENPF_settime64, 1700000000, 5, clock_ns());
	check_set(XENPF_settime32, 1800000000, 999999999, clock_ns());
	check_set(XENPF_settime64, 5000000000, 0, 0);		/* beyond 32 bits */
	check_set(XENPF_settime64, 1700000000, 0xffffffff, 7);	/* more than a second of ns */
	check_set(XENPF_settime64, ~0ul, 1, 0);			/* modulo 2^64 */
	check_set(XENPF_settime32, 0, 0, 1);			/* before it all began */
	CHECK_OK(settime(XENPF_settime64, before.sec, before.nsec, 0));
	op.u.settime64.secs = 1;
	op.u.settime64.mbz = 1;
	CHECK_ERR(HC1(platform_op, &op), XEN_EINVAL);
	CHECK_EQ(wallclock().sec, before.sec);
	CHECK_EQ(wallclock().nsec, before.nsec);
}

static void check_offset(int64_t seconds, uint64_t want)
{
	memset(&domctl_op, 0, sizeof(domctl_op));
	domctl_op.u.settimeoffset.time_offset_seconds = seconds;
	CHECK_OK(domctl(XEN_DOMCTL_settimeoffset, 0));
	CHECK_EQ(wallclock().sec, want + (uint64_t)seconds);
}

CLAIM_DOM0(offset, "settimeoffset moves a domain's own, either way; settime keeps that")
{
	struct wallclock before = wallclock();

	check_offset(7200, before.sec);
	check_offset(-3600, before.sec);
	CHECK_OK(settime(XENPF_settime64, before.sec, before.nsec, 0));
	CHECK_EQ(wallclock().sec, before.sec - 3600);
	check_offset(0, before.sec);
	CHECK_EQ(wallclock().nsec, before.nsec);
	memset(&domctl_op, 0, sizeof(domctl_op));
	CHECK_ERR(domctl(XEN_DOMCTL_settimeoffset, 0x7fef), XEN_ESRCH);
}

/* Of two domains (tests/boot/wallclock.t), each on a CPU of its own that it never leaves. */
CLAIM(follows, "a domain that never leaves its CPU sees the time that another domain sets")
{
	struct wallclock before = wallclock();

	if (!option("follow"))
		skip("no other domain sets the time");
	if (start->flags & SIF_INITDOMAIN) {
		for (unsigned int i = 1; i <= 40; i++) {
			CHECK_OK(settime(XENPF_settime64, before.sec + 100000 * i, 0, 0));
			CHECK(!WAIT_FOR(false, 100));
		}
		return;
	}
	CHECK(WAIT_FOR(wallclock().sec >= before.sec + 50000, 15000));
	before = wallclock();
	CHECK(WAIT_FOR(wallclock().sec >= before.sec + 50000, 2000));
}
