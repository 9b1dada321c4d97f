/* SPDX-License-Identifier: MIT */
/*
 * The decoder: each form by an example with all that it says, each example cut off everywhere;
 * prefixes in every order and every addressing form against what the SDM says in other words; and
 * the fetch, where a page ends. What the instructions then do is pt_insn_test.c's, by a processor.
 *
 * Sources: arch/x86/pv/emul/decode.c arch/x86/pv/emul/code_fetch.c
 */
#include "decode_bytes.h"

#include <asm/code_fetch.h>
#include <asm/decode.h>

/* ---- Examples -------------------------------------------------------------------------------- */

#define BYTES(...) sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }
#define NONE { .op = INSN_NONE }

/* Of an insn only what is not 0; len is nr. In code of @bits, 0: 64. */
static const struct example {
	const char *what;
	u8 bits, nr, byte[16];
	struct insn insn;
} examples[] = {
	/* Operand sizes, registers. */
	{ "mov %bl, (%rax)", 0, BYTES(0x88, 0x18), { INSN_MOV, .bytes = 1, .reg = 3 } },
	{ "mov %bh, (%rax)", 0, BYTES(0x88, 0x38),
	  { INSN_MOV, .bytes = 1, .reg = 3, .high_byte = true } },
	{ "mov %dil, (%rax)", 0, BYTES(0x40, 0x88, 0x38),
	  { INSN_MOV, .bytes = 1, .rex = 0x40, .reg = 7 } },
	{ "mov %bx, (%rax)", 0, BYTES(0x66, 0x89, 0x18),
	  { INSN_MOV, .bytes = 2, .prefix = INSN_OPSIZE, .reg = 3 } },
	{ "mov %ebx, (%rax)", 0, BYTES(0x89, 0x18), { INSN_MOV, .bytes = 4, .reg = 3 } },
	{ "mov %rbx, (%rax)", 0, BYTES(0x48, 0x89, 0x18),
	  { INSN_MOV, .bytes = 8, .rex = 0x48, .reg = 3 } },
	{ "mov %r11, (%r8)", 0, BYTES(0x4d, 0x89, 0x18),
	  { INSN_MOV, .bytes = 8, .rex = 0x4d, .reg = 11, .base = 8 } },
	{ "mov %rbx, (%rax), 66H", 0, BYTES(0x66, 0x48, 0x89, 0x18),
	  { INSN_MOV, .bytes = 8, .prefix = INSN_OPSIZE, .rex = 0x48, .reg = 3 } },
	/* REX that is not the last. */
	{ "REX.W, then 66H", 0, BYTES(0x48, 0x66, 0x89, 0x18),
	  { INSN_MOV, .bytes = 2, .prefix = INSN_OPSIZE, .reg = 3 } },
	{ "REX.W, then REX.R", 0, BYTES(0x48, 0x44, 0x89, 0x18),
	  { INSN_MOV, .bytes = 4, .rex = 0x44, .reg = 11 } },
	{ "REX, then GS: high byte", 0, BYTES(0x40, 0x65, 0x88, 0x38),
	  { INSN_MOV, .bytes = 1, .seg = 0x65, .reg = 3, .high_byte = true } },
	/* Addresses without ModRM. */
	{ "mov %al, 0x123456789abcdef0", 0,
	  BYTES(0xa2, 0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12),
	  { INSN_MOV, .bytes = 1, .base = REG_NONE, .disp = 0x123456789abcdef0 } },
	{ "mov %rax, 0xfee00080", 0, BYTES(0x48, 0xa3, 0x80, 0, 0xe0, 0xfe, 0, 0, 0, 0),
	  { INSN_MOV, .bytes = 8, .rex = 0x48, .base = REG_NONE, .disp = 0xfee00080 } },
	{ "mov %ax, 0x80000000, 67H", 0, BYTES(0x66, 0x67, 0xa3, 0, 0, 0, 0x80),
	  { INSN_MOV, .bytes = 2, .prefix = INSN_OPSIZE | INSN_ADDR32, .base = REG_NONE,
	    .disp = 0x80000000 } },
	/* Immediates. */
	{ "movb $-2", 0, BYTES(0xc6, 0x00, 0xfe),
	  { INSN_MOV, .bytes = 1, .has_imm = true, .imm = -2 } },
	{ "movw $0x8001", 0, BYTES(0x66, 0xc7, 0x00, 0x01, 0x80),
	  { INSN_MOV, .bytes = 2, .prefix = INSN_OPSIZE, .has_imm = true, .imm = -0x7fff } },
	{ "movl", 0, BYTES(0xc7, 0x00, 0x78, 0x56, 0x34, 0x12),
	  { INSN_MOV, .bytes = 4, .has_imm = true, .imm = 0x12345678 } },
	{ "movq", 0, BYTES(0x48, 0xc7, 0x00, 0, 0, 0, 0x80),
	  { INSN_MOV, .bytes = 8, .rex = 0x48, .has_imm = true, .imm = -0x7fffffff - 1 } },
	{ "lock andb $0xfd", 0, BYTES(0xf0, 0x80, 0x20, 0xfd),
	  { INSN_AND, .bytes = 1, .prefix = INSN_LOCK, .high_byte = true, .has_imm = true,
	    .imm = -3 } },
	{ "orq $-128", 0, BYTES(0x48, 0x83, 0x08, 0x80),
	  { INSN_OR, .bytes = 8, .rex = 0x48, .reg = 1, .has_imm = true, .imm = -128 } },
	{ "lock btr $9", 0, BYTES(0xf0, 0x48, 0x0f, 0xba, 0x30, 0x09),
	  { INSN_BTR, .bytes = 8, .prefix = INSN_LOCK, .rex = 0x48, .reg = 6, .has_imm = true,
	    .imm = 9 } },
	/* Addresses. */
	{ "0x10(%rip), an immediate behind", 0, BYTES(0xc7, 0x05, 0x10, 0, 0, 0, 1, 0, 0, 0),
	  { INSN_MOV, .bytes = 4, .base = REG_RIP, .disp = 0x10, .has_imm = true, .imm = 1 } },
	{ "rip with REX.B is rip", 0, BYTES(0x49, 0x89, 0x05, 0xf0, 0xff, 0xff, 0xff),
	  { INSN_MOV, .bytes = 8, .rex = 0x49, .base = REG_RIP, .disp = -0x10 } },
	{ "0x7f(%r13)", 0, BYTES(0x41, 0x89, 0x45, 0x7f),
	  { INSN_MOV, .bytes = 4, .rex = 0x41, .base = 13, .disp = 0x7f } },
	{ "(%r12) by SIB", 0, BYTES(0x41, 0x89, 0x04, 0x24),
	  { INSN_MOV, .bytes = 4, .rex = 0x41, .base = 12, .index = 4 } },
	{ "(%rsp, %r12, 8)", 0, BYTES(0x42, 0x89, 0x04, 0xe4),
	  { INSN_MOV, .bytes = 4, .rex = 0x42, .base = 4, .index = 12, .scale = 8 } },
	{ "an address alone", 0, BYTES(0x89, 0x04, 0x25, 0, 0, 0, 0x80),
	  { INSN_MOV, .bytes = 4, .base = REG_NONE, .index = 4, .disp = -0x7fffffff - 1 } },
	{ "0x80(, %rax, 2)", 0, BYTES(0x89, 0x04, 0x45, 0x80, 0, 0, 0),
	  { INSN_MOV, .bytes = 4, .base = REG_NONE, .scale = 2, .disp = 0x80 } },
	{ "-1(%rbp, %rcx)", 0, BYTES(0x89, 0x44, 0x0d, 0xff),
	  { INSN_MOV, .bytes = 4, .base = 5, .index = 1, .scale = 1, .disp = -1 } },
	{ "(%eax)", 0, BYTES(0x67, 0x89, 0x00), { INSN_MOV, .bytes = 4, .prefix = INSN_ADDR32 } },
	/* Segments: the last FS or GS counts, the others are none. */
	{ "FS", 0, BYTES(0x64, 0x89, 0x00), { INSN_MOV, .bytes = 4, .seg = 0x64 } },
	{ "FS, GS", 0, BYTES(0x64, 0x65, 0x89, 0x00), { INSN_MOV, .bytes = 4, .seg = 0x65 } },
	{ "GS, DS", 0, BYTES(0x65, 0x3e, 0x89, 0x00), { INSN_MOV, .bytes = 4, .seg = 0x65 } },
	{ "ES, CS, SS, DS", 0, BYTES(0x26, 0x2e, 0x36, 0x3e, 0x89, 0x00),
	  { INSN_MOV, .bytes = 4 } },
	/* LOCK and REP. */
	{ "lock xchg", 0, BYTES(0xf0, 0x87, 0x00), { INSN_XCHG, .bytes = 4, .prefix = INSN_LOCK } },
	{ "lock not", 0, BYTES(0xf0, 0xf7, 0x10),
	  { INSN_NOT, .bytes = 4, .prefix = INSN_LOCK, .reg = 2 } },
	{ "lock cmpxchg", 0, BYTES(0xf0, 0x0f, 0xb1, 0x08),
	  { INSN_CMPXCHG, .bytes = 4, .prefix = INSN_LOCK, .reg = 1 } },
	{ "lock mov", 0, BYTES(0xf0, 0x89, 0x00), NONE },
	{ "lock mov $", 0, BYTES(0xf0, 0xc6, 0x00, 0x00), NONE },
	{ "lock rdmsr", 0, BYTES(0xf0, 0x0f, 0x32), NONE },
	{ "lock cli", 0, BYTES(0xf0, 0xfa), NONE },
	{ "lock str", 0, BYTES(0xf0, 0x0f, 0x00, 0xc8), NONE },
	{ "rep mov", 0, BYTES(0xf3, 0x89, 0x00), NONE },
	{ "repne xchg", 0, BYTES(0xf2, 0x87, 0x00), NONE },
	{ "rep sgdt", 0, BYTES(0xf3, 0x0f, 0x01, 0x00), NONE },
	{ "rep rdmsr", 0, BYTES(0xf3, 0x0f, 0x32), { INSN_RDMSR, .bytes = 4, .prefix = INSN_REP } },
	/* Ports. */
	{ "in $0xf0, %al", 0, BYTES(0xe4, 0xf0),
	  { INSN_IN, .bytes = 1, .has_imm = true, .imm = -0x10 } },
	{ "in %dx, %ax", 0, BYTES(0x66, 0xed), { INSN_IN, .bytes = 2, .prefix = INSN_OPSIZE } },
	{ "in %dx, %ax, 66H twice", 0, BYTES(0x66, 0x66, 0xed),
	  { INSN_IN, .bytes = 2, .prefix = INSN_OPSIZE } },
	{ "out %al, %dx", 0, BYTES(0xee), { INSN_OUT, .bytes = 1 } },
	{ "out %eax, %dx", 0, BYTES(0xef), { INSN_OUT, .bytes = 4 } },
	{ "rep insl", 0, BYTES(0xf3, 0x6d), { INSN_INS, .bytes = 4, .prefix = INSN_REP } },
	{ "repne outsb %gs:(%esi)", 0, BYTES(0xf2, 0x65, 0x67, 0x6e),
	  { INSN_OUTS, .bytes = 1, .prefix = INSN_REP | INSN_ADDR32, .seg = 0x65 } },
	/* System. */
	{ "int $0x80", 0, BYTES(0xcd, 0x80),
	  { INSN_INT, .bytes = 4, .has_imm = true, .imm = -0x80 } },
	{ "sti", 0, BYTES(0xfb), { INSN_STI, .bytes = 4 } },
	{ "cpuid", 0, BYTES(0x0f, 0xa2), { INSN_CPUID, .bytes = 4 } },
	{ "wrmsr", 0, BYTES(0x0f, 0x30), { INSN_WRMSR, .bytes = 4 } },
	{ "rdtsc", 0, BYTES(0x0f, 0x31), { INSN_RDTSC, .bytes = 4 } },
	{ "clts", 0, BYTES(0x0f, 0x06), { INSN_CLTS, .bytes = 4 } },
	{ "invd", 0, BYTES(0x0f, 0x08), { INSN_INVD, .bytes = 4 } },
	{ "wbinvd", 0, BYTES(0x0f, 0x09), { INSN_WBINVD, .bytes = 4 } },
	{ "mov %cr8, %r9", 0, BYTES(0x45, 0x0f, 0x20, 0xc1),
	  { INSN_FROM_CR, .bytes = 4, .rex = 0x45, .reg = 8, .base = 9 } },
	{ "mov %rsp, %cr3, mod 0", 0, BYTES(0x0f, 0x22, 0x1c),
	  { INSN_TO_CR, .bytes = 4, .reg = 3, .base = 4 } },
	{ "mov %dr7, %rax", 0, BYTES(0x0f, 0x21, 0xf8), { INSN_FROM_DR, .bytes = 4, .reg = 7 } },
	{ "mov %rbp, %dr0, mod 0", 0, BYTES(0x0f, 0x23, 0x05),
	  { INSN_TO_DR, .bytes = 4, .base = 5 } },
	{ "xsetbv", 0, BYTES(0x0f, 0x01, 0xd1),
	  { INSN_XSETBV, .bytes = 4, .reg = 2, .to_reg = true, .base = 1 } },
	{ "rdtscp", 0, BYTES(0x0f, 0x01, 0xf9),
	  { INSN_RDTSCP, .bytes = 4, .reg = 7, .to_reg = true, .base = 1 } },
	{ "xgetbv", 0, BYTES(0x0f, 0x01, 0xd0), NONE },
	{ "swapgs", 0, BYTES(0x0f, 0x01, 0xf8), NONE },
	{ "lidt", 0, BYTES(0x0f, 0x01, 0x18), NONE },
	{ "invlpg", 0, BYTES(0x0f, 0x01, 0x38), NONE },
	{ "hlt", 0, BYTES(0xf4), NONE },
	/* No such operands. */
	{ "mov to a register", 0, BYTES(0x48, 0x89, 0xc0), NONE },
	{ "add $ to a register", 0, BYTES(0x48, 0x83, 0xc0, 1), NONE },
	{ "bts in a register", 0, BYTES(0x0f, 0xba, 0xe8, 1), NONE },
	{ "cmp $", 0, BYTES(0x83, 0x38, 1), NONE },
	{ "bt $", 0, BYTES(0x0f, 0xba, 0x20, 1), NONE },
	{ "neg", 0, BYTES(0xf7, 0x18), NONE },
	/* Other code segments: no REX, other sizes, no operands in memory. */
	{ "in %dx, %eax", 32, BYTES(0xed), { INSN_IN, .bytes = 4 } },
	{ "in %dx, %ax", 32, BYTES(0x66, 0xed), { INSN_IN, .bytes = 2, .prefix = INSN_OPSIZE } },
	{ "in %dx, %ax", 16, BYTES(0xed), { INSN_IN, .bytes = 2 } },
	{ "in %dx, %eax", 16, BYTES(0x66, 0xed), { INSN_IN, .bytes = 4, .prefix = INSN_OPSIZE } },
	{ "in %dx, %al", 16, BYTES(0xec), { INSN_IN, .bytes = 1 } },
	{ "mov %eax, %cr2", 32, BYTES(0x0f, 0x22, 0xd0), { INSN_TO_CR, .bytes = 4, .reg = 2 } },
	{ "inc %eax", 32, BYTES(0x40), NONE },
	{ "dec %eax, where 64-bit code has REX.W and cli", 32, BYTES(0x48, 0xfa), NONE },
	{ "66H, dec, cli", 16, BYTES(0x66, 0x48, 0xfa), NONE },
	{ "mov %eax, (%eax)", 32, BYTES(0x89, 0x00), NONE },
	{ "mov %eax, (%bx, %si)", 32, BYTES(0x67, 0x89, 0x00), NONE },
	{ "mov %ax, (%bx, %si)", 16, BYTES(0x89, 0x00), NONE },
	{ "mov %ax, (%eax)", 16, BYTES(0x67, 0x89, 0x00), NONE },
	{ "sgdt (%eax)", 32, BYTES(0x0f, 0x01, 0x00), NONE },
	{ "insb", 32, BYTES(0x6c), NONE },
	{ "outsw", 16, BYTES(0x6f), NONE },
};

