/* SPDX-License-Identifier: MIT */
/* The simulated domains: see sim.h. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <asm/hypercall.h>
#include <asm/page_type.h>
#include <asm/visit.h>
#include <asm/insn.h>
#include <asm/p2m.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <asm/window.h>
#include <isola/console.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/page_alloc.h>
#include <isola/sched.h>
#include <isola/spinlock.h>
#include <xen/event_channel.h>

#define NR_SIM_CPUS 2

/* These are PV domains. */
struct page_info *p2m_get_page(const struct domain *d, const struct p2m *p, gfn_t gfn)
{
	(void)d, (void)p, (void)gfn;
	abort();
}

struct cpu_public cpu_public[CONFIG_NR_CPUS];
unsigned nr_cpus = NR_SIM_CPUS;
__thread struct cpu_private *thread_cpu;
__thread bool sim_irq_off, sim_continued;
unsigned sim_ended, sim_wakes[NR_SIM_DOMAINS], sim_preempt_odds;

static struct cpu_private cpus[NR_SIM_CPUS];
static struct vcpu idle[NR_SIM_CPUS];
static bool taken[NR_SIM_DOMAINS];
static bool many_cpus;

/* The last place is no domain's own. */
#define SPARE_PLACE (NR_SIM_DOMAINS - 1)
static const struct domain *spare_of;
static __thread u64 dice = 1;

void sim_pause(void)
{
	dice = dice * 6364136223846793005 + 1442695040888963407;
	if (many_cpus && !(dice >> 61))
		for (unsigned i = dice >> 48 & 0xff; i; i--)
			__builtin_ia32_pause();
}

void window_check(void) { }

static void *page_of_place(unsigned place)
{
	return (void *)(VA_WINDOW + (1 + place) * PAGE_SIZE);
}

static unsigned place_of(const struct domain *d)
{
	return mfn_x(d->shared_info_mfn) - 1;
}

/* ---- What the product takes from elsewhere -------------------------------------------------- */

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

void *public_alloc(size_t size) { return calloc(1, size); }
void public_free(void *p) { free(p); }

/* No guest page is given here, and nobody is visited. */
bool mfn_has_page(mfn_t m) { return false; }
bool page_get_asking(struct page_info *pg, const struct domain *d) { panic("a reference"); }
int page_type_get(struct page_info *pg, u64 type) { panic("a type"); }
void page_type_put(struct page_info *pg) { panic("a type"); }
void page_put_check(const struct page_info *pg) { panic("a reference"); }
void page_put_asking(struct page_info *pg) { panic("a reference"); }

int visit(struct domain *d, int (*fn)(struct domain *d, void *arg), void *arg)
{
	panic("a visit");
}

void vcpu_unblock(struct vcpu *v)
{
	__atomic_fetch_add(&sim_wakes[place_of(v->domain)], 1, __ATOMIC_RELAXED);
}

void vcpu_kick(struct vcpu *v) { }

long console_ring_sent(struct domain *d)
{
	panic("no console");
}

int pirq_bind(struct domain *d, u32 pirq, u32 port, bool will_share, u32 cpu)
{
	return -EINVAL;
}

void pirq_unbind(struct domain *d, u32 pirq, u32 port) { }
void pirq_move(struct domain *d, u32 pirq, u32 port, u32 cpu) { }

size_t raw_copy_from_guest(void *to, u64 from, size_t len)
{
	memcpy(to, (const void *)from, len);
	return 0;
}

size_t raw_copy_to_guest(u64 to, const void *from, size_t len)
{
	memcpy((void *)to, from, len);
	return 0;
}

bool hypercall_preempt_check(void)
{
	dice = dice * 6364136223846793005 + 1442695040888963407;
	return sim_preempt_odds && (dice >> 33) % sim_preempt_odds == 0;
}

long hypercall_continue_with(unsigned nr, const u64 *args, unsigned nr_args)
{
	sim_continued = true;
	return 0;
}

/* ---- Domains -------------------------------------------------------------------------------- */

