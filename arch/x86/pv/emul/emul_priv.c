/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions: a guest kernel runs in ring 3, so these arrive as #GP(0) and are carried
 * out here.
 *
 * A short list, one table row each (EMU-1); anything else is the guest's own #GP. Bytes are read
 * once, at most 15. Privilege is decided by the row before an operand is looked at (EMU-2). Nothing
 * is generated at run time.
 * Sources: SDM vol. 2 (encodings), vol. 1 §19.5 (I/O permission), pages
 * docs/abi/privileged-instructions.md.
 */
#include <asm/cpufeature.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/insn.h>
#include <asm/ioport.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/trap.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <asm/vm_assist.h>
#include <isola/lib/string.h>
#include <isola/printk.h>
#include <isola/vcpu.h>

/* INS, OUTS, per trap; the rest is done when the guest runs into the instruction again (CON-1). */
#define STRING_IO_UNITS 64

enum emul_result {
	EMUL_DONE,              /* step over it */
	EMUL_AGAIN,             /* registers have moved on; the instruction is not finished */
	EMUL_INJECTED,          /* the guest has been given another exception instead */
	EMUL_REFUSED,           /* its own #GP */
};

/* One instruction. Bytes [0, at) have been decoded. */
struct insn {
	struct regs *r;
	struct code code;
	u8 at;
	bool opsize16, addr32, rep;
	u8 rex, seg;            /* seg: prefix byte 64H or 65H, else 0 */
	u8 opcode;
};

static bool start(struct insn *i, struct regs *r)
{
	if (!code_fetch(r, &i->code))
		return false;
	i->r = r;
	i->at = i->rex = i->seg = i->opcode = 0;
	i->rep = false;
	i->opsize16 = i->code.default16;
	i->addr32 = !i->code.code64;
	return true;
}

/* The next byte, or 0 beyond the end, which ->at then shows. */
static u8 next_byte(struct insn *i)
{
	u8 b;

	if (unlikely(i->at == i->code.nr && !i->code.all))
		code_fetch_rest(&i->code);
	b = i->at < i->code.nr ? i->code.byte[i->at] : 0;
	i->at++;
	return b;
}

static bool is_cut(const struct insn *i)
{
	return i->at > i->code.nr;
}

/*
 * Prefixes, then the first byte that is none. False: LOCK, which none of these instructions takes.
 */
static bool decode_prefixes(struct insn *i)
{
	for (;;) {
		u8 b = next_byte(i);

		switch (b) {
		case 0x66:
			i->opsize16 = !i->opsize16;
			break;
		case 0x67:
			i->addr32 = i->code.code64;
			break;
		case 0xf2:
		case 0xf3:
			i->rep = true;
			break;
		case 0x26: case 0x2e: case 0x36: case 0x3e:
			i->seg = 0;
			break;
		case 0x64: case 0x65:
			i->seg = b;
			break;
		case 0xf0:
			return false;
		case 0x40 ... 0x4f:
			if (i->code.code64) {
				i->rex = b;
				i->opcode = next_byte(i);
				return !is_cut(i);
			}
			__fallthrough;
		default:
			i->opcode = b;
			return !is_cut(i);
		}
		if (is_cut(i))
			return false;
	}
}

/* The kernel counts as ring 1, as ring 0 once it has asked for that; user mode is ring 3. */
static bool iopl_allows(void)
{
	unsigned int cpl = 3;

	if (this_vcpu.kernel_mode)
		cpl = pv_iopl_is_architectural() ? 0 : 1;
	return this_vcpu.iopl >= cpl;
}

/*
 * The guest's own bitmap, in its kernel's memory: every byte of the access must be allowed (IOP-1).
 */
