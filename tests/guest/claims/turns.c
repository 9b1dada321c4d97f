/* SPDX-License-Identifier: MIT */
/*
 * turns: many vCPUs on few CPUs.
 *
 * The rule: vCPUs that are always busy get equal shares of the CPUs, no CPU stands still meanwhile,
 * and who wakes up comes to run soon. All but vCPU 0 are workers here: each does one job at a time
 * and goes down when it is done. Shares are the running times that VCPUOP_get_runstate_info gives,
 * so that what the machine itself takes away from a CPU (an emulator's host is busy) does not
 * count. Which CPU a vCPU is on, the CPUID instruction tells, which PV guests execute unseen. A
 * scheduler that is fair only in the long run is given 12 s; one that is not fair stays where it
 * was. With fewer vCPUs than a claim needs it is skipped.
 */
#define TOPIC "turns"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"

#define MAX_VCPUS 32u

static struct worker {
	/* cpus: bit n: it was seen on the CPU with APIC id n */
	volatile uint64_t rounds, cpus;
	volatile uint64_t woken_at;
	uint32_t port;
	uint8_t stack[2048] __attribute__((aligned(16)));
} workers[MAX_VCPUS];
static unsigned int ids[MAX_VCPUS], nr_workers;	/* vCPUs that are ours */
static void (*volatile job)(unsigned int id);
static volatile bool stop;

void turns_entry(void);
asm(".text\n"
    "turns_entry:\n\t"
    "xor	%ebp, %ebp\n\t"
    "call	turns_main\n\t"
    "ud2\n");

void turns_main(uint64_t id) __attribute__((noreturn));
void turns_main(uint64_t id)
{
	for (;;) {
		job((unsigned int)id);
		HC3(vcpu_op, VCPUOP_down, id, 0);	/* up again goes on from here */
	}
}

/* All vCPUs that nobody has initialised yet become workers, once. */
static void enlist(void)
{
	static struct vcpu_guest_context c;
	static bool done;

	if (done)
		return;
	done = true;
	for (unsigned int id = 1;
	     id < MAX_VCPUS && HC3(vcpu_op, VCPUOP_is_up, id, 0) != -XEN_ENOENT; id++) {
		memset(&c, 0, sizeof(c));
		c.flags = VGCF_in_kernel;
		c.user_regs.rip = ARG(turns_entry);
		c.user_regs.rdi = id;
		c.user_regs.rsp = c.kernel_sp = ARG(workers[id].stack + sizeof(workers[id].stack));
		c.user_regs.cs = FLAT_KERNEL_CS;
		c.user_regs.ss = c.kernel_ss = FLAT_KERNEL_SS;
		c.user_regs.rflags = 0x202;
		c.ctrlreg[3] = l4_mfn() * PAGE_BYTES;
		shared->vcpu_info[id].evtchn_upcall_mask = 1;
		if (HC3(vcpu_op, VCPUOP_initialise, id, &c) == 0)
			ids[nr_workers++] = id;
	}
}

static void need_workers(unsigned int n)
{
	if (!strstr((const char *)start->cmd_line, "turns/"))
		skip("turns.t runs it, on vCPUs that no other claim has used");
	enlist();
	if (nr_workers < n)
		skip("it wants %u vCPUs", n + 1);
}

static bool is_down(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (HC3(vcpu_op, VCPUOP_is_up, ids[i], 0))
			return false;
	return true;
}

static void work_stop(unsigned int n)
{
	stop = true;
	CHECK(WAIT_FOR(is_down(n), 10000));
}

static void work_start(unsigned int n, void (*what)(unsigned int))
{
	need_workers(n);
	work_stop(nr_workers);		/* what a claim that failed has left running */
	stop = false;
	job = what;
	for (unsigned int i = 0; i < n; i++) {
		workers[ids[i]].rounds = workers[ids[i]].cpus = 0;
		HC3(vcpu_op, VCPUOP_stop_periodic_timer, ids[i], 0);
		CHECK_OK(HC3(vcpu_op, VCPUOP_up, ids[i], 0));
	}
}

