/* SPDX-License-Identifier: MIT */
/*
 * Module lines that describe domains: what is read of good ones, and the sentence for each kind of
 * bad one.
 *
 * Sources: common/lib/cmdline.c common/lib/bitmap.c arch/x86/hvm/cache_option.c
 */
#include "tap.h"

#include <string.h>

#include "arch/x86/pv/builder/static_words.c"

#define MODULES 4

static struct boot_info info;
static struct static_config config;
static const char *why;

static int read_lines_of(const char *const line[MODULES])
{
	info.nr_modules = 0;
	for (unsigned i = 0; i < MODULES && line[i]; i++)
		strcpy(info.module[info.nr_modules++].string, line[i]);
	why = NULL;
	return static_config_read(&info, &config, &why);
}

/* ---- Refused --------------------------------------------------------------------------------- */

static const struct {
	const char *line[MODULES];
	const char *sentence;
} bad[] = {
	{ { "domain= mem=1M" }, "module 0: \"domain=\": a name is missing" },
	{ { "domain=a.b mem=1M" }, "a name is made of letters" },
	{ { "domain=sixteen-letters0 mem=1M" }, "a name has at most 15 characters" },
	{ { "domain=dom0 mem=1M" }, "\"domain=dom0\": the name is taken" },
	{ { "domain=a mem=1M", "domain=a mem=1M" }, "module 1: \"domain=a\": the name is taken" },
	{ { "domain=a" }, "module 0, domain a: mem= is missing" },
	{ { "domain=a -- mem=1M" }, "mem= is missing" },
	{ { "domain=a mem=" }, "\"mem=\": a size is wanted" },
	{ { "domain=a mem=1Q" }, "\"mem=1Q\": a size is wanted" },
	{ { "domain=a mem=-1M" }, "a size is wanted" },
	{ { "domain=a mem=16777216G" }, "no domain can have so much memory" },
	{ { "domain=a mem=0" }, "or so little" },
	{ { "domain=a mem=1M mem=2M" }, "\"mem=2M\": the word is there twice" },
	{ { "domain=a mem=1M console=hvc0" },
	  "\"console=hvc0\": unknown word (the kernel's own stand behind --)" },
	{ { "domain=a mem=1M --x" }, "\"--x\": unknown word" },
	{ { "domain=a mem=1M vcpus" }, "\"vcpus\": unknown word" },
	{ { "domain=a mem=1M vcpus=0" }, "\"vcpus=0\": the number is out of range" },
	{ { "domain=a mem=1M vcpus=33" }, "out of range" },
	{ { "domain=a mem=1M vcpus=two" }, "\"vcpus=two\": a number is wanted" },
	{ { "domain=a mem=1M weight=0" }, "out of range" },
	{ { "domain=a mem=1M weight=65536" }, "out of range" },
	{ { "domain=a mem=1M cap=" }, "\"cap=\": a number is wanted" },
	{ { "domain=a mem=1M cap=3201" }, "out of range" },
	{ { "domain=a mem=1M cap=101" },
	  "module 0, domain a: cap=101 is more than its 1 vCPUs can use" },
	{ { "domain=a mem=1M cap=301 vcpus=3" }, "more than its 3 vCPUs can use" },
	{ { "domain=a mem=1M pin=" }, "a number is wanted" },
	{ { "domain=a mem=1M pin=1," }, "a number is wanted" },
	{ { "domain=a mem=1M pin=2-1" }, "out of range" },
	{ { "domain=a mem=1M pin=100000" }, "out of range" },
	{ { "domain=a mem=1M onend=reboot" }, "\"onend=reboot\": it is restart, halt or stay" },
	{ { "domain=a mem=1M type=hvm" }, "\"type=hvm\": it is pv or pvh" },
	{ { "domain=a onend=restart mem=1M type=pvh" },
	  "onend=restart is not built for type=pvh" },
	{ { "domain=a mem=1M type=pvh share=x:rw:b" }, "share= is not built for type=pvh" },
	{ { "domain=a mem=1M port=3" }, "\"port=3\": a port is declared as in 3:db.5" },
	{ { "domain=a mem=1M port=x:b.1" }, "a number is wanted" },
	{ { "domain=a mem=1M port=0:b.1" }, "out of range" },
	{ { "domain=a mem=1M port=64:b.1" }, "out of range" },
	{ { "domain=a mem=1M port=3:.1" }, "a name is missing" },
	{ { "domain=a mem=1M port=2:b.1" }, "port 2 is the console's" },
	{ { "domain=a mem=1M port=1:b.2" }, "port 2 is the console's" },
	{ { "domain=a mem=1M port=3:b.1 port=3:b.4" }, "the port is declared twice" },
	{ { "domain=a mem=1M port=3:b.1" }, "\"port=3:b.1\": no line describes that domain" },
	{ { "domain=a mem=1M port=3:a.4 port=4:a.3" }, "that is the domain itself" },
	{ { "domain=a mem=1M port=3:b.5", "domain=b mem=1M" },
	  "module 0, domain a: \"port=3:b.5\": domain b does not declare port=5:a.3" },
	{ { "domain=a mem=1M port=3:b.5", "domain=b mem=1M port=5:a.4" }, "does not declare" },
	{ { "domain=a mem=1M share=r" }, "a share is declared as in ring:rw:db" },
	{ { "domain=a mem=1M share=r:rw" }, "a share is declared as in ring:rw:db" },
	{ { "domain=a mem=1M share=r:wr:b" }, "a share is rw or ro" },
	{ { "domain=a mem=1M share=:rw:b" }, "a name is missing" },
	{ { "domain=a mem=1M share=r:rw:" }, "a name is missing" },
	{ { "domain=a mem=1M share=r:rw:b share=r:rw:c" }, "the share is declared twice" },
	{ { "domain=a mem=1M share=r:rw:b" },
	  "module 0, domain a: \"share=r:rw:b\": no line describes that domain" },
	{ { "domain=a mem=1M share=r:rw:a" }, "that is the domain itself" },
	{ { "domain=a mem=1M share=r:rw:b", "domain=b mem=1M share=q:rw:a" },
	  "that domain does not declare it" },
	{ { "domain=a mem=1M share=r:ro:b", "domain=b mem=1M share=r:rw:a" },
	  "the domain that comes first owns the page, and may write it" },
	{ { "domain=a mem=1M share=r:rw:b share=s:rw:b share=t:rw:b share=u:rw:b",
	    "domain=b mem=1M share=r:rw:a share=s:rw:a share=t:rw:a share=u:rw:a" },
	  "\"share=u:rw:b\": a domain owns at most 3 shares" },
	{ { "ramdisk=a" }, "module 0: \"ramdisk=a\": there is no such domain" },
	{ { "domain=a mem=1M", "ramdisk=b" }, "module 1: \"ramdisk=b\": there is no such domain" },
	{ { "domain=a mem=1M", "ramdisk=a", "ramdisk=a" },
	  "module 2: \"ramdisk=a\": it has one, module 1" },
	{ { "domain=a mem=1M", "ramdisk=a mem=2M" }, "\"mem=2M\": a ramdisk has no words" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int rc = read_lines_of(bad[i].line);

		ok(rc == -EINVAL && why && strstr(why, bad[i].sentence), "\"%s\"%s: %s",
		   bad[i].line[0], bad[i].line[1] ? " ..." : "", why ? why : "taken");
	}
}

