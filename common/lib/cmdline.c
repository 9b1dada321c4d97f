/* SPDX-License-Identifier: MIT */
/*
 * Command line.
 *
 * Invariants: a word is copied into a bounded buffer before it is looked at; a variable is written
 * only after its whole value has been found good.
 */
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/string.h>

static const char *end_of(const char *s, const char *end)
{
	return end ? end : s + strlen(s);
}

static char fold(char c)
{
	return c == '_' ? '-' : c;
}

bool cmdline_is(const char *s, const char *end, const char *word)
{
	for (end = end_of(s, end); s < end && *word; s++, word++)
		if (fold(*s) != fold(*word))
			return false;
	return s == end && !*word;
}

static const char *find_char(const char *s, const char *end, char c)
{
	while (s < end && *s != c)
		s++;
	return s;
}

bool cmdline_has_value(const char *s, const char *end, const char *name, const char **value)
{
	const char *equals;

	end = end_of(s, end);
	equals = find_char(s, end, '=');
	if (equals == end || !cmdline_is(s, equals, name))
		return false;
	*value = equals + 1;
	return true;
}

bool cmdline_next_item(const char **cursor, const char **item, const char **end)
{
	if (!*cursor || !**cursor)
		return false;
	*item = *cursor;
	*end = find_char(*item, *item + strlen(*item), ',');
	/* A comma at the very end has one more, empty, item behind it; dropping it does no harm. */
	*cursor = **end ? *end + 1 : *end;
	return true;
}

int cmdline_each_item(const char *value, void (*fn)(const char *item, const char *end))
{
	const char *cursor = value, *item, *end;

	if (!*value)
		return -EINVAL;
	while (cmdline_next_item(&cursor, &item, &end))
		fn(item, end);
	return 0;
}

int cmdline_parse_bool(const char *s, const char *end)
{
	static const struct {
		const char *word;
		int value;
	} words[] = {
		{ "yes", 1 }, { "on", 1 }, { "true", 1 }, { "enable", 1 }, { "1", 1 },
		{ "no", 0 }, { "off", 0 }, { "false", 0 }, { "disable", 0 }, { "0", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (cmdline_is(s, end, words[i].word))
			return words[i].value;
	return -1;
}

int cmdline_parse_boolean(const char *name, const char *s, const char *end)
{
	const char *value;

	end = end_of(s, end);
	if (cmdline_is(s, end, name))
		return 1;
	if (end - s > 3 && cmdline_is(s, s + 3, "no-") && cmdline_is(s + 3, end, name))
		return 0;
	if (cmdline_has_value(s, end, name, &value)) {
		int b = cmdline_parse_bool(value, end);

		return b < 0 ? -2 : b;
	}
	return -1;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Read the digits at *@s, leaving it after them: 0, or -EINVAL. */
static int parse_digits(const char **s, const char *end, u64 *value)
{
	unsigned int base = 10;
	const char *p = *s;
	u64 v = 0;

	if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	} else if (end - p > 1 && p[0] == '0') {
		base = 8;
	}
	*s = p;
	for (; p < end && (unsigned int)digit_of(*p) < base; p++)
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit_of(*p), &v))
			return -EINVAL;
	if (p == *s)
		return -EINVAL;
	*s = p;
	*value = v;
	return 0;
}

int cmdline_parse_u64(const char *s, const char *end, u64 *value)
{
	u64 v;

	end = end_of(s, end);
	if (parse_digits(&s, end, &v) || s != end)
		return -EINVAL;
	*value = v;
	return 0;
}

/* A number's suffix as a shift; a bare number counts KiB, as Xen has it. */
static int suffix_shift(char c)
{
	switch (c) {
	case 'B': case 'b': return 0;
	case 'K': case 'k': return 10;
	case 'M': case 'm': return 20;
	case 'G': case 'g': return 30;
	case 'T': case 't': return 40;
	default: return -1;
	}
}

