/* SPDX-License-Identifier: MIT */
/*
 * Selectors and descriptors: the GDT and LDT a guest may bring, and what the hypervisor makes of
 * them.
 *
 * The rule: only code and data segments of ring 3 reach the hardware; everything else is refused,
 * and a page that holds descriptors can never be written directly. The guest offers pages with
 * every kind of descriptor, writes to them while they are in use, loads selectors from them, and
 * sets bases that no hardware would take.
 */
#define TOPIC "selectors"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

#define DESC_DATA 0x00cf93000000fffful	/* flat, writable, DPL 0, accessed */
#define DESC_DATA3 0x00cff3000000fffful	/* the same, DPL 3 */
#define DESC_CODE64 0x00af9b000000fffful
#define DESC_CODE32 0x00cf9b000000fffful
#define DESC_TSS 0x0000890000000067ul
#define DESC_LDT 0x0000820000000017ul
#define DESC_INT_GATE 0x00008e0000330000ul

/* Make a page of ours, already filled, read-only and use it as GDT of @entries. */
static long use_gdt(uint64_t *page, unsigned int entries)
{
	unsigned long frame = mfn_of(page);

	CHECK_OK(make_readonly(page));
	return HC2(set_gdt, &frame, entries);
}

static uint16_t data_selector(unsigned int index)
{
	return (uint16_t)(index << 3 | 3);
}

static bool load_es(uint16_t selector)
{
	bool ok = !TRY("mov %0, %%es", : : "r"(selector) : "memory");

	asm volatile("mov %0, %%es" : : "r"(0));
	return ok;
}

CLAIM(flat_selectors, "e02b loads as data, e023 and e033 are code; the ring 0 selectors below them "
      "do not load")
{
	CHECK(load_es(FLAT_KERNEL_SS));
	CHECK(load_es(FLAT_RING3_CS32));	/* readable code */
	CHECK(load_es(FLAT_RING3_CS64));
	CHECK(!load_es(0xe008));
	CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK(!load_es(0xe010));
}

CLAIM(gdt_limit, "sgdt shows a limit of efff: fourteen guest pages and the hypervisor's")
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr = { 0 };

	if (TRY("sgdt %0", : "+m"(gdtr) : : "memory"))
		skip("UMIP: sgdt faults in user mode");
	CHECK_EQ(gdtr.limit, 0xefff);
	CHECK(gdtr.base >= HYPERVISOR_VIRT_START && gdtr.base < HYPERVISOR_VIRT_END);
}

CLAIM(gdt_empty, "before set_gdt every guest selector is #GP with itself as error code")
{
	static const uint16_t selectors[] = { 0x0b, 0x1b, 0x33, 0x7b, 0x1003, 0xdffb };

	for (unsigned int i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		CHECK(!load_es(selectors[i]));
		CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_NP);
		CHECK_EQ(trap_last.error, selectors[i] & ~3u);
	}
}

CLAIM(set_gdt, "a GDT page with data and code descriptors is taken and its selectors load")
{
	uint64_t *gdt = page_alloc();

	gdt[2] = DESC_DATA3;
	gdt[511] = DESC_DATA3;
	CHECK_OK(use_gdt(gdt, 512));
	CHECK(load_es(data_selector(2)));
	CHECK(load_es(data_selector(511)));
	CHECK(!load_es(data_selector(3)));	/* not present */
}

CLAIM(gdt_dpl_raised, "descriptors of DPL 0 in a new GDT are rewritten to DPL 3, in the page "
      "itself")
{
	uint64_t *gdt = page_alloc();

	gdt[2] = DESC_DATA;
	gdt[3] = DESC_CODE64;
	CHECK_OK(use_gdt(gdt, 16));
	CHECK_EQ(gdt[2], DESC_DATA3);
	CHECK_EQ(gdt[3] >> 45 & 3, 3);
	CHECK(load_es(data_selector(2)));
}

CLAIM(gdt_not_read_only, "a GDT page that is still mapped writable is -EINVAL")
{
	unsigned long frame = mfn_of(page_alloc());

	CHECK_ERR(HC2(set_gdt, &frame, 16), XEN_EINVAL);
}

CLAIM(gdt_bad_descriptors, "a page with a TSS, an LDT or a 64-bit-sized interrupt gate descriptor "
      "is -EINVAL as GDT")
{
	static const uint64_t bad[] = { DESC_TSS, DESC_LDT, DESC_INT_GATE };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t *gdt = page_alloc();

		gdt[300] = bad[i];
		CHECK_ERR(use_gdt(gdt, 16), XEN_EINVAL);
	}
}

