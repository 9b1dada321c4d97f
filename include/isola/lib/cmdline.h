/* SPDX-License-Identifier: MIT */
/*
 * Command line: a table of options, filled by the files that own the variables, and the one parser
 * over it.
 *
 * Grammar, as Xen's: words separated by blanks; `name', `name=value', `no-name'; a word `--' ends
 * the line. In names '-' and '_' are the same character. An option given twice takes the later
 * value. A word that names no option, or whose value is malformed, is reported by name and has no
 * effect; the boot ends there if the option was to keep a guest within bounds.
 *
 *	static bool opt_watchdog = true;
 *	CMDLINE_BOOL("watchdog", opt_watchdog);
 */
#pragma once
#include <isola/types.h>

enum cmdline_type {
	CMDLINE_TYPE_BOOL,   /* bool: name, no-name, name=<yes, on, true, enable, 1 or no, ...> */
	CMDLINE_TYPE_UINT,   /* unsigned of 1, 2, 4 or 8 bytes, decimal, 0x or octal; min..max */
	CMDLINE_TYPE_SIZE,   /* u64 of bytes; suffix B K M G T, else K (as Xen's); min..max */
	CMDLINE_TYPE_STRING, /* char array; too long a value is refused, not cut */
	CMDLINE_TYPE_CUSTOM, /* parse(): value, "" for a bare name, "no" for no-name */
};

struct cmdline_option {
	const char *name;
	enum cmdline_type type;
	void *var;		/* where the value goes; NULL for custom */
	size_t size;		/* bytes at var */
	u64 min, max;		/* for uint and size: the least and the greatest value taken */
	int (*parse)(const char *value);	/* custom: 0, or -EINVAL and the word is reported */
	/*
	 * Custom: keeps a guest within bounds. Without it the guest would get more than was meant.
	 */
	bool is_limit;
};

/* The linker keeps the section whole, sorted by nothing in particular, between these two. */
extern const struct cmdline_option __cmdline_options_start[], __cmdline_options_end[];

#ifdef HOSTED
#define CMDLINE_SECTION		"cmdline_options"	/* a C name: its ends get symbols */
#else
#define CMDLINE_SECTION		".cmdline_options"
#endif

#define CMDLINE_NAME__(line)	cmdline_option_##line
#define CMDLINE_NAME_(line)	CMDLINE_NAME__(line)
#define CMDLINE_ENTRY(...)						\
	static const struct cmdline_option CMDLINE_NAME_(__LINE__)	\
	__used __section(CMDLINE_SECTION) __aligned(8) = { __VA_ARGS__ }

#define CMDLINE_BOOL(opt, v)                                             \
	static_assert(__builtin_types_compatible_p(__typeof__(v), bool), \
		      "a bool option sets a bool");                      \
	CMDLINE_ENTRY(.name = (opt), .type = CMDLINE_TYPE_BOOL, .var = &(v), .size = sizeof(v))
#define CMDLINE_UINT(opt, v, lo, hi)					\
	CMDLINE_ENTRY(.name = (opt), .type = CMDLINE_TYPE_UINT, .var = &(v), .size = sizeof(v), \
		      .min = (lo), .max = (hi))
#define CMDLINE_SIZE(opt, v, lo, hi)					\
	static_assert(sizeof(v) == 8, "a size option sets a u64");	\
	CMDLINE_ENTRY(.name = (opt), .type = CMDLINE_TYPE_SIZE, .var = &(v), .size = sizeof(v), \
		      .min = (lo), .max = (hi))
#define CMDLINE_STRING(opt, v)						\
	CMDLINE_ENTRY(.name = (opt), .type = CMDLINE_TYPE_STRING, .var = (v), .size = sizeof(v))
#define CMDLINE_CUSTOM(opt, fn)						\
	CMDLINE_ENTRY(.name = (opt), .type = CMDLINE_TYPE_CUSTOM, .parse = (fn))
#define CMDLINE_LIMIT(opt, fn)						\
	CMDLINE_ENTRY(.name = (opt), .type = CMDLINE_TYPE_CUSTOM, .parse = (fn), .is_limit = true)

/* Longest single word; a longer one is reported and ignored. */
#define CMDLINE_MAX_WORD	512

/*
 * Parse @line, setting the variables of the options [@first, @last).
 *
 * @report   called once for each word ignored: @word as written (cut if very long), @why a fragment
 *           such as "unknown option" or "malformed value", @limit: it was to set a limit (is_limit
 *           above), so the boot must not go on. Not NULL.
 * Context   boot only, one CPU, no locks.
 */
void cmdline_parse(const char *line, const struct cmdline_option *first,
		   const struct cmdline_option *last,
		   void (*report)(const char *word, const char *why, bool limit));

/* ---- For parse functions. -------------------------------------------------------------------- */

/*
 * Step through a comma list. Set a cursor to its start, then call until false:
 *
 *	const char *cursor = value, *item, *end;
 *	while (cmdline_next_item(&cursor, &item, &end))
 *
 * [@item, @end) is the next item, empty items included. An empty list has no items.
 */
bool cmdline_next_item(const char **cursor, const char **item, const char **end);
/* All of them to @fn. Returns 0, or -EINVAL for an empty list. */
int cmdline_each_item(const char *value, void (*fn)(const char *item, const char *end));

/*
 * [@s, @end) as a bool: 1 or 0, or -1 if it is none of the words above. @end NULL: up to the NUL.
 */
int __must_check cmdline_parse_bool(const char *s, const char *end);

/*
 * [@s, @end) as `name', `no-name' or `name=<bool>'.
 *
 * Returns   1 or 0; -1 when it is about something else; -2 when the name fits and the value does
 *           not.
 */
int __must_check cmdline_parse_boolean(const char *name, const char *s, const char *end);

/* Does [@s, @end) read exactly @word ('-' and '_' alike)? */
bool cmdline_is(const char *s, const char *end, const char *word);

/*
 * Does [@s, @end) read @name=...? Then *@value is its value, up to @end. A way into the likes of
 * `vcpu-pt=pv=off'.
 */
bool cmdline_has_value(const char *s, const char *end, const char *name, const char **value);

/*
 * [@s, @end) as an unsigned number: 0, or -EINVAL (no digits, other characters, more than 64 bits).
 */
int __must_check cmdline_parse_u64(const char *s, const char *end, u64 *value);

/* [@s, @end) as a size in bytes, as CMDLINE_TYPE_SIZE above: 0, or -EINVAL. */
int __must_check cmdline_parse_size(const char *s, const char *end, u64 *bytes);
