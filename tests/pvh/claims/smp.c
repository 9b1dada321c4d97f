/* SPDX-License-Identifier: MIT */
/*
 * A second vcpu, if there is one: INIT and SIPI, VCPUOP_initialise, interrupts between two. It is
 * down when each claim begins.
 */
#define TOPIC "smp"
#include "claim.h"
#include "machine.h"
#include "text.h"
#include <xen/hvm/hvm_vcpu.h>
#include <xen/vcpu.h>

#define INIT	(5u << 8 | 1u << 14)
#define SIPI	(6u << 8 | 1u << 14)
#define AP_ID	2u			/* its APIC's */
#define PAGE	8u			/* where it begins in real mode */

static volatile uint16_t *const at = (void *)(PAGE * 4096ul + 0x100);

/* movw $0xa55a, %cs:0x100; mov %cs, %cs:0x102; cli; hlt, for ever */
static const uint8_t real_code[] = { 0x2e, 0xc7, 0x06, 0x00, 0x01, 0x5a, 0xa5, 0x2e, 0x8c, 0x0e,
				     0x02, 0x01, 0xfa, 0xf4, 0xeb, 0xfc };

static long is_up(void)
{
	return HC3(vcpu_op, VCPUOP_is_up, 1, 0);
}

static void send(uint32_t low)
{
	apic_write(0x310, AP_ID << 24);
	apic_write(0x300, low);
}

