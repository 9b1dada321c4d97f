/* SPDX-License-Identifier: MIT */
/*
 * Formatted text.
 *
 * Invariant: put() is the only function that stores a character, and it stores only below the end;
 * the position counts on past the end, so the caller learns the length the whole text would have
 * had.
 */
#include <isola/lib/format.h>
#include <isola/lib/string.h>

struct out {
	char *buf;
	size_t size;		/* bytes at buf, the NUL included */
	size_t pos;		/* characters produced, stored or not */
};

/* One conversion as written: %[flags][width][.precision][length]conv */
struct spec {
	bool left, zero, plus, space, alt;
	int width;		/* 0: none */
	int precision;		/* -1: none given */
	int length;		/* bytes of the integer argument: 1, 2, 4 or 8 */
	char conv;
};

static void put(struct out *o, char c)
{
	if (o->size && o->pos < o->size - 1)
		o->buf[o->pos] = c;
	o->pos++;
}

static void pad(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		put(o, c);
}

/* Widths are bounded, so a wild argument cannot keep the console busy. */
#define MAX_WIDTH 1024

static int parse_number(const char **fmt)
{
	int n = 0;

	for (; **fmt >= '0' && **fmt <= '9'; ++*fmt)
		n = min(n * 10 + (**fmt - '0'), MAX_WIDTH);
	return n;
}

static const char *parse_flags(const char *fmt, struct spec *s)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-': s->left = true; break;
		case '0': s->zero = true; break;
		case '+': s->plus = true; break;
		case ' ': s->space = true; break;
		case '#': s->alt = true; break;
		default: return fmt;
		}
	}
}

static const char *parse_length(const char *fmt, struct spec *s)
{
	switch (*fmt) {
	case 'h':
		s->length = fmt[1] == 'h' ? 1 : 2;
		return fmt + (fmt[1] == 'h' ? 2 : 1);
	case 'l':
		s->length = 8;
		return fmt + (fmt[1] == 'l' ? 2 : 1);
	case 'z':
	case 'j':
	case 't':
		s->length = 8;
		return fmt + 1;
	default:
		s->length = 4;
		return fmt;
	}
}

/* @digits is filled from its end; returns how many were written. Zero has no digits. */
static int to_digits(u64 value, unsigned int base, bool upper, char *end)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int n = 0;

	for (; value; value /= base)
		*(end - ++n) = set[value % base];
	return n;
}

/* @prefix is the sign or 0x; it stands before the zeroes and after the blanks. */
static void put_number(struct out *o, const struct spec *s, u64 value, unsigned int base,
		       const char *prefix)
{
	char digits[24];
	int n = to_digits(value, base, s->conv == 'X', digits + sizeof(digits));
	int zeroes = max(s->precision < 0 ? 1 - n : min(s->precision, MAX_WIDTH) - n, 0);
	int prefix_len = (int)strlen(prefix);
	int blanks = s->width - prefix_len - zeroes - n;

	if (s->zero && !s->left && s->precision < 0 && blanks > 0) {
		zeroes += blanks;
		blanks = 0;
	}
	if (!s->left)
		pad(o, ' ', blanks);
	for (; *prefix; prefix++)
		put(o, *prefix);
	pad(o, '0', zeroes);
	for (int i = n; i > 0; i--)
		put(o, digits[sizeof(digits) - i]);
	if (s->left)
		pad(o, ' ', blanks);
}

static void put_signed(struct out *o, const struct spec *s, s64 value)
{
	switch (s->length) {
	case 1: value = (s8)value; break;
	case 2: value = (s16)value; break;
	case 4: value = (s32)value; break;
	}
	/* The magnitude is computed unsigned: the most negative number has no positive twin. */
	put_number(o, s, value < 0 ? -(u64)value : (u64)value, 10,
		   value < 0 ? "-" : s->plus ? "+" : s->space ? " " : "");
}

