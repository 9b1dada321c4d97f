/* SPDX-License-Identifier: MIT */
/*
 * Speculation control: the choice, its lines in the log, and what is done at a change of domain.
 *
 * A part that is not affected is left alone: nothing is written, and VERW is patched out.
 * Retpolines and IBRS by a write at each entry are not built: docs/isolation.md says why.
 * Sources: SDM vol. 4, MSRs 48H, 49H, 10BH; Intel's papers on MDS (VERW) and L1TF; APM vol. 2
 * §3.2.9 (SPEC_CTRL, PRED_CMD), §3.1.7 (EFER.AIBRSE).
 */
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/spec_ctrl.h>
#include <isola/printk.h>
#include <isola/lib/string.h>

#define MSR_SPEC_CTRL           0x48
#define SPEC_CTRL_IBRS          (1ul << 0)
#define SPEC_CTRL_STIBP         (1ul << 1)
#define SPEC_CTRL_SSBD          (1ul << 2)
#define MSR_PRED_CMD            0x49
#define PRED_CMD_IBPB           (1ul << 0)
#define MSR_ARCH_CAPABILITIES   0x10a
#define MSR_FLUSH_CMD           0x10b
#define FLUSH_CMD_L1D           (1ul << 0)
#define EFER_AIBRSE             (1ul << 21)

#define RSB_ENTRIES 32                  /* as many as any part keeps; stuffing more does no harm */

#define VERW_BUGS (BIT(BUG_MDS) | BIT(BUG_TAA) | BIT(BUG_MMIO) | BIT(BUG_RFDS))

struct spec_ctrl spec_ctrl;

static bool has(const struct cpu_bug_facts *f, u32 offer)
{
	return spec_offers(f) & BIT(offer);
}

/*
 * The bugs that VERW answers on this part: MD_CLEAR for MDS and TAA; for MMIO FB_CLEAR, or MD_CLEAR
 * on parts with MDS (they clear all buffers).
 */
static u32 verw_clears(const struct cpu_bug_facts *f)
{
	u32 bugs = cpu_bugs_of(f), clears = 0;

	if (facts_have(f, XEN_X86_FEATURE_MD_CLEAR))
		clears |= BIT(BUG_MDS) | BIT(BUG_TAA) | (bugs & BIT(BUG_MDS) ? BIT(BUG_MMIO) : 0);
	if (f->arch_caps & ARCH_CAP(FB_CLEAR))
		clears |= BIT(BUG_MMIO);
	if (f->arch_caps & ARCH_CAP(RFDS_CLEAR))
		clears |= BIT(BUG_RFDS);
	return clears & bugs;
}

static bool offers_auto_ibrs(const struct cpu_bug_facts *f)
{
	return facts_have(f, XEN_X86_FEATURE_AUTO_IBRS);
}

/* Registers that are there by a CPUID bit. */
static const struct { u8 offer; u16 feature; } by_cpuid[] = {
	{ OFFERS_IBPB,      XEN_X86_FEATURE_IBRSB },
	{ OFFERS_IBPB,      XEN_X86_FEATURE_IBPB },
	{ OFFERS_L1D_FLUSH, XEN_X86_FEATURE_L1D_FLUSH },
	{ OFFERS_IBRS,      XEN_X86_FEATURE_AUTO_IBRS },
	{ OFFERS_STIBP,     XEN_X86_FEATURE_STIBP },
	{ OFFERS_STIBP,     XEN_X86_FEATURE_AMD_STIBP },
	{ OFFERS_SSBD,      XEN_X86_FEATURE_SSBD },
	{ OFFERS_SSBD,      XEN_X86_FEATURE_AMD_SSBD },
};

u32 spec_offers(const struct cpu_bug_facts *f)
{
	u32 offers = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(by_cpuid); i++)
		if (facts_have(f, by_cpuid[i].feature))
			offers |= BIT(by_cpuid[i].offer);
	if (facts_have(f, XEN_X86_FEATURE_IBRSB) && f->arch_caps & ARCH_CAP(EIBRS))
		offers |= BIT(OFFERS_IBRS);
	if (verw_clears(f))
		offers |= BIT(OFFERS_VERW);
	return offers;
}

/* One that takes a register the part may lack: @wanted, else @by_default; never without it. */
static bool settle(const struct cpu_bug_facts *f, u32 offer, const char *name, s8 wanted,
		   bool by_default)
{
	if (!has(f, offer)) {
		if (wanted > 0)
			pr_warn("spec-ctrl=: %s stays off: this CPU does not offer it", name);
		return false;
	}
	return wanted < 0 ? by_default : wanted;
}