static uint64_t tsc(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

/* Until the other has got there; some seconds at most. */
#define WAIT_FOR(condition)						\
	do {								\
		for (uint64_t end = tsc() + 20000000000; tsc() < end && !(condition);) \
			HC2(sched_op, SCHEDOP_yield, 0);		\
		CHECK(condition);					\
	} while (0)

static void ready(void)
{
	if (is_up() < 0)
		skip("there is one vcpu");
	if (rdmsr(0x1b) & 1 << 10) {
		wrmsr(0x1b, 0xfee00100);
		wrmsr(0x1b, 0xfee00900);
	}
	apic_write(0xf0, 0x1ff);
	send(INIT);
	WAIT_FOR(is_up() == 0);
}

CLAIM(sipi, "INIT and SIPI begin it in real mode at their page; a halt without interrupts ends it")
{
	ready();
	for (unsigned i = 0; i < 3; i++) {
		at[0] = at[1] = 0;
		memcpy((void *)(PAGE * 4096ul), real_code, sizeof(real_code));
		send(SIPI | PAGE);
		send(SIPI | PAGE);
		WAIT_FOR(at[1] && is_up() == 0);
		CHECK_EQ(at[0], 0xa55a);
		CHECK_EQ(at[1], PAGE << 8);
		/* Only who has had an INIT waits for a SIPI. */
		at[0] = 0;
		send(SIPI | PAGE);
		CHECK_EQ(is_up(), 0);
		CHECK_EQ(at[0], 0);
		send(INIT);
	}
}

static struct vcpu_hvm_context context;
static char ap_stack[8192] __attribute__((aligned(16)));
static volatile uint64_t ap_says, ap_told;

/* With interrupts on, until told to stop. */
static void ap_main(uint64_t word)
{
	apic_write(0xf0, 0x1ff);
	ap_says = word;
	while (!ap_told)
		asm volatile("sti; hlt; cli" : : : "memory");
	ap_says = 0;
	for (;;)
		asm volatile("cli; hlt");
}

void ap_entry(void);
asm(".pushsection .text\n"
    "ap_entry: lgdt gdt_register\n\t"
    "push $8\n\tlea 1f(%rip), %rax\n\tpush %rax\n\tlretq\n"
    "1:\tlidt idt_register\n\t"
    "mov $0x10, %eax\n\tmov %eax, %ss\n\tmov %eax, %ds\n\tmov %eax, %es\n\t"
    "call ap_main_c\n\tud2\n"
    ".popsection");
void ap_main_c(uint64_t word);
void ap_main_c(uint64_t word) { ap_main(word); }

static void fill_64(void)
{
	memset(&context, 0, sizeof(context));
	context.mode = VCPU_HVM_MODE_64B;
	context.cpu_regs.x86_64 = (struct vcpu_hvm_x86_64){
		.rdi = 0x1122334455667788, .rsp = (uint64_t)(ap_stack + sizeof(ap_stack) - 64),
		.rip = (uint64_t)ap_entry, .rflags = 2, .cr0 = read_cr0(), .cr3 = read_cr3(),
		.cr4 = read_cr4(), .efer = rdmsr(0xc0000080),
	};
}

static void fill_32(void)
{
	memset(&context, 0, sizeof(context));
	context.mode = VCPU_HVM_MODE_32B;
	context.cpu_regs.x86_32 = (struct vcpu_hvm_x86_32){
		.eip = PAGE * 4096, .eflags = 2, .cr0 = 0x11,
		.cs_limit = ~0u, .ds_limit = ~0u, .ss_limit = ~0u, .es_limit = ~0u,
		.tr_limit = 0x67, .cs_ar = 0xc9b, .ds_ar = 0xc93, .ss_ar = 0xc93, .es_ar = 0xc93,
		.tr_ar = 0x8b,
	};
}

static long initialise(void)
{
	return HC3(vcpu_op, VCPUOP_initialise, 1, &context);
}

#define REFUSED(field, value)						\
	do {								\
		fill_64();						\
		context.cpu_regs.x86_64.field = value;			\
		CHECK_ERR(initialise(), XEN_EINVAL);			\
	} while (0)
#define REFUSED_32(field, value)					\
	do {								\
		fill_32();						\
		context.cpu_regs.x86_32.field = value;			\
		CHECK_ERR(initialise(), XEN_EINVAL);			\
	} while (0)

CLAIM(refused, "a first state that the processor would not enter is refused")
{
	ready();
	REFUSED(rip, 0x800000000000ul);
	REFUSED(cr0, 0x11);
	REFUSED(cr4, 0);
	REFUSED(cr4, 1ul << 40 | 1 << 5);
	REFUSED(efer, 0);
	REFUSED(efer, 1ul << 40 | 0x500);
	REFUSED_32(pad1, 1);
	REFUSED_32(cs_ar, 0xc93);
	REFUSED_32(cs_ar, 0);
	REFUSED_32(ss_ar, 0xc9b);
	REFUSED_32(ss_ar, 0xcf3);
	REFUSED_32(tr_ar, 0x82);
	REFUSED_32(ds_ar, 0x1c93);
	REFUSED_32(cr4, 1u << 31);
	context.mode = 7;
	CHECK_ERR(initialise(), XEN_EINVAL);
	CHECK_ERR(HC3(vcpu_op, VCPUOP_initialise, 1, 0x800000000000ul), XEN_EFAULT);
	CHECK_ERR(HC3(vcpu_op, VCPUOP_up, 1, 0), XEN_EINVAL);
	CHECK_ERR(HC3(vcpu_op, VCPUOP_initialise, 77, &context), XEN_ENOENT);
}

CLAIM(context_32, "one that is not is taken: 32-bit code without paging")
{
	/* movw $0xa55a, 0x8100; movw $1, 0x8102; cli; hlt */
	static const uint8_t code[] = { 0x66, 0xc7, 0x05, 0x00, 0x81, 0, 0, 0x5a, 0xa5, 0x66, 0xc7,
					0x05, 0x02, 0x81, 0, 0, 1, 0, 0xfa, 0xf4, 0xeb, 0xfc };

	ready();
	at[0] = at[1] = 0;
	memcpy((void *)(PAGE * 4096ul), code, sizeof(code));
	fill_32();
	CHECK_OK(initialise());
	CHECK_ERR(initialise(), XEN_EEXIST);
	CHECK_EQ(is_up(), 0);
	CHECK_OK(HC3(vcpu_op, VCPUOP_up, 1, 0));
	WAIT_FOR(at[1] && is_up() == 0);
	CHECK_EQ(at[0], 0xa55a);
}

CLAIM(interrupts, "and 64-bit code; an interrupt from one to the other ends its halt, ten times")
{
	ready();
	ap_says = ap_told = 0;
	interrupts[0x7d] = 0;
	fill_64();
	CHECK_OK(initialise());
	CHECK_OK(HC3(vcpu_op, VCPUOP_up, 1, 0));
	WAIT_FOR(ap_says);
	CHECK_EQ(ap_says, 0x1122334455667788);
	CHECK_EQ(is_up(), 1);
	for (unsigned i = 1; i <= 10; i++) {
		send(0x7d);
		WAIT_FOR(interrupts[0x7d] >= i);
		CHECK_EQ(interrupts[0x7d], i);
	}
	ap_told = 1;
	send(0x7d);
	WAIT_FOR(is_up() == 0);
	CHECK_EQ(ap_says, 0);
}

CLAIM(flood, "INITs, SIPIs and interrupts, as fast as one can send them, to everybody and oneself")
{
	ready();
	memcpy((void *)(PAGE * 4096ul), real_code, sizeof(real_code));
	for (unsigned i = 0; i < 200; i++) {
		send(i & 1 ? SIPI | PAGE : INIT);
		apic_write(0x300, 3u << 18 | (i & 2 ? SIPI | PAGE : 0x7e));
		/* Who sends himself an INIT is reset by Xen. */
		if (on_isola)
			apic_write(0x300, 1u << 18 | (i & 1 ? INIT : SIPI | PAGE));
	}
	send(INIT);
	WAIT_FOR(is_up() == 0);
}
