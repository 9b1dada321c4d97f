/* SPDX-License-Identifier: MIT */
/*
 * dom0_mem= and dom0_max_vcpus=: tables of spellings, each with what dom0 gets. The right column is
 * Xen 4.17's answer, by its documentation and source, but where a comment says otherwise.
 *
 * Sources: common/lib/cmdline.c
 */
#include "tap.h"
#include "log_stub.h"

#include <errno.h>
#include <isola/lib/cmdline.h>
#include <setjmp.h>

#include "arch/x86/pv/builder/dom0_size.c"

#define MIB_PAGES(n)	((u64)(n) << 8)
#define AVAIL		MIB_PAGES(1000)
#define ALL		AVAIL
#define FATAL		(~0ul)
#define REFUSED		(~1ul)		/* by the parser: the boot ends there */

extern const struct cmdline_option __start_cmdline_options[], __stop_cmdline_options[];

static jmp_buf fatal_exit;
static char refused[128];

void fatal(const char *fmt, ...)
{
	longjmp(fatal_exit, 1);
}

static void report(const char *word, const char *why, bool limit)
{
	snprintf(refused, sizeof(refused), "%.60s: %.40s%s", word, why, limit ? "!" : "");
}

static void parse(const char *line)
{
	opt_mem = (struct mem_option){ 0 };
	opt_vcpus = (struct vcpu_option){ .min = 1, .max = ~0ul };
	refused[0] = log_text[0] = '\0';
	cmdline_parse(line, __start_cmdline_options, __stop_cmdline_options, report);
}

static u64 pages_for(u64 avail)
{
	if (refused[0])
		return REFUSED;
	return setjmp(fatal_exit) ? FATAL : dom0_size_pages(avail);
}

static const struct {
	const char *line;
	u64 pages;
	u32 most;			/* MiB; 0: no bound */
	bool warned;
} mem[] = {
	{ "", ALL, 0, false },
	{ "dom0_mem=512M", MIB_PAGES(512), 0, false },
	{ "dom0-mem=512M", MIB_PAGES(512), 0, false },
	{ "dom0_mem=524288", MIB_PAGES(512), 0, false },
	{ "dom0_mem=0x80000", MIB_PAGES(512), 0, false },
	{ "dom0_mem=536870912B", MIB_PAGES(512), 0, false },
	{ "dom0_mem=5000B", 1, 0, false },
	{ "dom0_mem=0", ALL, 0, false },
	{ "dom0_mem=512M,max:768M", MIB_PAGES(512), 768, false },
	{ "dom0_mem=max:768M,512M", MIB_PAGES(512), 768, false },
	{ "dom0_mem=512M dom0_mem=max:768M", MIB_PAGES(512), 768, false },
	{ "dom0_mem=min:64M,max:128M", MIB_PAGES(128), 128, false },
	{ "dom0_mem=min:64M", ALL, 0, false },
	{ "dom0_mem=16M,min:64M", MIB_PAGES(64), 0, false },
	{ "dom0_mem=512M,max:128M", MIB_PAGES(128), 128, false },
	{ "dom0_mem=min:512M,max:128M", MIB_PAGES(128), 128, false },
	{ "dom0_mem=1M,2M", MIB_PAGES(2), 0, false },
	{ "dom0_mem=1M dom0_mem=2M", MIB_PAGES(2), 0, false },
	{ "dom0_mem=2M,", MIB_PAGES(2), 0, false },
	/* More than there is. */
	{ "dom0_mem=4G", ALL, 0, true },
	{ "dom0_mem=min:1024M", ALL, 0, true },
	{ "dom0_mem=4G,max:4G", ALL, 4096, true },
	{ "dom0_mem=4G,max:512M", MIB_PAGES(512), 512, false },
	{ "dom0_mem=max:4G", ALL, 4096, false },
	{ "dom0_mem=16777215T", ALL, 0, true },
	/* What is to be left. */
	{ "dom0_mem=-256M", MIB_PAGES(744), 0, false },
	{ "dom0_mem=max:-256M", MIB_PAGES(744), 744, false },
	{ "dom0_mem=64M,min:-256M", MIB_PAGES(744), 0, false },
	{ "dom0_mem=-10%", MIB_PAGES(900), 0, false },
	{ "dom0_mem=-100M+10%", MIB_PAGES(800), 0, false },
	/* Xen 4.17 counts below zero here and gives all there is; all is more than was meant. */
	{ "dom0_mem=-2G", FATAL, 0, false },
	{ "dom0_mem=-2G,min:64M", MIB_PAGES(64), 0, false },
	{ "dom0_mem=max:-2G", FATAL, 0, false },
	{ "dom0_mem=max:0", FATAL, 0, false },
	{ "dom0_mem=-1000M", FATAL, 0, false },
	/* Parts of it. */
	{ "dom0_mem=50%", MIB_PAGES(500), 0, false },
	{ "dom0_mem=0x32%", MIB_PAGES(500), 0, false },
	{ "dom0_mem=256M+10%", MIB_PAGES(356), 0, false },
	{ "dom0_mem=max:256M+10%", MIB_PAGES(356), 356, false },
	{ "dom0_mem=10%,min:200M,max:50%", MIB_PAGES(200), 500, false },
	{ "dom0_mem=99%+0", REFUSED, 0, false },
	{ "dom0_mem=0%", ALL, 0, false },
	{ "dom0_mem=512M+90%", ALL, 0, true },
	/* Not the grammar. */
	{ "dom0_mem=100%", REFUSED, 0, false },
	{ "dom0_mem=lots", REFUSED, 0, false },
	{ "dom0_mem=", REFUSED, 0, false },
	{ "dom0_mem", REFUSED, 0, false },
	{ "no-dom0_mem", REFUSED, 0, false },
	{ "dom0_mem=,1G", REFUSED, 0, false },
	{ "dom0_mem=512M,mid:2G", REFUSED, 0, false },
	{ "dom0_mem=min:", REFUSED, 0, false },
	{ "dom0_mem=--256M", REFUSED, 0, false },
	{ "dom0_mem=-", REFUSED, 0, false },
	{ "dom0_mem=256M+10", REFUSED, 0, false },
	{ "dom0_mem=10%+256M", REFUSED, 0, false },
	{ "dom0_mem=256M+", REFUSED, 0, false },
	{ "dom0_mem=+10%", REFUSED, 0, false },
	{ "dom0_mem=256M+10%+10%", REFUSED, 0, false },
	{ "dom0_mem=256M+-10%", REFUSED, 0, false },
	{ "dom0_mem=%", REFUSED, 0, false },
	{ "dom0_mem=10M%", REFUSED, 0, false },
	{ "dom0_mem=512MB", REFUSED, 0, false },
	{ "dom0_mem=1.5G", REFUSED, 0, false },
	{ "dom0_mem=512M dom0_mem=oops", REFUSED, 0, false },
	{ "dom0_mem=99999999999T", REFUSED, 0, false },
};

