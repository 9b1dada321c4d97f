/* SPDX-License-Identifier: MIT */
/*
 * preempted: a hypercall that takes long is stopped and gone on with, by way of the guest's
 * registers.
 *
 * The rule (arch-x86/xen-x86_64.h): a call may change the registers of its own arguments, RAX, RCX
 * and R11; the others, and what a multicall's entry has beyond its call's arguments, are the
 * guest's. Each call is made with marks everywhere else, a timer fires at another point of it each
 * time, and no mark may change. That a call was stopped is seen from outside: the timer's event
 * finds the guest at the SYSCALL instruction, which is to be executed again.
 */
#define TOPIC "preempted"
#include "../big_tree.h"
#include "../claim.h"
#include "../clock.h"
#include "../console.h"
#include "../events.h"
#include "../memory.h"
#include "../sibling.h"
#include "../text.h"
#include <xen/grant_table.h>

#define MARK(n) (0x6d61726b00000000ul | (n))
#define NR_ARG_REGS 6u
#define NR_REGS 12u

/* Around a call, as call_marked() has them: rdi rsi rdx r10 r8 r9, rbx rbp r12 r13 r14 r15. */
struct marked {
	uint64_t rax, reg[NR_REGS];
};

void call_marked(struct marked *m);
extern char call_marked_at[];		/* its SYSCALL */
asm(".text\n"
    "call_marked:\n\t"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n\t"
    "mov 0x00(%rdi), %rax; mov 0x10(%rdi), %rsi; mov 0x18(%rdi), %rdx; mov 0x20(%rdi), %r10\n\t"
    "mov 0x28(%rdi), %r8; mov 0x30(%rdi), %r9; mov 0x38(%rdi), %rbx; mov 0x40(%rdi), %rbp\n\t"
    "mov 0x48(%rdi), %r12; mov 0x50(%rdi), %r13; mov 0x58(%rdi), %r14; mov 0x60(%rdi), %r15\n\t"
    "mov 0x08(%rdi), %rdi\n"
    "call_marked_at:\n\t"
    "syscall\n\t"
    "pop %rcx\n\t"
    "mov %rax, 0x00(%rcx); mov %rdi, 0x08(%rcx); mov %rsi, 0x10(%rcx); mov %rdx, 0x18(%rcx)\n\t"
    "mov %r10, 0x20(%rcx); mov %r8, 0x28(%rcx); mov %r9, 0x30(%rcx); mov %rbx, 0x38(%rcx)\n\t"
    "mov %rbp, 0x40(%rcx); mov %r12, 0x48(%rcx); mov %r13, 0x50(%rcx); mov %r14, 0x58(%rcx)\n\t"
    "mov %r15, 0x60(%rcx)\n\t"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
    "ret\n");

/* A call, as many arguments as it has. */
struct call {
	const char *name;
	unsigned int nr, nr_args;
	uint64_t arg[4];
};
#define CALL(name, nr_args, ...) { #name, __HYPERVISOR_##name, nr_args, { __VA_ARGS__ } }
#define KEEPS_MARKS ", stopped and gone on with, changes no register that is not an argument"

static unsigned int times_stopped;

/* Make the call while a timer fires, at another point each time; its result. No mark changes. */
static long make(const struct call *c)
{
	static unsigned int turn;
	struct marked m = { .rax = c->nr };

	for (unsigned int i = 0; i < NR_REGS; i++)
		m.reg[i] = i < c->nr_args ? c->arg[i] : MARK(i);
	upcall_frame[0] = 0;
	timer_set(clock_ns() + 2000 + turn++ % 32 * 10000);
	call_marked(&m);
	times_stopped += upcall_frame[0] == ARG(call_marked_at);
	for (unsigned int i = c->nr_args; i < NR_REGS; i++)
		CHECK_SAY(m.reg[i] == MARK(i), "%s: the register of argument %u became 0x%lx",
			  c->name, i + 1, m.reg[i]);
	return (long)m.rax;
}

