/* SPDX-License-Identifier: MIT */
/*
 * Further vCPUs: started on the first one's page tables.
 */
#include "bench.h"

unsigned int others;
volatile uint32_t spinning;		/* how many spin: timed.S */

void vcpu_start(unsigned int id, const char *entry, const char *event_entry)
{
	static struct vcpu_guest_context c;

	shared->vcpu_info[id].evtchn_upcall_mask = 1;
	c = (struct vcpu_guest_context){ .flags = VGCF_in_kernel };
	c.user_regs.rip = (unsigned long)entry;
	c.user_regs.rsp = (unsigned long)second_vcpu_stack_end;
	c.user_regs.rflags = 0x1202;		/* IOPL 1 */
	c.user_regs.cs = FLAT_KERNEL_CS;
	c.user_regs.ss = c.user_regs.ds = c.user_regs.es = FLAT_KERNEL_SS;
	for (unsigned int v = 0; v < 256; v++)
		c.trap_ctxt[v] = (struct trap_info){ .vector = (uint8_t)v, .cs = FLAT_KERNEL_CS,
						     .address = (unsigned long)unexpected_entry };
	c.kernel_ss = FLAT_KERNEL_SS;
	c.kernel_sp = (unsigned long)second_vcpu_stack_end;
	c.ctrlreg[0] = 0x80050033;
	c.ctrlreg[3] = xen_pfn_to_cr3(mfn_of((void *)start->pt_base));
	c.event_callback_eip = (unsigned long)event_entry;
	c.failsafe_callback_eip = c.syscall_callback_eip = (unsigned long)unexpected_entry;
	MUST(HC3(vcpu_op, VCPUOP_initialise, id, &c));
	HC3(vcpu_op, VCPUOP_stop_periodic_timer, id, 0);
	MUST(HC3(vcpu_op, VCPUOP_up, id, 0));
}

/*
 * "others=N" on the command line: N more vCPUs that sleep, or, with "spin", run, each on a CPU of
 * its own, and do nothing.
 */
void others_start(void)
{
	const char *word = strstr((const char *)start->cmd_line, "others=");
	int spin = !!strstr((const char *)start->cmd_line, "spin");

	if (!word)
		return;
	for (word += 7; *word >= '0' && *word <= '9'; word++)
		others = others * 10 + (unsigned int)(*word - '0');
	for (unsigned int id = 1; id <= others; id++)
		vcpu_start(id, spin ? spin_entry : second_vcpu_entry, unexpected_entry);
	for (unsigned int i = 0; i < 100 * others || (spin && spinning < others); i++)
		HC2(sched_op, SCHEDOP_yield, 0);
}
