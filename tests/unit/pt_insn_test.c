/* SPDX-License-Identifier: MIT */
/*
 * Stores into page tables: each random instruction is run by this machine's own processor and by
 * the emulator, on the same registers, flags and memory; what is left must be equal, bit for bit.
 * So the oracle is hardware, not a table of ours.
 *
 * Sources: arch/x86/pv/emul/decode.c arch/x86/pv/emul/execute.c
 */
#include "tap.h"

#include <asm/decode.h>
#include <asm/execute.h>
#include <asm/prctl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decode_bytes.h"

#define CODE      ((u8 *)0x20000000)            /* the stub; its data is in the page after it */
/* what the instructions store into, below 4 GiB for 32-bit addressing */
#define ARENA     0x10000000ul
#define ARENA_LEN 4096
#define MIDDLE    (ARENA + ARENA_LEN / 2)
#define GS_BASE   0x12340ul

#define FLAGS     0x8d5ul                       /* CF PF AF ZF SF OF */
#define FLAGS_LOGIC_UNDEFINED 0x010ul           /* AF */
#define FLAGS_BIT_UNDEFINED   0x894ul           /* OF SF AF PF */

struct state { u64 gpr[16], flags; };

/* In the stub's data page. */
struct stub_data {
	struct state in, out;
	u64 host_rsp;
};
#define DATA ((struct stub_data *)(CODE + 4096))

/*
 * ---- The processor's answer.
 * ------------------------------------------------------------------------------------
 */

static u8 *emit_mov(u8 *p, unsigned int reg, void *slot, bool load)
{
	s32 disp = (u8 *)slot - (p + 7);

	*p++ = 0x48 | (reg >> 3) << 2;
	*p++ = load ? 0x8b : 0x89;
	*p++ = 5 | (reg & 7) << 3;
	memcpy(p, &disp, 4);
	return p + 4;
}

/* push/pop [rip+slot] */
static u8 *emit_stack(u8 *p, void *slot, bool push)
{
	s32 disp = (u8 *)slot - (p + 6);

	*p++ = push ? 0xff : 0x8f;
	*p++ = push ? 0x35 : 0x05;
	memcpy(p, &disp, 4);
	return p + 4;
}

/* Where the instruction will stand: the code before it has a fixed length. */
static u8 *emit_entry(u8 *p)
{
	static const u8 save[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57 };

	memcpy(p, save, sizeof(save));          /* push rbx rbp r12..r15 */
	p = emit_mov(p + sizeof(save), 4, &DATA->host_rsp, false);
	p = emit_stack(p, &DATA->in.flags, true);
	*p++ = 0x9d;                            /* popf */
	for (unsigned int i = 0; i < 16; i++)
		p = emit_mov(p, i, &DATA->in.gpr[i], true);
	return p;
}

static void emit_exit(u8 *p)
{
	static const u8 restore[] = { 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d,
				      0x41, 0x5c, 0x5d, 0x5b, 0xc3 };

	for (unsigned int i = 0; i < 16; i++)
		p = emit_mov(p, i, &DATA->out.gpr[i], false);
	p = emit_mov(p, 4, &DATA->host_rsp, true);
	*p++ = 0x9c;                            /* pushf */
	p = emit_stack(p, &DATA->out.flags, false);
	memcpy(p, restore, sizeof(restore));
}

static void run_native(const u8 *insn, unsigned int len, const struct state *in, struct state *out)
{
	u8 *p = emit_entry(CODE);

	memcpy(p, insn, len);
	emit_exit(p + len);
	DATA->in = *in;
	__asm__ volatile("call *%0" ::"r"(CODE)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",
			   "cc");
	*out = DATA->out;
}

/*
 * ---- The emulator's.
 * --------------------------------------------------------------------------------------------
 */

static void to_regs(const struct state *s, u64 rip, struct regs *r)
{
	memset(r, 0, sizeof(*r));
	for (unsigned int i = 0; i < 16; i++)
		*regs_gpr(r, i) = s->gpr[i];
	r->rip = rip;
	r->rflags = s->flags;
}

static unsigned int nr_usual;

/* The short way takes exactly its forms, and says of them what the long one does. */
static void check_usual(const u8 *insn, bool decoded, const struct insn *i)
{
	unsigned int opcode = insn[1], mod = insn[2] >> 6, rm = insn[2] & 7;
	bool is_usual = (insn[0] & 0xf8) == 0x48 && (opcode == 0x87 || opcode == 0x89) &&
			mod != 3 && !(insn[0] & 2) && rm != 4 && !(mod == 0 && rm == 5);
	struct code code;
	struct insn s;

	set_code(&code, insn, CODE_BYTES);
	if (!check(insn_decode_usual_store(&code, &s) == is_usual, "the usual store: %d",
		   is_usual) || !is_usual)
		return;
	nr_usual++;
	check(decoded && same_insn(&s, i), "the usual store, as it is decoded");
}

