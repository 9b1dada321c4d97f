/* SPDX-License-Identifier: MIT */
/*
 * Command line: a table of lines, each with the values and the complaints that it must lead to.
 *
 * The options are put in place by the very macros that the hypervisor uses, in the same section.
 *
 * Sources: common/lib/cmdline.c
 */
#include "fuzz.h"

#include <errno.h>
#include <isola/lib/cmdline.h>

static bool opt_flag, opt_other_flag;
static u8 opt_byte;
static u32 opt_number;
static u64 opt_size;
static char opt_text[8];
static char custom_seen[64];
static char limit_seen[64];

static int parse_custom(const char *value)
{
	if (!strcmp(value, "bad"))
		return -EINVAL;
	snprintf(custom_seen, sizeof(custom_seen), "<%s>", value);
	return 0;
}

static int parse_limit(const char *value)
{
	if (!strcmp(value, "bad"))
		return -EINVAL;
	snprintf(limit_seen, sizeof(limit_seen), "<%s>", value);
	return 0;
}

CMDLINE_BOOL("flag", opt_flag);
CMDLINE_BOOL("other-flag", opt_other_flag);
CMDLINE_UINT("byte", opt_byte, 0, 1000);
CMDLINE_UINT("number", opt_number, 10, 20);
CMDLINE_SIZE("size", opt_size, KIB(4), GIB(1));
CMDLINE_STRING("text", opt_text);
CMDLINE_CUSTOM("custom", parse_custom);
CMDLINE_LIMIT("limit", parse_limit);

/* The hosted linker gives a section of this name its own ends. */
extern const struct cmdline_option __start_cmdline_options[], __stop_cmdline_options[];

static char complaints[1024];

static void report(const char *word, const char *why, bool limit)
{
	size_t len = strlen(complaints);

	snprintf(complaints + len, sizeof(complaints) - len, "%s%.40s: %s%s", len ? "; " : "", word,
		 why, limit ? "!" : "");
}

static void parse(const char *line)
{
	opt_flag = opt_other_flag = false;
	opt_byte = 0;
	opt_number = 0;
	opt_size = 0;
	memset(opt_text, 0, sizeof(opt_text));
	custom_seen[0] = limit_seen[0] = complaints[0] = '\0';
	cmdline_parse(line, __start_cmdline_options, __stop_cmdline_options, report);
}

/* What the variables hold after a line, as one text: what a case is compared with. */
static const char *state(void)
{
	static char s[256];

	snprintf(s, sizeof(s), "%s%s byte=%u number=%u size=%lu text=%s custom=%s limit=%s",
		 opt_flag ? "flag " : "", opt_other_flag ? "other" : "", opt_byte, opt_number,
		 opt_size, opt_text, custom_seen, limit_seen);
	return s;
}

#define QUIET " byte=0 number=0 size=0 text= custom= limit="

