/* SPDX-License-Identifier: MIT */
/*
 * FPU state: see asm/fpu.h.
 *
 * Two ways to save, settled once all CPUs are up: XSAVE with every component that we and they all
 * know, or, without any (cpu_facts.xcr0 is 0), FXSAVE. XCR0 holds
 * all of them during save and restore and the guest's own choice while it runs, so a component that
 * a guest has not enabled is still loaded (with its initial state) and never shows another guest's
 * values (FPU-1). A component that no guest may enable (MPX, PKRU, AMX) is never enabled in XCR0
 * and cannot be used at all.
 */
#include <asm/cpufeature.h>
#include <asm/extable.h>
#include <asm/fpu.h>
#include <asm/insn.h>
#include <asm/precondition.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/printk.h>

#define FX_FCW         0
#define FX_MXCSR       24
#define FCW_RESET      0x37f                    /* SDM vol. 3 table 9-1, after FNINIT */
#define MXCSR_RESET    0x1f80
#define FSW_ES         (1u << 7)                /* an unmasked exception is pending */

/* AMD: FIP, FDP and FOP are kept out of save and restore while no exception is pending. */
static bool leaks_error_pointers;

/* A private copy would do, but constant and public is simplest: it holds no guest's state. */
static u8 initial_image[FPU_IMAGE_MAX] __aligned(64);