static bool decode_in(unsigned int bits, const u8 *byte, unsigned int nr, struct insn *i)
{
	struct code c;

	set_code(&c, byte, nr);
	c.code64 = bits == 64;
	c.operand_bytes = bits == 16 ? 2 : 4;
	return insn_decode(&c, i);
}

static void try_example(const struct example *e)
{
	unsigned int bits = e->bits ? e->bits : 64;
	struct insn i, want = e->insn;
	bool known = want.op != INSN_NONE;

	want.len = known ? e->nr : 0;
	check(decode_in(bits, e->byte, e->nr, &i) == known, "%s: known or not", e->what);
	check(known ? same_insn(&i, &want) : i.op == INSN_NONE, "%s: all of it", e->what);
	check(i.len <= e->nr, "%s: %u of %u bytes were looked at", e->what, i.len, e->nr);
	for (unsigned int nr = 1; nr < want.len; nr++)
		check(!decode_in(bits, e->byte, nr, &i) && i.len > nr,
		      "%s: %u bytes are not enough", e->what, nr);
	check(decode_in(bits, e->byte, CODE_BYTES, &i) == known && (!known || i.len == want.len),
	      "%s: with more bytes behind it", e->what);
}

static void test_examples(void)
{
	for (unsigned int n = 0; n < ARRAY_SIZE(examples); n++)
		try_example(&examples[n]);
	all_ok("each form is decoded, from all of its bytes and no fewer");
}

