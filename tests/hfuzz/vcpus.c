/* SPDX-License-Identifier: MIT */
/*
 * vCPUs: the areas they run on, bringing them up, what each needs to be entered by, and expendable
 * ones, which are for operations to initialise, and go down whenever they run.
 */
#include "hfuzz.h"
#include <xen/event_channel.h>
#include <xen/vcpu.h>

union area areas[MAX_CPUS] __attribute__((aligned(AREA_BYTES)));
unsigned int nr_cpus = 2, nr_vcpus;
static uint8_t infos[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static uint8_t args[MAX_CPUS][ARG_BYTES + PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static uint8_t expendable_stacks[32][512] __attribute__((aligned(16)));
static struct vcpu_guest_context context;

void expendable_entry(void);
asm(".text\n"
    "expendable_entry:\n\t"		/* rbx: its number, rbp: its stack; nothing else is known */
    "mov	%rbp, %rsp\n\t"
    "cld\n\t"
    "mov	$2, %edi\n\t"		/* VCPUOP_down */
    "mov	%ebx, %esi\n\t"
    "xor	%edx, %edx\n\t"
    "mov	$24, %eax\n\t"
    "syscall\n\t"
    "jmp	expendable_entry\n");
_Static_assert(VCPUOP_down == 2 && __HYPERVISOR_vcpu_op == 24, "what expendable_entry calls");

void bind_timer(struct me *m)
{
	struct evtchn_bind_virq op = { .virq = VIRQ_TIMER, .vcpu = m->id };

	m->timer_port = HC2(event_channel_op, EVTCHNOP_bind_virq, &op) ? 0 : op.port;
	if (!m->timer_port || m->timer_port >= 4096)
		return;
	__atomic_fetch_and(&shared->evtchn_mask[op.port / 64], ~(1ul << op.port % 64),
			   __ATOMIC_SEQ_CST);
}

static void vcpu_init(unsigned int v)
{
	struct me *m = &areas[v].me;
	struct vcpu_register_vcpu_info r = { .mfn = mfn_of(infos), .offset = 64 * v };

	m->id = v;
	m->arg = args[v];
	MUST(remap(args[v] + ARG_BYTES, 0));
	MUST(HC3(vcpu_op, VCPUOP_register_vcpu_info, v, &r));
	m->info = (struct vcpu_info *)(infos + 64 * v);
	HC3(vcpu_op, VCPUOP_stop_periodic_timer, v, 0);
	bind_timer(m);
	if (!m->timer_port)
		die("vCPU %u has no timer", v);
}

void vcpus_init(void)
{
	while (HC3(vcpu_op, VCPUOP_is_up, nr_vcpus, 0) >= 0)
		nr_vcpus++;
	if (nr_cpus > nr_vcpus || nr_cpus > MAX_CPUS)
		die("%u vCPUs are asked for, there are %u", nr_cpus, nr_vcpus);
	for (unsigned int i = 0; i < 64; i++)
		shared->evtchn_mask[i] = ~0ul;
	for (unsigned int v = 0; v < nr_cpus; v++)
		vcpu_init(v);
	vcpu_info = areas[0].me.info;
}

void vcpu_repair(struct me *m)
{
	MUST(traps_install());
	MUST(callbacks_install());
	MUST(HC2(stack_switch, FLAT_KERNEL_SS, ARG(m) + AREA_BYTES / 2));
}

static void common_context(struct vcpu_guest_context *c, uint64_t rip, uint64_t rsp, uint64_t l4)
{
	memset(c, 0, sizeof(*c));
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = rip;
	c->user_regs.rsp = c->kernel_sp = rsp;
	c->user_regs.cs = FLAT_KERNEL_CS;
	c->user_regs.ss = c->kernel_ss = FLAT_KERNEL_SS;
	c->user_regs.rflags = 0x202;
	c->ctrlreg[3] = l4 * PAGE_BYTES;
}

void vcpus_start(void (*run)(void) __attribute__((noreturn)))
{
	struct context first = { .rip = ARG(run), .rsp = ARG(&areas[0]) + AREA_BYTES - 8 };

	for (unsigned int v = 1; v < nr_cpus; v++) {
		areas[v].me.info->evtchn_upcall_mask = 1;
		common_context(&context, ARG(run), ARG(&areas[v]) + AREA_BYTES - 8, l4_mfn());
		MUST(HC3(vcpu_op, VCPUOP_initialise, v, &context));
		MUST(HC3(vcpu_op, VCPUOP_up, v, 0));
	}
	context_resume(&first, 0);
}

/* Whatever enters it, it goes down. Everything that it need not go down with is anything. */
void expendable_context(struct me *m, struct vcpu_guest_context *c, unsigned int vcpu)
{
	uint64_t stack = ARG(expendable_stacks[vcpu % 32]) + sizeof(expendable_stacks[0]);

	common_context(c, ARG(expendable_entry), stack, one_in(m, 6) ? any_mfn(m, 4) : root_mfn(m));
	if (!is_loadable(c->ctrlreg[3] / PAGE_BYTES))
		c->ctrlreg[3] = mfn_of(infos) * PAGE_BYTES;
	c->user_regs.rbx = vcpu;
	c->user_regs.rbp = stack;
	for (unsigned int i = 0; i < 256; i++)
		c->trap_ctxt[i].address = ARG(expendable_entry);
	c->event_callback_eip = c->failsafe_callback_eip = c->syscall_callback_eip =
		ARG(expendable_entry);
	c->user_regs.rflags = border(m) & 0x47fd5;
	c->user_regs.ds = any_selector(m);
	c->user_regs.gs = any_selector(m);
	c->user_regs.rax = border(m);
	if (one_in(m, 4))
		c->ctrlreg[1] = sand_mfn(m, 4) * PAGE_BYTES;
	if (one_in(m, 4)) {
		c->gdt_ents = below(m, 2000);
		for (unsigned int i = 0; i < 16; i++)
			c->gdt_frames[i] = sand_mfn(m, 0);
	}
	if (one_in(m, 4)) {
		c->ldt_base = sand_page(m);
		c->ldt_ents = below(m, 512);
	}
	if (one_in(m, 8))
		c->fs_base = border(m);
	if (one_in(m, 8))
		c->failsafe_callback_eip = bad_address(m) | 1ul << 47;
	if (one_in(m, 8))
		c->flags = border(m);
}
