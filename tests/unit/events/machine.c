/* SPDX-License-Identifier: MIT */
/* The simulated machine: see machine.h. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/console.h>
#include <isola/evtchn.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/vcpu_timer.h>
#include <isola/watchdog.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/time.h>
#include <isola/lib/bitmap.h>
#include "machine.h"

#define SHARED_INFO_MFN	1
/* every second vcpu's vcpu_info, as VCPUOP_register_vcpu_info leaves it */
#define MOVED_INFO_MFN	2

struct domain sim_domain, *dom0 = &sim_domain;
struct vcpu sim_vcpu[NR_SIM_VCPUS];
struct cpu_public cpu_public[CONFIG_NR_CPUS];
unsigned nr_cpus = NR_SIM_CPUS;
__thread struct cpu_private *thread_cpu;

static struct vcpu idle_vcpu[NR_SIM_CPUS];
static struct cpu_private cpus[NR_SIM_CPUS];
static u32 interrupted[NR_SIM_CPUS];
static u64 deadline[NR_SIM_CPUS];
static bool pinned;
static __thread jmp_buf top_of_stack;
static __thread u64 random_state;
__thread bool nmi_before_sleep, sim_irq_off;

/* ---- What the product takes from elsewhere --------------------------------------------------- */

u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ul + t.tv_nsec;
}

void window_check(void)
{
	sim_pause();
	if (thread_cpu && (current->is_idle || this_cpu.cr3 != current->cr3_kernel))
		panic("the window is used on CPU %u while it is not mapped", this_cpu.id);
}

long console_ring_sent(struct domain *d)
{
	panic("no console");
}

/* No lines of devices here. */
int pirq_bind(struct domain *d, u32 pirq, u32 port,
	      bool will_share, u32 cpu)
{
	return -EINVAL;
}

void pirq_unbind(struct domain *d, u32 pirq, u32 port)
{
}

void pirq_move(struct domain *d, u32 pirq, u32 port,
	       u32 cpu)
{
}

void deadline_set(u64 ns)
{
	deadline[smp_cpu_id()] = ns;
}

void deadline_by(u64 ns)
{
	if (!deadline[smp_cpu_id()] || ns < deadline[smp_cpu_id()])
		deadline_set(ns);
}

/*
 * The linker puts these before the product's own: the moment before a vcpu is asleep may be long.
 */
void __real_vcpu_sleep(enum vcpu_state state);
void __wrap_vcpu_sleep(enum vcpu_state state);
void __wrap_vcpu_sleep(enum vcpu_state state)
{
	sim_pause();
	if (nmi_before_sleep)
		WRITE_ONCE(current->nmi_pending, true);
	nmi_before_sleep = false;
	__real_vcpu_sleep(state);
}

/* Between a wait for the senders and what is done about them. */
void __real_evtchn_fold_vcpu(struct vcpu *v);
void __wrap_evtchn_fold_vcpu(struct vcpu *v);
void __wrap_evtchn_fold_vcpu(struct vcpu *v)
{
	sim_pause();
	__real_evtchn_fold_vcpu(v);
}

void __real_evtchn_unpost(struct vcpu *v, u32 port);
void __wrap_evtchn_unpost(struct vcpu *v, u32 port);
void __wrap_evtchn_unpost(struct vcpu *v, u32 port)
{
	sim_pause();
	__real_evtchn_unpost(v, port);
}

/* A slice on CPU 1 would hide an event that interrupts nobody. */
void __real_timer_set_slice(u64 end);
void __wrap_timer_set_slice(u64 end);
void __wrap_timer_set_slice(u64 end)
{
	if (!pinned || !smp_cpu_id())
		__real_timer_set_slice(end);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# panic: ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	_Exit(1);
}

void *public_alloc(size_t size)
{
	return calloc(1, size);
}

void public_free(void *p) { free(p); }

size_t raw_copy_from_guest(void *to, u64 from, size_t len)
{
	memcpy(to, (const void *)from, len);
	return 0;
}

/* One domain, which stays. */
void get_knownalive_domain(struct domain *d) { }
void put_domain(struct domain *d) { }

bool hypercall_preempt_check(void)
{
	return false;
}

void domain_shutdown(struct domain *d, u32 reason)
{
	panic("domain %u ends: %u", d->domid, reason);
}

void printk_level(enum log_level level, bool about_guest,
		  const char *fmt, ...)
{
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static void kick(unsigned cpu)
{
	__atomic_store_n(&interrupted[cpu], 1, __ATOMIC_SEQ_CST);
}

/* Now and then a moment's rest, so that what can happen in between does. */
void sim_pause(void)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	if (random_state >> 62)
		return;
	for (unsigned i = random_state >> 48 & 0x7ff; i; i--)
		__builtin_ia32_pause();
}

bool cpu_interrupted(void)
{
	u64 due = deadline[smp_cpu_id()];

	if (due && now_ns() >= due) {
		deadline[smp_cpu_id()] = 0;
		softirq_raise(SOFTIRQ_TIMER);
		return true;
	}
	return __atomic_exchange_n(&interrupted[smp_cpu_id()], 0, __ATOMIC_SEQ_CST);
}

void load_user_root(bool user)
{
	this_cpu.cr3 = user ? current->cr3_user : current->cr3_kernel;
}

/*
 * A vcpu's private state is one number, which its CPU has in hand (`live') while the vcpu is
 * loaded. steps[] is the truth about it; loaded[] says on which CPU the root is, 0: none.
 */
