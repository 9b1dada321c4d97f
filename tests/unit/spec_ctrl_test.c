/* SPDX-License-Identifier: MIT */
/*
 * Speculation: real parts, by what they say of themselves: what they are affected by, what is
 * chosen, what stays open; spec-ctrl= and pv-l1tf= word by word; and the MSRs that are written.
 *
 * Sources: arch/x86/cpu/bugs.c arch/x86/cpu/spec_option.c common/lib/cmdline.c
 */
#include "tap.h"
#include "log_stub.h"

#include <asm/cpufeature.h>
#include <asm/insn.h>
#include <isola/lib/cmdline.h>

/* Instructions of ring 0, as a text. */
static char written[256];
static u64 stub_arch_caps;

static void stub_wrmsr(u32 msr, u64 value)
{
	snprintf(written + strlen(written), sizeof(written) - strlen(written), "%x=%lx ", msr,
		 value);
}

#define wrmsr stub_wrmsr
#define rdmsr(msr) 0xd01ul
#define this_cpu hosted_cpu
#include "arch/x86/cpu/spec_ctrl.c"
#undef wrmsr
#undef rdmsr

struct cpu_private hosted_cpu;
u32 cpu_features[NR_FEATURE_WORDS];
struct cpu_facts cpu_facts;

int rdmsr_safe(u32 msr, u64 *val)
{
	*val = msr == MSR_ARCH_CAPABILITIES ? stub_arch_caps : 0;
	return 0;
}

static unsigned int nr_needed;

void cpu_need(unsigned int feature, const char *name,
	      const char *why)
{
	nr_needed++;
}

extern const struct cmdline_option __start_cmdline_options[], __stop_cmdline_options[];

/* ---- Parts ---- */

#define F(name) (1u << (XEN_X86_FEATURE_##name % 32))
#define INTEL_2019 (F(MD_CLEAR) | F(IBRSB) | F(STIBP) | F(L1D_FLUSH) | F(SSBD))
#define NEWER (INTEL_2019 | F(ARCH_CAPS))
#define CAPS_CLX \
	(ARCH_CAP(RDCL_NO) | ARCH_CAP(EIBRS) | ARCH_CAP(SKIP_L1DFL) | ARCH_CAP(MDS_NO) | \
	 ARCH_CAP(TSX_CTRL))
#define CAPS_ICX (CAPS_CLX | ARCH_CAP(IF_PSCHANGE_MC_NO) | ARCH_CAP(TAA_NO))
#define NO_MMIO (ARCH_CAP(SBDR_SSDP_NO) | ARCH_CAP(FBSDP_NO) | ARCH_CAP(PSDP_NO))
#define OLD_SPECTRE " Spectre-v1 Spectre-v2 SpectreRSB SSB"