/* One that every part can do. */
static bool settle_free(s8 wanted, bool by_default)
{
	return wanted < 0 ? by_default : wanted;
}

struct spec_ctrl spec_choose(const struct cpu_bug_facts *f, const struct spec_wanted *w)
{
	u32 bugs = cpu_bugs_of(f);
	bool l1tf = bugs & BIT(BUG_L1TF), stibp_hint = facts_have(f, XEN_X86_FEATURE_STIBP_ALWAYS);
	struct spec_ctrl c = { 0 };

	c.l1tf_dom0 = settle_free(w->l1tf_dom0, l1tf);
	c.l1tf_domu = settle_free(w->l1tf_domu, l1tf);
	c.verw = settle_free(w->verw, verw_clears(f));
	if (c.verw && !verw_clears(f))
		pr_warn("spec-ctrl=: VERW at each return to a guest, as you say; it clears nothing "
			"on this CPU");
	c.rsb = settle_free(w->rsb, bugs & BIT(BUG_SPECTRE_RSB));
	c.ibpb = settle(f, OFFERS_IBPB, "ibpb", w->ibpb, bugs & BIT(BUG_SPECTRE_V2));
	c.l1d_flush = settle(f, OFFERS_L1D_FLUSH, "l1d-flush", w->l1d_flush,
			     l1tf && !(c.l1tf_dom0 && c.l1tf_domu));
	if (settle(f, OFFERS_IBRS, "ibrs", w->ibrs, bugs & BIT(BUG_SPECTRE_V2))) {
		c.auto_ibrs = offers_auto_ibrs(f);
		c.msr |= c.auto_ibrs ? 0 : SPEC_CTRL_IBRS;
	}
	if (settle(f, OFFERS_STIBP, "stibp", w->stibp, stibp_hint))
		c.msr |= SPEC_CTRL_STIBP;
	if (settle(f, OFFERS_SSBD, "ssbd", w->ssbd, false))
		c.msr |= SPEC_CTRL_SSBD;
	return c;
}

u32 spec_not_covered(const struct cpu_bug_facts *f, const struct spec_ctrl *c)
{
	u32 covered = BIT(BUG_MELTDOWN);        /* the roots */

	if (c->verw)
		covered |= verw_clears(f);
	if (c->l1d_flush || (c->l1tf_dom0 && c->l1tf_domu))
		covered |= BIT(BUG_L1TF);
	if (c->msr & SPEC_CTRL_SSBD)
		covered |= BIT(BUG_SSB);
	if (c->ibpb && (c->auto_ibrs || c->msr & SPEC_CTRL_IBRS))
		covered |= BIT(BUG_SPECTRE_V2);
	if (c->rsb)
		covered |= BIT(BUG_SPECTRE_RSB);
	return cpu_bugs_of(f) & ~covered;
}

/* ---- The log ---- */

#define LINE_BYTES 160

/* Append " @word" to @line. */
static void add_word(char *line, const char *word)
{
	size_t at = strlen(line);

	line[at++] = ' ';
	strlcpy(line + at, word, LINE_BYTES - at);
}

static void bug_names(char *line, u32 bugs)
{
	line[0] = '\0';
	for (unsigned i = 0; i < NR_CPU_BUGS; i++)
		if (bugs & BIT(i))
			add_word(line, cpu_bug_name(i));
	if (!bugs)
		add_word(line, "nothing");
}

static void offer_names(char *line, u32 offers)
{
	static const char *const name[NR_SPEC_OFFERS] = {
		[OFFERS_VERW] = "VERW", [OFFERS_IBPB] = "IBPB", [OFFERS_L1D_FLUSH] = "L1D-flush",
		[OFFERS_IBRS] = "IBRS", [OFFERS_STIBP] = "STIBP", [OFFERS_SSBD] = "SSBD",
	};

	line[0] = '\0';
	for (unsigned i = 0; i < NR_SPEC_OFFERS; i++)
		if (offers & BIT(i))
			add_word(line, name[i]);
	if (!offers)
		add_word(line, "nothing");
}

