/* SPDX-License-Identifier: MIT */
/*
 * Start of day: what the domain builder owes a PV kernel at its first instruction.
 *
 * The rule: registers, start_info, shared_info, the translation lists and the bootstrap page tables
 * are as the PV ABI says. The guest only looks, so a failure here means that the builder has made a
 * domain that real kernels would not boot in.
 */
#define TOPIC "start"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

extern char image_start[], image_end[], guest_entry[];

CLAIM(magic, "start_info begins with the magic of a 64-bit PV guest")
{
	CHECK(!strncmp(start->magic, "xen-3.0-x86_64", 14));
	CHECK(start->magic[14] == 0 || start->magic[14] == 'p');
}

CLAIM(registers_zero, "all general registers but RSI and RSP are zero at the first instruction")
{
	CHECK_EQ(boot_regs.rax, 0);
	CHECK_EQ(boot_regs.rbx, 0);
	CHECK_EQ(boot_regs.rcx, 0);
	CHECK_EQ(boot_regs.rdx, 0);
	CHECK_EQ(boot_regs.rdi, 0);
	CHECK_EQ(boot_regs.rbp, 0);
	CHECK_EQ(boot_regs.r8, 0);
	CHECK_EQ(boot_regs.r9, 0);
	CHECK_EQ(boot_regs.r10, 0);
	CHECK_EQ(boot_regs.r11, 0);
	CHECK_EQ(boot_regs.r12, 0);
	CHECK_EQ(boot_regs.r13, 0);
	CHECK_EQ(boot_regs.r14, 0);
	CHECK_EQ(boot_regs.r15, 0);
}

CLAIM(rflags, "RFLAGS holds IF and nothing else: no DF, TF, AC, NT, IOPL")
{
	/* The arithmetic flags too: head.S executes nothing that sets them before it reads. */
	CHECK_EQ(boot_regs.rflags & 0x3fffffu, 0x202);
}

CLAIM(selectors, "CS is the flat 64-bit code selector, SS the flat stack selector, the others null")
{
	CHECK_EQ(boot_regs.cs, FLAT_KERNEL_CS);
	CHECK_EQ(boot_regs.ss, FLAT_KERNEL_SS);
	CHECK_EQ(boot_regs.ds, 0);
	CHECK_EQ(boot_regs.es, 0);
	CHECK_EQ(boot_regs.fs, 0);
	CHECK_EQ(boot_regs.gs, 0);
}

CLAIM(start_info_pointer, "RSI points to start_info, page aligned, right after the kernel in the "
      "initial mapping")
{
	CHECK_EQ(boot_regs.rsi, (uint64_t)start);
	CHECK_EQ((uint64_t)start % PAGE_BYTES, 0);
	CHECK((char *)start >= image_end);
}

CLAIM(boot_stack, "RSP is the end of a page-sized stack that lies after the page tables")
{
	CHECK_EQ(boot_regs.rsp % PAGE_BYTES, 0);
	CHECK_EQ(boot_regs.rsp - PAGE_BYTES, start->pt_base + start->nr_pt_frames * PAGE_BYTES);
	CHECK(*entry_of((void *)(boot_regs.rsp - 8), 1) & PTE_RW);
}

CLAIM(nr_pages, "start_info.nr_pages is the size given by dom0_mem, or at least that of the "
      "initial mapping")
{
	CHECK(start->nr_pages >= pfn_of((void *)boot_regs.rsp));
	CHECK(start->nr_pages <= 1ul << 32);
	CHECK_EQ(HC2(memory_op, XENMEM_current_reservation, &(domid_t){ DOMID_SELF }),
		 start->nr_pages);
}

CLAIM_DOM0(dom0_flags, "start_info.flags says: privileged, initial domain, and nothing undefined")
{
	CHECK(start->flags & SIF_PRIVILEGED);
	CHECK(start->flags & SIF_INITDOMAIN);
	CHECK_EQ(start->flags & ~(SIF_PRIVILEGED | SIF_INITDOMAIN | SIF_MOD_START_PFN |
				  SIF_VIRT_P2M_4TOOLS | SIF_PM_MASK), 0);
}

CLAIM(dom0_store_and_console, "a dom0 gets no xenstore page, and its console record is empty or "
      "inside start_info's page")
{
	CHECK_EQ(start->store_mfn, 0);
	CHECK_EQ(start->store_evtchn, 0);
	if (start->console.dom0.info_size) {
		CHECK(start->console.dom0.info_off >= sizeof(struct start_info));
		CHECK(start->console.dom0.info_off + start->console.dom0.info_size <= PAGE_BYTES);
	}
}