/* As long as it takes to see it stopped 20 times, two seconds at most. */
static bool enough(uint64_t began)
{
	return times_stopped >= 20 || clock_ns() > began + 2000 * MS_NS;
}

static uint64_t list[8 * PAGE_BYTES / 8] __attribute__((aligned(PAGE_BYTES)));
static uint64_t target[PAGE_BYTES / 8] __attribute__((aligned(PAGE_BYTES)));

#define NR_UPDATES 1000u

static void fill_updates(void)
{
	struct mmu_update *u = (struct mmu_update *)list;

	for (unsigned int i = 0; i < NR_UPDATES; i++)
		u[i] = (struct mmu_update){ maddr_of(entry_of(target, 1)), l1e(target) };
}

CLAIM(mmu_update, "mmu_update" KEEPS_MARKS)
{
	const struct call c = CALL(mmu_update, 4, ARG(list), NR_UPDATES, 0, DOMID_SELF);

	fill_updates();
	times_stopped = 0;
	for (uint64_t began = clock_ns(); !enough(began); )
		CHECK_OK(make(&c));
	CHECK(times_stopped);
}

CLAIM(mmuext_op, "mmuext_op" KEEPS_MARKS)
{
	const unsigned int nr = 1000;
	const struct call c = CALL(mmuext_op, 4, ARG(list), nr, 0, DOMID_SELF);
	struct mmuext_op *op = (struct mmuext_op *)list;

	for (unsigned int i = 0; i < nr; i++)
		op[i] = (struct mmuext_op){ MMUEXT_INVLPG_LOCAL, { ARG(target) }, { 0 } };
	times_stopped = 0;
	for (uint64_t began = clock_ns(); !enough(began); )
		CHECK_OK(make(&c));
	CHECK(times_stopped);
}

CLAIM(grant_table_op, "grant_table_op" KEEPS_MARKS)
{
	const unsigned int nr = 600;
	const struct call c = CALL(grant_table_op, 3, GNTTABOP_copy, ARG(list), nr);
	struct gnttab_copy *op = (struct gnttab_copy *)list;

	for (unsigned int i = 0; i < nr; i++) {
		op[i] = (struct gnttab_copy){ .len = 8 };
		op[i].source.domid = op[i].dest.domid = DOMID_SELF;
		op[i].source.u.gmfn = op[i].dest.u.gmfn = mfn_of(target);
		op[i].dest.offset = 64;
	}
	times_stopped = 0;
	for (uint64_t began = clock_ns(); !enough(began); )
		CHECK_OK(make(&c));
	CHECK(times_stopped);
}

static struct multicall_entry *entry(unsigned int i, unsigned long op, unsigned int nr_args)
{
	struct multicall_entry *e = (struct multicall_entry *)list + i;

	e->op = op;
	for (unsigned int a = nr_args; a < NR_ARG_REGS; a++)
		e->args[a] = MARK(a);
	return e;
}

static void check_entry(unsigned int i, unsigned long op, unsigned int nr_args)
{
	const struct multicall_entry *e = (struct multicall_entry *)list + i;

	CHECK_EQ(e->op, op);
	for (unsigned int a = nr_args; a < NR_ARG_REGS; a++)
		CHECK_SAY(e->args[a] == MARK(a), "entry %u: args[%u] became 0x%lx", i, a,
			  e->args[a]);
}

CLAIM(multicall, "multicall, stopped between entries, changes neither a register that is not an "
      "argument nor an entry's args")
{
	const unsigned int nr = 300;
	const struct call c = CALL(multicall, 2, ARG(list), nr);

	times_stopped = 0;
	for (uint64_t began = clock_ns(); !enough(began); ) {
		for (unsigned int i = 0; i < nr; i++) {
			struct multicall_entry *e = entry(i, __HYPERVISOR_xen_version, 2);

			e->args[0] = XENVER_version;
			e->args[1] = 0;
		}
		CHECK_OK(make(&c));
		for (unsigned int i = 0; i < nr; i++)
			check_entry(i, __HYPERVISOR_xen_version, 2);
	}
	CHECK(times_stopped);
}

