/* SPDX-License-Identifier: MIT */
/*
 * The last state of a vCPU whose domain the hypervisor has to crash: registers and stack.
 *
 * Told of dom0 only: the machine ends with it. Any other domain's registers are its own.
 */
#include <isola/domain.h>
#include <isola/power.h>
#include <isola/printk.h>
#include <isola/vcpu.h>
#include <isola/lib/format.h>
#include <asm/percpu.h>
#include <asm/regs.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>

#define STACK_LINES	20	/* as Xen's debug_stack_lines */
#define WORDS_A_LINE	4

static void show_registers(const struct regs *r)
{
	pr_err("rip %016lx  rsp %016lx  rflags %016lx  %s mode", r->rip, r->rsp, r->rflags,
	       this_vcpu.kernel_mode ? "kernel" : "user");
	pr_err("rax %016lx  rdi %016lx  rsi %016lx", r->rax, r->rdi, r->rsi);
	pr_err("rdx %016lx  r10 %016lx  r8  %016lx", r->rdx, r->r10, r->r8);
	pr_err("r9  %016lx  cr2 %016lx", r->r9, this_vcpu.cr2);
	/* A hypercall's frame has no more. */
	if (r->vector == VECTOR_SYSCALL)
		return;
	pr_err("rbx %016lx  rcx %016lx  rbp %016lx", r->rbx, r->rcx, r->rbp);
	pr_err("r11 %016lx  r12 %016lx  r13 %016lx", r->r11, r->r12, r->r13);
	pr_err("r14 %016lx  r15 %016lx  cs %04lx  ss %04lx", r->r14, r->r15, r->cs, r->ss);
}

/* False: it ends there, or in the middle of the line. */
static bool show_stack_line(u64 sp)
{
	char line[WORDS_A_LINE * 18 + 1];
	size_t n = 0;

	for (unsigned i = 0; i < WORDS_A_LINE; i++, sp += 8) {
		u64 word;

		if (copy_from_guest(&word, sp, sizeof(word))) {
			if (n)
				pr_err("%s", line);
			return false;
		}
		n += snprintf(line + n, sizeof(line) - n, "  %016lx", word);
	}
	pr_err("%s", line);
	return true;
}

static void show_stack(u64 sp)
{
	pr_err("guest stack from %016lx:", sp);
	for (unsigned i = 0; i < STACK_LINES; i++, sp += WORDS_A_LINE * 8)
		if (!show_stack_line(sp))
			return;
}

void domain_show_state(void)
{
	const struct regs *r = guest_regs();

	pr_err("d%uv%u on CPU %u:", current->domain->domid, current->id, smp_cpu_id());
	show_registers(r);
	/* A stack is in sight on the root that goes with its mode only. */
	if (this_cpu.cr3 == (this_vcpu.kernel_mode ? current->cr3_kernel : current->cr3_user))
		show_stack(r->rsp);
}
