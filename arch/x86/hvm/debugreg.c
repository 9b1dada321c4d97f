/* SPDX-License-Identifier: MIT */
/*
 * Debug registers of an HVM guest. DR6 and DR7 are switched with it; DR0 to DR3 are loaded while it
 * has breakpoints enabled. They may name any address: DR7 is clear while we run (APM vol. 2
 * §15.6). General detect is not built: DR7.GD stays 0.
 */
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/percpu.h>

#define DR6_ONES	0xffff0ff0ul
#define DR6_ZEROES	0x1000ul
#define DR7_ONES	0x400ul
#define DR7_ZEROES	0xf800ul	/* GD among them */

/* The register that ModRM names: 4 and 5 are 6 and 7, unless CR4.DE is set: 8, none. */
static unsigned number(const struct hvm_insn *insn)
{
	unsigned n = insn->modrm >> 3 & 7;

	if (insn->rex & 4)
		return 8;
	if (n != 4 && n != 5)
		return n;
	return hvm->get(HVM_CR4) & CR4_DE ? 8 : n + 2;
}

static u64 read(unsigned n)
{
	return n < 4 ? this_hvm.dr[n] : hvm->get(n == 6 ? HVM_DR6 : HVM_DR7);
}

static bool write(unsigned n, u64 val)
{
	if (n < 4)
		this_hvm.dr[n] = val;
	else if (val >> 32)
		return false;
	else if (n == 6)
		hvm->set(HVM_DR6, (val & ~DR6_ZEROES) | DR6_ONES);
	else
		hvm->set(HVM_DR7, (val & ~DR7_ZEROES) | DR7_ONES);
	return true;
}

static bool is_64(void)
{
	struct hvm_code_segment cs;

	hvm->code_segment(&cs);
	return cs.is_64;
}

void hvm_read_dr(const struct hvm_exit *e __maybe_unused)
{
	struct hvm_insn insn;
	unsigned n;

	if (!hvm_decode((const u8[]){ 0x0f, 0x21 }, 2, true, &insn)) {
		hvm_inject_gp();
		return;
	}
	n = number(&insn);
	if (n > 7) {
		hvm_inject_ud();
		return;
	}
	*hvm_gpr(guest_regs(), &insn) = is_64() ? read(n) : (u32)read(n);
	hvm_step(insn.length);
}

void hvm_write_dr(const struct hvm_exit *e __maybe_unused)
{
	struct hvm_insn insn;
	unsigned n;
	u64 val;

	if (!hvm_decode((const u8[]){ 0x0f, 0x23 }, 2, true, &insn)) {
		hvm_inject_gp();
		return;
	}
	n = number(&insn);
	val = *hvm_gpr(guest_regs(), &insn);
	if (n > 7)
		hvm_inject_ud();
	else if (!write(n, is_64() ? val : (u32)val))
		hvm_inject_gp();
	else
		hvm_step(insn.length);
}