static const struct part {
	const char *name;
	enum cpu_vendor vendor;
	u32 family, model, feat_7d, feat_7b, feat_e8b, feat_e21a;
	u64 arch_caps;
	const char *affected, *chosen, *open;
} parts[] = {
	{ "Haswell, launch microcode", VENDOR_INTEL, 6, 0x3c, 0, 0, 0, 0, 0,
	  " Meltdown" OLD_SPECTRE " L1TF MDS", "rsb l1tf", " Spectre-v1 Spectre-v2 SSB MDS" },
	{ "Haswell, microcode of 2019", VENDOR_INTEL, 6, 0x3c, INTEL_2019, 0, 0, 0, 0,
	  " Meltdown" OLD_SPECTRE " L1TF MDS", "verw rsb ibpb l1tf", " Spectre-v1 Spectre-v2 SSB" },
	{ "Haswell-EP, microcode of 2022", VENDOR_INTEL, 6, 0x3f, INTEL_2019, 0, 0, 0, 0,
	  " Meltdown" OLD_SPECTRE " L1TF MDS MMIO-stale-data", "verw rsb ibpb l1tf",
	  " Spectre-v1 Spectre-v2 SSB" },
	{ "Skylake-SP with TSX", VENDOR_INTEL, 6, 0x55, INTEL_2019, F(RTM), 0, 0, 0,
	  " Meltdown" OLD_SPECTRE " L1TF MDS TAA MMIO-stale-data", "verw rsb ibpb l1tf",
	  " Spectre-v1 Spectre-v2 SSB" },
	{ "Skylake-SP with TSX, no microcode", VENDOR_INTEL, 6, 0x55, 0, F(RTM), 0, 0, 0,
	  " Meltdown" OLD_SPECTRE " L1TF MDS TAA MMIO-stale-data", "rsb l1tf",
	  " Spectre-v1 Spectre-v2 SSB MDS TAA MMIO-stale-data" },
	{ "Whiskey Lake, RDCL_NO but not MDS_NO", VENDOR_INTEL, 6, 0x8e, NEWER, 0, 0, 0,
	  ARCH_CAP(RDCL_NO) | ARCH_CAP(EIBRS) | ARCH_CAP(SKIP_L1DFL),
	  OLD_SPECTRE " MDS MMIO-stale-data", "verw rsb ibpb msr=1", " Spectre-v1 SSB" },
	{ "Cascade Lake with TSX", VENDOR_INTEL, 6, 0x55, NEWER, F(RTM), 0, 0, CAPS_CLX,
	  OLD_SPECTRE " TAA MMIO-stale-data", "verw rsb ibpb msr=1",
	  " Spectre-v1 SSB MMIO-stale-data" },
	{ "Cascade Lake with TSX, FB_CLEAR", VENDOR_INTEL, 6, 0x55, NEWER, F(RTM), 0, 0,
	  CAPS_CLX | ARCH_CAP(FB_CLEAR), OLD_SPECTRE " TAA MMIO-stale-data", "verw rsb ibpb msr=1",
	  " Spectre-v1 SSB" },
	{ "Ice Lake-SP, before FB_CLEAR", VENDOR_INTEL, 6, 0x6a, NEWER, 0, 0, 0, CAPS_ICX,
	  OLD_SPECTRE " MMIO-stale-data", "rsb ibpb msr=1", " Spectre-v1 SSB MMIO-stale-data" },
	{ "Ice Lake-SP, FB_CLEAR", VENDOR_INTEL, 6, 0x6a, NEWER, 0, 0, 0,
	  CAPS_ICX | ARCH_CAP(FB_CLEAR), OLD_SPECTRE " MMIO-stale-data", "verw rsb ibpb msr=1",
	  " Spectre-v1 SSB" },
	{ "Sapphire Rapids", VENDOR_INTEL, 6, 0x8f, NEWER, F(RTM), 0, 0,
	  CAPS_ICX | NO_MMIO | ARCH_CAP(RFDS_NO), OLD_SPECTRE, "rsb ibpb msr=1",
	  " Spectre-v1 SSB" },
	{ "Alder Lake, RFDS_CLEAR", VENDOR_INTEL, 6, 0x97, NEWER, 0, 0, 0,
	  CAPS_ICX | NO_MMIO | ARCH_CAP(RFDS_CLEAR), OLD_SPECTRE " RFDS", "verw rsb ibpb msr=1",
	  " Spectre-v1 SSB" },
	{ "Alder Lake, older microcode", VENDOR_INTEL, 6, 0x97, NEWER, 0, 0, 0, CAPS_ICX | NO_MMIO,
	  OLD_SPECTRE " RFDS", "rsb ibpb msr=1", " Spectre-v1 SSB RFDS" },
	{ "Goldmont", VENDOR_INTEL, 6, 0x5c, NEWER, 0, 0, 0, ARCH_CAP(INTEL_SSB_NO),
	  " Meltdown Spectre-v1 Spectre-v2 SpectreRSB RFDS", "rsb ibpb",
	  " Spectre-v1 Spectre-v2 RFDS" },
	{ "Silvermont", VENDOR_INTEL, 6, 0x37, INTEL_2019, 0, 0, 0, 0,
	  " Meltdown Spectre-v1 Spectre-v2 SpectreRSB MDS", "verw rsb ibpb",
	  " Spectre-v1 Spectre-v2" },
	{ "Bonnell, in order", VENDOR_INTEL, 6, 0x1c, 0, 0, 0, 0, 0, " nothing", "", " nothing" },
	{ "Pentium, in order", VENDOR_INTEL, 5, 2, 0, 0, 0, 0, 0, " nothing", "", " nothing" },
	{ "an Intel part nobody knows", VENDOR_INTEL, 6, 0xee, 0, 0, 0, 0, 0,
	  " Meltdown" OLD_SPECTRE " L1TF MDS", "rsb l1tf", " Spectre-v1 Spectre-v2 SSB MDS" },
	{ "the same with every denial", VENDOR_INTEL, 6, 0xee, F(ARCH_CAPS), 0, 0, 0,
	  ~0ul & ~ARCH_CAP(TSX_CTRL), " Spectre-v1 Spectre-v2 SpectreRSB", "rsb",
	  " Spectre-v1 Spectre-v2" },
	{ "K8, as QEMU's qemu64", VENDOR_AMD, 15, 0x6b, 0, 0, 0, 0, 0, OLD_SPECTRE, "rsb",
	  " Spectre-v1 Spectre-v2 SSB" },
	{ "Zen", VENDOR_AMD, 0x17, 1, 0, 0, F(IBPB), 0, 0, OLD_SPECTRE, "rsb ibpb",
	  " Spectre-v1 Spectre-v2 SSB" },
	{ "Zen 3", VENDOR_AMD, 0x19, 1, 0, 0,
	  F(IBPB) | F(IBRS) | F(AMD_STIBP) | F(STIBP_ALWAYS) | F(AMD_SSBD), 0, 0, OLD_SPECTRE,
	  "rsb ibpb msr=2", " Spectre-v1 Spectre-v2 SSB" },
	{ "Zen 4", VENDOR_AMD, 0x19, 0x61, 0, 0,
	  F(IBPB) | F(IBRS) | F(AMD_STIBP) | F(STIBP_ALWAYS) | F(AMD_SSBD), F(AUTO_IBRS), 0,
	  OLD_SPECTRE, "rsb ibpb auto msr=2", " Spectre-v1 SSB" },
	{ "a part that denies SSB", VENDOR_HYGON, 0x18, 4, 0, 0, F(IBPB) | F(SSB_NO), 0, 0,
	  " Spectre-v1 Spectre-v2 SpectreRSB", "rsb ibpb", " Spectre-v1 Spectre-v2" },
	{ "a vendor nobody knows", VENDOR_OTHER, 6, 1, 0, F(RTM), 0, 0, 0,
	  " Meltdown" OLD_SPECTRE " L1TF MDS TAA MMIO-stale-data RFDS", "rsb l1tf",
	  " Spectre-v1 Spectre-v2 SSB MDS TAA MMIO-stale-data RFDS" },
};

