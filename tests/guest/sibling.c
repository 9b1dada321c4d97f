/* SPDX-License-Identifier: MIT */
/*
 * The sibling: vCPU 1, which runs the jobs it is given until it is told to go down.
 */
#include "sibling.h"
#include "claim.h"
#include "clock.h"
#include "events.h"
#include "memory.h"
#include "text.h"
#include "traps.h"

static uint8_t other_stack[4 * PAGE_BYTES] __attribute__((aligned(16)));
struct vcpu_guest_context other_context;
void (*volatile job)(void);
volatile bool stop;
static volatile bool go_down;
volatile uint64_t smp_resume, smp_faults;	/* for its page fault handler */

void smp_page_fault(void);
void smp_nmi(void);
volatile uint64_t smp_nmis;
volatile uint32_t smp_nmi_stays;
void smp_entry(void);

/*
 * Frame: rcx r11 error rip cs rflags rsp ss. On to smp_resume, by the iret hypercall, whose frame
 * has flags below rip.
 */
asm(".text\n"
    "smp_page_fault:\n\t"
    "pop	%rcx\n\t"
    "pop	%r11\n\t"
    "lock incq smp_faults(%rip)\n\t"
    "push	%rax\n\t"
    "mov	smp_resume(%rip), %rax\n\t"
    "mov	%rax, 16(%rsp)\n\t"		/* rip */
    "movl	$0, 28(%rsp)\n\t"		/* the event mask above cs */
    "pop	%rax\n\t"
    "movq	$0, (%rsp)\n\t"			/* flags, where the error code was */
    "jmp	hypercall_page + 23 * 32\n"
    /*
     * Frame: rcx r11 rip cs rflags rsp ss. Counts, stays while it is told to, and goes back where
     * it was.
     */
    "smp_nmi:\n\t"
    "lock incq smp_nmis(%rip)\n"
    "1:	pause\n\t"
    "cmpl	$0, smp_nmi_stays(%rip)\n\t"
    "jne	1b\n\t"
    "pop	%rcx\n\t"
    "pop	%r11\n\t"
    "push	$0\n\t"			/* flags: all of the frame counts */
    "jmp	hypercall_page + 23 * 32\n"
    "smp_entry:\n\t"
    "xor	%ebp, %ebp\n\t"
    "call	smp_main\n\t"
    "ud2\n");

uint64_t other_read(const volatile uint64_t *p, uint64_t if_fault)
{
	uint64_t v = if_fault;

	asm volatile("movq $1f, smp_resume(%%rip)\n\tmov (%1), %0\n1:"
		     : "+r"(v)
		     : "r"(p)
		     : "memory");
	return v;
}

void other_write(volatile uint64_t *p, uint64_t v)
{
	asm volatile("movq $1f, smp_resume(%%rip)\n\tmov %0, (%1)\n1:"
		     :
		     : "r"(v), "r"(p)
		     : "memory");
}

struct selectors started_with;
/* Its LDT, of one descriptor: flat data for ring 3. */
static uint64_t other_ldt[PAGE_BYTES / 8] __attribute__((aligned(4096))) = { 0x00cff3000000ffff };

void smp_main(void) __attribute__((noreturn));
void smp_main(void)
{
	struct selectors *s = &started_with;

	asm volatile("mov %%cs, %0\n\tmov %%ss, %1\n\tmov %%ds, %2\n\tmov %%es, %3"
		     : "=r"(s->cs), "=r"(s->ss), "=r"(s->ds), "=r"(s->es));
	for (;;) {
		while (!job && !go_down)
			asm volatile("pause");
		if (go_down) {
			go_down = false;
			HC3(vcpu_op, VCPUOP_down, OTHER, 0);	/* up again goes on from here */
			continue;
		}
		job();
		job = NULL;
	}
}

long other_is_up(void)
{
	return HC3(vcpu_op, VCPUOP_is_up, OTHER, 0);
}