static unsigned int count_bits(uint64_t word)
{
	unsigned int n = 0;

	for (; word; word &= word - 1)
		n++;
	return n;
}

static unsigned int apic_id(void)
{
	uint32_t a = 1, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b >> 24 & 63;
}

/* Busy, and looks where it is now and then. */
static void work(unsigned int id)
{
	struct worker *w = &workers[id];

	while (!stop) {
		w->cpus |= 1ul << apic_id();
		w->rounds++;
	}
}

static struct vcpu_runstate_info runstate(unsigned int id)
{
	struct vcpu_runstate_info r;

	CHECK_OK(HC3(vcpu_op, VCPUOP_get_runstate_info, id, &r));
	return r;
}

static bool is_pinned(void)
{
	return strstr((const char *)start->cmd_line, "pinned") != NULL;
}

/* ---- Shares ---- */

struct shares {
	uint64_t least, most, sum, elapsed;	/* ns of running; of the clock */
	unsigned int nr_cpus;
};

/* Since @then, of vCPU 0 and @n - 1 workers. */
static struct shares shares_since(unsigned int n, const uint64_t *then, uint64_t begun)
{
	struct shares s = { .least = ~0ul };
	uint64_t cpus = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t ran = runstate(i ? ids[i - 1] : 0).time[RUNSTATE_running] - then[i];

		s.least = ran < s.least ? ran : s.least;
		s.most = ran > s.most ? ran : s.most;
		s.sum += ran;
		cpus |= workers[i ? ids[i - 1] : 0].cpus;
	}
	s.elapsed = clock_ns() - begun;
	s.nr_cpus = count_bits(cpus);
	return s;
}

/* Bad by more than a twentieth. */
static bool is_fair(const struct shares *s, unsigned int n)
{
	uint64_t mean = s->sum / n;

	return s->least * 20 >= mean * 19 && s->most * 20 <= mean * 21;
}

static bool is_all_used(const struct shares *s, unsigned int n)
{
	unsigned int cpus = n < s->nr_cpus ? n : s->nr_cpus;

	return s->sum * 20 >= s->elapsed * cpus * 19;
}

static void check_shares(unsigned int n)
{
	uint64_t then[MAX_VCPUS], begun;
	struct shares s;

	need_workers(n - 1);
	if (is_pinned())
		skip("each vCPU is on a CPU of its own choice");
	work_start(n - 1, work);
	workers[0].cpus = 0;
	WAIT_FOR(false, 300);		/* until what has been before counts no more */
	for (unsigned int i = 0; i < n; i++)
		then[i] = runstate(i ? ids[i - 1] : 0).time[RUNSTATE_running];
	begun = clock_ns();
	do {
		for (unsigned int i = 0; i < 100; i++) {
			WAIT_FOR(false, 10);
			workers[0].cpus |= 1ul << apic_id();
		}
		s = shares_since(n, then, begun);
	} while (s.elapsed < 12000 * MS_NS && (!is_fair(&s, n) || !is_all_used(&s, n)));
	print("#   %u vCPUs on %u CPUs over %lu ms: least %lu ms, most %lu ms, all %lu\n", n,
	      s.nr_cpus, s.elapsed / MS_NS, s.least / MS_NS, s.most / MS_NS, s.sum / MS_NS);
	CHECK(is_fair(&s, n));
	CHECK(is_all_used(&s, n));
	work_stop(n - 1);
}

CLAIM(shares_of_3, "three busy vCPUs get the same time within 5 %, and together all of the CPUs")
{
	check_shares(3);
}

CLAIM(shares_of_5, "five busy vCPUs get the same time within 5 %, and together all of the CPUs")
{
	check_shares(5);
}

CLAIM(shares_of_8, "eight busy vCPUs get the same time within 5 %, and together all of the CPUs")
{
	check_shares(8);
}