static struct cpu_bug_facts facts_of(const struct part *p)
{
	struct cpu_bug_facts f = { .vendor = p->vendor,
				   .family = p->family,
				   .model = p->model,
				   .arch_caps = p->arch_caps };

	f.words[FW_7D0] = p->feat_7d;
	f.words[FW_7B0] = p->feat_7b;
	f.words[FW_E8B] = p->feat_e8b;
	f.words[FW_E21A] = p->feat_e21a;
	return f;
}

static const char *choice_text(const struct spec_ctrl *c)
{
	static char s[128];

	snprintf(s, sizeof(s), "%s%s%s%s%s%s%s", c->verw ? "verw " : "", c->rsb ? "rsb " : "",
		 c->ibpb ? "ibpb " : "", c->l1d_flush ? "l1d-flush " : "",
		 c->auto_ibrs ? "auto " : "",
		 c->l1tf_dom0 && c->l1tf_domu ? "l1tf "
		 : c->l1tf_dom0               ? "dom0 "
		 : c->l1tf_domu               ? "domu "
					      : "",
		 c->msr ? "msr=" : "");
	if (c->msr)
		snprintf(s + strlen(s), sizeof(s) - strlen(s), "%lx ", c->msr);
	if (*s)
		s[strlen(s) - 1] = '\0';
	return s;
}

static const struct spec_wanted nothing_wanted = { -1, -1, -1, -1, -1, -1, -1, -1, -1 };

