/* SPDX-License-Identifier: MIT */
/*
 * See machine.h. Traps come on the current stack; from ring 3 on one of their own.
 */
#include "machine.h"
#include "console.h"
#include "text.h"
#include <xen/io/console.h>

struct boot_state boot_state;
const struct hvm_start_info *start_info;
bool is_dom0;
volatile struct trap_record trap_last;
volatile uint64_t trap_resume;
volatile unsigned upcalls, interrupts[256];
void (*volatile interrupt_hook)(unsigned vector);
volatile struct shared_info *shared;

extern char *hypercall_sites[], *hypercall_sites_end[];
extern uint64_t gdt_tss[2];
extern struct { uint16_t limit; uint64_t base; } __attribute__((packed)) gdt_register;
void user_return(void);
void trap(struct trap_regs *r);
void trap_unexpected(const struct trap_regs *r) __attribute__((noreturn));

static struct { uint64_t low, high; } idt[256];
struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idt_register = {
	sizeof(idt) - 1, (uint64_t)idt };
static struct { uint32_t pad; uint64_t rsp0; uint64_t more[12]; } __attribute__((packed)) tss;
static char trap_stack[8192] __attribute__((aligned(16)));

/* ---- Traps ----------------------------------------------------------------------------------- */

static void set_gate(unsigned v, unsigned dpl)
{
	uint64_t at = (uint64_t)trap_stubs + v * 16;

	idt[v].low = (at & 0xffff) | 8ul << 16 | 0x8eul << 40 | (uint64_t)dpl << 45 |
		     (at >> 16 & 0xffff) << 48;
	idt[v].high = at >> 32;
}

static void record(const struct trap_regs *r)
{
	uint64_t cr2, dr6;

	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	trap_last.vector = (int)r->vector;
	trap_last.count++;
	trap_last.error = r->error;
	trap_last.rip = r->rip;
	trap_last.rflags = r->rflags;
	trap_last.cr2 = cr2;
	trap_last.dr6 = dr6;
}

static void upcall(void)
{
	upcalls++;
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
	shared->vcpu_info[0].evtchn_pending_sel = 0;
}

static void interrupt(unsigned vector)
{
	interrupts[vector]++;
	if (interrupt_hook)
		interrupt_hook(vector);
	if (rdmsr(0x1b) & 1 << 10)
		wrmsr(0x80b, 0);
	else
		apic_write(0xb0, 0);
}

void trap(struct trap_regs *r)
{
	if (r->vector > UPCALL_VECTOR && r->vector != 0x80) {
		interrupt(r->vector);
		return;
	}
	if (r->vector == UPCALL_VECTOR && shared) {
		upcall();
		return;
	}
	if (r->cs & 3) {
		uint64_t rax = r->vector == 0x80 ? r->rax : USER_TRAPPED - r->vector;

		asm volatile("jmp user_return" : : "a"(rax));
	}
	record(r);
	if (!trap_resume)
		trap_unexpected(r);
	r->rip = trap_resume;
	r->rflags &= ~0x100ul;		/* TF */
}

static void load_tables(void)
{
	uint64_t at = (uint64_t)&tss;

	tss.rsp0 = (uint64_t)(trap_stack + sizeof(trap_stack));
	gdt_tss[0] = (sizeof(tss) - 1) | (at & 0xffffff) << 16 | 0x89ul << 40 |
		     (at >> 24 & 0xff) << 56;
	gdt_tss[1] = at >> 32;
	for (unsigned v = 0; v < 256; v++)
		set_gate(v, v == 3 || v == 4 || v == 0x80 ? 3 : 0);
	asm volatile("lgdt %0" : : "m"(gdt_register));
	asm volatile("lidt %0" : : "m"(idt_register));
	asm volatile("ltr %w0" : : "r"(0x38));
}

void *page_alloc(void)
{
	static uint64_t next = 8ul << 20;

	next += 4096;
	memset((void *)next, 0, 4096);
	return (void *)next;
}

void set_present(uint64_t address, bool present)
{
	uint64_t *e = (uint64_t *)page_directories + (address >> 21);

	*e = present ? *e | 1 : *e & ~1ul;
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* ---- The hypervisor -------------------------------------------------------------------------- */

static uint64_t param(uint32_t index)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };

	return HC2(hvm_op, HVMOP_get_param, &p) ? 0 : p.value;
}

static struct xencons_interface *ring;
static uint32_t ring_port;

static void notify(void)
{
	struct evtchn_send send = { .port = ring_port };

	HC2(event_channel_op, EVTCHNOP_send, &send);
}

/* As hvc0 does it: the ring that the parameters name; a dom0 has console_io. */
void console_write(const char *text, size_t n)
{
	if (is_dom0) {
		HC3(console_io, CONSOLEIO_write, n, text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		while (ring->out_prod - *(volatile XENCONS_RING_IDX *)&ring->out_cons ==
		       sizeof(ring->out)) {
			notify();
			HC2(sched_op, SCHEDOP_yield, 0);
		}
		ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = text[i];
		__atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
	}
	notify();
}

/* Entry n of the hypercall page: MOV n, EAX; then the instruction. */
static void patch_hypercalls(void)
{
	for (char **site = hypercall_sites; site < hypercall_sites_end; site++)
		memcpy(*site, hypercall_page + 5, 3);
}

void machine_init(void)
{
	struct cpuid leaf;

	load_tables();
	leaf = cpuid(0x40000002, 0);
	wrmsr(leaf.b, (uint64_t)hypercall_page);
	patch_hypercalls();
	is_dom0 = !HC3(console_io, CONSOLEIO_write, 0, 0);
	if (is_dom0)
		return;
	ring = (void *)(param(HVM_PARAM_CONSOLE_PFN) << 12);
	ring_port = param(HVM_PARAM_CONSOLE_EVTCHN);
}

long events_init(void)
{
	struct xen_add_to_physmap map = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info };
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ,
				   .value = 2ul << 56 | UPCALL_VECTOR };
	void *page = page_alloc();
	long rc;

	map.gpfn = (uint64_t)page >> 12;
	rc = HC2(memory_op, XENMEM_add_to_physmap, &map);
	if (rc)
		return rc;
	shared = page;
	for (unsigned i = 0; i < 64; i++)
		shared->evtchn_mask[i] = ~0ul;
	return HC2(hvm_op, HVMOP_set_param, &p);
}
