/* SPDX-License-Identifier: MIT */
/*
 * Wall clock: what the time of day was when system time was 0.
 *
 * Read once from the RTC, later set by dom0. Invariant: the version changes after the value, so a
 * reader that sees a new version sees the value that came with it, or a newer one whose version it
 * will still see.
 */
#include <isola/time.h>
#include <isola/printk.h>
#include <isola/lib/cmdline.h>
#include <asm/acpi.h>
#include <asm/insn.h>
#include <asm/pc_ports.h>

#define RTC_HOURS_PM 0x80
enum {
	RTC_SECOND = 0, RTC_MINUTE = 2, RTC_HOUR = 4, RTC_DAY = 7, RTC_MONTH = 8, RTC_YEAR = 9,
	RTC_A = 10, RTC_B = 11,
};
#define RTC_A_UPDATING 0x80
#define RTC_B_24H      0x02
#define RTC_B_BINARY   0x04
#define MAX_READS      (1u << 20)       /* an update takes 2 ms; a port read about 1 us */

static bool cmos_rtc_probe;
CMDLINE_BOOL("cmos-rtc-probe", cmos_rtc_probe);

static u64 base_ns, version = 1;

u64 wallclock_base_ns(void)
{
	return READ_ONCE(base_ns);
}

u64 wallclock_version(void)
{
	return __atomic_load_n(&version, __ATOMIC_ACQUIRE);
}

void wallclock_set(u64 new_base_ns)
{
	WRITE_ONCE(base_ns, new_base_ns);
	__atomic_fetch_add(&version, 1, __ATOMIC_SEQ_CST);
}

/* Bit 7 of the index port masks NMI; it is left clear. */
static u8 rtc_in(u8 reg)
{
	outb(reg, RTC_INDEX);
	return inb(RTC_DATA);
}

struct rtc_time {
	u8 second, minute, hour, day, month, year;
};

static void rtc_read_raw(struct rtc_time *t)
{
	for (unsigned i = 0; i < MAX_READS && rtc_in(RTC_A) & RTC_A_UPDATING; i++)
		cpu_relax();
	*t = (struct rtc_time){
		.second = rtc_in(RTC_SECOND), .minute = rtc_in(RTC_MINUTE),
		.hour = rtc_in(RTC_HOUR),
		.day = rtc_in(RTC_DAY), .month = rtc_in(RTC_MONTH), .year = rtc_in(RTC_YEAR),
	};
}

static u8 from_bcd(u8 v)
{
	return (v & 15) + 10 * (v >> 4);
}

static void rtc_decode(struct rtc_time *t, u8 mode)
{
	bool afternoon = t->hour & RTC_HOURS_PM;

	t->hour &= ~RTC_HOURS_PM;
	if (!(mode & RTC_B_BINARY))
		*t = (struct rtc_time){
			.second = from_bcd(t->second), .minute = from_bcd(t->minute),
			.hour = from_bcd(t->hour), .day = from_bcd(t->day),
			.month = from_bcd(t->month), .year = from_bcd(t->year),
		};
	if (!(mode & RTC_B_24H))
		t->hour = t->hour % 12 + (afternoon ? 12 : 0);
}

/*
 * Days from 1970-01-01 to a date of the Gregorian calendar: years begin in March, so the leap day
 * is the last.
 */
static u64 days_since_1970(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month > 2 ? year : year - 1;
	unsigned m = month > 2 ? month - 3 : month + 9;

	return 365ul * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

u64 time_to_seconds(unsigned year, unsigned month, unsigned day)
{
	return days_since_1970(year, month, day) * 86400;
}

static bool rtc_is_sane(const struct rtc_time *t)
{
	return t->second < 60 && t->minute < 60 && t->hour < 24 && t->day >= 1 && t->day <= 31 &&
	       t->month >= 1 && t->month <= 12 && t->year < 100;
}

void wallclock_init(const struct acpi_info *acpi)
{
	struct rtc_time a, b;
	unsigned year;

	if (acpi->has_fadt && acpi->no_cmos_rtc && !cmos_rtc_probe) {
		pr_warn("Time: no RTC, says ACPI; the wall clock starts in 1970 "
			"(cmos-rtc-probe: look for one all the same)");
		return;
	}
	/* Two readings that agree were not torn by an update. */
	rtc_read_raw(&a);
	for (unsigned i = 0; i < 4; i++) {
		rtc_read_raw(&b);
		if (a.second == b.second && a.minute == b.minute && a.hour == b.hour)
			break;
		a = b;
	}
	rtc_decode(&a, rtc_in(RTC_B));
	if (!rtc_is_sane(&a)) {
		pr_warn("Time: the RTC holds no date; the wall clock starts in 1970");
		return;
	}
	year = a.year + (a.year < 70 ? 2000 : 1900);
	wallclock_begin(time_to_seconds(year, a.month, a.day) + a.hour * 3600 + a.minute * 60 +
			a.second, "the RTC");
}

/* The date behind a number of days since 1970: years begin in March, in eras of 400. */
static void print_date(u64 seconds, const char *clock)
{
	u64 days = seconds / 86400 + 719468, of_day = seconds % 86400, era = days / 146097;
	u64 doe = days % 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	u64 doy = doe - (365 * yoe + yoe / 4 - yoe / 100), m = (5 * doy + 2) / 153;
	u64 month = m < 10 ? m + 3 : m - 9;

	pr_info("Time: %04lu-%02lu-%02lu %02lu:%02lu:%02lu by %s",
		yoe + era * 400 + (month <= 2), month, doy - (153 * m + 2) / 5 + 1,
		of_day / 3600, of_day / 60 % 60, of_day % 60, clock);
}

void wallclock_begin(u64 seconds, const char *clock)
{
	wallclock_set(SECONDS(seconds) - now_ns());
	print_date(seconds, clock);
}