static void test_too_many(void)
{
	info.nr_modules = STATIC_DOMAINS + 1;
	for (unsigned i = 0; i < info.nr_modules; i++)
		sprintf(info.module[i].string, "domain=d%u mem=1M", i);
	ok(static_config_read(&info, &config, &why) == -EINVAL &&
	   strstr(why, "module 15: more than 15 domains"), "16 domains: %s", why);
	info.nr_modules--;
	ok(!static_config_read(&info, &config, &why) && config.nr == STATIC_DOMAINS, "15 domains");
}

/* ---- Taken ----------------------------------------------------------------------------------- */

static void test_dom0(void)
{
	ok(!read_lines_of((const char *[MODULES]){ "root=/dev/vda1 domain=x", "" }) &&
		   config.dom0_kernel == 0 && config.dom0_ramdisk == 1 && !config.nr,
	   "lines that do not begin with domain= or ramdisk= are dom0's");
	ok(!read_lines_of((const char *[MODULES]){ "domain=a mem=1M", "ramdisk=a", "quiet", "" }) &&
		   config.dom0_kernel == 2 && config.dom0_ramdisk == 3,
	   "wherever they stand");
	ok(!read_lines_of((const char *[MODULES]){ "domain=a mem=1M" }) &&
		   config.dom0_kernel == NO_MODULE && config.dom0_ramdisk == NO_MODULE,
	   "no such line: no dom0");
}