static const struct {
	const char *line, *state, *complaints;
} cases[] = {
	{ "", QUIET, "" },
	{ "  \t \n ", QUIET, "" },
	{ "flag", "flag " QUIET, "" },
	{ "flag=yes", "flag " QUIET, "" },
	{ "flag=on", "flag " QUIET, "" },
	{ "flag=true", "flag " QUIET, "" },
	{ "flag=enable", "flag " QUIET, "" },
	{ "flag=1", "flag " QUIET, "" },
	{ "flag flag=no", QUIET, "" },
	{ "flag flag=off", QUIET, "" },
	{ "flag flag=false", QUIET, "" },
	{ "flag flag=disable", QUIET, "" },
	{ "flag flag=0", QUIET, "" },
	{ "flag no-flag", QUIET, "" },
	{ "no-flag flag", "flag " QUIET, "" },
	{ "flag=maybe", QUIET, "flag=maybe: malformed value" },
	{ "flag=", QUIET, "flag=: malformed value" },
	{ "flag=yess", QUIET, "flag=yess: malformed value" },
	{ "no-flag=yes", QUIET, "no-flag=yes: malformed value" },
	{ "Flag", QUIET, "Flag: unknown option" },
	{ "other_flag", "other" QUIET, "" },
	{ "no_other_flag other-flag", "other" QUIET, "" },
	{ "flagg", QUIET, "flagg: unknown option" },
	{ "fla", QUIET, "fla: unknown option" },
	{ "no-", QUIET, "no-: unknown option" },
	{ "=", QUIET, "=: unknown option" },
	{ "=5", QUIET, "=5: unknown option" },
	{ "nonsense flag junk=5", "flag " QUIET,
	  "nonsense: unknown option; junk=5: unknown option" },
	{ "number=15", " byte=0 number=15 size=0 text= custom= limit=", "" },
	{ "number=0x0f", " byte=0 number=15 size=0 text= custom= limit=", "" },
	{ "number=017", " byte=0 number=15 size=0 text= custom= limit=", "" },
	{ "number=10 number=20", " byte=0 number=20 size=0 text= custom= limit=", "" },
	{ "number=9", QUIET, "number=9: value out of range" },
	{ "number=21", QUIET, "number=21: value out of range" },
	{ "number=99999999999999999999", QUIET, "number=99999999999999999999: malformed value" },
	{ "number=18446744073709551616", QUIET, "number=18446744073709551616: malformed value" },
	{ "number=18446744073709551615", QUIET, "number=18446744073709551615: value out of range" },
	{ "number=-5", QUIET, "number=-5: malformed value" },
	{ "number=12x", QUIET, "number=12x: malformed value" },
	{ "number=0x", QUIET, "number=0x: malformed value" },
	{ "number=09", QUIET, "number=09: malformed value" },
	{ "number=", QUIET, "number=: malformed value" },
	{ "number", QUIET, "number: needs a value" },
	{ "no-number", QUIET, "no-number: cannot be negated" },
	{ "byte=255", " byte=255 number=0 size=0 text= custom= limit=", "" },
	{ "byte=256", QUIET, "byte=256: value out of range" },
	{ "size=64M", " byte=0 number=0 size=67108864 text= custom= limit=", "" },
	{ "size=64m", " byte=0 number=0 size=67108864 text= custom= limit=", "" },
	{ "size=1G", " byte=0 number=0 size=1073741824 text= custom= limit=", "" },
	{ "size=4", " byte=0 number=0 size=4096 text= custom= limit=", "" },
	{ "size=8192b", " byte=0 number=0 size=8192 text= custom= limit=", "" },
	{ "size=0x10k", " byte=0 number=0 size=16384 text= custom= limit=", "" },
	{ "size=2G", QUIET, "size=2G: value out of range" },
	{ "size=1T", QUIET, "size=1T: value out of range" },
	{ "size=99999999999T", QUIET, "size=99999999999T: malformed value" },
	{ "size=64MB", QUIET, "size=64MB: malformed value" },
	{ "size=M", QUIET, "size=M: malformed value" },
	{ "size=64Q", QUIET, "size=64Q: malformed value" },
	{ "text=abcdefg", " byte=0 number=0 size=0 text=abcdefg custom= limit=", "" },
	{ "text=abcdefgh", QUIET, "text=abcdefgh: value too long" },
	{ "text=a=b", " byte=0 number=0 size=0 text=a=b custom= limit=", "" },
	{ "text=x text=", QUIET, "" },
	{ "text", QUIET, "text: needs a value" },
	{ "custom", " byte=0 number=0 size=0 text= custom=<> limit=", "" },
	{ "custom=", " byte=0 number=0 size=0 text= custom=<> limit=", "" },
	{ "custom=a,b=c", " byte=0 number=0 size=0 text= custom=<a,b=c> limit=", "" },
	{ "no-custom", " byte=0 number=0 size=0 text= custom=<no> limit=", "" },
	{ "no-custom=x", QUIET, "no-custom=x: malformed value" },
	{ "custom=bad", QUIET, "custom=bad: malformed value" },
	{ "limit=3", " byte=0 number=0 size=0 text= custom= limit=<3>", "" },
	{ "limit", " byte=0 number=0 size=0 text= custom= limit=<>", "" },
	{ "limit=bad flag", "flag " QUIET, "limit=bad: malformed value!" },
	{ "no-limit=3", QUIET, "no-limit=3: malformed value!" },
	{ "limits=bad", QUIET, "limits=bad: unknown option" },
	{ "flag -- nonsense", "flag " QUIET, "" },
	{ "-- flag", QUIET, "" },
	{ "--flag", QUIET, "--flag: unknown option" },
};

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].line);
		ok(!strcmp(state(), cases[i].state) && !strcmp(complaints, cases[i].complaints),
		   "\"%s\"%s%s", i == 1 ? "(blanks)" : cases[i].line,
		   *cases[i].complaints ? " -> " : "", cases[i].complaints);
		if (strcmp(state(), cases[i].state) || strcmp(complaints, cases[i].complaints))
			printf("# state \"%s\", not \"%s\"; complaints \"%s\", not \"%s\"\n",
			       state(), cases[i].state, complaints, cases[i].complaints);
	}
}