static bool bitmap_allows(u16 port, unsigned int bytes)
{
	u8 map[2] = { 0xff, 0xff };
	bool user = !this_vcpu.kernel_mode;
	u64 flags;
	size_t left;

	if (!this_vcpu.iobitmap_va || (u32)port + bytes > this_vcpu.nr_ioports)
		return false;
	flags = irq_save();
	if (user)
		root_peek_kernel();
	left = raw_copy_from_guest(map, this_vcpu.iobitmap_va + port / 8,
				   (port % 8 + bytes + 7) / 8);
	if (user)
		root_peek_done();
	irq_restore(flags);
	return !left && !((map[0] | map[1] << 8) >> port % 8 & ((1u << bytes) - 1));
}

static bool may_io(u16 port, unsigned int bytes)
{
	return iopl_allows() || bitmap_allows(port, bytes);
}

/* I/O opcodes: bit 0 clear is a byte, else a word or dword. */
static unsigned int io_bytes(const struct insn *i)
{
	return i->opcode & 1 ? (i->opsize16 ? 2 : 4) : 1;
}

static u64 merge(u64 old, u64 val, unsigned int bytes)
{
	switch (bytes) {
	case 1:
		return (old & ~0xfful) | (val & 0xff);
	case 2:
		return (old & ~0xfffful) | (val & 0xffff);
	default:
		return (u32)val;
	}
}

/* E4..E7: port in the instruction; EC..EF: in dx. Bit 1 set: out. */
static enum emul_result op_io(struct insn *i)
{
	u16 port = i->opcode & 8 ? (u16)i->r->rdx : next_byte(i);
	unsigned int bytes = io_bytes(i);

	if (is_cut(i) || !may_io(port, bytes))
		return EMUL_REFUSED;
	if (i->opcode & 2)
		ioport_write(current->domain, port, bytes, i->r->rax);
	else
		i->r->rax = merge(i->r->rax, ioport_read(current->domain, port, bytes), bytes);
	return EMUL_DONE;
}

static u64 segment_base(const struct insn *i)
{
	return i->seg ? rdmsr(i->seg == 0x64 ? MSR_FS_BASE : MSR_GS_BASE) : 0;
}

/*
 * One unit of INS or OUTS at *@index. The memory is read first in both directions, so that a port
 * is not read for a page that is not there; a page that is there but read-only still costs the
 * unit.
 */
static bool string_io_unit(const struct insn *i, u64 va, unsigned int bytes, bool out)
{
	u32 val = 0;

	if (raw_copy_from_guest(&val, va, bytes)) {
		pv_inject_page_fault(out ? 0 : PFEC_W, va);
		return false;
	}
	if (out) {
		ioport_write(current->domain, (u16)i->r->rdx, bytes, val);
		return true;
	}
	val = ioport_read(current->domain, (u16)i->r->rdx, bytes);
	if (raw_copy_to_guest(va, &val, bytes)) {
		pv_inject_page_fault(PFEC_W | PFEC_P, va);
		return false;
	}
	return true;
}

/*
 * 6C..6F: INS, OUTS, with or without REP. 64-bit code only: elsewhere segment bases and limits
 * would count.
 */
static enum emul_result op_string_io(struct insn *i)
{
	bool out = i->opcode & 2;
	unsigned int bytes = io_bytes(i);
	u64 mask = i->addr32 ? 0xffffffff : ~0ul;
	u64 *index = out ? &i->r->rsi : &i->r->rdi;
	u64 step = i->r->rflags & EFLAGS_DF ? -(u64)bytes : bytes;
	u64 count = i->rep ? i->r->rcx & mask : 1;
	u64 base = out ? segment_base(i) : 0;

	if (!i->code.code64 || !may_io(i->r->rdx, bytes))
		return EMUL_REFUSED;
	irq_enable();
	for (unsigned int n = 0; count && n < STRING_IO_UNITS; n++, count--) {
		if (!string_io_unit(i, base + (*index & mask), bytes, out))
			return EMUL_INJECTED;
		*index = (*index + step) & mask;
		if (i->rep)
			i->r->rcx = (count - 1) & mask;
	}
	return count ? EMUL_AGAIN : EMUL_DONE;
}