CLAIM(multicall_entry, "an entry of a multicall that is stopped and gone on with keeps what it "
      "has beyond its call's arguments")
{
	static struct mmu_update updates[NR_UPDATES];
	const struct call c = CALL(multicall, 2, ARG(list), 2);

	fill_updates();
	memcpy(updates, list, sizeof(updates));
	times_stopped = 0;
	for (uint64_t began = clock_ns(); !enough(began); ) {
		for (unsigned int i = 0; i < 2; i++) {
			struct multicall_entry *e = entry(i, __HYPERVISOR_mmu_update, 4);

			e->args[0] = ARG(updates);
			e->args[1] = NR_UPDATES;
			e->args[2] = 0;
			e->args[3] = DOMID_SELF;
		}
		CHECK_OK(make(&c));
		for (unsigned int i = 0; i < 2; i++) {
			check_entry(i, __HYPERVISOR_mmu_update, 4);
			CHECK_OK(((struct multicall_entry *)list)[i].result);
		}
	}
	CHECK(times_stopped);
}

#define NR_BALLOON 64u
static uint8_t balloon[NR_BALLOON][PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));

CLAIM(memory_op, "memory_op" KEEPS_MARKS)
{
	unsigned long *extent = list;
	struct xen_memory_reservation r = { .nr_extents = NR_BALLOON, .domid = DOMID_SELF };
	const struct call give = CALL(memory_op, 2, XENMEM_decrease_reservation, ARG(&r));
	const struct call take = CALL(memory_op, 2, XENMEM_populate_physmap, ARG(&r));

	r.extent_start.p = extent;
	times_stopped = 0;
	for (uint64_t began = clock_ns(); !enough(began); ) {
		for (unsigned int i = 0; i < NR_BALLOON; i++) {
			extent[i] = mfn_of(balloon[i]);
			CHECK_OK(remap(balloon[i], 0));
		}
		CHECK_EQ(make(&give), NR_BALLOON);
		for (unsigned int i = 0; i < NR_BALLOON; i++)
			extent[i] = pfn_of(balloon[i]);
		CHECK_EQ(make(&take), NR_BALLOON);
		for (unsigned int i = 0; i < NR_BALLOON; i++) {
			((unsigned long *)start->mfn_list)[pfn_of(balloon[i])] = extent[i];
			CHECK_OK(remap(balloon[i], make_pte(extent[i], PTE_RW_PAGE)));
		}
	}
	CHECK(times_stopped);
}

#define NR_PORTS_OPEN 2000u

/* The timer's is the last port, so its event comes as long as there is anything left to close. */
static void open_ports(void)
{
	CHECK_OK(port_close(timer_port));
	timer_port = 0;
	for (unsigned int i = 0; i < NR_PORTS_OPEN; i++)
		CHECK(port_alloc_unbound(DOMID_SELF) > 0);
	events_init();
	port_unmask(timer_port);
	CHECK(timer_port > NR_PORTS_OPEN);
}

CLAIM_DOM0(event_reset, "EVTCHNOP_reset" KEEPS_MARKS ", and leaves no port open")
{
	struct evtchn_reset r = { .dom = DOMID_SELF };
	const struct call c = CALL(event_channel_op, 2, EVTCHNOP_reset, ARG(&r));
	struct evtchn_status status;
	uint32_t last;

	times_stopped = 0;
	for (uint64_t began = clock_ns(); !enough(began); ) {
		open_ports();
		last = timer_port;
		CHECK_OK(make(&c));
		for (uint32_t port = 1; port <= last; port++) {
			CHECK_OK(port_status(port, &status));
			if (is_console_port(port))
				continue;
			CHECK_SAY(status.status == EVTCHNSTAT_closed, "port %u of %u is open",
				  port, last);
		}
		events_lost();
		port_unmask(timer_port);
	}
	CHECK(times_stopped);
}