static void test_parts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct cpu_bug_facts f = facts_of(&parts[i]);
		char affected[LINE_BYTES], open[LINE_BYTES];
		struct spec_ctrl c;

		log_text[0] = '\0';
		c = spec_choose(&f, &nothing_wanted);
		bug_names(affected, cpu_bugs_of(&f));
		bug_names(open, spec_not_covered(&f, &c));
		ok(!strcmp(affected, parts[i].affected), "%s: affected by%s", parts[i].name,
		   parts[i].affected);
		ok(!strcmp(choice_text(&c), parts[i].chosen) && !*log_text,
		   "%s: by default \"%s\", and nothing to say about it", parts[i].name,
		   parts[i].chosen);
		ok(!strcmp(open, parts[i].open), "%s: open:%s", parts[i].name, parts[i].open);
		if (strcmp(affected, parts[i].affected) ||
		    strcmp(choice_text(&c), parts[i].chosen) || strcmp(open, parts[i].open))
			printf("# affected%s; chosen \"%s\"; open%s; %s\n", affected,
			       choice_text(&c), open, log_text);
	}
}

/* ---- Words ---- */

static char refused[256];

static void report_word(const char *word, const char *why, bool limit)
{
	snprintf(refused, sizeof(refused), "%.100s: %.100s", word, why);
}

static void parse(const char *line)
{
	spec_wanted = nothing_wanted;
	log_text[0] = refused[0] = '\0';
	cmdline_parse(line, __start_cmdline_options, __stop_cmdline_options, report_word);
}

/*
 * verw rsb ibpb l1d-flush ibrs stibp ssbd, then pv-l1tf of dom0, domu: 1, 0, or . where nothing was
 * said.
 */
static const char *wanted_text(void)
{
	static char s[16];
	const s8 *w[] = { &spec_wanted.verw,      &spec_wanted.rsb,
			  &spec_wanted.ibpb,      &spec_wanted.l1d_flush,
			  &spec_wanted.ibrs,      &spec_wanted.stibp,
			  &spec_wanted.ssbd,      NULL,
			  &spec_wanted.l1tf_dom0, &spec_wanted.l1tf_domu };

	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		s[i] = !w[i] ? ' ' : *w[i] < 0 ? '.' : '0' + *w[i];
	return s;
}

#define NONE "....... .."

