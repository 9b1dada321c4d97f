/* SPDX-License-Identifier: MIT */
/*
 * Debug keys, one function each. Letters as Xen has them.
 */
#include <isola/debug_keys.h>
#include <isola/clock.h>
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <asm/percpu.h>

static void show_keys(void);

static const char *state_name(const struct vcpu *v)
{
	static const char *const names[] = {
		[VCPU_DOWN] = "down", [VCPU_RUNNABLE] = "runnable", [VCPU_BLOCKED] = "blocked",
		[VCPU_POLLING] = "polling", [VCPU_DEAD] = "dead",
	};

	return names[READ_ONCE(v->state)];
}

static void for_each_domain(void (*fn)(struct domain *d))
{
	struct domain *d;

	for (domid_t next = 0; (d = get_domain_from(next));) {
		next = d->domid + 1;
		fn(d);
		put_domain(d);
	}
}

static void show_domain(struct domain *d)
{
	pr_info("Domain %u: %u pages of %u, %u vcpus, %u references%s%s", d->domid,
		READ_ONCE(d->nr_pages), d->max_pages, d->nr_vcpus, READ_ONCE(d->refs),
		READ_ONCE(d->is_shut_down) ? ", shut down" : "",
		READ_ONCE(d->is_dying) ? ", dying" : "");
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		pr_info("  vcpu %u: %s, CPU %u", i, state_name(d->vcpu[i]),
			READ_ONCE(d->vcpu[i]->cpu));
}

static void show_domains(void)
{
	for_each_domain(show_domain);
}

static void show_ports_of(struct domain *d)
{
	pr_info("Domain %u: %u event ports at most in use", d->domid, READ_ONCE(d->nr_evtchns));
}

static void show_ports(void)
{
	for_each_domain(show_ports_of);
}

static void show_memory(void)
{
	pr_info("%lu pages free, and %lu in the public heap", nr_free_pages(),
		nr_free_public_pages());
}

static void show_runs(void)
{
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		const struct vcpu *v = READ_ONCE(cpu_public[cpu].running);

		if (v->is_idle)
			pr_info("CPU %u: idle", cpu);
		else
			pr_info("CPU %u: d%uv%u", cpu, v->domain->domid, v->id);
	}
}

static void show_time(void)
{
	pr_info("system time %lu ns, TSC %u kHz", now_ns(), (u32)tsc_khz);
}

static const struct {
	char key;
	void (*fn)(void);
	const char *what;
} keys[] = {
	{ 'e', show_ports, "show event ports" },
	{ 'h', show_keys, "show the keys" },
	{ 'm', show_memory, "show memory" },
	{ 'q', show_domains, "show domains and vcpus" },
	{ 'r', show_runs, "show who runs" },
	{ 't', show_time, "show the clock" },
};

static void show_keys(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		pr_info(" key '%c' -> %s", keys[i].key, keys[i].what);
}

void debug_key(char key)
{
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].key == key) {
			pr_info("'%c' pressed -> %s", key, keys[i].what);
			keys[i].fn();
		}
}