CLAIM_DOM0(console_io, "console_io" KEEPS_MARKS)
{
	static const char line[] = "# preempted: a long line, and a timer that interrupts it\n";
	struct call c = CALL(console_io, 3, CONSOLEIO_write, 0, ARG(list));

	for (c.arg[1] = 0; c.arg[1] < 8 * (sizeof(line) - 1); c.arg[1] += sizeof(line) - 1)
		memcpy((char *)list + c.arg[1], line, sizeof(line) - 1);
	times_stopped = 0;
	for (unsigned int i = 0; i < 5 && !times_stopped; i++)
		CHECK_OK(make(&c));
}

/*
 * The others are stopped by a table whose end they must wait for: unpinning a large tree was
 * stopped, and before it is gone on with, its event's handler makes these calls.
 */
static struct gnttab_query_size query = { .dom = DOMID_SELF };
static struct call others[] = {
	CALL(update_va_mapping, 3, ARG(target)),
	CALL(update_va_mapping_otherdomain, 4, ARG(target), 0, 0, DOMID_SELF),
	CALL(set_gdt, 2, 0),
	CALL(update_descriptor, 2, 4),	/* -EINVAL at last: not aligned */
	CALL(memory_op, 2, XENMEM_maximum_ram_page),
	CALL(mmu_update, 4, ARG(list), NR_UPDATES, 0, DOMID_SELF),
	CALL(grant_table_op, 3, GNTTABOP_query_size, ARG(&query), 1),
};
#define NR_OTHERS (sizeof(others) / sizeof(others[0]))
static unsigned int stopped_other[NR_OTHERS], other_next;

static void call_other(void)
{
	unsigned int before = times_stopped, i = other_next++ % NR_OTHERS;

	upcalls_unmask();
	make(&others[i]);
	stopped_other[i] += times_stopped - before;
}

CLAIM_DOM0(behind_a_table, "a call that has another's table to finish first" KEEPS_MARKS)
{
	struct mmuext_op op[2] = { { .cmd = MMUEXT_PIN_L3_TABLE }, { .cmd = MMUEXT_UNPIN_TABLE } };
	const struct call c = CALL(mmuext_op, 4, ARG(&op[1]), 1, 0, DOMID_SELF);
	unsigned int seen = 0;

	big_build();
	fill_updates();
	op[0].arg1.mfn = op[1].arg1.mfn = mfn_of(big_l3);
	others[0].arg[1] = others[1].arg[1] = l1e(target);
	times_stopped = 0;
	for (uint64_t began = clock_ns(); clock_ns() < began + 3000 * MS_NS && seen < NR_OTHERS; ) {
		CHECK_OK(HC4(mmuext_op, &op[0], 1, 0, DOMID_SELF));
		upcall_hook = call_other;
		CHECK_OK(make(&c));
		upcall_hook = NULL;
		seen = 0;
		for (unsigned int i = 0; i < NR_OTHERS; i++)
			seen += stopped_other[i] != 0;
	}
	big_plain();
	CHECK(times_stopped);
	/* Xen finishes tables in the calls about tables alone. */
	CHECK_SAY(!on_isola || seen == NR_OTHERS, "%u of %lu calls were stopped", seen, NR_OTHERS);
}

CLAIM(vcpu_op, "initialising a vCPU" KEEPS_MARKS)
{
	static struct vcpu_guest_context context;
	unsigned int id = spare_vcpu();
	struct call c = CALL(vcpu_op, 3, VCPUOP_initialise, id, ARG(&context));
	uint64_t *l4 = page_alloc();

	big_build();
	l4[300] = table_pte(big_l3);
	CHECK_OK(make_readonly(l4));
	sibling_context(&context);
	context.ctrlreg[3] = mfn_of(l4) * PAGE_BYTES;
	context.ctrlreg[1] = mfn_of(target) * PAGE_BYTES;	/* refused at last */
	times_stopped = 0;
	for (uint64_t began = clock_ns(); !enough(began); )
		CHECK_ERR(make(&c), XEN_EINVAL);
	if (!on_isola)
		return;		/* Xen keeps the table: only one call is long */
	CHECK(times_stopped);
	CHECK_OK(make_writable(l4));
	big_plain();
}