/* ---- Prefixes -------------------------------------------------------------------------------- */

static const u8 alphabet[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x64, 0x65, 0x2e, 0x48, 0x41 };
#define MAX_PREFIXES 5

static u8 prefix_bit(u8 b)
{
	switch (b) {
	case 0x66:
		return INSN_OPSIZE;
	case 0x67:
		return INSN_ADDR32;
	case 0xf0:
		return INSN_LOCK;
	case 0xf2: case 0xf3:
		return INSN_REP;
	default:
		return 0;
	}
}

/* What @nr prefixes mean, the last first. */
static struct insn meaning(const u8 *prefix, unsigned int nr)
{
	struct insn i = { .bytes = 4 };

	if (nr && (prefix[nr - 1] & 0xf0) == 0x40)
		i.rex = prefix[nr - 1];
	while (nr--) {
		i.prefix |= prefix_bit(prefix[nr]);
		if (!i.seg && (prefix[nr] == 0x64 || prefix[nr] == 0x65))
			i.seg = prefix[nr];
	}
	if (i.rex == 0x48)
		i.bytes = 8;
	else if (i.prefix & INSN_OPSIZE)
		i.bytes = 2;
	return i;
}

static const struct prefixed {
	u8 op, nr, byte[2];
	u8 takes;               /* of LOCK and REP */
	bool modrm;
} prefixed[] = {
	{ INSN_ADD, 2, { 0x01, 0x0a }, INSN_LOCK, true },
	{ INSN_MOV, 2, { 0x89, 0x0a }, 0, true },
	{ INSN_OUTS, 1, { 0x6f }, INSN_REP, false },
	{ INSN_RDMSR, 2, { 0x0f, 0x32 }, INSN_REP, false },
};