/*
 * CLI, STI: nothing happens where IOPL allows them. The guest's event mask is its own business, not
 * IF's.
 */
static enum emul_result op_interrupt_flag(struct insn *i)
{
	(void)i;
	return iopl_allows() ? EMUL_DONE : EMUL_REFUSED;
}

static enum emul_result op_rdmsr(struct insn *i)
{
	u64 val = 0;

	/*
	 * Before there is a #GP handler, a read that is not allowed gives 0: early Linux relies on
	 * it.
	 */
	if (pv_rdmsr(i->r->rcx, &val) && this_vcpu_traps[TRAP_GP].address)
		return EMUL_REFUSED;
	i->r->rax = (u32)val;
	i->r->rdx = val >> 32;
	return EMUL_DONE;
}

static enum emul_result op_wrmsr(struct insn *i)
{
	u64 val = (u32)i->r->rax | i->r->rdx << 32;

	return pv_wrmsr(i->r->rcx, val) ? EMUL_REFUSED : EMUL_DONE;
}

/* CPUID, where it faults in ring 3. */
static enum emul_result op_cpuid(struct insn *i)
{
	if (this_vcpu.cpuid_faulting && !this_vcpu.kernel_mode)
		return EMUL_REFUSED;
	pv_cpuid(i->r);
	return EMUL_DONE;
}

/* RDTSC faults when the guest has set CR4.TSD: then it is for the kernel only. */
static enum emul_result op_rdtsc(struct insn *i)
{
	u64 tsc = rdtsc();

	i->r->rax = (u32)tsc;
	i->r->rdx = tsc >> 32;
	return EMUL_DONE;
}

/*
 * MOV between control or debug register (reg field) and general register (rm field); mod is
 * ignored. 20..23.
 */
static enum emul_result op_mov_special(struct insn *i)
{
	u8 modrm = next_byte(i);
	unsigned int n = (modrm >> 3 & 7) | (i->rex & 4) << 1;
	u64 *gpr = regs_gpr(i->r, (modrm & 7) | (i->rex & 1) << 3);
	bool debug = i->opcode & 1;
	u64 val;
	int rc;

	if (is_cut(i))
		return EMUL_REFUSED;
	if (i->opcode & 2) {
		rc = debug ? pv_set_debugreg(n, *gpr) : pv_write_cr(n, *gpr);
	} else {
		rc = debug ? pv_get_debugreg(n, &val) : pv_read_cr(n, &val);
		if (!rc)
			*gpr = val;
	}
	return rc ? EMUL_REFUSED : EMUL_DONE;
}

static enum emul_result op_clts(struct insn *i)
{
	(void)i;
	this_vcpu.ts = false;
	fpu_set_ts(false);
	return EMUL_DONE;
}

/*
 * INVD as WBINVD: throwing away dirty lines would be everybody's data. For others than dom0 memory
 * is write-back: nothing to do.
 */
static enum emul_result op_wbinvd(struct insn *i)
{
	(void)i;
	irq_enable();
	if (current->domain->is_privileged)
		asm volatile ("wbinvd" ::: "memory");
	return EMUL_DONE;
}

/* 0F 01: only XSETBV and RDTSCP of that group. */
static enum emul_result op_group7(struct insn *i)
{
	u64 edx_eax = (u32)i->r->rax | i->r->rdx << 32;
	u8 modrm = next_byte(i);

	if (is_cut(i))
		return EMUL_REFUSED;
	switch (modrm) {
	case 0xd1:
		return pv_xsetbv(i->r->rcx, edx_eax) ? EMUL_REFUSED : EMUL_DONE;
	case 0xf9:
		i->r->rcx = this_vcpu.tsc_aux;
		return op_rdtsc(i);
	default:
		return EMUL_REFUSED;
	}
}

struct op {
	enum emul_result (*run)(struct insn *i);
	bool user_too;          /* else the guest's user mode gets its #GP at once */
};

