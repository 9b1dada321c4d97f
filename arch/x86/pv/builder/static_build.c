/* SPDX-License-Identifier: MIT */
/*
 * From a static domain's description to the domain: see asm/static_build.h.
 */
#include <asm/static_build.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lib/bitmap.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <asm/gnttab.h>
#include <asm/percpu.h>

struct static_config static_config;

static char kernel_line[BOOT_MODULE_STRING_BYTES];
static char plan_name[8 + DOMAIN_NAME_BYTES];

/* What the user has said, and behind it where the shares of domain @i are. */
static const char *line_of(unsigned i)
{
	const struct static_domain *s = &static_config.domain[i];
	size_t n = snprintf(kernel_line, sizeof(kernel_line), "%s", s->cmdline);

	for (unsigned k = 0; k < s->nr_shares; k++) {
		unsigned owner, ref = static_share_ref(&static_config, i, k, &owner);

		n = min(n, sizeof(kernel_line) - 1);
		n += snprintf(kernel_line + n, sizeof(kernel_line) - n, "%sisola.share.%s=%u:%u",
			      n ? " " : "", s->share[k].name, static_domid(owner), ref);
	}
	return kernel_line;
}

void static_plan(struct build_plan *p, unsigned i)
{
	const struct static_domain *s = &static_config.domain[i];

	snprintf(plan_name, sizeof(plan_name), "domain %s", s->name);
	*p = (struct build_plan){
		.name = plan_name, .size_word = "mem", .domid = static_domid(i),
		.kernel = s->kernel, .initrd = s->ramdisk, .cmdline = line_of(i),
		.nr_pages = s->mem_bytes >> PAGE_SHIFT, .max_pages = s->mem_bytes >> PAGE_SHIFT,
		.nr_vcpus = s->nr_vcpus,
	};
	if (!bitmap_empty(s->pin, CONFIG_NR_CPUS) && bitmap_empty(s->pin, nr_cpus))
		fatal("module %u, domain %s: pin= names none of this machine's %u CPUs", s->kernel,
		      s->name, nr_cpus);
}

void static_settle(unsigned i, struct domain *d)
{
	const struct static_domain *s = &static_config.domain[i];

	strlcpy(d->name, s->name, sizeof(d->name));
	d->ends_machine = s->ends_machine;
	d->restarts = s->restarts;
	d->static_nr = i + 1;
	for (unsigned v = 0; v < d->nr_vcpus; v++)
		sched_set_pin(d->vcpu[v], s->pin);
	sched_set_weight(d, s->weight);
	sched_set_cap(d, s->cap);
}

/* ---- Ports ----------------------------------------------------------------------------------- */

/* The domain that was built by description @i, with a reference; NULL: it is not there. */
static struct domain *get_static(unsigned i)
{
	struct domain *d = get_domain_by_id(static_domid(i));

	if (d && d->static_nr != i + 1) {
		put_domain(d);
		d = NULL;
	}
	return d;
}

void static_connect(unsigned i, struct domain *d)
{
	const struct static_domain *s = &static_config.domain[i];

	for (unsigned n = 0; n < s->nr_ports; n++) {
		const struct static_port *p = &s->port[n];
		unsigned k = static_domain_by_name(&static_config, p->peer);
		struct domain *peer = get_static(k);

		evtchn_declare(d, p->port, static_domid(k));
		if (!peer)
			continue;
		evtchn_connect(d, p->port, peer, p->peer_port);
		put_domain(peer);
	}
}

/* ---- Shares ---------------------------------------------------------------------------------- */

/* Reference @ref of @owner's table is frame @m, for domain @user. */
static void lend(const struct domain *owner, unsigned ref, domid_t user, mfn_t m, bool writable)
{
	struct grant_entry_v1 *e = map_domain_page(owner->grants->frame[0]);

	e[ref] = (struct grant_entry_v1){
		.flags = GTF_permit_access | (writable ? 0 : GTF_readonly), .domid = user,
		.frame = mfn_x(m),
	};
	unmap_domain_page(e);
}

int static_make_shares(unsigned i, struct domain *d)
{
	const struct static_domain *s = &static_config.domain[i];

	for (unsigned n = 0; n < s->nr_shares; n++) {
		unsigned owner, ref = static_share_ref(&static_config, i, n, &owner);
		unsigned peer = static_domain_by_name(&static_config, s->share[n].peer);
		mfn_t m;

		if (owner != i)
			continue;
		if (domain_prepare_special_page(d, &m))
			return -ENOMEM;
		domain_adopt_special_page(d, m);
		lend(d, ref, d->domid, m, true);
		lend(d, ref + 1, static_domid(peer), m,
		     static_share_peer(&static_config, i, n)->writable);
	}
	return 0;
}
