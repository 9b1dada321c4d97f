/* SPDX-License-Identifier: MIT */
/*
 * The address map: every virtual address the hypervisor uses. Shared by C, assembly and the linker
 * script.
 *
 * The ABI gives the hypervisor L4 slots 256..271 of every root; 0..255 and 272..511 are the
 * guest's. A slot is 512 GiB. "kernel", "user", "idle": which roots carry the slot; "asi": only
 * where asi= took something away (docs/memory-layout.md).
 *
 *   first             last              L4       kernel user idle  L3 of       what
 *   ffff800000000000  ffff807fffffffff  256      yes    no   no    all         M2P, ring 3 may read
 *   ffff808000000000  ffff80ffffffffff  257      yes    yes  yes   one CPU     CPU area at its top
 *   ffff810000000000  ffff817fffffffff  258      yes    yes  yes   one vCPU    vCPU area
 *   ffff818000000000  ffff81ffffffffff  259      yes    yes  yes   all         public heap
 *   ffff820000000000  ffff827fffffffff  260      yes    yes  yes   all         frame table, M2P r/w
 *   ffff828000000000  ffff82ffffffffff  261      asi    no   asi   all         every CPU's area
 *   ffff830000000000  ffff87ffffffffff  262-271  yes    asi  asi   the domain  memory window
 *
 * Public heap and window show machine address m at base + m; slot 261 the GiB of CPU n at + n GiB,
 * but on the boot root what an unpacker has left (pv/builder/unpack_view.c).
 * The image's GiB holds devices too: asm/fixmap.h.
 * The image, the CPU GiB and the start of the vCPU area lie within 2 GiB of each other, so that
 * text reaches all three RIP-relative: this_cpu and this_vcpu are link-time constants.
 */
#pragma once

#ifdef __ASSEMBLY__
#define _VA(x) x
#else
#define _VA(x) x##ul
#endif

#define L4_SLOT_M2P          256
#define L4_SLOT_CPU          257
#define L4_SLOT_VCPU         258
#define L4_SLOT_PUBLIC       259
#define L4_SLOT_FRAMETABLE   260
#define L4_SLOT_STACKS       261
#define L4_SLOT_WINDOW_FIRST 262
#define L4_SLOT_WINDOW_LAST  271
#define NR_WINDOW_SLOTS      (L4_SLOT_WINDOW_LAST - L4_SLOT_WINDOW_FIRST + 1)
#define L4_SLOT_HV_FIRST     256
#define L4_SLOT_HV_LAST      271

#define VA_HV_FIRST          _VA(0xffff800000000000)
#define VA_HV_END            _VA(0xffff880000000000)  /* above it: the guest's again */

#define VA_M2P               _VA(0xffff800000000000)
#define VA_M2P_END           _VA(0xffff804000000000)  /* the ABI's machphys_mapping bound */

#define VA_CPU               _VA(0xffff80ff80000000)  /* this CPU's GiB */
#define VA_IMAGE             _VA(0xffff80ffc0000000)  /* the image's GiB, shared */
#define VA_FIXMAP            _VA(0xffff80ffffe00000)  /* its last L1 table: asm/fixmap.h */
#define VA_VCPU              _VA(0xffff810000000000)
#define VA_PUBLIC            _VA(0xffff818000000000)
#define VA_PUBLIC_END        _VA(0xffff820000000000)  /* of 512 GiB of machine memory */
#define VA_FRAMETABLE        _VA(0xffff820000000000)  /* 5 TiB / 4 KiB * 32 bytes = 40 GiB */
#define VA_M2P_RW            _VA(0xffff824000000000)  /* 256 GiB above; 10 GiB long */
#define VA_UNPACKED          _VA(0xffff828000000000)  /* the boot root's slot 261 */
#define VA_WINDOW            _VA(0xffff830000000000)
#define VA_WINDOW_END        _VA(0xffff880000000000)

/* Machine memory beyond the window's reach is not used. 5 TiB. */
#define MAX_MFN              _VA(0x50000000)

/*
 * The CPU GiB: one L1 table's worth (2 MiB) is ever populated. Offsets in pages; every stack has an
 * absent page below it.
 */
#define CPU_PAGE_PRIVATE     0x01                     /* struct cpu_private */
#define CPU_PAGE_TSS         0x02                     /* struct tss, and the boot copy of its GDT */
#define CPU_PAGE_STACK       0x04                     /* primary stack, CPU_STACK_PAGES */
#define CPU_STACK_PAGES      4
#define CPU_PAGE_STACK_DF    0x09
#define CPU_PAGE_STACK_NMI   0x0b
#define CPU_PAGE_STACK_MC    0x0d
#define CPU_PAGE_STACK_DB    0x0f
#define CPU_PAGE_WINDOW      0x20                     /* short mappings of this CPU: 16 slots */
#define CPU_NR_WINDOWS       16