/* False: not decoded, or aimed outside @memory, which stands for the arena. */
static bool run_emulated(const u8 *insn, unsigned int len, u64 rip, const struct state *in,
			 struct state *out, u8 *memory)
{
	struct effect e;
	struct insn i;
	struct regs r;
	u64 va, operand = 0;

	to_regs(in, rip, &r);
	if (!decode_bytes(insn, len, &i) || i.len != len)
		return false;
	check_usual(insn, true, &i);
	va = insn_address(&i, &r, i.seg == 0x65 ? GS_BASE : 0);
	if (va < ARENA || va > ARENA + ARENA_LEN - 8)
		return false;
	memcpy(&operand, memory + (va - ARENA), i.bytes);
	insn_execute(&i, &r, operand, &e);
	if (e.writes)
		memcpy(memory + (va - ARENA), &e.val, i.bytes);
	insn_retire(&i, &e, &r);
	for (unsigned int n = 0; n < 16; n++)
		out->gpr[n] = *regs_gpr(&r, n);
	out->flags = r.rflags;
	return r.rip == rip + len;
}

/*
 * ---- Random instructions that store into the arena.
 * --------------------------------------------------------------
 */

struct gen {
	u8 byte[CODE_BYTES + 8];
	unsigned int len;
	struct state in;
	bool is_bit, is_bit_reg, is_logic;
	unsigned int bytes;
};

static const struct {
	u8 opcode;
	bool two, imm8, imm;
	u8 groups;
	enum { ARITH, LOGIC_ALL, BIT } kind;
} forms[] = {
	{ 0x00, .kind = ARITH },
	{ 0x01, .kind = ARITH },
	{ 0x08, .kind = LOGIC_ALL },
	{ 0x09, .kind = LOGIC_ALL },
	{ 0x20, .kind = LOGIC_ALL },
	{ 0x21, .kind = LOGIC_ALL },
	{ 0x28, .kind = ARITH },
	{ 0x29, .kind = ARITH },
	{ 0x30, .kind = LOGIC_ALL },
	{ 0x31, .kind = LOGIC_ALL },
	{ 0x80, .imm = true, .groups = 0x73, .kind = LOGIC_ALL },
	{ 0x81, .imm = true, .groups = 0x73, .kind = LOGIC_ALL },
	{ 0x83, .imm8 = true, .groups = 0x73, .kind = LOGIC_ALL },
	{ 0x86, .kind = ARITH },
	{ 0x87, .kind = ARITH },
	{ 0x88, .kind = ARITH },
	{ 0x89, .kind = ARITH },
	{ 0xc6, .imm = true, .groups = 1, .kind = ARITH },
	{ 0xc7, .imm = true, .groups = 1, .kind = ARITH },
	{ 0xf6, .groups = 4, .kind = ARITH },
	{ 0xf7, .groups = 4, .kind = ARITH },
	{ 0xab, .two = true, .kind = BIT },
	{ 0xb3, .two = true, .kind = BIT },
	{ 0xbb, .two = true, .kind = BIT },
	{ 0xba, .two = true, .imm8 = true, .groups = 0xe0, .kind = BIT },
	{ 0xb0, .two = true, .kind = ARITH },
	{ 0xb1, .two = true, .kind = ARITH },
	{ 0xc0, .two = true, .kind = ARITH },
	{ 0xc1, .two = true, .kind = ARITH },
};

static unsigned int pick_group(u8 allowed)
{
	unsigned int n;

	do
		n = tap_random() % 8;
	while (!(allowed >> n & 1));
	return n;
}

static void put(struct gen *g, const void *p, unsigned int n)
{
	memcpy(g->byte + g->len, p, n);
	g->len += n;
}

static void put1(struct gen *g, u8 b) { put(g, &b, 1); }

/*
 * Prefixes in any order, twice perhaps, and between them what has no effect: the segments that are
 * none in 64-bit code, and REX that is not the last.
 */