static u64 xgetbv(void)
{
	u32 lo, hi;

	asm volatile ("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (u64)hi << 32;
}

static void xsetbv(u64 val)
{
	asm volatile ("xsetbv" :: "c"(0), "a"((u32)val), "d"((u32)(val >> 32)) : "memory");
}

static void set_xcr0(u64 val)
{
	if (xgetbv() != val)
		xsetbv(val);
}

bool fpu_xcr0_valid(u64 xcr0)
{
	if (!(xcr0 & XCR0_X87) || xcr0 & ~cpu_facts.xcr0)
		return false;
	if (xcr0 & XCR0_AVX && !(xcr0 & XCR0_SSE))
		return false;
	if (xcr0 & XCR0_AVX512 && (~xcr0 & (XCR0_AVX512 | XCR0_AVX | XCR0_SSE)))
		return false;
	return true;
}

u32 fpu_image_bytes(u64 xcr0)
{
	u32 end = FX_BYTES + XSAVE_HEADER;

	for (unsigned int i = 2; i < 32; i++) {
		struct cpuid_regs r;

		if (!(xcr0 & cpu_facts.xcr0 & 1ul << i))
			continue;
		r = cpuid(0xd, i);
		end = max(end, r.ebx + r.eax);
	}
	return end;
}

int fpu_check_image(u64 xcr0, u64 accum, u64 xstate_bv, u64 xcomp_bv, u64 bytes)
{
	if (!fpu_xcr0_valid(xcr0) || !fpu_xcr0_valid(accum) || xcr0 & ~accum ||
	    xstate_bv & ~accum || bytes != fpu_image_bytes(accum))
		return -EINVAL;
	return xcomp_bv ? -EOPNOTSUPP : 0;
}

u64 fpu_offered_xcr0(void)
{
	struct cpuid_regs r = cpuid(0xd, 0);
	u64 offer = (r.eax | (u64)r.edx << 32) & XCR0_KNOWN;

	/* All or none: known components, and no half AVX-512. */
	if (~offer & XCR0_AVX)
		offer &= ~XCR0_AVX512;
	if (~offer & XCR0_AVX512)
		offer &= ~XCR0_AVX512;
	return ~offer & (XCR0_X87 | XCR0_SSE) ? 0 : offer;
}

void fpu_init_boot(void)
{
	cpu_facts.xcr0 = cpu_has(XSAVE) && cpu_facts.max_basic >= 0xd ? fpu_offered_xcr0() : 0;
	fpu_settle();
}

void fpu_settle(void)
{
	leaks_error_pointers = !cpu_has(RSTR_FP_ERR_PTRS) &&
		(cpu_facts.vendor == VENDOR_AMD || cpu_facts.vendor == VENDOR_HYGON);
	cpu_facts.xsave_bytes = cpu_facts.xcr0 ? fpu_image_bytes(cpu_facts.xcr0) : FX_BYTES;
	if (cpu_facts.xsave_bytes > FPU_IMAGE_MAX)
		fatal("this CPU's FPU state needs %u bytes: there is room for %u",
		      cpu_facts.xsave_bytes, FPU_IMAGE_MAX);
	fpu_init_image(initial_image);
}

void fpu_init_cpu(void)
{
	if (cpu_facts.xcr0)
		xsetbv(cpu_facts.xcr0);
	fpu_set_ts(false);
	if (fpu_restore(initial_image))
		fatal("this CPU refuses the initial FPU image");
}

void fpu_init_image(void *area)
{
	static const u16 fcw = FCW_RESET;
	static const u32 mxcsr = MXCSR_RESET;

	/*
	 * XSTATE_BV 0: XRSTOR gives every component its initial state, but takes MXCSR from the
	 * image. What lies behind the header is not read, and not to be touched: an area's second
	 * page need not follow its first where a vcpu is made or set up.
	 */
	memset(area, 0, FX_BYTES + XSAVE_HEADER);
	memcpy((u8 *)area + FX_FCW, &fcw, sizeof(fcw));
	memcpy((u8 *)area + FX_MXCSR, &mxcsr, sizeof(mxcsr));
}

void fpu_set_legacy_image(void *area, const void *fx)
{
	static const u64 xstate_bv = XCR0_X87 | XCR0_SSE;

	memset(area, 0, FX_BYTES + XSAVE_HEADER);
	memcpy(area, fx, FX_BYTES);
	/*
	 * Bytes 464..511 are software's in an FXSAVE image; XRSTOR does not look, and neither do
	 * we.
	 */
	memcpy((u8 *)area + FX_BYTES, &xstate_bv, sizeof(xstate_bv));
}

void fpu_save(void *area)
{
	ASSERT_IRQS_OFF();
	asm volatile ("clts" ::: "memory");
	if (cpu_facts.xcr0) {
		set_xcr0(cpu_facts.xcr0);
		asm volatile ("xsave64 (%0)" :: "r"(area), "a"(~0u), "d"(~0u) : "memory");
	} else {
		asm volatile ("fxsave64 (%0)" :: "r"(area) : "memory");
	}
}

/*
 * On AMD parts the x87 error pointers are neither saved nor loaded unless an exception is pending;
 * load harmless ones first, so that none of the last guest's stay (XSA-52). EMMS and a load of a
 * word of ours from the image set all three.
 */
static void clear_error_pointers(const void *area)
{
	u16 fsw;

	asm volatile ("fnstsw %0" : "=am"(fsw));
	if (fsw & FSW_ES)
		asm volatile ("fnclex");
	asm volatile ("emms; fildl (%0)" :: "r"(area) : "memory");
}

static int try_restore(const void *area)
{
	int rc = -EFAULT;

	if (cpu_facts.xcr0)
		asm volatile ("1: xrstor64 (%1)\n\t"
			      "xor %0, %0\n\t"
			      "2:\n\t"
			      _ASM_EXTABLE(1b, 2b)
			      : "+r"(rc) : "r"(area), "a"(~0u), "d"(~0u) : "memory", "cc");
	else
		asm volatile ("1: fxrstor64 (%1)\n\t"
			      "xor %0, %0\n\t"
			      "2:\n\t"
			      _ASM_EXTABLE(1b, 2b)
			      : "+r"(rc) : "r"(area) : "memory", "cc");
	return rc;
}

int fpu_restore(void *area)
{
	int rc;

	ASSERT_IRQS_OFF();
	asm volatile ("clts" ::: "memory");
	if (cpu_facts.xcr0)
		set_xcr0(cpu_facts.xcr0);
	if (leaks_error_pointers)
		clear_error_pointers(area);
	rc = try_restore(area);
	if (rc && try_restore(initial_image))
		panic("the CPU refuses the initial FPU image");
	return rc;
}

void fpu_load_xcr0(u64 xcr0)
{
	if (cpu_facts.xcr0)
		set_xcr0(xcr0 ? xcr0 : XCR0_X87);
}

void fpu_set_ts(bool ts)
{
	if (ts)
		write_cr0(read_cr0() | CR0_TS);
	else
		asm volatile ("clts" ::: "memory");
}
