/* SPDX-License-Identifier: MIT */
/*
 * GDT, IDT, TSS and the SYSCALL MSRs: where the processor goes on an event. SDM vol. 3 §3.4.5,
 * §6.14, §8.7; ABI selectors from <xen/arch-x86/xen-x86_64.h>.
 */
#include <isola/printk.h>
#include <isola/types.h>
#include <asm/desc.h>
#include <asm/entry.h>
#include <asm/insn.h>
#include <asm/vectors.h>
#include <xen/xen.h>

/* Accessed is set everywhere: the page is read-only to the CPU. */
#define DESC_CODE64_0	0x00af9b000000ffffull
#define DESC_DATA_0	0x00cf93000000ffffull
#define DESC_CODE32_3	0x00cffb000000ffffull
#define DESC_DATA_3	0x00cff3000000ffffull
#define DESC_CODE64_3	0x00affb000000ffffull
#define TSS_AVAILABLE	0x89ull

#define TSS_ADDR	VA_CPU_TSS
#define TSS_LIMIT	(sizeof(struct tss) - 1)
#define DESC_TSS_LOW	(TSS_LIMIT | (TSS_ADDR & 0xffffff) << 16 | TSS_AVAILABLE << 40 | \
			 ((TSS_ADDR >> 24) & 0xff) << 56)

static_assert(SEL_USER_CS64 == FLAT_RING3_CS64 && SEL_USER_DS == FLAT_RING3_SS64 &&
		      SEL_USER_CS32 == FLAT_RING3_CS32,
	      "the ABI's flat selectors");
static_assert(sizeof(struct tss) == 0x68, "a 64-bit TSS");

u64 hv_gdt_page[PAGE_SIZE / 8] __aligned(PAGE_SIZE) = {
	[GDT_INDEX(SEL_HV_CS64)]   = DESC_CODE64_0,
	[GDT_INDEX(SEL_HV_DS)]     = DESC_DATA_0,
	[GDT_INDEX(SEL_USER_CS32)] = DESC_CODE32_3,
	[GDT_INDEX(SEL_USER_DS)]   = DESC_DATA_3,
	[GDT_INDEX(SEL_USER_CS64)] = DESC_CODE64_3,
	[GDT_INDEX(SEL_TSS)]       = DESC_TSS_LOW,
	[GDT_INDEX(SEL_TSS) + 1]   = TSS_ADDR >> 32,
};
u8 hv_zero_page[PAGE_SIZE] __aligned(PAGE_SIZE);

struct gate { u64 low, high; };
static struct gate idt[256] __aligned(PAGE_SIZE);

struct table_register { u16 limit; u64 base; } __packed;

/* Every gate is an interrupt gate (ENT-4). */
static void set_gate(unsigned vector, u64 handler, unsigned ist, unsigned dpl)
{
	idt[vector].low = (handler & 0xffff) | (u64)SEL_HV_CS64 << 16 | (u64)ist << 32 |
			  0xeull << 40 | (u64)dpl << 45 | 1ull << 47 |
			  ((handler >> 16) & 0xffff) << 48;
	idt[vector].high = handler >> 32;
}

void desc_init_idt(void)
{
	/* INT3 and INTO are the guest's to use; INT 0x80 too. Every other INT n reaches #GP. */
	for (unsigned v = 0; v < 256; v++)
		set_gate(v, (u64)entry_stubs + v * ENTRY_STUB_BYTES, 0,
			 v == TRAP_BP || v == TRAP_OF ? 3 : 0);
	set_gate(VECTOR_INT80, (u64)entry_int80, 0, 3);
	set_gate(TRAP_UD, (u64)entry_invalid_opcode, 0, 0);
	set_gate(TRAP_GP, (u64)entry_general_protection, 0, 0);
	set_gate(TRAP_PF, (u64)entry_page_fault, 0, 0);
	set_gate(TRAP_DF, (u64)entry_double_fault, IST_DF, 0);
	set_gate(TRAP_NMI, (u64)entry_nmi, IST_NMI, 0);
	set_gate(TRAP_MC, (u64)entry_machine_check, IST_MC, 0);
	set_gate(TRAP_DB, (u64)entry_debug, IST_DB, 0);
}

static void load_gdt(u64 base)
{
	struct table_register gdtr = { .limit = GDT_LIMIT, .base = base };

	asm volatile ("lgdt %0" :: "m"(gdtr));
}

/* CS by a far return, the data segments null: 64-bit mode needs none of them. */
static void load_segments(void)
{
	asm volatile ("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:\n\t"
		      "xorl %%eax, %%eax; mov %%eax, %%ds; mov %%eax, %%es; mov %%eax, %%ss;"
		      "mov %%eax, %%fs; mov %%eax, %%gs; lldt %%ax"
		      :: "i"(SEL_HV_CS64) : "rax", "memory");
}

static void load_idt(void)
{
	const struct table_register idtr = { .limit = sizeof(idt) - 1, .base = (u64)idt };

	asm volatile ("lidt %0" :: "m"(idtr));
}

static void load_syscall(void)
{
	/* SYSCALL: CS e008, SS e010. SYSRET: CS64 e033, SS e02b, CS32 e023. */
	wrmsr(MSR_STAR, (u64)SEL_HV_CS64 << 32 | (u64)SEL_USER_CS32 << 48);
	wrmsr(MSR_LSTAR, (u64)entry_syscall);
	wrmsr(MSR_CSTAR, (u64)entry_syscall32);
	wrmsr(MSR_SFMASK, EFLAGS_IF | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT | EFLAGS_AC | EFLAGS_RF |
				  EFLAGS_IOPL | EFLAGS_VM);
}

static void init_syscall(void)
{
	load_syscall();
	/*
	 * SYSENTER exists on Intel only in 64-bit mode; where it does not the MSRs may be absent.
	 */
	if (wrmsr_safe(MSR_SYSENTER_CS, SEL_HV_CS64) ||
	    wrmsr_safe(MSR_SYSENTER_ESP, VA_CPU_STACK_TOP) ||
	    wrmsr_safe(MSR_SYSENTER_EIP, (u64)entry_sysenter))
		pr_debug("no SYSENTER on this CPU");
}

void desc_init_cpu(void)
{
	struct tss *tss = (struct tss *)VA_CPU_TSS;
	u64 *copy = (u64 *)(VA_CPU_TSS + TSS_PAGE_GDT_COPY);

	*tss = (struct tss){
		.rsp[0] = VA_CPU_STACK_TOP,
		.ist[IST_DF - 1] = VA_CPU_STACK_DF_TOP,
		.ist[IST_NMI - 1] = VA_CPU_STACK_NMI_TOP,
		.ist[IST_MC - 1] = VA_CPU_STACK_MC_TOP,
		.ist[IST_DB - 1] = VA_CPU_STACK_DB_TOP,
		/* beyond the limit: no port is open to ring 3 (IOP-1) */
		.iomap_base = sizeof(struct tss),
	};
	copy[GDT_INDEX(SEL_TSS)] = DESC_TSS_LOW;
	copy[GDT_INDEX(SEL_TSS) + 1] = TSS_ADDR >> 32;

	/* LTR through the copy: same selector, another base. Then the constant table, for good. */
	load_gdt((u64)copy - GDT_HV_FIRST_BYTE);
	asm volatile ("ltr %w0" :: "r"(SEL_TSS));
	load_gdt(VA_GDT);
	load_segments();
	load_idt();
	init_syscall();
}

void desc_reload(void)
{
	load_gdt(VA_GDT);
	load_idt();
	load_syscall();
}

u64 desc_idt_base(void)
{
	return (u64)idt;
}