/* @said: what the log must say, a part of it; "": nothing. */
static const struct {
	const char *line, *wanted, *said;
} words[] = {
	{ "", NONE, "" },
	{ "spec-ctrl=no", "0000000 00", "" },
	{ "spec-ctrl=off", "0000000 00", "" },
	{ "spec-ctrl=false", "0000000 00", "" },
	{ "spec-ctrl=disable", "0000000 00", "" },
	{ "spec-ctrl=0", "0000000 00", "" },
	{ "no-spec-ctrl", "0000000 00", "" },
	{ "spec-ctrl=xen=no", "0000000 ..", "" },
	{ "spec-ctrl=no-xen", "0000000 ..", "" },
	{ "spec-ctrl=on", NONE, "\"on\" is refused: what is on by default depends on the CPU" },
	{ "spec-ctrl=yes", NONE, "\"yes\" is refused" },
	{ "spec-ctrl=xen", NONE, "\"xen\" is refused" },
	{ "spec-ctrl=xen=on", NONE, "\"xen=on\" is refused" },
	{ "spec-ctrl=verw", "1...... ..", "" },
	{ "spec-ctrl=verw=off", "0...... ..", "" },
	{ "spec-ctrl=no-verw", "0...... ..", "" },
	{ "spec-ctrl=md-clear", "1...... ..", "" },
	{ "spec-ctrl=md-clear=no", "0...... ..", "" },
	{ "spec-ctrl=md_clear=1", "1...... ..", "" },
	{ "spec-ctrl=verw=pv", "1...... ..", "" },
	{ "spec-ctrl=verw=no-pv", "0...... ..", "" },
	{ "spec-ctrl=verw=pv=off", "0...... ..", "" },
	{ "spec-ctrl=verw=hvm", NONE, "" },
	{ "spec-ctrl=verw=no-hvm", NONE, "" },
	{ "spec-ctrl=rsb", ".1..... ..", "" },
	{ "spec-ctrl=rsb=0", ".0..... ..", "" },
	{ "spec-ctrl=rsb=pv=1", ".1..... ..", "" },
	{ "spec-ctrl=pv", "11..... ..", "" },
	{ "spec-ctrl=pv=off", "00..... ..", "" },
	{ "spec-ctrl=no-pv", "00..... ..", "" },
	{ "spec-ctrl=ibpb", "..1.... ..", "" },
	{ "spec-ctrl=ibpb=no", "..0.... ..", "" },
	{ "spec-ctrl=l1d-flush", "...1... ..", "" },
	{ "spec-ctrl=no-l1d-flush", "...0... ..", "" },
	{ "spec-ctrl=ibrs=on", "....1.. ..", "" },
	{ "spec-ctrl=no-ibrs", "....0.. ..", "" },
	{ "spec-ctrl=stibp", ".....1. ..", "" },
	{ "spec-ctrl=stibp=false", ".....0. ..", "" },
	{ "spec-ctrl=ssbd", "......1 ..", "" },
	{ "spec-ctrl=ssbd=disable", "......0 ..", "" },
	/* Later wins; empty items are none. */
	{ "spec-ctrl=no,verw", "1000000 00", "" },
	{ "spec-ctrl=verw,no", "0000000 00", "" },
	{ "spec-ctrl=verw,no-verw,verw=pv", "1...... ..", "" },
	{ "spec-ctrl=,,ibpb,,", "..1.... ..", "" },
	{ "spec-ctrl=verw spec-ctrl=ibpb", "1.1.... ..", "" },
	/* Words of Xen's that mean nothing here are named with the reason, others just named. */
	{ "spec-ctrl=hvm", NONE, "\"hvm\": HVM guests are not built" },
	{ "spec-ctrl=hvm=off,rsb", ".1..... ..", "\"hvm=off\": HVM guests" },
	{ "spec-ctrl=msr-sc=off", NONE, "\"msr-sc=off\": guests have no SPEC_CTRL" },
	{ "spec-ctrl=ibpb-entry", NONE, "\"ibpb-entry\": IBPB is done at a change of domain only" },
	{ "spec-ctrl=bti-thunk=retpoline", NONE,
	  "\"bti-thunk=retpoline\": indirect branches have no thunk" },
	{ "spec-ctrl=bti-thunk=jmp", NONE, "\"bti-thunk=jmp\": indirect" },
	{ "spec-ctrl=psfd", NONE, "\"psfd\": not built" },
	{ "spec-ctrl=eager-fpu=off", NONE,
	  "\"eager-fpu=off\": FPU state is always switched eagerly" },
	{ "spec-ctrl=no-branch-harden", NONE, "\"no-branch-harden\": not built" },
	{ "spec-ctrl=srb-lock", NONE, "\"srb-lock\": not built" },
	{ "spec-ctrl=unpriv-mmio", NONE, "\"unpriv-mmio\": domains" },
	{ "spec-ctrl=gds-mit=0", NONE, "\"gds-mit=0\": not built" },
	{ "spec-ctrl=div-scrub", NONE, "\"div-scrub\": not built" },
	{ "spec-ctrl=nonsense,ibpb", "..1.... ..", "ignoring \"nonsense\"\n" },
	{ "spec-ctrl=ibpb=maybe", NONE, "ignoring \"ibpb=maybe\"\n" },
	{ "spec-ctrl=ibpb=", NONE, "ignoring \"ibpb=\"\n" },
	{ "spec-ctrl=ibpb=pv", NONE, "ignoring \"ibpb=pv\"\n" },
	{ "spec-ctrl=verw=domu", NONE, "ignoring \"verw=domu\"\n" },
	{ "spec-ctrl=verw=pv=maybe", NONE, "ignoring \"verw=pv=maybe\"\n" },
	{ "spec-ctrl=no-ibpb=on", NONE, "ignoring \"no-ibpb=on\"\n" },
	{ "spec-ctrl=IBPB", NONE, "ignoring \"IBPB\"\n" },
	/* pv-l1tf=, and what spec-ctrl=no does to it. */
	{ "pv-l1tf", "....... 11", "" },
	{ "pv-l1tf=on", "....... 11", "" },
	{ "pv-l1tf=off", "....... 00", "" },
	{ "no-pv-l1tf", "....... 00", "" },
	{ "pv-l1tf=dom0", "....... 1.", "" },
	{ "pv-l1tf=no-dom0", "....... 0.", "" },
	{ "pv-l1tf=domu=off", "....... .0", "" },
	{ "pv-l1tf=dom0=off,domu", "....... 01", "" },
	{ "pv-l1tf=off,,dom0", "....... 10", "" },
	{ "pv-l1tf=maybe,dom0", "....... 1.", "pv-l1tf=: ignoring \"maybe\"" },
	{ "pv-l1tf=dom0=maybe", NONE, "pv-l1tf=: ignoring \"dom0=maybe\"" },
	{ "pv-l1tf spec-ctrl=no", "0000000 11", "" },
	{ "spec-ctrl=no pv-l1tf", "0000000 11", "" },
	{ "pv-l1tf=dom0 spec-ctrl=no", "0000000 10", "" },
};