static void try_prefixes(const struct prefixed *p, const u8 *prefix, unsigned int nr)
{
	struct insn want = meaning(prefix, nr), i;
	bool legal = !(want.prefix & (INSN_LOCK | INSN_REP) & ~p->takes);
	u8 byte[CODE_BYTES] = { 0 };

	memcpy(byte, prefix, nr);
	memcpy(byte + nr, p->byte, p->nr);
	want.op = p->op;
	want.len = nr + p->nr;
	if (p->modrm) {
		want.reg = 1;
		want.base = want.rex == 0x41 ? 10 : 2;
	}
	check(decode_bytes(byte, want.len, &i) == legal && (!legal || same_insn(&i, &want)),
	      "%u prefixes: %02x %02x %02x .. before %02x", nr, byte[0], byte[1], byte[2],
	      p->byte[0]);
}

/* The @n-th of all rows of @nr prefixes. */
static void pick_prefixes(u8 *prefix, unsigned int nr, unsigned int n)
{
	for (unsigned int k = 0; k < nr; k++, n /= ARRAY_SIZE(alphabet))
		prefix[k] = alphabet[n % ARRAY_SIZE(alphabet)];
}

static void test_prefixes(void)
{
	unsigned int total = 1;
	u8 prefix[MAX_PREFIXES];

	for (unsigned int nr = 0; nr <= MAX_PREFIXES; nr++, total *= ARRAY_SIZE(alphabet))
		for (unsigned int n = 0; n < total; n++) {
			pick_prefixes(prefix, nr, n);
			for (unsigned int k = 0; k < ARRAY_SIZE(prefixed); k++)
				try_prefixes(&prefixed[k], prefix, nr);
		}
	all_ok("up to five prefixes, in every order");
}

