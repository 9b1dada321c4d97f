/* SPDX-License-Identifier: MIT */
/*
 * What debug keys tell: letters as Xen has them.
 *
 * Only public objects are looked at, whoever's they are: no register, no memory and no console of a
 * guest's. What a domain's vcpus hold is for the control domain to ask (xenctx), not for the log.
 */
#include <isola/debug_keys.h>
#include <isola/clock.h>
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <isola/power.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/time.h>
#include <isola/timer.h>
#include <isola/vcpu.h>
#include <isola/lib/bitmap.h>
#include <asm/debug_keys.h>
#include <asm/gnttab.h>
#include <asm/percpu.h>
#include <asm/pirq.h>
#include <xen/sched.h>

#define LINES	8u			/* that one step tells, and no more than two beside them */

/* ---- Domain by domain ------------------------------------------------------------------------ */

/* @tell of the domain that the cursor stands at; behind its last step comes the next. */
static bool for_each_domain(struct debug_cursor *at,
			    bool (*tell)(struct domain *d, struct debug_cursor *at))
{
	struct domain *d = get_domain_from(at->domid);

	if (!d)
		return false;
	if (d->domid != at->domid)
		at->n = at->m = 0;
	at->domid = d->domid;
	if (!tell(d, at)) {
		at->domid++;
		at->n = at->m = 0;
	}
	put_domain(d);
	return true;
}

static const char *state_name(const struct vcpu *v)
{
	static const char *const names[] = {
		[VCPU_DOWN] = "down", [VCPU_RUNNABLE] = "runnable", [VCPU_BLOCKED] = "blocked",
		[VCPU_POLLING] = "polling", [VCPU_DEAD] = "dead",
	};

	return names[READ_ONCE(v->state)];
}

static void tell_vcpu(const struct vcpu *v)
{
	u32 on = READ_ONCE(v->on_cpu);

	if (on != NO_CPU)
		pr_info("  vcpu %u: %s, on CPU %u, paused %u times%s", v->id, state_name(v), on,
			READ_ONCE(v->pauses), READ_ONCE(v->posted_any) ? ", events posted" : "");
	else
		pr_info("  vcpu %u: %s, last on CPU %u, paused %u times%s", v->id, state_name(v),
			READ_ONCE(v->cpu), READ_ONCE(v->pauses),
			READ_ONCE(v->posted_any) ? ", events posted" : "");
}

static void tell_head(const struct domain *d)
{
	pr_info("Domain %u%s%s: %u pages of %u, %u vcpus, weight %u, %u references%s%s", d->domid,
		d->name[0] ? " " : "", d->name, READ_ONCE(d->nr_pages), d->max_pages, d->nr_vcpus,
		sched_weight(d), READ_ONCE(d->refs),
		READ_ONCE(d->is_shut_down) ? ", shut down" : "",
		READ_ONCE(d->is_dying) ? ", dying" : "");
}

static bool tell_domain(struct domain *d, struct debug_cursor *at)
{
	unsigned end = min(at->n + LINES, READ_ONCE(d->nr_vcpus));

	if (!at->n)
		tell_head(d);
	for (; at->n < end; at->n++)
		tell_vcpu(d->vcpu[index_nospec(at->n, MAX_VCPUS)]);
	return at->n < READ_ONCE(d->nr_vcpus);
}

static bool tell_domains(struct debug_cursor *at)
{
	return for_each_domain(at, tell_domain);
}

static bool tell_dom0(struct debug_cursor *at)
{
	return dom0 && tell_domain(dom0, at);
}

/* ---- Ports ----------------------------------------------------------------------------------- */

#define PORTS_A_STEP 512u