static void put_prefixes(struct gen *g, bool gs, bool opsize16, bool addr32, bool lock)
{
	static const u8 null_segment[] = { 0x26, 0x2e, 0x36, 0x3e };
	u8 prefix[5] = { 0x65, 0x66, 0x67, 0xf0, null_segment[tap_random() % 4] };
	bool used[5] = { gs, opsize16, addr32, lock, tap_random() % 8 == 0 };

	for (unsigned int left = 5; left; left--) {
		unsigned int n = tap_random() % left;

		if (used[n] && tap_random() % 16 == 0)
			put1(g, 0x40 | (tap_random() & 15));
		if (used[n])
			put1(g, prefix[n]);
		if (used[n] && tap_random() % 16 == 0)
			put1(g, prefix[n]);
		prefix[n] = prefix[left - 1];
		used[n] = used[left - 1];
	}
}

/* One with an address that is wanted by choosing the base register's value last. */
static void generate(struct gen *g)
{
	unsigned int f = tap_random() % ARRAY_SIZE(forms), mod = tap_random() % 3, reg, base,
		     index = 4, scale = 0, imm_bytes = 0;
	bool byte_op = !forms[f].two ? !(forms[f].opcode & 1) && forms[f].opcode != 0x83
				     : (forms[f].opcode | 0x11) == 0xb1 && !(forms[f].opcode & 1) &&
					       forms[f].opcode != 0xba;
	bool opsize16 = tap_random() % 4 == 0, addr32 = tap_random() % 6 == 0,
	     gs = tap_random() % 6 == 0;
	bool sib = tap_random() % 3 == 0, rip_relative = !sib && mod == 0 && tap_random() % 3 == 0;
	u8 rex = tap_random() % 3 ? 0x40 | (tap_random() & 15) : 0;
	u64 want = MIDDLE + (tap_random() % 64) * 8, sum;
	s32 disp;

	if (forms[f].two && (forms[f].opcode & 0xfe) == 0xc0)
		byte_op = !(forms[f].opcode & 1);
	memset(g, 0, sizeof(*g));
	g->is_bit = forms[f].kind == BIT;
	g->is_bit_reg = g->is_bit && forms[f].opcode != 0xba;
	g->is_logic = forms[f].kind == LOGIC_ALL;
	g->bytes = byte_op ? 1 : rex & 8 ? 8 : opsize16 ? 2 : 4;
	for (unsigned int i = 0; i < 16; i++)
		g->in.gpr[i] = tap_random() & (tap_random() % 2 ? ~0ul : 0xff);
	g->in.flags = (tap_random() & FLAGS) | 2;

	reg = forms[f].groups ? pick_group(forms[f].groups) : tap_random() % 8;
	base = tap_random() % 8;
	if (sib)
		index = tap_random() % 8;
	if (!sib && !rip_relative && (base == 4 || (mod == 0 && base == 5)))
		base = 6;
	if (sib && mod == 0 && base == 5)
		base = 3;
	if (rip_relative)
		base = 5;
	/*
	 * The registers that make the address are distinct, and the source is another one where its
	 * value matters to it.
	 */
	if (sib && (index | (rex & 2) << 2) == (base | (rex & 1) << 3))
		index = index == 1 ? 2 : 1;
	if (sib && (index | (rex & 2) << 2) == (base | (rex & 1) << 3))
		index = 7;
	if (g->is_bit_reg)
		while ((reg | (rex & 4) << 1) == (base | (rex & 1) << 3) ||
		       (reg | (rex & 4) << 1) == (index | (rex & 2) << 2))
			reg = (reg + 1) % 8;
	scale = tap_random() % 4;
	disp = mod == 1 ? (s8)tap_random() : mod == 2 ? (s32)tap_random() : 0;

	if (g->is_bit_reg) /* up to 64 bytes off, either way, rubbish above the operand's size */
		g->in.gpr[reg | (rex & 4) << 1] =
			g->bytes == 8
				? (u64)(s64)(s32)(tap_random() % 1024 - 512)
				: (tap_random() << 8 * g->bytes) | ((tap_random() % 1024 - 512) &
								    ((1ul << 8 * g->bytes) - 1));

	/* LOCK is legal on all but MOV. */
	put_prefixes(g, gs, opsize16, addr32,
		     tap_random() % 3 == 0 && forms[f].opcode != 0x88 &&
			     forms[f].opcode != 0x89 && (forms[f].opcode & 0xfe) != 0xc6);
	if (rex)
		put1(g, rex);
	if (forms[f].two)
		put1(g, 0x0f);
	put1(g, forms[f].opcode);
	put1(g, mod << 6 | reg << 3 | (sib ? 4 : base));
	if (sib)
		put1(g, scale << 6 | index << 3 | base);
	if (forms[f].imm)
		imm_bytes = byte_op ? 1 : g->bytes == 2 ? 2 : 4;
	if (forms[f].imm8)
		imm_bytes = 1;

	if (gs)
		want -= GS_BASE;
	if (rip_relative) {
		u8 scratch[256], *at = emit_entry(scratch);

		disp = (s64)want - (s64)((u64)CODE + (at - scratch) + g->len + 4 + imm_bytes);
		put(g, &disp, 4);
	} else {
		sum = disp;
		if (sib && (index | (rex & 2) << 2) != 4)
			sum += g->in.gpr[index | (rex & 2) << 2] << scale;
		g->in.gpr[base | (rex & 1) << 3] = want - sum;
		if (addr32)
			g->in.gpr[base | (rex & 1) << 3] ^= tap_random() << 32;
		if (mod == 1)
			put1(g, disp);
		else if (mod == 2)
			put(g, &disp, 4);
	}
	for (unsigned int i = 0; i < imm_bytes; i++)
		put1(g, tap_random());
	/* Make CMPXCHG succeed now and then, where rax is not part of the address. */
	if (forms[f].two && (forms[f].opcode & 0xfe) == 0xb0 && tap_random() % 2 &&
	    base | (rex & 1) << 3)
		g->in.gpr[0] = g->in.gpr[0] & ~0xfful;
}