static void try_length(const u8 *insn, unsigned int nr, unsigned int nr_prefixes)
{
	bool fits = nr_prefixes + nr <= CODE_BYTES;
	u8 byte[CODE_ROOM];
	struct insn i;

	memset(byte, 0x3e, sizeof(byte));
	memcpy(byte + nr_prefixes, insn, nr);
	check(decode_bytes(byte, CODE_BYTES, &i) == fits && (!fits || i.len == nr_prefixes + nr),
	      "%u prefixes before %02x", nr_prefixes, insn[0]);
}

static void test_fifteen_bytes(void)
{
	static const struct { u8 nr, byte[11]; } of[] = {
		{ 1, { 0xfa } },
		{ 2, { 0x0f, 0x32 } },
		{ 2, { 0x89, 0x00 } },
		{ 3, { 0x83, 0x00, 0x01 } },
		{ 10, { 0xc7, 0x80, 1, 2, 3, 4, 5, 6 } },
		{ 11, { 0x81, 0x84, 0x00, 1, 2, 3, 4, 5, 6, 7, 8 } },
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(of); n++)
		for (unsigned int prefixes = 0; prefixes < 20; prefixes++)
			try_length(of[n].byte, of[n].nr, prefixes);
	all_ok("an instruction of fifteen bytes is one, of sixteen none");
}