static void test_good(void)
{
	const struct static_domain *d = config.domain;

	ok(!read_lines_of((const char *[MODULES]){
		   "ramdisk=web",
		   " domain=web\tmem=256M cap=200 vcpus=2 weight=512 pin=0,2-3 onend=halt "
		   "--  root=a -- b ",
		   "domain=db mem=65536 onend=restart" }) && config.nr == 2, "two domains");
	ok(!strcmp(d->name, "web") && d->kernel == 1 && d->ramdisk == 0 &&
		   d->mem_bytes == 256ul << 20 && d->nr_vcpus == 2 && d->weight == 512 &&
		   d->cap == 200 &&
		   d->pin[0] == 0xd && d->ends_machine && !d->restarts, "all words of the first");
	ok(!strcmp(d->cmdline, "root=a -- b "), "its kernel's line is what follows the first --");
	d++;
	ok(!strcmp(d->name, "db") && d->kernel == 2 && d->ramdisk == NO_MODULE &&
		   d->mem_bytes == 64ul << 20 && d->nr_vcpus == 1 && d->weight == 256 &&
		   !d->cap &&
		   !d->pin[0] && !d->ends_machine && d->restarts && !d->cmdline[0],
	   "the second: a bare size counts KiB, and what is left out has its usual value");
}

static void test_ports(void)
{
	ok(!read_lines_of((const char *[MODULES]){ "domain=a mem=1M port=3:b.5 port=4:b.4",
						   "domain=b mem=1M port=4:a.4 port=5:a.3" }) &&
		   config.domain[0].nr_ports == 2 && config.domain[0].port[0].port == 3 &&
		   config.domain[0].port[0].peer_port == 5 &&
		   !strcmp(config.domain[0].port[0].peer, "b"),
	   "two pairs of ports, each declared at both ends");
	ok(static_domain_by_name(&config, "b") == 1 && static_domain_by_name(&config, "c") == 2,
	   "a domain by its name");
}

static void test_shares(void)
{
	unsigned owner;

	ok(!read_lines_of((const char *[MODULES]){ "domain=a mem=1M share=r:rw:b share=s:rw:c",
						   "domain=b mem=1M share=t:rw:c share=r:ro:a",
						   "domain=c mem=1M share=s:rw:a share=t:ro:b" }),
	   "three shares between three domains");
	ok(static_share_ref(&config, 0, 0, &owner) == 2 && owner == 0 &&
		   static_share_ref(&config, 1, 1, &owner) == 3 && owner == 0 &&
		   static_share_ref(&config, 0, 1, &owner) == 4 && owner == 0 &&
		   static_share_ref(&config, 2, 0, &owner) == 5 && owner == 0 &&
		   static_share_ref(&config, 1, 0, &owner) == 2 && owner == 1 &&
		   static_share_ref(&config, 2, 1, &owner) == 3 && owner == 1,
	   "each has a reference of its own, in the table of who comes first");
	ok(!static_share_peer(&config, 0, 0)->writable &&
		   static_share_peer(&config, 0, 1)->writable,
	   "the other may do what it has declared");
}

int main(void)
{
	test_bad();
	test_too_many();
	test_dom0();
	test_good();
	test_ports();
	test_shares();
	return done();
}