static void show(const struct gen *g, const char *what)
{
	printf("# %s:", what);
	for (unsigned int i = 0; i < g->len; i++)
		printf(" %02x", g->byte[i]);
	printf("\n");
}

static void test_against_processor(void)
{
	u8 model[ARENA_LEN], scratch[256];
	u64 rip = (u64)CODE + (emit_entry(scratch) - scratch);
	unsigned int ran = 0;

	for (unsigned int n = 0; n < 200000; n++) {
		u64 ignored = 0;
		struct state native, emulated;
		struct gen g;
		bool same;

		generate(&g);
		if (g.len > CODE_BYTES)
			continue;
		for (unsigned int i = 0; i < ARENA_LEN; i++)
			model[i] = tap_random() % 3 ? tap_random() : 0;
		memcpy((void *)ARENA, model, ARENA_LEN);
		if (!check(run_emulated(g.byte, g.len, rip, &g.in, &emulated, model),
			   "decodes and hits the arena")) {
			show(&g, "not emulated");
			break;
		}
		run_native(g.byte, g.len, &g.in, &native);
		ran++;
		if (g.is_bit)
			ignored = FLAGS_BIT_UNDEFINED;
		else if (g.is_logic)
			ignored = FLAGS_LOGIC_UNDEFINED;
		same = !memcmp(native.gpr, emulated.gpr, sizeof(native.gpr)) &&
			!memcmp((void *)ARENA, model, ARENA_LEN) &&
			!((native.flags ^ emulated.flags) & FLAGS & ~ignored);
		if (!check(same, "registers, memory and flags as the processor leaves them"))
			show(&g, "differs");
	}
	check(ran > 190000, "only %u instructions ran", ran);
	check(nr_usual > 400, "only %u of the usual ones", nr_usual);
	all_ok("200000 random stores do what the processor does");
}

static void test_cut_short(void)
{
	struct insn i;

	for (unsigned int n = 0; n < 2000; n++) {
		struct gen g;

		generate(&g);
		for (unsigned int nr = 0; nr < g.len; nr++)
			check(!decode_bytes(g.byte, nr, &i), "decoded from %u of %u bytes", nr,
			      g.len);
	}
	all_ok("an instruction that is cut short is not decoded");
}

static void test_refused(void)
{
	static const struct { const char *what; u8 byte[8]; } refused[] = {
		{ "mov r, r/m (a load)", { 0x48, 0x8b, 0x03 } },
		{ "mov reg to reg", { 0x48, 0x89, 0xd8 } },
		{ "lock mov", { 0xf0, 0x48, 0x89, 0x03 } },
		{ "rep movsb", { 0xf3, 0xa4 } },
		{ "rep stosq", { 0xf3, 0x48, 0xab } },
		{ "push", { 0xff, 0x33 } },
		{ "adc", { 0x48, 0x11, 0x03 } },
		{ "cmp", { 0x48, 0x39, 0x03 } },
		{ "bt", { 0x0f, 0xa3, 0x03 } },
		{ "cmpxchg16b", { 0x48, 0x0f, 0xc7, 0x0b } },
		{ "movaps", { 0x0f, 0x29, 0x03 } },
		{ "prefixes without end", { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66 } },
	};
	struct insn i;

	for (unsigned int n = 0; n < ARRAY_SIZE(refused); n++)
		check(!decode_bytes(refused[n].byte, sizeof(refused[n].byte), &i),
		      "%s is decoded", refused[n].what);
	all_ok("what is no store of ours is not decoded");
}