static u64 steps[NR_SIM_VCPUS], saved[NR_SIM_VCPUS];
static u32 loaded[NR_SIM_VCPUS];
static __thread u64 live;

static void step(struct vcpu *v)
{
	live++;
	if (__atomic_add_fetch(&steps[v->id], 1, __ATOMIC_SEQ_CST) != live)
		panic("vcpu %u goes on with a state that is not its last", v->id);
}

/* As arch/x86/asi/switch.c: save, load the next root, tell that the last is free, restore. */
static void __noreturn switch_context(struct vcpu *prev, struct vcpu *next)
{
	sim_pause();
	if (!prev->is_idle)
		saved[prev->id] = live;
	sim_pause();
	if (!next->is_idle &&
	    __atomic_exchange_n(&loaded[next->id], smp_cpu_id() + 1, __ATOMIC_SEQ_CST))
		panic("vcpu %u is loaded on two CPUs", next->id);
	this_cpu.curr = next;
	this_cpu.cr3 = next->cr3_kernel;
	if (!prev->is_idle)
		__atomic_store_n(&loaded[prev->id], 0, __ATOMIC_SEQ_CST);
	sched_left(prev);
	WRITE_ONCE(next->event_check, 1);
	if (!next->is_idle)
		live = saved[next->id];
	longjmp(top_of_stack, 1);
}

/* The way out: softirqs, posts, upcall, until nothing is due. A switch does not come back here. */
static void exit_to_guest(struct vcpu *v)
{
	struct vcpu_info *info = vcpu_info_of(v);

	for (;;) {
		if (READ_ONCE(cpu_public[smp_cpu_id()].softirq_pending))
			softirq_run();
		else if (READ_ONCE(v->event_check))
			evtchn_fold();
		else if (READ_ONCE(info->evtchn_upcall_pending) &&
			 !READ_ONCE(info->evtchn_upcall_mask))
			guest_upcall(v);
		else
			return;
	}
}

static void *cpu_main(void *arg)
{
	thread_cpu = arg;
	setjmp(top_of_stack);
	irq_enable();		/* as the way out to a guest does */
	for (;;) {
		cpu_interrupted();
		if (current->is_idle) {
			if (READ_ONCE(cpu_public[smp_cpu_id()].softirq_pending))
				softirq_run();
			else
				cpu_relax();
			continue;
		}
		exit_to_guest(current);
		step(current);
		guest_step(current);
	}
	return NULL;
}

/* ---- Construction ---------------------------------------------------------------------------- */

static void make_cpu(unsigned cpu)
{
	struct vcpu *idle = &idle_vcpu[cpu];

	*idle = (struct vcpu){
		.is_idle = true, .id = cpu, .cpu = cpu, .state = VCPU_RUNNABLE, .cr3_kernel = 1
	};
	cpu_public[cpu].idle_vcpu = cpu_public[cpu].running = idle;
	cpus[cpu] =
		(struct cpu_private){ .id = cpu, .curr = idle, .cr3 = 1, .pub = &cpu_public[cpu] };
}

/*
 * Pinned: all on CPU 0, which must share its time, but the last, which has CPU 1 to itself: nothing
 * but events ever interrupts that one. Else everywhere.
 */
static void make_vcpu(unsigned id)
{
	struct vcpu *v = &sim_vcpu[id];

	*v = (struct vcpu){
		.domain = &sim_domain, .id = id, .cr3_kernel = 0x1000 + id, .cr3_user = 0x2000 + id
	};
	if (id % 2)
		v->vcpu_info_maddr = MOVED_INFO_MFN * PAGE_SIZE + id * sizeof(struct vcpu_info);
	sim_domain.weight = DEFAULT_WEIGHT;
	sched_add_vcpu(v);
	vcpu_timers_init(v);
	if (pinned) {
		v->cpu = id == NR_SIM_VCPUS - 1;
		bitmap_zero(v->affinity, CONFIG_NR_CPUS);
		bitmap_set(v->affinity, v->cpu);
	}
	v->periodic_ns = 0;
	v->initialised = true;
	sim_domain.vcpu[id] = v;
}

void machine_init(bool pin)
{
	void *window = mmap((void *)VA_WINDOW, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (window == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	pinned = pin;
	thread_cpu = &cpus[0];
	for (unsigned cpu = 0; cpu < NR_SIM_CPUS; cpu++)
		make_cpu(cpu);
	spin_debug_start();
	softirq_kick_cpu = kick;
	sched_context_switch = switch_context;
	timer_subsys_init();
	sched_init();
	sim_domain.nr_vcpus = NR_SIM_VCPUS;
	watchdogs_init(&sim_domain);
	sim_domain.shared_info_mfn = _mfn(SHARED_INFO_MFN);
	for (unsigned id = 0; id < NR_SIM_VCPUS; id++)
		make_vcpu(id);
	if (evtchn_domain_init(&sim_domain))
		panic("no ports");
}

void machine_start(void)
{
	static pthread_t threads[NR_SIM_CPUS];

	for (unsigned cpu = 0; cpu < NR_SIM_CPUS; cpu++) {
		thread_cpu = &cpus[cpu];
		sched_init_cpu();
	}
	for (unsigned id = 0; id < NR_SIM_VCPUS; id++)
		vcpu_up(&sim_vcpu[id]);
	thread_cpu = NULL;
	for (unsigned cpu = 0; cpu < NR_SIM_CPUS; cpu++)
		if (pthread_create(&threads[cpu], NULL, cpu_main, &cpus[cpu]))
			panic("no thread");
}