/* ---- Addresses ------------------------------------------------------------------------------- */

/* The address that SDM tables 2-2 and 2-3 give; *@len: of ModRM, SIB and displacement, at @rip. */
static u64 address_by_table(u8 rex, u8 modrm, u8 sib, s32 disp, const u64 *gpr, u64 rip,
			    unsigned int *len)
{
	unsigned int x = rex & 2 ? 8 : 0, b = rex & 1 ? 8 : 0;
	bool has_sib = modrm % 8 == 4;
	bool no_base = modrm / 64 == 0 && (has_sib ? sib % 8 == 5 : modrm % 8 == 5);
	u64 sum = 0;

	*len = 1 + has_sib + (modrm / 64 == 1 ? 1 : modrm / 64 == 2 || no_base ? 4 : 0);
	if (!no_base)
		sum = gpr[(has_sib ? sib % 8 : modrm % 8) + b];
	else if (!has_sib)
		sum = rip + *len;
	if (has_sib && (sib / 8 % 8 != 4 || x))
		sum += gpr[sib / 8 % 8 + x] << sib / 64;
	if (modrm / 64 == 1)
		sum += (s64)(s8)disp;
	else if (modrm / 64 == 2 || no_base)
		sum += (s64)disp;
	return sum;
}

static void try_address(u8 rex, u8 modrm, u8 sib, bool addr32, const u64 *gpr, struct regs *r)
{
	s32 disp = tap_random();
	u8 byte[CODE_BYTES] = { 0 }, *p = byte;
	unsigned int len, head;
	struct insn i;
	u64 want;

	if (addr32)
		*p++ = 0x67;
	*p++ = rex;
	*p++ = 0x89;
	head = p - byte;
	*p++ = modrm;
	if (modrm % 8 == 4)
		*p++ = sib;
	memcpy(p, &disp, 4);
	want = address_by_table(rex, modrm, sib, disp, gpr, r->rip + head, &len);
	if (addr32)
		want = (u32)want;
	check(decode_bytes(byte, CODE_BYTES, &i) && i.len == head + len &&
		      insn_address(&i, r, 0x1000) == want + 0x1000,
	      "rex %02x modrm %02x sib %02x", rex, modrm, sib);
}

static void test_addresses(void)
{
	struct regs r = { .rip = 0x123456789a };
	u64 gpr[16];

	for (unsigned int n = 0; n < 16; n++)
		*regs_gpr(&r, n) = gpr[n] = tap_random();
	for (unsigned int rex = 0x40; rex < 0x50; rex++)
		for (unsigned int modrm = 0; modrm < 0xc0; modrm++)
			for (unsigned int sib = 0; sib < (modrm % 8 == 4 ? 256 : 1); sib++) {
				try_address(rex, modrm, sib, false, gpr, &r);
				try_address(rex, modrm, sib, true, gpr, &r);
			}
	all_ok("every ModRM, SIB and REX, with addresses of 64 bits and of 32");
}

/* ---- The short way --------------------------------------------------------------------------- */