int cmdline_parse_size(const char *s, const char *end, u64 *bytes)
{
	int shift = 10;
	u64 v;

	end = end_of(s, end);
	if (parse_digits(&s, end, &v))
		return -EINVAL;
	if (s < end) {
		shift = suffix_shift(*s++);
		if (shift < 0 || s != end)
			return -EINVAL;
	}
	if (v > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = v << shift;
	return 0;
}

/* ---- One word against the table. ------------------------------------------------------------- */

static int set_bool(const struct cmdline_option *o, const char *value, bool negated)
{
	int b = !*value ? 1 : cmdline_parse_bool(value, NULL);

	if (b < 0)
		return -EINVAL;
	*(bool *)o->var = b != (int)negated;
	return 0;
}

static int set_number(const struct cmdline_option *o, const char *value)
{
	int rc;
	u64 v;

	rc = o->type == CMDLINE_TYPE_SIZE ? cmdline_parse_size(value, NULL, &v)
					  : cmdline_parse_u64(value, NULL, &v);
	if (rc)
		return rc;
	if (v < o->min || v > o->max)
		return -ERANGE;
	if (o->size < 8 && v >> (8 * o->size))
		return -ERANGE;
	memcpy(o->var, &v, o->size);	/* little-endian: the low bytes come first */
	return 0;
}

static int set_string(const struct cmdline_option *o, const char *value)
{
	if (strlen(value) >= o->size)
		return -ENAMETOOLONG;
	strlcpy(o->var, value, o->size);
	return 0;
}

/* @value is "" when the word has no '='. */
static int set_option(const struct cmdline_option *o, const char *value, bool has_value,
		      bool negated)
{
	switch (o->type) {
	case CMDLINE_TYPE_BOOL:
		/* `name=' is a bool without a word, not a bare name. */
		return has_value && (negated || !*value) ? -EINVAL : set_bool(o, value, negated);
	case CMDLINE_TYPE_UINT:
	case CMDLINE_TYPE_SIZE:
		return !has_value || negated ? -EINVAL : set_number(o, value);
	case CMDLINE_TYPE_STRING:
		return !has_value || negated ? -EINVAL : set_string(o, value);
	case CMDLINE_TYPE_CUSTOM:
		return negated ? (has_value ? -EINVAL : o->parse("no")) : o->parse(value);
	}
	return -EINVAL;
}

static const struct cmdline_option *find_option(const struct cmdline_option *first,
						const struct cmdline_option *last,
						const char *name, const char *end)
{
	for (; first < last; first++)
		if (cmdline_is(name, end, first->name))
			return first;
	return NULL;
}

/* The option that @word names, by itself or as no-<name>: then *@negated is set. */
static const struct cmdline_option *option_of(const char *word, const struct cmdline_option *first,
					      const struct cmdline_option *last, bool *negated)
{
	const char *equals = find_char(word, word + strlen(word), '=');
	const struct cmdline_option *o = find_option(first, last, word, equals);

	*negated = !o && equals - word > 3 && cmdline_is(word, word + 3, "no-");
	return *negated ? find_option(first, last, word + 3, equals) : o;
}

/* Set what @word, @o's, asks for. Why it cannot be, or NULL. */
static const char *apply_word(const char *word, const struct cmdline_option *o, bool negated)
{
	const char *end = word + strlen(word), *equals = find_char(word, end, '=');
	bool has_value = equals < end;

	switch (set_option(o, has_value ? equals + 1 : "", has_value, negated)) {
	case 0:
		return NULL;
	case -ERANGE:
		return "value out of range";
	case -ENAMETOOLONG:
		return "value too long";
	default:
		if (has_value)
			return "malformed value";
		return negated ? "cannot be negated" : "needs a value";
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void cmdline_parse(const char *line, const struct cmdline_option *first,
		   const struct cmdline_option *last,
		   void (*report)(const char *word, const char *why, bool limit))
{
	char word[CMDLINE_MAX_WORD];

	for (;;) {
		const struct cmdline_option *o;
		bool cut = false, negated;
		const char *why;
		size_t len = 0;

		while (is_blank(*line))
			line++;
		if (!*line)
			return;
		for (; *line && !is_blank(*line); line++) {
			if (len < sizeof(word) - 1)
				word[len++] = *line;
			else
				cut = true;
		}
		word[len] = '\0';
		if (!strcmp(word, "--"))
			return;
		o = option_of(word, first, last, &negated);
		why = cut ? "word too long" : o ? apply_word(word, o, negated) : "unknown option";
		if (why)
			report(word, why, o && o->is_limit);
	}
}