static const struct op one_byte[256] = {
	[0x6c ... 0x6f] = { op_string_io, true },
	[0xe4 ... 0xe7] = { op_io, true },
	[0xec ... 0xef] = { op_io, true },
	[0xfa ... 0xfb] = { op_interrupt_flag, true },
};

static const struct op two_byte[256] = {
	[0x01] = { op_group7, false },
	[0x06] = { op_clts, false },
	[0x08 ... 0x09] = { op_wbinvd, false },
	[0x20 ... 0x23] = { op_mov_special, false },
	[0x30] = { op_wrmsr, false },
	[0x31] = { op_rdtsc, false },
	[0x32] = { op_rdmsr, false },
	[0xa2] = { op_cpuid, true },
};

static void log_refusal(const struct insn *i)
{
	if (this_vcpu.kernel_mode)
		guest_debug("no emulation of %02x %02x %02x %02x at rip %#lx", i->code.byte[0],
			    i->code.byte[1], i->code.byte[2], i->code.byte[3], i->r->rip);
}

/* 0F 00, 0F 01: also where the instructions are that UMIP keeps from ring 3. */
static bool is_umip_opcode(const struct insn *i)
{
	return boot_cr4 & CR4_UMIP && i->opcode <= 1 && i->at >= 2 &&
		i->code.byte[i->at - 2] == 0x0f;
}

/*
 * The instruction's row, or NULL: it ends before its opcode does, or has LOCK. Two bytes without a
 * prefix, by far the most, are told by their first.
 */
static const struct op *decode(struct insn *i)
{
	if (likely(i->code.byte[0] == 0x0f && i->code.nr > 1)) {
		i->opcode = i->code.byte[1];
		i->at = 2;
		return &two_byte[i->opcode];
	}
	if (!decode_prefixes(i))
		return NULL;
	if (i->opcode != 0x0f)
		return &one_byte[i->opcode];
	i->opcode = next_byte(i);
	return is_cut(i) ? NULL : &two_byte[i->opcode];
}

/* UMIP's is told from its operand, which may lie behind the bytes read so far. */
static bool umip_op(struct insn *i)
{
	code_fetch_rest(&i->code);
	return emul_umip(i->r, &i->code);
}

bool emul_priv_op(struct regs *r)
{
	const struct op *op;
	struct insn i;

	if (!start(&i, r))
		return false;
	op = decode(&i);
	if (!op)
		return false;
	if (unlikely(is_umip_opcode(&i)) && umip_op(&i))
		return true;
	if (!op->run) {
		log_refusal(&i);
		return false;
	}
	if (!this_vcpu.kernel_mode && !op->user_too)
		return false;
	switch (op->run(&i)) {
	case EMUL_DONE:
		emul_done(r, i.at);
		return true;
	case EMUL_AGAIN:
	case EMUL_INJECTED:
		return true;
	case EMUL_REFUSED:
		break;
	}
	log_refusal(&i);
	return false;
}

#define FORCED_CPUID		0xa20f6e65780b0ful	/* 0f 0b "xen" 0f a2, first byte lowest */
#define FORCED_CPUID_BYTES	7u
#define FORCED_CPUID_MASK	((1ul << 8 * FORCED_CPUID_BYTES) - 1)

/* UD2, "xen", CPUID: the form that reaches us on every CPU, from kernel and user mode alike. */
bool emul_invalid_op(struct regs *r)
{
	struct code code;

	if (!code_fetch(r, &code) || code.nr < FORCED_CPUID_BYTES ||
	    (code.word & FORCED_CPUID_MASK) != FORCED_CPUID)
		return false;
	if (this_vcpu.cpuid_faulting && !this_vcpu.kernel_mode) {
		r->rip += FORCED_CPUID_BYTES - 2;             /* the #GP is CPUID's own */
		pv_inject_exception(TRAP_GP, 0);
		return true;
	}
	pv_cpuid(r);
	emul_done(r, FORCED_CPUID_BYTES);
	return true;
}