CLAIM(all_at_once,
      "every vCPU there is comes to work when all are busy, and its times add up to its age")
{
	uint64_t begun = clock_ns();

	need_workers(3);
	work_start(nr_workers, work);
	for (unsigned int i = 0; i < nr_workers; i++)
		CHECK_SAY(WAIT_FOR(workers[ids[i]].rounds > 1000, 15000),
			  "vCPU %u of %u did nothing", ids[i], nr_workers + 1);
	work_stop(nr_workers);
	print("#   %u vCPUs have worked after %lu ms\n", nr_workers + 1,
	      (clock_ns() - begun) / MS_NS);
	for (unsigned int i = 0; i < nr_workers; i++) {
		struct vcpu_runstate_info r = runstate(ids[i]);

		CHECK(r.state == RUNSTATE_offline && r.time[RUNSTATE_running] > 0);
		CHECK(r.time[0] + r.time[1] + r.time[2] + r.time[3] <= clock_ns());
	}
}

CLAIM(stolen, "a busy vCPU is either running or runnable: what it did not get is stolen time, to "
	      "the millisecond")
{
	struct vcpu_runstate_info a, b;
	uint64_t begun, elapsed, busy;

	need_workers(3);
	work_start(3, work);
	WAIT_FOR(false, 100);
	begun = clock_ns();
	a = runstate(0);
	WAIT_FOR(false, 1000);
	b = runstate(0);
	elapsed = clock_ns() - begun;
	busy = b.time[RUNSTATE_running] + b.time[RUNSTATE_runnable] - a.time[RUNSTATE_running] -
	       a.time[RUNSTATE_runnable];
	CHECK(b.time[RUNSTATE_runnable] > a.time[RUNSTATE_runnable] ||
	      count_bits(workers[ids[0]].cpus) > 3);
	CHECK_EQ(b.time[RUNSTATE_blocked], a.time[RUNSTATE_blocked]);
	CHECK_SAY(busy <= elapsed && busy + 50 * MS_NS >= elapsed, "%lu ns of %lu", busy, elapsed);
	work_stop(3);
}

/* ---- Places ---- */

CLAIM(places, "a vCPU is given work wherever a CPU is free, or, where vCPUs are pinned, on one CPU "
	      "only, the one that get_physid names")
{
	uint64_t all = 0;	/* vCPU 0's CPUs are in it: it is as busy as the workers */

	need_workers(2);
	work_start(nr_workers, work);
	WAIT_FOR((all |= 1ul << apic_id(), false), 2000);
	work_stop(nr_workers);
	for (unsigned int i = 0; i < nr_workers; i++)
		all |= workers[ids[i]].cpus;
	if (all == (all & -all))
		skip("there is one CPU");
	for (unsigned int i = 0; i < nr_workers; i++) {
		uint64_t cpus = workers[ids[i]].cpus, id[2] = { 0 };
		long rc = HC3(vcpu_op, VCPUOP_get_physid, ids[i], id);

		if (is_pinned()) {
			CHECK_OK(rc);
			CHECK_EQ(cpus, 1ul << (id[0] & 63));
		} else {
			CHECK_ERR(rc, XEN_EINVAL);
			CHECK_SAY(nr_workers < count_bits(all) || (cpus & (cpus - 1)),
				  "vCPU %u of %u stayed on one CPU", ids[i], nr_workers + 1);
		}
	}
}

/* ---- One clock ---- */

static volatile uint64_t latest, went_back;

