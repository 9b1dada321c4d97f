/* SPDX-License-Identifier: MIT */
/*
 * How long an instruction is that the guest has stopped at: an exit says which it must be, so its
 * bytes are matched against that, and no more is understood. Without next-RIP (which TCG lacks)
 * nothing else says it. A guest that rewrites it meanwhile gets #GP, as from Xen.
 */
#include <isola/domain.h>
#include <asm/hvm.h>

#define INSN_MOST 15u
#define DR6_STEP (1ul << 14)

static bool is_prefix(u8 b)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64,
				       0x65 };

	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (b == prefixes[i])
			return true;
	return false;
}

/* The bytes at rip; how many there are. */
static unsigned fetch(u8 *bytes, const struct hvm_code_segment *cs)
{
	u64 at = guest_regs()->rip + cs->base;

	if (!cs->is_64)
		at = (u32)at;
	return INSN_MOST - hvm_copy_from_linear(bytes, at, INSN_MOST);
}

bool hvm_decode(const u8 *op, unsigned nr, bool has_modrm, struct hvm_insn *insn)
{
	u8 bytes[INSN_MOST];
	struct hvm_code_segment cs;
	unsigned n, i = 0;

	hvm->code_segment(&cs);
	n = fetch(bytes, &cs);
	*insn = (struct hvm_insn){ 0 };
	while (i < n && is_prefix(bytes[i]))
		i++;
	if (cs.is_64 && i < n && (bytes[i] & 0xf0) == 0x40)
		insn->rex = bytes[i++];
	if (i + nr + has_modrm > n)
		return false;
	for (unsigned k = 0; k < nr; k++)
		if (bytes[i + k] != op[k])
			return false;
	if (has_modrm)
		insn->modrm = bytes[i + nr];
	insn->length = i + nr + has_modrm;
	return true;
}

void hvm_step(u64 length)
{
	struct regs *r = guest_regs();
	struct hvm_code_segment cs;

	hvm->code_segment(&cs);
	r->rip += length;
	if (!cs.is_64)
		r->rip = (u32)r->rip;
	r->rflags &= ~(u64)EFLAGS_RF;
	hvm->set_shadow(false);
	if (unlikely(r->rflags & EFLAGS_TF)) {
		hvm->set(HVM_DR6, hvm->get(HVM_DR6) | DR6_STEP);
		hvm_inject(TRAP_DB, false, 0);
	}
}
