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
#include <asm/code_fetch.h>
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
#include <isola/privilege.h>
#include <isola/vcpu.h>

/* INS, OUTS, per trap; the rest is done when the guest runs into the instruction again (CON-1). */
#define STRING_IO_UNITS 64

enum emul_result {
	EMUL_DONE,              /* step over it */
	EMUL_REFUSED,           /* its own #GP */
	EMUL_AGAIN,             /* registers have moved on; the instruction is not finished */
	EMUL_INJECTED,          /* the guest has been given another exception instead */
};

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

/* An operand's size, but at most a dword. */
static unsigned int io_bytes(const struct insn *i)
{
	return min_t(unsigned int, i->bytes, 4);
}

/* IN, OUT: port in the instruction, or in dx. */
static enum emul_result op_io(const struct insn *i, struct regs *r)
{
	u16 port = i->has_imm ? (u8)i->imm : (u16)r->rdx;
	unsigned int bytes = io_bytes(i);

	if (!may_io(port, bytes))
		return EMUL_REFUSED;
	if (i->op == INSN_OUT)
		ioport_write(current->domain, port, bytes, r->rax);
	else
		regs_write(&r->rax, ioport_read(current->domain, port, bytes), bytes);
	return EMUL_DONE;
}

/*
 * One unit of INS or OUTS at *@index. The memory is read first in both directions, so that a port
 * is not read for a page that is not there; a page that is there but read-only still costs the
 * unit.
 */
static bool string_io_unit(u16 port, u64 va, unsigned int bytes, bool out)
{
	u32 val = 0;

	if (raw_copy_from_guest(&val, va, bytes)) {
		pv_inject_page_fault(out ? 0 : PFEC_W, va);
		return false;
	}
	if (out) {
		ioport_write(current->domain, port, bytes, val);
		return true;
	}
	val = ioport_read(current->domain, port, bytes);
	if (raw_copy_to_guest(va, &val, bytes)) {
		pv_inject_page_fault(PFEC_W | PFEC_P, va);
		return false;
	}
	return true;
}

/* INS, OUTS, with or without REP. */
static enum emul_result op_string_io(const struct insn *i, struct regs *r)
{
	bool out = i->op == INSN_OUTS, rep = i->prefix & INSN_REP;
	unsigned int bytes = io_bytes(i);
	u64 mask = i->prefix & INSN_ADDR32 ? 0xffffffff : ~0ul;
	u64 *index = out ? &r->rsi : &r->rdi;
	u64 step = r->rflags & EFLAGS_DF ? -(u64)bytes : bytes;
	u64 count = rep ? r->rcx & mask : 1;
	u64 base = out ? emul_segment_base(i->seg) : 0;

	if (!may_io(r->rdx, bytes))
		return EMUL_REFUSED;
	irq_enable();
	for (unsigned int n = 0; count && n < STRING_IO_UNITS; n++, count--) {
		if (!string_io_unit(r->rdx, base + (*index & mask), bytes, out))
			return EMUL_INJECTED;
		*index = (*index + step) & mask;
		if (rep)
			r->rcx = (count - 1) & mask;
	}
	return count ? EMUL_AGAIN : EMUL_DONE;
}

/*
 * CLI, STI: nothing happens where IOPL allows them. The guest's event mask is its own business, not
 * IF's.
 */
static enum emul_result op_interrupt_flag(const struct insn *i __maybe_unused,
					  struct regs *r __maybe_unused)
{
	return iopl_allows() ? EMUL_DONE : EMUL_REFUSED;
}

static enum emul_result op_rdmsr(const struct insn *i __maybe_unused, struct regs *r)
{
	u64 val = 0;

	/*
	 * Before there is a #GP handler, a read that is not allowed gives 0: early Linux relies on
	 * it.
	 */
	if (pv_rdmsr(r->rcx, &val) && this_vcpu_traps[TRAP_GP].address)
		return EMUL_REFUSED;
	r->rax = (u32)val;
	r->rdx = val >> 32;
	return EMUL_DONE;
}

static enum emul_result op_wrmsr(const struct insn *i __maybe_unused, struct regs *r)
{
	u64 val = (u32)r->rax | r->rdx << 32;

	return pv_wrmsr(r->rcx, val) ? EMUL_REFUSED : EMUL_DONE;
}

/* CPUID, where it faults in ring 3. */
static enum emul_result op_cpuid(const struct insn *i __maybe_unused, struct regs *r)
{
	if (this_vcpu.cpuid_faulting && !this_vcpu.kernel_mode)
		return EMUL_REFUSED;
	pv_cpuid(r);
	return EMUL_DONE;
}