CLAIM(gdt_too_long, "more than 7168 entries are -EINVAL")
{
	unsigned long frames[16] = { 0 };

	CHECK_ERR(HC2(set_gdt, frames, FIRST_RESERVED_GDT_ENTRY + 1), XEN_EINVAL);
	CHECK_ERR(HC2(set_gdt, frames, 0xffffffff), XEN_EINVAL);
}

CLAIM(gdt_bad_frames, "frames that are not RAM of ours are -EINVAL, and the old GDT stays")
{
	uint64_t *gdt = page_alloc();
	unsigned long frames[2];

	gdt[2] = DESC_DATA3;
	CHECK_OK(use_gdt(gdt, 16));
	frames[0] = ~0ul;
	CHECK_ERR(HC2(set_gdt, frames, 16), XEN_EINVAL);
	frames[0] = 1ul << 40;
	CHECK_ERR(HC2(set_gdt, frames, 16), XEN_EINVAL);
	frames[0] = mfn_of((void *)start->pt_base);
	CHECK_ERR(HC2(set_gdt, frames, 16), XEN_EINVAL);
	CHECK(load_es(data_selector(2)));
}

CLAIM(gdt_page_not_writable, "a page in use as GDT cannot be mapped writable; after set_gdt(NULL, "
      "0) it can")
{
	uint64_t *gdt = page_alloc();

	gdt[2] = DESC_DATA3;
	CHECK_OK(use_gdt(gdt, 16));
	CHECK_ERR(make_writable(gdt), XEN_EBUSY);
	CHECK(!try_write(gdt + 2, 0));
	CHECK_OK(HC2(set_gdt, 0, 0));
	CHECK_OK(make_writable(gdt));
	CHECK(try_write(gdt + 2, 0));
}

CLAIM(update_descriptor, "update_descriptor stores a valid descriptor in a GDT in use, with DPL 3, "
      "and it takes effect")
{
	uint64_t *gdt = page_alloc();

	CHECK_OK(use_gdt(gdt, 16));
	CHECK(!load_es(data_selector(4)));
	CHECK_OK(HC2(update_descriptor, maddr_of(gdt + 4), DESC_DATA));
	CHECK_EQ(gdt[4], DESC_DATA3);
	CHECK(load_es(data_selector(4)));
	CHECK_OK(HC2(update_descriptor, maddr_of(gdt + 4), 0));
	CHECK(!load_es(data_selector(4)));
}

CLAIM(update_descriptor_refusals, "update_descriptor refuses system descriptors, misaligned "
      "addresses, page tables and foreign frames")
{
	uint64_t *gdt = page_alloc();

	CHECK_OK(use_gdt(gdt, 16));
	CHECK_ERR(HC2(update_descriptor, maddr_of(gdt + 4), DESC_TSS), XEN_EINVAL);
	CHECK_ERR(HC2(update_descriptor, maddr_of(gdt + 4), DESC_LDT), XEN_EINVAL);
	CHECK_ERR(HC2(update_descriptor, maddr_of(gdt + 4), DESC_INT_GATE), XEN_EINVAL);
	CHECK_EQ(gdt[4], 0);
	CHECK_ERR(HC2(update_descriptor, maddr_of(gdt + 4) + 4, DESC_DATA3), XEN_EINVAL);
	CHECK_ERR(HC2(update_descriptor, maddr_of((void *)start->pt_base), 0), XEN_EINVAL);
	CHECK_ERR(HC2(update_descriptor, 0xfffffffffffff000ul, DESC_DATA3), XEN_EINVAL);
	CHECK_ERR(HC2(update_descriptor, 1ul << 51, DESC_DATA3), XEN_EINVAL);
}

CLAIM(update_descriptor_plain_page, "update_descriptor of a plain writable page just stores")
{
	uint64_t *page = page_alloc();

	CHECK_OK(HC2(update_descriptor, maddr_of(page + 1), DESC_DATA3));
	CHECK_EQ(page[1], DESC_DATA3);
}

CLAIM(call_gate, "a call gate to our own code is refused, or stored so that a call through it "
      "faults in the guest")
{
	uint64_t *gdt = page_alloc();
	struct {
		uint32_t offset;
		uint16_t selector;
	} __attribute__((packed)) far = { 0, 6 << 3 };
	/* Offset 0 in the flat code segment, gate type 12, DPL 3. */
	uint64_t gate = 0x0000ec0000000000ul | (uint64_t)FLAT_KERNEL_CS << 16;
	long rc;

	CHECK_OK(use_gdt(gdt, 16));
	rc = HC2(update_descriptor, maddr_of(gdt + 6), gate);
	CHECK(rc == 0 || rc == -XEN_EINVAL);
	CHECK(TRY("lcall *%0", : : "m"(far) : "memory"));
	CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_NP);
}