static void test_umip(void)
{
	static const struct {
		const char *what;
		u8 byte[9], len, bytes;
		enum insn_op op;
		bool to_reg;
		u8 base;
	} known[] = {
		{ "sldt %eax", { 0x0f, 0x00, 0xc0 }, 3, 4, INSN_SLDT, true, 0 },
		{ "str %r9w", { 0x66, 0x41, 0x0f, 0x00, 0xc9 }, 5, 2, INSN_STR, true, 9 },
		{ "smsw %rdx", { 0x48, 0x0f, 0x01, 0xe2 }, 4, 8, INSN_SMSW, true, 2 },
		{ "smsw (%rbx)", { 0x0f, 0x01, 0x23 }, 3, 4, INSN_SMSW, false, 3 },
		{ "sgdt 8(%rsp)", { 0x0f, 0x01, 0x44, 0x24, 0x08 }, 5, 4, INSN_SGDT, false, 4 },
		{ "sidt 0x10(%rip)", { 0x0f, 0x01, 0x0d, 0x10 }, 7, 4, INSN_SIDT, false, REG_RIP },
		{ "lgdt (%rax)", { 0x0f, 0x01, 0x10 }, 0, 0, INSN_NONE, false, 0 },
		{ "lmsw %ax", { 0x0f, 0x01, 0xf0 }, 0, 0, INSN_NONE, false, 0 },
		{ "ltr %ax", { 0x0f, 0x00, 0xd8 }, 0, 0, INSN_NONE, false, 0 },
		{ "vmcall, where sgdt has no register form",
		  { 0x0f, 0x01, 0xc1 },
		  0,
		  0,
		  INSN_NONE,
		  false,
		  0 },
		{ "lock str", { 0xf0, 0x0f, 0x00, 0xc8 }, 0, 0, INSN_NONE, false, 0 },
	};
	struct insn i;

	for (unsigned int n = 0; n < ARRAY_SIZE(known); n++) {
		bool decoded = decode_bytes(known[n].byte, sizeof(known[n].byte), &i);

		check(decoded == !!known[n].len, "%s: %sdecoded", known[n].what,
		      decoded ? "" : "not ");
		if (decoded && known[n].len)
			check(i.op == known[n].op && i.len == known[n].len &&
				      i.bytes == known[n].bytes && i.to_reg == known[n].to_reg &&
				      i.base == known[n].base && insn_is_umip(i.op) &&
				      !insn_is_store(i.op),
			      "%s", known[n].what);
	}
	all_ok("SLDT, STR, SGDT, SIDT, SMSW are told from their neighbours");
}

static void test_any_bytes(void)
{
	u8 byte[CODE_BYTES];
	unsigned int decoded = 0;

	for (unsigned int n = 0; n < 2000000; n++) {
		struct state s = { .gpr = { 0 } };
		struct effect e;
		struct insn i;
		struct regs r;
		bool known;

		for (unsigned int k = 0; k < sizeof(byte); k++)
			byte[k] = tap_random() >> 5;
		for (unsigned int k = 0; k < 16; k++)
			s.gpr[k] = tap_random();
		if (n % 4 == 0) {
			byte[0] = 0x40 | (byte[0] & 15);
			byte[1] = byte[1] & 16 ? 0x87 : 0x89;
		}
		to_regs(&s, 0, &r);
		known = decode_bytes(byte, sizeof(byte), &i);
		check_usual(byte, known, &i);
		if (!known)
			continue;
		decoded++;
		check(i.len && i.len <= sizeof(byte), "length %u", i.len);
		check(i.bytes == 1 || i.bytes == 2 || i.bytes == 4 || i.bytes == 8, "size %u",
		      i.bytes);
		insn_address(&i, &r, 0);
		insn_execute(&i, &r, tap_random(), &e);
	}
	check(decoded > 1000, "only %u decoded", decoded);
	check(nr_usual > 50000, "only %u of the usual ones", nr_usual);
	all_ok("two million random byte strings: every length and size is sane");
}

int main(void)
{
	if (mmap(CODE, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != CODE ||
	    mmap((void *)ARENA, ARENA_LEN, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)ARENA ||
	    syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE)) {
		printf("Bail out! no room for the code and its memory\n");
		return 1;
	}
	test_against_processor();
	test_cut_short();
	test_refused();
	test_umip();
	test_any_bytes();
	return done();
}