CLAIM_DOM0(screen, "if there is a screen it is of a known kind, with rows that fit its pitch and a "
	   "size that holds them")
{
	const dom0_vga_console_info_t *info =
		(const void *)((const char *)start + start->console.dom0.info_off);
	unsigned long bytes;

	if (!start->console.dom0.info_size)
		skip("there is none");
	if (info->video_type == XEN_VGATYPE_TEXT_MODE_3) {
		CHECK(info->u.text_mode_3.columns >= 80 && info->u.text_mode_3.rows >= 25);
		return;
	}
	CHECK(info->video_type == XEN_VGATYPE_VESA_LFB || info->video_type == XEN_VGATYPE_EFI_LFB);
	CHECK(info->u.vesa_lfb.width * info->u.vesa_lfb.bits_per_pixel <=
	      info->u.vesa_lfb.bytes_per_line * 8);
	bytes = (unsigned long)info->u.vesa_lfb.bytes_per_line * info->u.vesa_lfb.height;
	CHECK(bytes && info->u.vesa_lfb.lfb_size * 0x10000ul >= bytes);
	CHECK(info->u.vesa_lfb.lfb_base);
	note("screen of kind 0x%x, %u x %u", info->video_type, info->u.vesa_lfb.width,
	     info->u.vesa_lfb.height);
}

CLAIM(no_module, "without an initrd mod_start and mod_len are zero")
{
	if (start->mod_len)
		skip("an initrd was given");
	CHECK_EQ(start->mod_start, 0);
}

CLAIM(command_line, "the command line is terminated and does not hold the kernel's file name")
{
	const char *line = (const char *)start->cmd_line;

	CHECK(strlen(line) < MAX_GUEST_CMDLINE);
	CHECK(!strstr(line, ".elf"));
}

CLAIM(shared_info_address, "start_info.shared_info is a page-aligned machine address that can be "
      "mapped")
{
	CHECK_EQ(start->shared_info % PAGE_BYTES, 0);
	CHECK(start->shared_info != 0);
	CHECK_OK(remap(window(0), make_pte(start->shared_info / PAGE_BYTES, PTE_RW_PAGE)));
	CHECK(!memcmp(window(0), shared, 64));
}

CLAIM(vcpu_info_masks, "the upcall mask of every legacy vcpu_info is 1 at start, and nothing is "
      "pending")
{
	for (unsigned int i = 0; i < 32; i++) {
		CHECK_EQ(boot_shared.mask[i], 1);
		CHECK_EQ(boot_shared.pending[i], 0);
	}
}

CLAIM(event_words, "no event is pending or masked at start")
{
	CHECK_EQ(boot_shared.pending_words, 0);
	CHECK_EQ(boot_shared.mask_words, 0);
}

CLAIM(time_record, "vCPU 0's time record is valid before the first instruction")
{
	const volatile struct vcpu_time_info *t = &shared->vcpu_info[0].time;

	CHECK_EQ(t->version & 1, 0);
	CHECK(t->tsc_to_system_mul != 0);
	CHECK(t->tsc_timestamp != 0 && t->tsc_timestamp <= rdtsc());
	CHECK(t->system_time != 0);
}

CLAIM(wallclock, "the wall clock record holds a date after 2001 and a fraction below a second")
{
	CHECK_EQ(shared->wc_version & 1, 0);
	CHECK(((uint64_t)shared->wc_sec_hi << 32 | shared->wc_sec) > 1000000000u);
	CHECK(shared->wc_nsec < 1000000000u);
}

CLAIM(p2m_matches_m2p, "for every page of the domain the p2m list and the machine-to-phys table "
      "agree")
{
	const unsigned long *p2m = (void *)start->mfn_list;

	for (unsigned long pfn = 0; pfn < start->nr_pages; pfn++) {
		CHECK_SAY(pfn_of_mfn(p2m[pfn]) == pfn, "pfn 0x%lx mfn 0x%lx m2p 0x%lx", pfn,
			  p2m[pfn], pfn_of_mfn(p2m[pfn]));
	}
}

CLAIM(initial_mapping_linear, "the initial mapping is linear: VIRT_BASE + pfn * 4096 maps "
      "p2m[pfn], from pfn 0 on")
{
	unsigned long end = pfn_of((void *)boot_regs.rsp);

	for (unsigned long pfn = 0; pfn < end; pfn++) {
		void *va = (void *)(VIRT_BASE + pfn * PAGE_BYTES);
		const volatile uint64_t *e = entry_of(va, 1);

		if (va == (void *)shared)
			continue;
		CHECK_SAY(e && (*e & PTE_P) && pte_mfn(*e) == mfn_of_pfn(pfn),
			  "pfn 0x%lx entry 0x%lx mfn 0x%lx", pfn, e ? *e : 0, mfn_of_pfn(pfn));
	}
}