void sim_init(void)
{
	void *window = mmap((void *)VA_WINDOW, (1 + NR_SIM_DOMAINS) * PAGE_SIZE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (window == MAP_FAILED)
		panic("no window");
	for (unsigned cpu = 0; cpu < NR_SIM_CPUS; cpu++) {
		idle[cpu] = (struct vcpu){ .is_idle = true, .cr3_kernel = 1 };
		cpus[cpu] = (struct cpu_private){ .id = cpu, .curr = &idle[cpu], .cr3 = 1,
						  .pub = &cpu_public[cpu] };
	}
	sim_cpu(0);
	spin_debug_start();
}

void sim_cpu(unsigned cpu)
{
	thread_cpu = &cpus[cpu];
	dice = cpu + 1;
	many_cpus |= cpu;
}

static void give_up(struct domain *d)
{
	taken[place_of(d)] = false;
	mprotect(page_of_place(place_of(d)), PAGE_SIZE, PROT_NONE);
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		for (unsigned part = 0; part < ARRAY_SIZE(d->vcpu[i]->posted_more); part++)
			free(d->vcpu[i]->posted_more[part]);
		free(d->vcpu[i]);
	}
	free(d);
}

struct domain *sim_create(domid_t domid)
{
	struct domain *d = calloc(1, sizeof(*d));
	unsigned place = 0;

	while (taken[place])
		if (++place == NR_SIM_DOMAINS)
			panic("too many domains");
	*d = (struct domain){ .domid = domid, .is_privileged = !domid, .nr_vcpus = NR_SIM_VCPUS,
			      .shared_info_mfn = _mfn(1 + place) };
	taken[place] = true;
	mprotect(page_of_place(place), PAGE_SIZE, PROT_READ | PROT_WRITE);
	memset(page_of_place(place), 0, PAGE_SIZE);
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		d->vcpu[i] = calloc(1, sizeof(*d->vcpu[i]));
		*d->vcpu[i] = (struct vcpu){ .domain = d, .id = i, .cr3_kernel = 0x1000 + i,
					     .state = VCPU_BLOCKED };
	}
	if (evtchn_domain_init(d))
		panic("no ports");
	if (domain_list_add(d)) {
		evtchn_domain_destroy(d);
		give_up(d);
		return NULL;
	}
	if (!domid)
		dom0 = d;
	return d;
}

void domain_destroy(struct domain *d)
{
	evtchn_domain_destroy(d);
	if (d == dom0)
		dom0 = NULL;
	give_up(d);
	__atomic_fetch_add(&sim_ended, 1, __ATOMIC_RELAXED);
}

void sim_load(struct domain *d, unsigned id)
{
	unsigned cpu = this_cpu.id;

	this_cpu.curr = d ? d->vcpu[id] : &idle[cpu];
	this_cpu.cr3 = this_cpu.curr->cr3_kernel;
	/* One CPU: nobody else's memory is there. */
	for (unsigned place = 0; !many_cpus && place < NR_SIM_DOMAINS; place++)
		mprotect(page_of_place(place), PAGE_SIZE,
			 d && (place_of(d) == place || (place == SPARE_PLACE && d == spare_of)) ?
			 PROT_READ | PROT_WRITE : PROT_NONE);
}

void *sim_spare_page(struct domain *d, mfn_t *m)
{
	*m = _mfn(1 + SPARE_PLACE);
	spare_of = d;
	sim_load(d, 0);
	return page_of_place(SPARE_PLACE);
}

u32 sim_unbound(struct domain *d, domid_t remote)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = remote };

	sim_load(d, 0);
	return hc_event_channel_op(EVTCHNOP_alloc_unbound, (u64)&op) ? 0 : op.port;
}

u32 sim_bound(struct domain *d, domid_t remote, u32 port)
{
	struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = port };

	sim_load(d, 0);
	return hc_event_channel_op(EVTCHNOP_bind_interdomain, (u64)&op) ? 0 : op.local_port;
}

void sim_end(struct domain *d)
{
	sim_load(NULL, 0);
	get_knownalive_domain(d);
	domain_kill(d);
	while (evtchn_destroy(d))
		;
	put_domain(d);
}