/*
 * RDTSC, RDTSCP fault when the guest has set CR4.TSD: then they are for the kernel only.
 */
static enum emul_result op_rdtsc(const struct insn *i, struct regs *r)
{
	u64 tsc = rdtsc();

	r->rax = (u32)tsc;
	r->rdx = tsc >> 32;
	if (i->op == INSN_RDTSCP)
		r->rcx = this_vcpu.tsc_aux;
	return EMUL_DONE;
}

static enum emul_result op_from_special(const struct insn *i, struct regs *r)
{
	u64 val;
	int rc = i->op == INSN_FROM_DR ? pv_get_debugreg(i->reg, &val) : pv_read_cr(i->reg, &val);

	if (rc)
		return EMUL_REFUSED;
	*regs_gpr(r, i->base) = val;
	return EMUL_DONE;
}

static enum emul_result op_to_special(const struct insn *i, struct regs *r)
{
	u64 val = *regs_gpr(r, i->base);
	int rc = i->op == INSN_TO_DR ? pv_set_debugreg(i->reg, val) : pv_write_cr(i->reg, val);

	return rc ? EMUL_REFUSED : EMUL_DONE;
}

static enum emul_result op_clts(const struct insn *i __maybe_unused,
				struct regs *r __maybe_unused)
{
	this_vcpu.ts = false;
	fpu_set_ts(false);
	return EMUL_DONE;
}

/*
 * INVD as WBINVD: throwing away dirty lines would be everybody's data. For others than dom0 memory
 * is write-back: nothing to do.
 */
static enum emul_result op_wbinvd(const struct insn *i __maybe_unused,
				  struct regs *r __maybe_unused)
{
	irq_enable();
	if (domain_may(current->domain, MAY_flush_caches))
		asm volatile ("wbinvd" ::: "memory");
	return EMUL_DONE;
}

static enum emul_result op_xsetbv(const struct insn *i __maybe_unused, struct regs *r)
{
	u64 val = (u32)r->rax | r->rdx << 32;

	return pv_xsetbv(r->rcx, val) ? EMUL_REFUSED : EMUL_DONE;
}

static enum emul_result op_umip(const struct insn *i, struct regs *r)
{
	if (!(boot_cr4 & CR4_UMIP))
		return EMUL_REFUSED;
	return emul_umip(i, r) ? EMUL_DONE : EMUL_INJECTED;
}

static const struct row {
	enum emul_result (*run)(const struct insn *i, struct regs *r);
	bool user_too;          /* else the guest's user mode gets its #GP at once */
} rows[NR_INSN_OPS] = {
	[INSN_SLDT ... INSN_SMSW] = { op_umip, true },
	[INSN_IN ... INSN_OUT] = { op_io, true },
	[INSN_INS ... INSN_OUTS] = { op_string_io, true },
	[INSN_CLI ... INSN_STI] = { op_interrupt_flag, true },
	[INSN_CPUID] = { op_cpuid, true },
	[INSN_RDMSR] = { op_rdmsr, false },
	[INSN_WRMSR] = { op_wrmsr, false },
	[INSN_RDTSC ... INSN_RDTSCP] = { op_rdtsc, false },
	[INSN_XSETBV] = { op_xsetbv, false },
	[INSN_CLTS] = { op_clts, false },
	[INSN_INVD ... INSN_WBINVD] = { op_wbinvd, false },
	[INSN_FROM_CR] = { op_from_special, false },
	[INSN_TO_CR] = { op_to_special, false },
	[INSN_FROM_DR] = { op_from_special, false },
	[INSN_TO_DR] = { op_to_special, false },
};

static bool refuse(const struct regs *r, const struct code *c)
{
	if (this_vcpu.kernel_mode && c->nr)
		guest_debug("no emulation of %02x %02x %02x %02x at rip %#lx", c->byte[0],
			    c->byte[1], c->byte[2], c->byte[3], r->rip);
	return false;
}

bool emul_priv_op(struct regs *r)
{
	const struct row *row;
	struct code code;
	struct insn i;

	if (!insn_fetch(r, &code, &i))
		return refuse(r, &code);
	row = &rows[i.op];
	if (!row->run || !(row->user_too || this_vcpu.kernel_mode))
		return refuse(r, &code);
	switch (row->run(&i, r)) {
	case EMUL_DONE:
		emul_done(r, i.len);
		return true;
	case EMUL_AGAIN:
	case EMUL_INJECTED:
		return true;
	case EMUL_REFUSED:
		break;
	}
	return refuse(r, &code);
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