static void test_long_word(void)
{
	char line[CMDLINE_MAX_WORD + 64];

	memset(line, 'x', sizeof(line));
	strcpy(line + CMDLINE_MAX_WORD + 8, " flag");
	parse(line);
	ok(opt_flag && strstr(complaints, "word too long"),
	   "a word that is too long is skipped, not cut in two");
	memcpy(line, "text=", 5);
	parse(line);
	ok(!opt_text[0] && strstr(complaints, "word too long") && !strstr(complaints, "!"),
	   "also when it starts like an option");
	memcpy(line, "limit=", 6);
	parse(line);
	ok(!limit_seen[0] && strstr(complaints, "word too long!"),
	   "and a limit that is too long is a limit that is lost");
}

static void test_items(void)
{
	const char *cursor = "a,,bc=d,no-e", *item, *end;
	char seen[64] = "";

	while (cmdline_next_item(&cursor, &item, &end))
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "[%.*s]",
			 (int)(end - item), item);
	ok(!strcmp(seen, "[a][][bc=d][no-e]"), "comma list: %s", seen);
	cursor = "";
	ok(!cmdline_next_item(&cursor, &item, &end), "an empty list has no items");
	cursor = NULL;
	ok(!cmdline_next_item(&cursor, &item, &end), "nor has none at all");
}

static void test_boolean(void)
{
	static const struct {
		const char *text;
		int want;
	} b[] = {
		{ "vcpu-pt", 1 },     { "vcpu_pt", 1 },    { "no-vcpu-pt", 0 },
		{ "vcpu-pt=off", 0 }, { "vcpu-pt=on", 1 }, { "vcpu-pt=pv=on", -2 },
		{ "vcpu-pt=", -2 },   { "vcpu", -1 },      { "vcpu-ptt", -1 },
		{ "", -1 },           { "no-", -1 },       { "no-vcpu", -1 },
	};
	const char *value = NULL, *text = "vcpu-pt=pv=off,rest";

	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		ok(cmdline_parse_boolean("vcpu-pt", b[i].text, NULL) == b[i].want,
		   "boolean \"%s\": %d", b[i].text, b[i].want);
	ok(cmdline_has_value(text, text + 14, "vcpu-pt", &value) &&
		   cmdline_has_value(value, text + 14, "pv", &value) &&
		   !cmdline_parse_bool(value, text + 14),
	   "a value inside a value: vcpu-pt=pv=off");
	ok(!cmdline_has_value("vcpu-pt", NULL, "vcpu-pt", &value), "a bare name has no value");
	ok(cmdline_parse_boolean("no-pt", "no-pt", NULL) == 1,
	   "a name that itself starts with no-");
}

static void fuzz(const void *input, size_t len)
{
	char *line = malloc(len + 1);

	memcpy(line, input, len);
	line[len] = '\0';
	parse(line);
	check(opt_number == 0 || (opt_number >= 10 && opt_number <= 20), "number %u", opt_number);
	check(opt_size == 0 || (opt_size >= KIB(4) && opt_size <= GIB(1)), "size %lu", opt_size);
	check(memchr(opt_text, '\0', sizeof(opt_text)) != NULL, "text has no end");
	free(line);
}

int main(void)
{
	static const char line[] = "flag no-other-flag=1 number=15 byte=0x1f size=64M,text=abc "
				   "custom=a,b=c,,d limit=512M,min:1G,max:0x2G -- rest";

	test_cases();
	test_long_word();
	test_items();
	test_boolean();
	fuzz_truncations(line, sizeof(line), fuzz);
	fuzz_damages(line, sizeof(line), 20000, NULL, fuzz);
	all_ok("20000 damaged lines: bounds hold, nothing is overrun");
	return done();
}