/* A port's word, read once: whole. */
static void tell_port(u32 port, struct evtchn e)
{
	switch (e.state) {
	case EVTCHN_UNBOUND:
	case EVTCHN_CONSUMED_UNBOUND:
		pr_info("  port %u: unbound, for d%u", port, e.remote_domid);
		break;
	case EVTCHN_INTERDOMAIN:
	case EVTCHN_CONSUMED:
		pr_info("  port %u: d%u's port %u, vcpu %u", port, e.remote_domid, e.remote_port,
			e.notify_vcpu);
		break;
	case EVTCHN_VIRQ:
		pr_info("  port %u: VIRQ %u, vcpu %u", port, e.virq, e.notify_vcpu);
		break;
	case EVTCHN_IPI:
		pr_info("  port %u: IPI, vcpu %u", port, e.notify_vcpu);
		break;
	case EVTCHN_PIRQ:
		pr_info("  port %u: pirq %u, vcpu %u", port, e.pirq, e.notify_vcpu);
		break;
	default:
		pr_info("  port %u: the hypervisor's console", port);
	}
}

static bool tell_ports_of(struct domain *d, struct debug_cursor *at)
{
	struct evtchn e;
	u32 told = 0, end = at->n + PORTS_A_STEP;

	if (!at->n)
		pr_info("Domain %u: event ports", d->domid);
	for (; at->n < end && told < LINES; at->n++) {
		if (!evtchn_look(d, at->n, &e))
			return false;
		if (e.state == EVTCHN_FREE || e.state == EVTCHN_RESERVED)
			continue;
		tell_port(at->n, e);
		told++;
	}
	return true;
}

static bool tell_ports(struct debug_cursor *at)
{
	return for_each_domain(at, tell_ports_of);
}

/* ---- Grants ---------------------------------------------------------------------------------- */

struct pinned {
	u32 ref;
	struct grant_pins pins;
};

/* Up to @nr entries in use in frame @f of @t, from the one at *@from on, which moves. */
static u32 collect_pinned(struct grant_table *t, u32 f, u32 *from, struct pinned *to, u32 nr)
{
	u32 found = 0;

	spin_lock(&t->lock);
	if (f < t->nr_frames && t->pins[f])
		for (; *from < GNTTAB_REFS_PER_FRAME && found < nr; ++*from) {
			const struct grant_pins *p = &t->pins[f][*from];

			if (p->readers || p->writers)
				to[found++] = (struct pinned){ f * (u32)GNTTAB_REFS_PER_FRAME +
							       *from, *p };
		}
	else
		*from = GNTTAB_REFS_PER_FRAME;
	spin_unlock(&t->lock);
	return found;
}

/* n: frame of the table, m: entry in it. */
static bool tell_grants_of(struct domain *d, struct debug_cursor *at)
{
	struct grant_table *t = d->grants;
	struct pinned p[LINES];
	u32 nr;

	if (!t)
		return false;
	if (!at->n && !at->m)
		pr_info("Domain %u: grant table of %u frames of %u, %u handles made%s", d->domid,
			READ_ONCE(t->nr_frames), t->max_frames, READ_ONCE(t->nr_handles),
			READ_ONCE(t->closed) ? ", closed" : "");
	nr = collect_pinned(t, index_nospec(at->n, GNTTAB_MAX_FRAMES), &at->m, p, LINES);
	for (u32 i = 0; i < nr; i++)
		pr_info("  entry %u: frame %x used by d%u, %u to read, %u to write", p[i].ref,
			p[i].pins.mfn, p[i].pins.domid, p[i].pins.readers, p[i].pins.writers);
	if (at->m == GNTTAB_REFS_PER_FRAME) {
		at->m = 0;
		at->n++;
	}
	return at->n < READ_ONCE(t->nr_frames);
}

static bool tell_grants(struct debug_cursor *at)
{
	return for_each_domain(at, tell_grants_of);
}

/* ---- The machine ----------------------------------------------------------------------------- */

static bool tell_memory(struct debug_cursor *at __maybe_unused)
{
	pr_info("%lu pages free, and %lu of %lu in the public heap", nr_free_pages(),
		nr_free_public_pages(), nr_public_pages());
	return false;
}