CLAIM(call_gate_to_hypervisor, "a call gate to a ring 0 selector is -EINVAL")
{
	uint64_t *gdt = page_alloc();

	CHECK_OK(use_gdt(gdt, 16));
	CHECK_ERR(HC2(update_descriptor, maddr_of(gdt + 6), 0x0000ec00e0080000ul), XEN_EINVAL);
	CHECK_EQ(gdt[6], 0);
}

/* MMUEXT_SET_LDT with a page of ours, already filled. */
static long use_ldt(void *page, unsigned int entries)
{
	CHECK_OK(make_readonly(page));
	return mmuext(MMUEXT_SET_LDT, ARG(page), entries);
}

CLAIM(ldt, "SET_LDT maps lazily: a selector of it loads, one beyond its limit is #GP, and clearing "
      "it takes both away")
{
	uint64_t *ldt = page_alloc();

	ldt[1] = DESC_DATA3;
	CHECK_OK(use_ldt(ldt, 8));
	CHECK(load_es(1 << 3 | 4 | 3));
	CHECK(!load_es(9 << 3 | 4 | 3));
	CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK_EQ(trap_last.error, 9 << 3 | 4);
	CHECK_OK(mmuext(MMUEXT_SET_LDT, 0, 0));
	CHECK(!load_es(1 << 3 | 4 | 3));
}

CLAIM(ldt_page_protected, "an LDT page in use cannot be mapped writable; once the LDT is gone it "
      "can")
{
	uint64_t *ldt = page_alloc();

	ldt[1] = DESC_DATA3;
	CHECK_OK(use_ldt(ldt, 8));
	CHECK(load_es(1 << 3 | 4 | 3));
	CHECK_ERR(make_writable(ldt), XEN_EBUSY);
	CHECK_OK(mmuext(MMUEXT_SET_LDT, 0, 0));
	CHECK_OK(make_writable(ldt));
}

CLAIM(ldt_writable_page, "an LDT on a page that is mapped writable does not load: the fault "
      "reaches the guest")
{
	uint64_t *ldt = page_alloc();

	ldt[1] = DESC_DATA3;
	CHECK_OK(mmuext(MMUEXT_SET_LDT, ARG(ldt), 8));
	CHECK(!load_es(1 << 3 | 4 | 3));
}

CLAIM(ldt_bad_descriptor, "an LDT page with a system descriptor does not load: the fault reaches "
      "the guest")
{
	uint64_t *ldt = page_alloc();

	ldt[1] = DESC_DATA3;
	ldt[2] = DESC_TSS;
	CHECK_OK(use_ldt(ldt, 8));
	CHECK(!load_es(1 << 3 | 4 | 3));
}

CLAIM(ldt_refusals, "SET_LDT refuses more than 8192 entries, misaligned and hypervisor addresses")
{
	uint64_t *ldt = page_alloc();

	CHECK_ERR(mmuext(MMUEXT_SET_LDT, ARG(ldt), 8193), XEN_EINVAL);
	CHECK_ERR(mmuext(MMUEXT_SET_LDT, ARG(ldt) + 8, 8), XEN_EINVAL);
	CHECK_ERR(mmuext(MMUEXT_SET_LDT, ARG(HYPERVISOR_POINTER), 8), XEN_EINVAL);
}

CLAIM(ldt_unmapped, "an LDT at an address with nothing behind it gives a fault in the guest when "
      "used")
{
	CHECK_OK(mmuext(MMUEXT_SET_LDT, ARG(UNMAPPED_POINTER), 8));
	CHECK(!load_es(1 << 3 | 4 | 3));
}

CLAIM(ldt_unmapped_fault, "a descriptor load from an LDT page that is not there is a page fault at "
			  "the descriptor's own address")
{
	CHECK_OK(mmuext(MMUEXT_SET_LDT, ARG(UNMAPPED_POINTER), 1024));
	CHECK_TRAP(TRAP_PF, "mov %0, %%es", : : "r"(515 << 3 | 4 | 3));
	CHECK_EQ(trap_last.cr2 & ~7ul, ARG(UNMAPPED_POINTER) + 515 * 8);
	CHECK_EQ(trap_last.error & 1, 0);
}