static uint64_t clock_of(unsigned int id)
{
	const volatile struct vcpu_time_info *t =
		id ? &shared->vcpu_info[id].time : &vcpu_info->time;
	uint64_t ns, delta;
	uint32_t version;

	do {
		version = t->version;
		asm volatile("" : : : "memory");
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
		ns = t->system_time +
		     (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
		asm volatile("" : : : "memory");
	} while (version & 1 || t->version != version);
	return ns;
}

static void read_clock(unsigned int id)
{
	uint64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST), ns = clock_of(id);

	if (ns < before)
		went_back = before - ns;
	while (before < ns && !__atomic_compare_exchange_n(&latest, &before, ns, false,
							   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	workers[id].rounds++;
}

static void work_clock(unsigned int id)
{
	while (!stop)
		read_clock(id);
}

CLAIM(one_clock, "no vCPU's clock is behind what another one's has shown before, while all of them "
		 "move between CPUs")
{
	uint64_t end = clock_ns() + 3000 * MS_NS;

	need_workers(1);
	latest = went_back = 0;
	work_start(nr_workers, work_clock);
	while (clock_ns() < end)
		read_clock(0);
	work_stop(nr_workers);
	for (unsigned int i = 0; i < nr_workers; i++)
		CHECK(workers[ids[i]].rounds > 0);
	CHECK_EQ(went_back, 0);
}

/* ---- Wake-up ---- */

#define NR_WAKES 100u

/* The first worker waits for its port and says when it woke; the others are busy. */
static void wait_or_work(unsigned int id)
{
	struct worker *w = &workers[id];
	struct sched_poll poll = { .nr_ports = 1 };

	if (id != ids[0]) {
		work(id);
		return;
	}
	poll.ports.p = &w->port;
	while (!stop) {
		HC2(sched_op, SCHEDOP_poll, &poll);
		if (port_pending(w->port)) {
			port_clear(w->port);
			w->woken_at = clock_of(id);
			w->rounds++;
		}
	}
}

static void sort(uint64_t *list, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int j = i; j && list[j - 1] > list[j]; j--) {
			uint64_t t = list[j];

			list[j] = list[j - 1];
			list[j - 1] = t;
		}
}

/*
 * Events from vCPU 0 to the first worker, while @busy others work: the median's time from sending
 * to its first instruction.
 */
static uint64_t wake_latency(unsigned int busy)
{
	static uint64_t took[NR_WAKES];
	struct worker *w;
	int port;

	need_workers(busy + 1);
	w = &workers[ids[0]];
	port = port_bind_ipi(ids[0]);
	CHECK(port > 0);
	w->port = (uint32_t)port;
	work_start(busy + 1, wait_or_work);
	for (unsigned int i = 0; i < NR_WAKES; i++) {
		uint64_t before = w->rounds, sent;

		CHECK(WAIT_FOR(runstate(ids[0]).state == RUNSTATE_blocked, 5000));
		WAIT_FOR(false, 1 + i % 7);
		sent = clock_ns();
		CHECK_OK(port_send((uint32_t)port));
		CHECK(WAIT_FOR(w->rounds > before, 5000));
		CHECK(w->woken_at >= sent);
		took[i] = w->woken_at - sent;
	}
	stop = true;
	CHECK_OK(port_send((uint32_t)port));
	work_stop(busy + 1);
	sort(took, NR_WAKES);
	print("#   wake-up beside %u busy vCPUs and the sender: median %lu us, 9 of 10 within %lu "
	      "us\n",
	      busy, took[NR_WAKES / 2] / 1000, took[NR_WAKES * 9 / 10] / 1000);
	return took[NR_WAKES / 2];
}

/*
 * On a busy host a CPU of an emulator may stand still for many milliseconds: "exact" on the command
 * line says that it does not, because the emulator counts instructions.
 */
static uint64_t limit(void)
{
	return strstr((const char *)start->cmd_line, "exact") ? MS_NS / 20 : 20 * MS_NS;
}

CLAIM(wake_latency, "a vCPU that an event wakes runs at once, and was asleep until then")
{
	CHECK(wake_latency(0) < limit());
}

CLAIM(wake_latency_busy,
      "so it does where all CPUs are busy: it does not wait for the end of anybody's time slice")
{
	CHECK(wake_latency(3) < limit());
}