static void put_unsigned(struct out *o, const struct spec *s, u64 value)
{
	unsigned int base = s->conv == 'u' ? 10 : s->conv == 'o' ? 8 : 16;
	const char *prefix = "";

	if (s->length < 8)
		value &= BIT(8 * s->length) - 1;
	if (s->alt && value && base != 10)
		prefix = base == 8 ? "0" : s->conv == 'X' ? "0X" : "0x";
	put_number(o, s, value, base, prefix);
}

static void put_pointer(struct out *o, const struct spec *s, const void *p)
{
	struct spec as_hex = *s;

	as_hex.conv = 'x';
	as_hex.precision = 16;
	put_number(o, &as_hex, (uintptr_t)p, 16, "0x");
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t max_len = s->precision < 0 ? SIZE_MAX : (size_t)s->precision;
	size_t len;

	if (!text)
		text = "(null)";
	len = strnlen(text, max_len);
	if (!s->left)
		pad(o, ' ', s->width - (int)min(len, (size_t)MAX_WIDTH));
	for (size_t i = 0; i < len; i++)
		put(o, text[i]);
	if (s->left)
		pad(o, ' ', s->width - (int)min(len, (size_t)MAX_WIDTH));
}

static void put_char(struct out *o, const struct spec *s, char c)
{
	if (!s->left)
		pad(o, ' ', s->width - 1);
	put(o, c);
	if (s->left)
		pad(o, ' ', s->width - 1);
}

/*
 * A `*' takes its number from the arguments: a negative width means left, a negative precision
 * none.
 */
static void set_width(struct spec *s, int n)
{
	if (n < 0) {
		s->left = true;
		n = n < -MAX_WIDTH ? MAX_WIDTH : -n;
	}
	s->width = min(n, MAX_WIDTH);
}

/* In a struct, so that functions can share one cursor over the arguments. */
struct args {
	va_list list;
};

/* Parse one conversion; @fmt points after its '%'. Returns the place of the conversion letter. */
static const char *parse_spec(const char *fmt, struct spec *s, struct args *args)
{
	fmt = parse_flags(fmt, s);
	if (*fmt == '*') {
		set_width(s, va_arg(args->list, int));
		fmt++;
	} else {
		s->width = parse_number(&fmt);
	}
	if (*fmt == '.') {
		fmt++;
		if (*fmt == '*') {
			s->precision = max(va_arg(args->list, int), -1);
			fmt++;
		} else {
			s->precision = parse_number(&fmt);
		}
	}
	fmt = parse_length(fmt, s);
	s->conv = *fmt;
	return fmt;
}

/*
 * Print one conversion. False: the letter is none of ours, and no argument has been taken for it.
 */
static bool put_conversion(struct out *o, const struct spec *s, struct args *args)
{
	bool wide = s->length == 8;

	switch (s->conv) {
	case 'd':
	case 'i':
		put_signed(o, s, wide ? va_arg(args->list, long) : va_arg(args->list, int));
		return true;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_unsigned(o, s, wide ? va_arg(args->list, unsigned long)
					: va_arg(args->list, unsigned int));
		return true;
	case 'p':
		put_pointer(o, s, va_arg(args->list, const void *));
		return true;
	case 's':
		put_string(o, s, va_arg(args->list, const char *));
		return true;
	case 'c':
		put_char(o, s, (char)va_arg(args->list, int));
		return true;
	case '%':
		put(o, '%');
		return true;
	default:
		return false;
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list list)
{
	struct out o = { .buf = buf, .size = size };
	struct args args;

	va_copy(args.list, list);
	while (*fmt) {
		struct spec s = { .precision = -1 };
		const char *conv;

		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		conv = parse_spec(fmt + 1, &s, &args);
		if (put_conversion(&o, &s, &args)) {
			fmt = conv + 1;
			continue;
		}
		/* Unknown: shown as written, up to the letter or to the end of the format. */
		while (fmt < conv)
			put(&o, *fmt++);
	}
	va_end(args.list);

	if (size)
		buf[min(o.pos, size - 1)] = '\0';
	return (int)min(o.pos, (size_t)INT32_MAX);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return !size ? 0 : min(n, (int)min(size - 1, (size_t)INT32_MAX));
}
