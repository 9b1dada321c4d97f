/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own log. A line is `(isola) text`; levels as loglvl= and guest_loglvl= select.
 * The ring and the port's state are public: hypervisor lines only, never guest text.
 */
#pragma once

#include <isola/types.h>
#include <stdarg.h>

enum log_level { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/*
 * The rate limit of what one domain can make us print (BUG-2). Zero: nothing printed yet. Written
 * by any CPU.
 */
struct log_limit {
	u64 full_at;                    /* ns: when the whole burst is available again */
	u32 dropped;                    /* lines since the last one printed */
};

/*
 * Whom a line about a guest is about: false, nobody. A hook of the floor above
 * (common/log_subject.c).
 */
struct log_subject {
	u32 domid, vcpu;
	struct log_limit *limit;
};
bool log_subject(struct log_subject *s);

void vprintk(enum log_level level, bool about_guest, const char *fmt, va_list ap);
void printk_level(enum log_level level, bool about_guest, const char *fmt, ...) __printf(3, 4);

/* Are lines of @level printed at all? Within the rate limit, that is. */
bool log_shows(enum log_level level, bool about_guest);

/* One fact per line, no trailing newline in @fmt: it is added. */
#define pr_err(...)   printk_level(LOG_ERR, false, __VA_ARGS__)
#define pr_warn(...)  printk_level(LOG_WARNING, false, __VA_ARGS__)
#define pr_info(...)  printk_level(LOG_INFO, false, __VA_ARGS__)
#define pr_debug(...) printk_level(LOG_DEBUG, false, __VA_ARGS__)

/*
 * About what a guest did: rate-limited (BUG-2) and filtered by guest_loglvl=. Prefix `d0v0 ` of the
 * current vcpu is added.
 */
#define guest_err(...)   printk_level(LOG_ERR, true, __VA_ARGS__)
#define guest_warn(...)  printk_level(LOG_WARNING, true, __VA_ARGS__)
#define guest_info(...)  printk_level(LOG_INFO, true, __VA_ARGS__)
#define guest_debug(...) do {					\
	if (unlikely(log_shows(LOG_DEBUG, true)))		\
		printk_level(LOG_DEBUG, true, __VA_ARGS__);	\
} while (0)

/* Our own bug: print registers, back trace and the CPU, stop the others, reboot or halt. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
/* Bad input at boot: `(isola) FATAL: sentence`, then halt. */
void fatal(const char *fmt, ...) __printf(1, 2) __noreturn;

#define BUG() panic("bug at %s:%d", __FILE__, __LINE__)
#define BUG_ON(cond) do { \
	if (unlikely(cond)) \
		panic("bug at %s:%d: %s", __FILE__, __LINE__, #cond); \
} while (0)
#ifdef CONFIG_DEBUG
#define ASSERT(cond) do { \
	if (unlikely(!(cond))) \
		panic("assertion at %s:%d: %s", __FILE__, __LINE__, #cond); \
} while (0)
#else
#define ASSERT(cond) do { if (0 && (cond)) { } } while (0)
#endif
