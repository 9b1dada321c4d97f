/* SPDX-License-Identifier: MIT */
/*
 * FIFO queues against a guest that consumes them meanwhile: two CPUs send, two vcpus take, mask and
 * unmask as Linux does, and ports change vcpu and priority while they are linked. In the end every
 * port has been looked at since the last event for it was sent, and nothing is linked.
 *
 * Flags: -Itests/unit/events/include -include isola/errno.h -pthread
 * Sources: common/evtchn_fifo.c common/evtchn_upcall.c common/base/spinlock.c common/lib/bitmap.c
 */
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/window.h>
#include <isola/evtchn.h>
#include <isola/evtchn_fifo.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
#include <isola/sched.h>

#define CPUS	2
#define VCPUS	2
#define PORTS	12
#define SENDS	60000		/* of each CPU */
#define PATIENCE_S 20

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define BUSY (1u << EVTCHN_FIFO_BUSY)

struct cpu_public cpu_public[CONFIG_NR_CPUS];
unsigned nr_cpus = CPUS;
__thread struct cpu_private *thread_cpu;
__thread bool sim_irq_off;

static struct cpu_private cpus[CPUS + VCPUS];
static struct vcpu idle[CPUS + VCPUS];
static struct domain domain = { .shared_info_mfn = { 1 }, .nr_vcpus = VCPUS };
static struct vcpu vcpu[VCPUS] = { { .domain = &domain }, { .domain = &domain, .id = 1 } };
static struct evtchn_fifo *fifo;
static event_word_t *words;
static u64 sent[PORTS + 1], seen[PORTS + 1], taken;
static bool is_over;

/* Where interrupts are switched off, and in a planted bug. */
void sim_pause(void) { sched_yield(); }
void window_check(void) { }
void *public_alloc(size_t size) { return calloc(1, size); }
void public_free(void *p) { free(p); }
void vcpu_unblock(struct vcpu *v) { }
void vcpu_kick(struct vcpu *v) { }

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	_Exit(1);
}

static void be_cpu(unsigned n)
{
	idle[n] = (struct vcpu){ .is_idle = true };
	cpus[n] = (struct cpu_private){ .id = n % CONFIG_NR_CPUS, .curr = &idle[n],
					.pub = &cpu_public[n % CONFIG_NR_CPUS] };
	thread_cpu = &cpus[n];
}

/* ---- The sender's side ----------------------------------------------------------------------- */

static u64 roll(u64 *dice, u64 below)
{
	*dice = *dice * 6364136223846793005 + 1442695040888963407;
	return (*dice >> 33) % below;
}

static void *send_all(void *arg)
{
	u64 n = (u64)arg, dice = n + 1;

	be_cpu(n);
	for (unsigned i = 0; i < SENDS; i++) {
		u32 port = 1 + roll(&dice, PORTS);

		if (roll(&dice, 16) == 0)
			evtchn_fifo_prefer(fifo, port, roll(&dice, 3));
		__atomic_fetch_add(&sent[port], 1, __ATOMIC_SEQ_CST);
		evtchn_fifo_deliver(fifo, &vcpu[roll(&dice, 8) ? port % VCPUS : !(port % VCPUS)],
				    port);
		if (roll(&dice, 8) == 0)
			sched_yield();
	}
	return NULL;
}

/* ---- The guest's side ------------------------------------------------------------------------ */

static struct evtchn_fifo_control_block *block(unsigned v)
{
	return (void *)(VA_WINDOW + fifo->vcpu[v].control);
}

