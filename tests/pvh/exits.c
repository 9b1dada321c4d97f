/* SPDX-License-Identifier: MIT */
/*
 * What an exit of each kind costs, for bench/exits: the TSC counts instructions there, the
 * hypervisor's and the few of the guest's own that stand between two readings. The least of some
 * tries, without what reading costs.
 */
#include "claim.h"
#include "machine.h"
#include "text.h"

#define TRIES		64u
#define APIC_SPIV	0xf0u
#define APIC_TPR	0x80u
#define APIC_ICR	0x300u
#define ICR_SELF	(1u << 18)
#define VECTOR		0x61u
#define NOTHING		0xe0000000ul
#define MSR_APICBASE	0x1bu

static inline uint64_t ticks(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

static void nothing(void) {}
static void leaf_1(void) { cpuid(1, 0); }
static void leaf_xen(void) { cpuid(0x40000000, 0); }
static void version(void) { HC2(xen_version, XENVER_version, 0); }
static void read_msr(void) { rdmsr(MSR_APICBASE); }
static uint64_t base;
static void write_msr(void) { wrmsr(MSR_APICBASE, base); }
static void port(void) { asm volatile("inb $0x21, %%al" : : : "rax"); }
static void set_cr4(void) { write_cr4(read_cr4()); }
static void hole(void) { asm volatile("movl (%0), %%eax" : : "r"(NOTHING) : "rax"); }
static void read_apic(void) { apic_read(APIC_TPR); }

static struct evtchn_send own;
static void event(void) { HC2(event_channel_op, EVTCHNOP_send, &own); }

/* To ourselves, with its handler and EOI. */
static void ipi(void)
{
	unsigned before = interrupts[VECTOR];

	apic_write(APIC_ICR, ICR_SELF | VECTOR);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	if (interrupts[VECTOR] != before + 1)
		print("not ok - no interrupt came\n");
}

static const struct { const char *name; void (*run)(void); } rows[] = {
	{ "cpuid", leaf_1 }, { "cpuid-xen", leaf_xen }, { "hypercall", version },
	{ "rdmsr", read_msr }, { "wrmsr", write_msr }, { "port", port }, { "cr4", set_cr4 },
	{ "hole", hole }, { "apic-read", read_apic }, { "ipi", ipi }, { "event", event },
};

static uint64_t least(void (*run)(void))
{
	uint64_t least = ~0ul;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t before = ticks(), took;

		run();
		took = ticks() - before;
		if (took < least)
			least = took;
	}
	return least;
}

ATTACK(exits, "exits", "none: what exits cost")
{
	struct evtchn_bind_ipi bind = { .vcpu = 0 };
	uint64_t empty = least(nothing);

	base = rdmsr(MSR_APICBASE);
	apic_write(APIC_SPIV, 0x1ff);
	if (events_init() || HC2(event_channel_op, EVTCHNOP_bind_ipi, &bind))
		print("# no event channel\n");
	own.port = bind.port;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		print("bench %s %lu\n", rows[i].name, least(rows[i].run) - empty);
	print("bench ends\n");
}