CLAIM(initial_mapping_slack, "at least 512 KiB stay mapped behind the boot stack, and the end is a "
      "multiple of 4 MiB")
{
	unsigned long va = boot_regs.rsp;
	const volatile uint64_t *e;

	for (; (e = entry_of((void *)va, 1)) && (*e & PTE_P); va += PAGE_BYTES)
		CHECK(va < VIRT_BASE + (1ul << 30));
	CHECK(va - boot_regs.rsp >= 512 * 1024);
	CHECK_EQ(va % (4ul << 20), 0);
}

CLAIM(tables_read_only, "every bootstrap page table is mapped read-only and a store to it faults")
{
	for (unsigned long i = 0; i < start->nr_pt_frames; i++) {
		uint8_t *va = (uint8_t *)start->pt_base + i * PAGE_BYTES;

		CHECK_EQ(*entry_of(va, 1) & (PTE_P | PTE_RW), PTE_P);
	}
	/* An L4 entry: stores to L1 tables are emulated, this one must reach the guest. */
	CHECK(!try_write((uint64_t *)start->pt_base + 511, *entry_of(image_start, 4)));
	CHECK_EQ(trap_last.vector, TRAP_PF);
}

CLAIM(entry_attributes, "upper entries are present, writable, user; the kernel's pages are "
      "writable and not executable-never")
{
	for (unsigned int level = 4; level >= 2; level--)
		CHECK_EQ(*entry_of(image_start, level) &
			 (PTE_P | PTE_RW | PTE_US | PTE_NX | PTE_PS), PTE_P | PTE_RW | PTE_US);
	CHECK_EQ(*entry_of(image_start, 1) & (PTE_P | PTE_RW | PTE_US | PTE_NX),
		 PTE_P | PTE_RW | PTE_US);
}

CLAIM(l4_is_first_table_page, "pt_base is the L4 in use: its slot 511 leads to the kernel, slots "
      "outside are empty")
{
	const uint64_t *l4 = (void *)start->pt_base;

	for (unsigned int i = 0; i < 256; i++)
		/* The harness hooks its user program into slot 0. */
		CHECK_SAY(!l4[i] || i == 0, "slot %u holds 0x%lx", i, l4[i]);
	CHECK(l4[511] & PTE_P);
	CHECK_EQ(pfn_of_mfn(pte_mfn(l4[511])) * PAGE_BYTES + VIRT_BASE > start->pt_base, true);
}

CLAIM(l4_pinned, "the bootstrap L4 is pinned: pinning it again is refused, unpinning and pinning "
      "again works")
{
	unsigned long l4 = mfn_of((void *)start->pt_base);

	CHECK_ERR(mmuext(MMUEXT_PIN_L4_TABLE, l4, 0), XEN_EINVAL);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, l4, 0));
	CHECK_ERR(mmuext(MMUEXT_UNPIN_TABLE, l4, 0), XEN_EINVAL);
	CHECK_OK(mmuext(MMUEXT_PIN_L4_TABLE, l4, 0));
}

CLAIM(bss_zeroed, "memory of the image beyond its file contents is zero")
{
	static uint8_t untouched[3 * PAGE_BYTES];

	for (unsigned long i = 0; i < sizeof(untouched); i++)
		CHECK_SAY(!((volatile uint8_t *)untouched)[i], "byte %lu is not zero", i);
}

CLAIM(hypercall_page, "the hypercall page has been filled: each stub ends in a syscall with its "
      "number")
{
	static const uint8_t stub[] = { 0x51, 0x41, 0x53, 0xb8, 29, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b,
					0x59, 0xc3 };

	CHECK(!memcmp(hypercall_page + 29 * 32, stub, sizeof(stub)));
	/* iret: push rcx; push r11; push rax */
	CHECK_EQ((uint8_t)hypercall_page[23 * 32 + 2], 0x53);
	CHECK_EQ((uint8_t)hypercall_page[23 * 32 + 3], 0x50);
}

CLAIM(fpu_reset, "the FPU starts in its reset state: control word 0x37f, MXCSR 0x1f80, TS clear")
{
	uint16_t cw = 0;
	uint32_t mxcsr = 0;
	uint64_t cr0 = 0;

	CHECK_NO_TRAP("fnstcw %0", : "+m"(cw));
	CHECK_EQ(cw, 0x37f);
	CHECK_NO_TRAP("stmxcsr %0", : "+m"(mxcsr));
	CHECK_EQ(mxcsr, 0x1f80);
	CHECK_NO_TRAP("mov %%cr0, %0", : "+r"(cr0));
	CHECK_EQ(cr0 & 8, 0);
}