#define VA_CPU_PRIVATE       (VA_CPU + (CPU_PAGE_PRIVATE << 12))
#define VA_CPU_TSS           (VA_CPU + (CPU_PAGE_TSS << 12))
#define VA_CPU_STACK         (VA_CPU + (CPU_PAGE_STACK << 12))
#define VA_CPU_STACK_TOP     (VA_CPU_STACK + (CPU_STACK_PAGES << 12))
#define VA_CPU_STACK_DF_TOP  (VA_CPU + ((CPU_PAGE_STACK_DF + 1) << 12))
#define VA_CPU_STACK_NMI_TOP (VA_CPU + ((CPU_PAGE_STACK_NMI + 1) << 12))
#define VA_CPU_STACK_MC_TOP  (VA_CPU + ((CPU_PAGE_STACK_MC + 1) << 12))
#define VA_CPU_STACK_DB_TOP  (VA_CPU + ((CPU_PAGE_STACK_DB + 1) << 12))
#define VA_CPU_WINDOW        (VA_CPU + (CPU_PAGE_WINDOW << 12))

/*
 * The vCPU area, by 2 MiB: descriptor window and private pages; mapcache; the tables of a shadow;
 * the area's own tables, the L1 behind its nth 2 MiB as nth page (asi/perdomain.c).
 */
#define VCPU_PAGE_GDT        0x00                  /* 14 guest pages, the hypervisor's, one spare */
#define VCPU_PAGE_GDT_HV     14
#define VCPU_PAGE_LDT        0x10                     /* 16 pages */
#define VCPU_PAGE_PRIVATE    0x20                     /* struct vcpu_private */
#define VCPU_PRIVATE_PAGES   4
#define VCPU_HVM_PAGES       5                        /* of an HVM vcpu: asm/hvm.h */
#define VCPU_NR_PAGES        (VCPU_PAGE_PRIVATE + VCPU_PRIVATE_PAGES + VCPU_HVM_PAGES)
#define VCPU_MAPCACHE_SLOTS  512

#define VA_GDT               VA_VCPU
#define VA_LDT               (VA_VCPU + (VCPU_PAGE_LDT << 12))
#define VA_VCPU_PRIVATE      (VA_VCPU + (VCPU_PAGE_PRIVATE << 12))
#define VA_VCPU_HVM          (VA_VCPU_PRIVATE + (VCPU_PRIVATE_PAGES << 12))
#define VA_MAPCACHE          (VA_VCPU + _VA(0x200000))
#define VA_SHADOW            (VA_VCPU + _VA(0x400000))
#define VA_VCPU_TABLES       (VA_VCPU + _VA(0x600000))

/* Selectors of the hypervisor's GDT page (page 14 of the GDT window), fixed by the ABI. */
#define GDT_HV_FIRST_BYTE    0xe000
#define DESC_BYTES           8u          /* of a GDT or LDT entry that is no system descriptor */
#define SEL_HV_CS64          0xe008
#define SEL_HV_DS            0xe010
#define SEL_USER_CS32        0xe023
#define SEL_USER_DS          0xe02b
#define SEL_USER_CS64        0xe033
#define SEL_TSS              0xe040
#define SEL_RPL              3           /* of any selector; of cs the privilege level */
#define GDT_LIMIT            0xefff

/* IST slots of the TSS (1-based, as the gate holds them). */
#define IST_DF               1
#define IST_NMI              2
#define IST_MC               3
#define IST_DB               4

#ifndef __ASSEMBLY__
#include <isola/frame_num.h>

/*
 * The public heap's one formula. Valid for frames of class "public" only (and, while booting on the
 * first root, for all memory below 4 GiB).
 */
static inline void *public_ptr(mfn_t m) { return (void *)(VA_PUBLIC + (mfn_x(m) << PAGE_SHIFT)); }
static inline mfn_t public_mfn(const void *p) { return _mfn(((u64)p - VA_PUBLIC) >> PAGE_SHIFT); }

static inline bool is_hv_address(u64 va) { return va >= VA_HV_FIRST && va < VA_HV_END; }

/* Canonical for 48-bit virtual addresses (SEG-2). */
static inline bool is_canonical(u64 va)
{
	return (u64)((s64)(va << 16) >> 16) == va;
}

/*
 * An address that a guest may be entered at: canonical, and outside the hypervisor's range. Zero is
 * one.
 */
static inline bool is_guest_address(u64 va)
{
	/* Counted from VA_HV_END the upper half's addresses are followed by the lower half's. */
	return va - VA_HV_END < (1ul << 47) - VA_HV_END;
}
#endif