/* Clear PENDING, then look. */
static void handle(u32 port)
{
	u64 now;

	__atomic_fetch_and(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
	now = __atomic_load_n(&sent[port], __ATOMIC_SEQ_CST);
	/* Another vcpu may be at it, too: the later look counts. */
	for (u64 was = seen[port]; was < now;)
		if (__atomic_compare_exchange_n(&seen[port], &was, now, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			break;
	__atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
}

/* Off its queue: what is next on it. */
static u32 unlink_word(u32 port)
{
	event_word_t old = READ_ONCE(words[port]);

	while (!__atomic_compare_exchange_n(&words[port], &old,
					    old & ~(LINKED | EVTCHN_FIFO_LINK_MASK), false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	check(old & LINKED, "port %u is taken off a queue that it is not on", port);
	return old & EVTCHN_FIFO_LINK_MASK;
}

static void unmask(unsigned v, u32 port)
{
	event_word_t old = READ_ONCE(words[port]);

	do {
		if (!(old & MASKED))
			return;
		if (old & PENDING) {
			evtchn_fifo_clear_mask(fifo, &vcpu[v], port);
			return;
		}
		old &= ~BUSY;
	} while (!__atomic_compare_exchange_n(&words[port], &old, old & ~MASKED, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

/* The first of the queue @q, of which @head is what the guest remembers. False: it is empty. */
static bool consume(unsigned v, u32 q, u32 *head, u64 *dice)
{
	u32 port = *head ? *head : READ_ONCE(block(v)->head[q]);

	if (!check(port >= 1 && port <= PORTS, "port %u on a queue", port))
		return false;
	*head = unlink_word(port);
	if (roll(dice, 4) == 0)
		sched_yield();
	if (roll(dice, 8) == 0) {
		__atomic_fetch_or(&words[port], MASKED, __ATOMIC_SEQ_CST);
		if (roll(dice, 2))
			handle(port);
		sched_yield();
		unmask(v, port);
	} else if ((READ_ONCE(words[port]) & (PENDING | MASKED)) == PENDING) {
		handle(port);
	}
	return *head;
}

static void *take_all(void *arg)
{
	unsigned v = (u64)arg;
	u32 head[EVTCHN_FIFO_MAX_QUEUES] = { 0 }, ready = 0;
	u64 dice = v + 100;
	struct vcpu_info *info;

	be_cpu(CPUS + v);
	info = vcpu_info_of(&vcpu[v]);
	while (!READ_ONCE(is_over) || READ_ONCE(info->evtchn_upcall_pending)) {
		if (!__atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST)) {
			sched_yield();
			continue;
		}
		ready = __atomic_exchange_n(&block(v)->ready, 0, __ATOMIC_SEQ_CST);
		while (ready) {
			u32 q = __builtin_ctz(ready);

			if (!consume(v, q, &head[q], &dice))
				ready &= ~(1u << q);
			ready |= __atomic_exchange_n(&block(v)->ready, 0, __ATOMIC_SEQ_CST);
		}
	}
	return NULL;
}

/* ---------------------------------------------------------------------------------------------- */

/* Frames 1 shared_info, 2 words, 3 and 4 the control blocks. */
static void set_up(void)
{
	void *window = mmap((void *)VA_WINDOW, 5 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (window == MAP_FAILED)
		panic("no window\n");
	fifo = calloc(1, sizeof(*fifo) + VCPUS * sizeof(fifo->vcpu[0]));
	spin_lock_init(&fifo->lock, LOCK_EVTCHN_FIFO);
	spin_lock(&domain.evtchn_lock);
	for (u32 port = 1; port <= PORTS; port++)
		if (evtchn_fifo_take_port(&domain, fifo, port))
			panic("no memory\n");
	spin_unlock(&domain.evtchn_lock);
	fifo->words[0] = _mfn(2);
	fifo->nr_words = FIFO_WORDS_PER_PAGE;
	words = window_ptr(_mfn(2));
	for (unsigned v = 0; v < VCPUS; v++) {
		domain.vcpu[v] = &vcpu[v];
		fifo->vcpu[v].control = (3 + v) * PAGE_SIZE + 64;
	}
}

static void *lose_patience(void *arg)
{
	sleep(PATIENCE_S);
	printf("not ok 1 - no event is lost: it does not end\n");
	_Exit(1);
}

int main(void)
{
	pthread_t sender[CPUS], taker[VCPUS], watch;

	be_cpu(0);
	set_up();
	pthread_create(&watch, NULL, lose_patience, NULL);
	for (u64 i = 0; i < VCPUS; i++)
		pthread_create(&taker[i], NULL, take_all, (void *)i);
	for (u64 i = 0; i < CPUS; i++)
		pthread_create(&sender[i], NULL, send_all, (void *)i);
	for (unsigned i = 0; i < CPUS; i++)
		pthread_join(sender[i], NULL);
	WRITE_ONCE(is_over, true);
	for (unsigned i = 0; i < VCPUS; i++)
		pthread_join(taker[i], NULL);
	for (u32 port = 1; port <= PORTS; port++) {
		check(seen[port] == sent[port], "port %u: sent %lu times, seen after %lu", port,
		      sent[port], seen[port]);
		check(!(words[port] & (PENDING | LINKED)), "port %u is left as %x", port,
		      words[port]);
	}
	printf("# %lu sent, %lu taken\n", (u64)CPUS * SENDS, taken);
	all_ok("two CPUs send while two vcpus take, mask and unmask: no event is lost");
	return done();
}