CLAIM(failsafe_on_lost_descriptor, "a selector whose descriptor vanished enters the failsafe "
      "callback, which shows it, loaded as 0")
{
	uint64_t *gdt = page_alloc();
	struct sched_poll poll = { .nr_ports = 1 };
	struct multicall_entry calls[2] = {
		{ .op = __HYPERVISOR_update_descriptor, .args = { maddr_of(gdt + 5), 0 } },
		{ .op = __HYPERVISOR_sched_op, .args = { SCHEDOP_poll, ARG(&poll) } },
	};
	unsigned long nr = __HYPERVISOR_multicall, list = ARG(calls), nr_calls = 2;
	evtchn_port_t none;
	uint16_t es;

	gdt[5] = DESC_DATA3;
	CHECK_OK(use_gdt(gdt, 16));
	asm volatile("mov %0, %%es" : : "r"(data_selector(5)));
	if (timer_port)
		CHECK_OK(timer_set(0));
	/*
	 * Segment registers are reloaded when the vCPU is switched back in, which needs another
	 * context in between: blocking lets the idle one run, and poll's timeout brings us back. A
	 * hypervisor may also reload them never and keep the cached descriptor; then es still reads
	 * as it was, and nothing was lost.
	 */
	none = (evtchn_port_t)port_bind_ipi(0);
	poll.ports.p = &none;
	poll.timeout = clock_ns() + 20 * MS_NS;
	/*
	 * One call, and nothing between it and where the callback resumes: the frame that the
	 * callback shows is then ours, with every register and the stack as this code expects them.
	 */
	trap_clear();
	asm volatile("movq $771f, trap_resume(%%rip)\n\tsyscall\n771:\tmovq $0, trap_resume(%%rip)"
		     : "+a"(nr), "+D"(list), "+S"(nr_calls)
		     :
		     : "rcx", "r11", "rdx", "r8", "r9", "r10", "memory");
	CHECK_OK(calls[0].result);
	asm volatile("mov %%es, %0" : "=r"(es));
	asm volatile("mov %0, %%es" : : "r"(0));
	if (trap_last.vector == -1) {
		CHECK(es == data_selector(5));
		skip("this hypervisor kept the loaded segment");
	}
	CHECK_EQ(trap_last.vector, TRAP_FAILSAFE);
	CHECK_EQ(trap_last.selectors[1], data_selector(5));
	CHECK_EQ(es, 0);
}

CLAIM(segment_base, "set_segment_base sets FS and the kernel's GS base")
{
	static uint64_t words[2] = { 0x1212, 0x3434 };
	uint64_t a, b;

	CHECK_OK(HC2(set_segment_base, SEGBASE_FS, &words[0]));
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_KERNEL, &words[1]));
	asm volatile("mov %%fs:0, %0; mov %%gs:0, %1" : "=r"(a), "=r"(b));
	CHECK_EQ(a, 0x1212);
	CHECK_EQ(b, 0x3434);
}

CLAIM(segment_base_canonical, "non-canonical bases are -EINVAL and leave the old one in place")
{
	static uint64_t word = 0x5656;
	static const uint64_t bad[] = {
		0x0000800000000000, 0x8000000000000000, 0xffff7fffffffffff,
	};
	uint64_t v;

	CHECK_OK(HC2(set_segment_base, SEGBASE_FS, &word));
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int which = SEGBASE_FS; which <= SEGBASE_GS_KERNEL; which++)
			CHECK_ERR(HC2(set_segment_base, which, bad[i]), XEN_EINVAL);
	asm volatile("mov %%fs:0, %0" : "=r"(v));
	CHECK_EQ(v, 0x5656);
}

CLAIM(segment_base_unknown, "an unknown kind of segment base is -EINVAL")
{
	CHECK_ERR(HC2(set_segment_base, 4, 0), XEN_EINVAL);
	CHECK_ERR(HC2(set_segment_base, 0xffffffff, 0), XEN_EINVAL);
}

CLAIM(gs_user_selector, "SEGBASE_GS_USER_SEL takes a null and a good selector, and turns a bad one "
      "into null with 0")
{
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_USER_SEL, 0));
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_USER_SEL, FLAT_RING3_SS32));
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_USER_SEL, 0xfff3));
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_USER_SEL, 0));
}

CLAIM(gs_kernel_survives_selector, "loading the user's GS selector does not touch the kernel's GS "
      "base")
{
	static uint64_t word = 0x7878;
	uint64_t v;

	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_KERNEL, &word));
	CHECK_OK(HC2(set_segment_base, SEGBASE_GS_USER_SEL, 0));
	asm volatile("mov %%gs:0, %0" : "=r"(v));
	CHECK_EQ(v, 0x7878);
}

CLAIM(stack_switch, "stack_switch takes any canonical stack, refuses a null or ring 0 stack "
      "selector by raising its RPL")
{
	/* Xen fixes the RPL instead of refusing; user/syscall_frame checks where it lands. */
	CHECK_OK(HC2(stack_switch, FLAT_KERNEL_SS, 0xffffffff80001000));
	CHECK_OK(HC2(stack_switch, 0xe028, 0xffffffff80001000));
}
