/* SPDX-License-Identifier: MIT */
/*
 * FPU state: x87, SSE and every extended component that XCR0 can enable, switched eagerly at each
 * change of vcpu.
 *
 * Whoever runs, all components are saved and loaded, whether that guest has enabled them or not
 * (FPU-1). The hypervisor itself never uses the FPU, so a guest's registers stay where they are
 * until another guest is loaded. An image is in the standard (not compacted) format, 64-byte
 * aligned, at most two pages, class "vcpu".
 */
#pragma once

#include <isola/types.h>

#define FPU_IMAGE_MAX (2 * 4096u)
#define FX_BYTES      512                       /* FXSAVE's part, first in an image */
#define XSAVE_HEADER  64                        /* at FX_BYTES: XSTATE_BV, XCOMP_BV, zeroes */

/*
 * What of CPUID's offer on this CPU we take, as a value of XCR0; 0: no XSAVE. CPUID has leaf 0DH
 * and the feature XSAVE.
 */
u64 fpu_offered_xcr0(void);
/* Choose XSAVE or FXSAVE by what the boot CPU has. From cpu_init_boot(). */
void fpu_init_boot(void);
/*
 * Whatever follows from cpu_facts.xcr0 and the features: size of an image (it is checked to fit).
 * Before any domain is there; again after each CPU that has less.
 */
void fpu_settle(void);
/* XCR0 := all components we keep. Every CPU, CR4 set already. */
void fpu_init_cpu(void);

/*
 * The one image every new vcpu starts from (FPU-2): registers as after reset, all else in its
 * initial state.
 */
void fpu_init_image(void *area);

/*
 * As VCPUOP_initialise gives it: 512 bytes of FXSAVE image at @fx, from the guest. Checked when it
 * is restored.
 */
void fpu_set_legacy_image(void *area, const void *fx);

/* Save every component to @area. Clears CR0.TS. Interrupts off. */
void fpu_save(void *area);

/*
 * Load every component from @area. Clears CR0.TS. Interrupts off.
 * Returns 0, or -EFAULT: the image is not one the CPU takes (then the registers hold the initial
 * image; the domain must be crashed).
 */
int __must_check fpu_restore(void *area);

/*
 * XCR0 of the guest that is about to run; 0 counts as x87 alone. Nothing to do without XSAVE.
 * Interrupts off.
 */
void fpu_load_xcr0(u64 xcr0);

/*
 * Is @xcr0 a value that XSETBV takes and that our guests may set (FPU-3)? Written from SDM vol. 1
 * §13.3.
 */
bool fpu_xcr0_valid(u64 xcr0);

/*
 * Can a guest with @xcr0, which has had the components @accum, have a standard image of @bytes
 * whose header has these two words? 0, -EINVAL; -EOPNOTSUPP: it is compacted.
 */
int __must_check fpu_check_image(u64 xcr0, u64 accum, u64 xstate_bv, u64 xcomp_bv, u64 bytes);

/*
 * Size in bytes of a standard XSAVE image with the components @xcr0, as CPUID.0DH.0 EBX gives it.
 */
u32 fpu_image_bytes(u64 xcr0);

/* The virtual CR0.TS of the guest that is about to run: #NM at its next FPU instruction. */
void fpu_set_ts(bool ts);