static void test_usual_store(void)
{
	unsigned int taken = 0;

	for (unsigned int n = 0; n < 1u << 24; n++) {
		struct insn i, usual;
		struct code c;

		c.word = n | tap_random() << 24;
		c.nr = n & 1 ? 15 : 8;
		c.code64 = true;
		c.operand_bytes = 4;
		if (!insn_decode_usual_store(&c, &usual))
			continue;
		taken++;
		check(insn_decode(&c, &i) && same_insn(&i, &usual), "%06x", n);
	}
	/* 4 REX, 2 opcodes, of 192 ModRM without 24 SIB and 8 rip 160 */
	check(taken == 4 * 2 * 160, "%u were taken", taken);
	all_ok("what the short way decodes the tables decode the same: all of three bytes");
}

static void test_usual_store_refuses(void)
{
	static const u8 mov[15] = { 0x48, 0x89, 0x07 };
	struct insn i;
	struct code c;

	set_code(&c, mov, 15);
	check(insn_decode_usual_store(&c, &i), "mov");
	c.code64 = false;
	check(!insn_decode_usual_store(&c, &i), "mov, where there is no REX");
	c.code64 = true;
	c.nr = 7;
	check(!insn_decode_usual_store(&c, &i), "fewer than eight bytes");
	all_ok("the short way looks at eight bytes of 64-bit code");
}

/* ---- The fetch ------------------------------------------------------------------------------- */

/* Guest memory: @end is where it ends. */
static u8 guest_page[64];
static unsigned int guest_end, nr_read[64];

size_t raw_copy_from_guest(void *to, u64 from, size_t len)
{
	u64 at = from - (u64)guest_page;
	size_t there = at < guest_end ? min_t(u64, len, guest_end - at) : 0;

	memcpy(to, guest_page + at, there);
	memset((u8 *)to + there, 0, len - there);
	for (size_t i = 0; i < there; i++)
		nr_read[at + i]++;
	return len - there;
}

/* An instruction of @len bytes with @left bytes of its page from its first one on. */
static void try_fetch(const u8 *byte, unsigned int len, unsigned int left, bool ours)
{
	struct regs r = { .rip = (u64)guest_page, .cs = SEL_USER_CS64 };
	bool known, quick = left >= 8;
	struct insn i;
	struct code c;

	memset(guest_page, 0xcc, sizeof(guest_page));
	memcpy(guest_page, byte, len);
	memset(nr_read, 0, sizeof(nr_read));
	guest_end = left;
	if (quick)
		known = insn_fetch(&r, &c, &i);
	else            /* as behind the fault of the first eight */
		known = code_fetch_any(&r, &c) && (insn_decode(&c, &i) || insn_fetch_more(&c, &i));
	check(known == (ours && len <= left), "%u bytes, of which %u are there", len, left);
	for (unsigned int n = 0; n < sizeof(guest_page); n++)
		check(nr_read[n] <= 1 && !(quick && n < 8 && nr_read[n]),
		      "byte %u is read again", n);
	if (quick && len <= 8)
		check(!nr_read[8], "%u bytes, and more than eight are read", len);
}

static void test_fetch(void)
{
	static const struct { u8 nr, byte[15]; } of[] = {
		{ 1, { 0xfa } },
		{ 2, { 0x0f, 0x32 } },
		{ 3, { 0x48, 0x89, 0x07 } },
		{ 7, { 0x48, 0x89, 0x05, 1, 2, 3, 4 } },
		{ 8, { 0x48, 0x89, 0x84, 0x24, 1, 2, 3, 4 } },
		{ 9, { 0x65, 0x48, 0x89, 0x84, 0x24, 1, 2, 3, 4 } },
		{ 11, { 0x48, 0xc7, 0x05, 1, 2, 3, 4, 5, 6, 7, 8 } },
		{ 9, { 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x0f, 0x32 } },
		{ 15, { 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e,
			0x3e, 0x0f, 0x32 } },
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(of); n++)
		for (unsigned int left = 0; left <= 20; left++)
			try_fetch(of[n].byte, of[n].nr, left, true);
	for (unsigned int left = 0; left <= 20; left++)
		try_fetch((const u8[]){ 0xf4 }, 1, left, false);        /* hlt */
	all_ok("where a page ends an instruction is fetched if it ends there too, each byte once");
}

int main(void)
{
	test_examples();
	test_prefixes();
	test_fifteen_bytes();
	test_addresses();
	test_usual_store();
	test_usual_store_refuses();
	test_fetch();
	return done();
}