static void test_mem(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mem); i++) {
		u32 most = mem[i].most ? (u32)MIB_PAGES(mem[i].most) : ~0u;
		u64 got;

		parse(mem[i].line);
		got = pages_for(AVAIL);
		ok(got == mem[i].pages && (got >= REFUSED || dom0_size_max_pages(AVAIL) == most) &&
		   mem[i].warned == !!log_text[0] && (got != REFUSED || strchr(refused, '!')),
		   "\"%s\": %lu pages%s%s", mem[i].line, got, refused[0] ? ": " : "", refused);
	}
	parse("dom0_mem=50%");
	ok(pages_for(101) == 50 && pages_for(3UL << 40) == 3UL << 39,
	   "percentages of little and of very much");
	parse("");
	ok(pages_for(0) == FATAL, "of nothing, nothing: fatal");
}

static const struct {
	const char *line;
	u64 on_2, on_16;		/* vCPUs on so many CPUs */
} vcpus[] = {
	{ "", 2, 16 },
	{ "dom0_max_vcpus=4", 4, 4 },
	{ "dom0-max-vcpus=4", 4, 4 },
	{ "dom0_max_vcpus=0x4", 4, 4 },
	{ "dom0_max_vcpus=0", 1, 1 },
	{ "dom0_max_vcpus=1-4", 2, 4 },
	{ "dom0_max_vcpus=4-8", 4, 8 },
	{ "dom0_max_vcpus=4-", 4, 16 },
	{ "dom0_max_vcpus=-4", 2, 4 },
	{ "dom0_max_vcpus=8-4", 4, 4 },
	{ "dom0_max_vcpus=0-1", 1, 1 },
	{ "dom0_max_vcpus=2-4 dom0_max_vcpus=-8", 2, 8 },
	{ "dom0_max_vcpus=8 dom0_max_vcpus=2", 2, 2 },
	{ "dom0_max_vcpus=-1000", 2, 16 },
	/* Xen gives a PV dom0 more; shared_info has room for 32 (docs/limits.md). */
	{ "dom0_max_vcpus=64", 32, 32 },
	{ "dom0_max_vcpus=64-128", 32, 32 },
	{ "dom0_max_vcpus=many", REFUSED, 0 },
	{ "dom0_max_vcpus=", REFUSED, 0 },	/* Xen: 1 */
	{ "dom0_max_vcpus", REFUSED, 0 },	/* Xen: 1 */
	{ "dom0_max_vcpus=-", REFUSED, 0 },	/* Xen: 0, and then a panic */
	{ "dom0_max_vcpus=2-0", REFUSED, 0 },	/* as above */
	{ "dom0_max_vcpus=1-2-3", REFUSED, 0 },
	{ "dom0_max_vcpus=1--2", REFUSED, 0 },
	{ "dom0_max_vcpus=2x", REFUSED, 0 },
	{ "dom0_max_vcpus=4-x", REFUSED, 0 },
	{ "dom0_max_vcpus=1,2", REFUSED, 0 },
	{ "dom0_max_vcpus=99999999999999999999", REFUSED, 0 },
	{ "no-dom0_max_vcpus", REFUSED, 0 },
};

static void test_vcpus(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(vcpus); i++) {
		parse(vcpus[i].line);
		if (vcpus[i].on_2 == REFUSED)
			ok(strchr(refused, '!'), "\"%s\" is refused", vcpus[i].line);
		else
			ok(!refused[0] && dom0_size_vcpus(2) == vcpus[i].on_2 &&
				   dom0_size_vcpus(16) == vcpus[i].on_16,
			   "\"%s\": %u on 2 CPUs, %u on 16", vcpus[i].line, dom0_size_vcpus(2),
			   dom0_size_vcpus(16));
	}
	parse("dom0_max_vcpus=64");
	ok(dom0_size_vcpus(2) == 32 && strstr(log_text, "64 vCPUs are wanted"),
	   "fewer than were asked for: a line says so");
	parse("");
	ok(dom0_size_vcpus(64) == 32 && !log_text[0], "32 of 64 CPUs, where nobody asked");
}

int main(void)
{
	test_mem();
	test_vcpus();
	return done();
}