/* What it would take registers for, is told by whom it runs and what is due there. */
static void tell_cpu(u32 cpu)
{
	const struct cpu_public *c = &cpu_public[index_nospec(cpu, CONFIG_NR_CPUS)];
	struct sched_place p;

	if (sched_look_at(cpu, &p))
		pr_info("CPU %u: d%uv%u, APIC id %u, softirqs %x", cpu, p.domid, p.id, c->apic_id,
			READ_ONCE(c->softirq_pending));
	else
		pr_info("CPU %u: idle, APIC id %u, softirqs %x", cpu, c->apic_id,
			READ_ONCE(c->softirq_pending));
	if (READ_ONCE(c->loaded.vcpu) && READ_ONCE(c->loaded.vcpu) != READ_ONCE(c->running))
		pr_info("  its root is still another's");
	if (READ_ONCE(c->loaded.visited))
		pr_info("  it is on a visit");
}

static bool tell_cpus(struct debug_cursor *at)
{
	if (at->n < nr_cpus)
		tell_cpu(at->n);
	return ++at->n < nr_cpus;
}

static bool tell_runs(struct debug_cursor *at)
{
	struct sched_place p[LINES];
	u32 nr = sched_look(at->n, p, LINES);

	if (!at->n)
		pr_info("queue of those that could run, who has had least first; %u CPUs", nr_cpus);
	for (u32 i = 0; i < nr; i++)
		if (p[i].on_cpu == NO_CPU)
			pr_info("  d%uv%u: waits, weight %u, has had %lu ns", p[i].domid, p[i].id,
				p[i].weight, p[i].vruntime);
		else
			pr_info("  d%uv%u: on CPU %u, weight %u, has had %lu ns", p[i].domid,
				p[i].id, p[i].on_cpu, p[i].weight, p[i].vruntime);
	at->n += nr;
	return nr == LINES;
}

static bool tell_interrupts(struct debug_cursor *at)
{
	struct pirq_look line;
	u32 told = 0;

	for (; told < LINES && pirq_look(at->n, &line); at->n++) {
		if (!line.vector && line.domid == DOMID_INVALID)
			continue;
		told++;
		if (line.is_msi)
			pr_info("  pirq %u: vector %x, message of %02x:%02x.%u, d%u's port %u%s",
				at->n, line.vector, line.bdf >> 8, line.bdf >> 3 & 0x1f,
				line.bdf & 7, line.domid, line.port, line.rests ? ", rests" : "");
		else
			pr_info("  GSI %u: vector %x, %s, d%u's port %u%s%s", at->n, line.vector,
				line.level ? "level" : "edge", line.domid, line.port,
				line.waits ? ", waits for its EOI" : "",
				line.rests ? ", rests" : "");
	}
	return told == LINES;
}

static bool tell_timers(struct debug_cursor *at)
{
	u64 first, now = now_ns();
	u32 cpu = index_nospec(at->n, CONFIG_NR_CPUS), nr = timer_look(cpu, &first);

	if (nr)
		pr_info("CPU %u: %u timers, the first in %ld us", cpu, nr,
			(long)(first - now) / 1000);
	else
		pr_info("CPU %u: no timers", cpu);
	return ++at->n < nr_cpus;
}

static bool tell_time(struct debug_cursor *at __maybe_unused)
{
	pr_info("system time %lu ns, TSC %u kHz", now_ns(), (u32)tsc_khz);
	return false;
}

static bool reboot(struct debug_cursor *at __maybe_unused)
{
	machine_end(SHUTDOWN_reboot);
}

static const struct debug_key keys[] = {
	{ '0', tell_dom0, "show Dom0's vcpus", false },
	{ 'R', reboot, "reboot machine", false },
	{ 'a', tell_timers, "show timers", true },
	{ 'd', tell_cpus, "show what CPUs do", true },
	{ 'e', tell_ports, "show event ports", true },
	{ 'g', tell_grants, "show grant tables, and entries in use", true },
	{ 'h', debug_keys_show, "show this message", false },
	{ 'i', tell_interrupts, "show interrupts of devices", true },
	{ 'm', tell_memory, "show memory", true },
	{ 'q', tell_domains, "show domains and vcpus", true },
	{ 'r', tell_runs, "show the run queue", true },
	{ 't', tell_time, "show the clock", true },
};

void debug_keys_start(void)
{
	debug_keys_init(keys, ARRAY_SIZE(keys));
}