void sibling_context(struct vcpu_guest_context *c)
{
	memset(c, 0, sizeof(*c));
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = ARG(smp_entry);
	c->user_regs.rsp = c->kernel_sp = ARG(other_stack + sizeof(other_stack) - 64);
	/* RPL 0: as a kernel that thinks it is in ring 0 would say. */
	c->user_regs.cs = FLAT_KERNEL_CS & ~3;
	c->user_regs.ss = c->kernel_ss = FLAT_KERNEL_SS & ~3;
	c->user_regs.ds = FLAT_KERNEL_DS & ~3;
	c->user_regs.es = FLAT_RING3_DS32;
	c->user_regs.rflags = 0x202;
	c->trap_ctxt[TRAP_PF] =
		(struct trap_info){ TRAP_PF, 4, FLAT_KERNEL_CS, ARG(smp_page_fault) };
	c->trap_ctxt[TRAP_NMI] = (struct trap_info){ TRAP_NMI, 4, FLAT_KERNEL_CS, ARG(smp_nmi) };
	c->ctrlreg[3] = l4_mfn() * PAGE_BYTES;
}

void other_start(void)
{
	static bool initialised;

	if (other_is_up() == -XEN_ENOENT)
		skip("there is one vCPU");
	stop = true;			/* what a claim that failed has left running */
	CHECK(WAIT_FOR(!job, 5000));
	go_down = false;
	smp_faults = 0;
	if (!initialised) {
		shared->vcpu_info[OTHER].evtchn_upcall_mask = 1;
		sibling_context(&other_context);
		CHECK_OK(make_readonly(other_ldt));
		other_context.ldt_base = ARG(other_ldt);
		other_context.ldt_ents = 1;
		CHECK_OK(HC3(vcpu_op, VCPUOP_initialise, OTHER, &other_context));
		initialised = true;
	}
	CHECK_OK(HC3(vcpu_op, VCPUOP_up, OTHER, 0));
	CHECK_EQ(other_is_up(), 1);
}

void other_stop(void)
{
	CHECK(WAIT_FOR(!job, 5000));
	go_down = true;
	CHECK(WAIT_FOR(other_is_up() == 0, 5000));
}

void other_stop_with(uint32_t port)
{
	other_stop();
	port_close(port);
	shared->vcpu_info[OTHER].evtchn_pending_sel = 0;
	shared->vcpu_info[OTHER].evtchn_upcall_pending = 0;
}

/* ---- Both at once ---- */

static long (*volatile their_call)(void);
static volatile long their_answer;
static volatile unsigned int turn, answered;

/*
 * A few instructions, another number of them each time: so that the two meet at each point of the
 * other's call.
 */
static void dither(unsigned int n)
{
	for (volatile unsigned int i = n * 7 % 61; i; i--)
		;
}

static void job_turns(void)
{
	while (!stop) {
		unsigned int now = turn;

		if (now == answered) {
			asm volatile("pause");
			continue;
		}
		dither(now);
		their_answer = their_call();
		answered = now;
	}
}

void together_start(void)
{
	other_start();
	stop = false;
	answered = turn;
	job = job_turns;
}

struct answers together(long (*mine)(void), long (*theirs)(void))
{
	struct answers a;

	their_call = theirs;
	turn++;
	dither(turn / 61 + 3 * turn);
	a.mine = mine();
	CHECK(WAIT_FOR(answered == turn, 5000));
	a.theirs = their_answer;
	return a;
}

bool together_again(unsigned int round, unsigned int most)
{
	static uint64_t end;

	if (!round)
		end = clock_ns() + TOGETHER_MS * MS_NS;
	return round < most && (round < 100 || clock_ns() < end);
}

void together_stop(void)
{
	stop = true;
	other_stop();
}

unsigned int spare_vcpu(void)
{
	static unsigned int next = OTHER + 1;

	if (HC3(vcpu_op, VCPUOP_is_up, next, 0) < 0)
		skip("there is no vCPU %u", next);
	return next++;
}