static void test_words(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		bool good;

		parse(words[i].line);
		good = !strcmp(wanted_text(), words[i].wanted) && !*refused &&
		       (*words[i].said ? !!strstr(log_text, words[i].said) : !*log_text);
		ok(good, "\"%s\" wants %s%s%s", words[i].line, words[i].wanted,
		   *words[i].said ? ", and says: " : "",
		   strchr(words[i].said, '\n') ? "so" : words[i].said);
		if (!good)
			printf("# wants %s; log: %s# refused: %s\n", wanted_text(), log_text,
			       refused);
	}
	parse("spec-ctrl");
	ok(!strcmp(wanted_text(), NONE) && strstr(refused, "spec-ctrl"),
	   "a bare \"spec-ctrl\" is reported");
	parse("spec-ctrl=");
	ok(!strcmp(wanted_text(), NONE) && strstr(refused, "spec-ctrl="), "so is \"spec-ctrl=\"");
}

/* ---- Words on parts ---- */

static const struct {
	const char *part, *line, *chosen, *said;
} together[] = {
	{ "Haswell, microcode of 2019", "spec-ctrl=no", "", "" },
	{ "Haswell, microcode of 2019", "spec-ctrl=no-xen", "l1tf", "" },
	{ "Haswell, microcode of 2019", "pv-l1tf=off", "verw rsb ibpb l1d-flush", "" },
	{ "Haswell, microcode of 2019", "pv-l1tf=dom0=off", "verw rsb ibpb l1d-flush domu", "" },
	{ "Haswell, microcode of 2019", "pv-l1tf=off spec-ctrl=no-l1d-flush", "verw rsb ibpb", "" },
	{ "Haswell, microcode of 2019", "spec-ctrl=l1d-flush,ssbd,stibp,no-ibpb",
	  "verw rsb l1d-flush l1tf msr=6", "" },
	{ "Haswell, microcode of 2019", "spec-ctrl=ibrs", "verw rsb ibpb l1tf",
	  "ibrs stays off: this CPU does not offer it" },
	{ "Haswell, launch microcode", "spec-ctrl=ibpb", "rsb l1tf",
	  "ibpb stays off: this CPU does not offer it" },
	{ "Haswell, launch microcode", "spec-ctrl=l1d-flush", "rsb l1tf",
	  "l1d-flush stays off: this CPU does not offer it" },
	{ "Haswell, launch microcode", "spec-ctrl=stibp,ssbd", "rsb l1tf",
	  "ssbd stays off: this CPU does not offer it" },
	{ "Haswell, launch microcode", "spec-ctrl=no-ibpb", "rsb l1tf", "" },
	{ "Haswell, launch microcode", "spec-ctrl=verw", "verw rsb l1tf",
	  "it clears nothing on this CPU" },
	{ "Bonnell, in order", "spec-ctrl=verw,rsb", "verw rsb", "it clears nothing on this CPU" },
	{ "Bonnell, in order", "pv-l1tf", "l1tf", "" },
	{ "Zen 4", "spec-ctrl=no-ibrs,ssbd", "rsb ibpb msr=6", "" },
	{ "Sapphire Rapids", "spec-ctrl=no-ibrs,stibp", "rsb ibpb msr=2", "" },
};