static void report(const struct cpu_bug_facts *f, const struct spec_ctrl *c)
{
	char affected[LINE_BYTES], offers[LINE_BYTES], open[LINE_BYTES];

	bug_names(affected, cpu_bugs_of(f));
	offer_names(offers, spec_offers(f));
	bug_names(open, spec_not_covered(f, c));
	pr_info("speculation: affected by:%s", affected);
	pr_info("speculation: the CPU offers:%s", offers);
	pr_info("speculation: to a guest: VERW %s; at a change of domain: IBPB %s, RSB %s, "
		"L1D-flush %s", c->verw ? "on" : "off", c->ibpb ? "on" : "off",
		c->rsb ? "on" : "off", c->l1d_flush ? "on" : "off");
	pr_info("speculation: always: IBRS %s, STIBP %s, SSBD %s",
		c->auto_ibrs || c->msr & SPEC_CTRL_IBRS ? "on" : "off",
		c->msr & SPEC_CTRL_STIBP ? "on" : "off", c->msr & SPEC_CTRL_SSBD ? "on" : "off");
	pr_info("speculation: L1TF: absent entries that name RAM: %s for dom0, %s for pv",
		c->l1tf_dom0 ? "refused" : "taken", c->l1tf_domu ? "shadowed" : "taken");
	pr_info("speculation: nothing but the roots against:%s", open);
	pr_info("speculation: SMT %s", cpu_facts.threads_per_core > 1
					       ? "on: threads of one core share buffers and "
						 "predictors, and nothing here parts them"
					       : "off");
}

/* ---- What is done ---- */

static void read_facts(struct cpu_bug_facts *f)
{
	f->vendor = cpu_facts.vendor;
	f->family = cpu_facts.family;
	f->model = cpu_facts.model;
	memcpy(f->words, cpu_features, sizeof(f->words));
	f->arch_caps = 0;
	if (cpu_has(ARCH_CAPS) && rdmsr_safe(MSR_ARCH_CAPABILITIES, &f->arch_caps))
		pr_warn("speculation: ARCH_CAPABILITIES cannot be read");
}

void spec_ctrl_init_cpu(void)
{
	if (spec_ctrl.auto_ibrs)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AIBRSE);
	if (spec_ctrl.msr)
		wrmsr(MSR_SPEC_CTRL, spec_ctrl.msr);
}

/* Other CPUs must have the registers that are written. */
static void need_what_is_used(const struct cpu_bug_facts *f, const struct spec_ctrl *c)
{
	u32 used = (c->ibpb ? BIT(OFFERS_IBPB) : 0) | (c->l1d_flush ? BIT(OFFERS_L1D_FLUSH) : 0) |
		   (c->auto_ibrs || c->msr & SPEC_CTRL_IBRS ? BIT(OFFERS_IBRS) : 0) |
		   (c->msr & SPEC_CTRL_STIBP ? BIT(OFFERS_STIBP) : 0) |
		   (c->msr & SPEC_CTRL_SSBD ? BIT(OFFERS_SSBD) : 0);

	for (unsigned i = 0; i < ARRAY_SIZE(by_cpuid); i++)
		if (used & BIT(by_cpuid[i].offer) && facts_have(f, by_cpuid[i].feature))
			cpu_need(by_cpuid[i].feature, "a register of spec-ctrl=",
				 "what is done about speculation is done on all CPUs");
}

void spec_ctrl_init(void)
{
	struct cpu_bug_facts f;

	read_facts(&f);
	spec_ctrl = spec_choose(&f, &spec_wanted);
	report(&f, &spec_ctrl);
	need_what_is_used(&f, &spec_ctrl);
	spec_ctrl_init_cpu();
}

/*
 * Every entry of the return stack buffer predicts a place here. The INT3 is never reached but by
 * speculation, which it stops.
 */
static void stuff_rsb(void)
{
	u64 count = RSB_ENTRIES;

	asm volatile ("1:	call	2f\n"
		      "	int3\n"
		      "2:	add	$8, %%rsp\n"
		      "	dec	%0\n"
		      "	jnz	1b\n"
		      "	lfence"
		      : "+r"(count) :: "memory", "cc");
}

bool spec_l1d_flush_is_due(void)
{
	struct cpu_bug_facts f;

	read_facts(&f);
	if (!(cpu_bugs_of(&f) & BIT(BUG_L1TF)) || !spec_wanted.l1d_flush)
		return false;
	if (!has(&f, OFFERS_L1D_FLUSH))
		pr_warn("HVM: L1TF: this CPU does not offer to flush its L1D cache: what is in it "
			"a guest may read");
	return has(&f, OFFERS_L1D_FLUSH);
}

void spec_flush_l1d(void)
{
	wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
}

void spec_ctrl_domain_change(void)
{
	this_cpu.domain_changes++;
	if (spec_ctrl.l1d_flush)
		spec_flush_l1d();
	if (spec_ctrl.ibpb)
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	if (spec_ctrl.rsb)
		stuff_rsb();
}