static const struct part *part_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strcmp(parts[i].name, name))
			return &parts[i];
	printf("Bail out! no part \"%s\"\n", name);
	exit(1);
}

static void test_together(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(together); i++) {
		struct cpu_bug_facts f = facts_of(part_named(together[i].part));
		struct spec_ctrl c;

		parse(together[i].line);
		c = spec_choose(&f, &spec_wanted);
		ok(!strcmp(choice_text(&c), together[i].chosen) &&
			   (*together[i].said ? !!strstr(log_text, together[i].said) : !*log_text),
		   "%s, %s: \"%s\"%s%s", together[i].part, together[i].line, together[i].chosen,
		   *together[i].said ? ", and says: " : "", together[i].said);
		if (strcmp(choice_text(&c), together[i].chosen))
			printf("# chosen \"%s\"\n", choice_text(&c));
	}
}

/* ---- What is done ---- */

static void boot(const char *part, const char *line)
{
	struct cpu_bug_facts f = facts_of(part_named(part));

	parse(line);
	cpu_facts.vendor = f.vendor;
	cpu_facts.family = f.family;
	cpu_facts.model = f.model;
	memcpy(cpu_features, f.words, sizeof(cpu_features));
	stub_arch_caps = f.arch_caps;
	written[0] = '\0';
	nr_needed = 0;
	spec_ctrl_init();
}

/*
 * A change of domain, with RSB stuffing left out: a hosted program's red zone is no place for it.
 */
static const char *change_of_domain(void)
{
	spec_ctrl.rsb = false;
	written[0] = '\0';
	spec_ctrl_domain_change();
	return written;
}

static void test_done(void)
{
	u64 changes = hosted_cpu.domain_changes;

	boot("Bonnell, in order", "");
	ok(!*written, "a part that is not affected: no MSR is written at boot");
	ok(!*change_of_domain(), "nor at a change of domain");
	boot("K8, as QEMU's qemu64", "");
	ok(!*written && !*change_of_domain(), "a part that offers nothing: no MSR is written");
	ok(!nr_needed, "and nothing is asked of other CPUs");
	boot("Sapphire Rapids", "");
	ok(!strcmp(written, "48=1 "), "enhanced IBRS is switched on at boot");
	ok(!strcmp(change_of_domain(), "49=1 "), "IBPB at a change of domain");
	boot("Zen 4", "");
	ok(nr_needed, "registers that are written are asked of other CPUs");
	ok(!strcmp(written, "c0000080=200d01 48=2 "),
	   "automatic IBRS is a bit of EFER; STIBP as the part prefers");
	boot("Haswell, microcode of 2019", "pv-l1tf=off");
	ok(!strcmp(change_of_domain(), "10b=1 49=1 "), "the L1D is flushed before IBPB");
	boot("Haswell, microcode of 2019", "spec-ctrl=no");
	ok(!*written && !*change_of_domain(), "spec-ctrl=no: nothing");
	ok(hosted_cpu.domain_changes == changes + 5, "every change of domain is counted");
	boot("Haswell, microcode of 2019", "");
	ok(strstr(log_text,
		  "affected by: Meltdown Spectre-v1 Spectre-v2 SpectreRSB SSB L1TF MDS\n") &&
		   strstr(log_text, "the CPU offers: VERW IBPB L1D-flush STIBP SSBD\n") &&
		   strstr(log_text,
			  "VERW on; at a change of domain: IBPB on, RSB on, L1D-flush off\n") &&
		   strstr(log_text, "refused for dom0, shadowed for pv\n") &&
		   strstr(log_text, "nothing but the roots against: Spectre-v1 Spectre-v2 SSB\n"),
	   "the log tells all of it");
	if (tap_failed)
		printf("# written: %s\n", written);
}

int main(void)
{
	test_parts();
	test_words();
	test_together();
	test_done();
	return done();
}
