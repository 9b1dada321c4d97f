/* SPDX-License-Identifier: MIT */
/*
 * The words of module lines that describe domains: see asm/static_domain.h.
 *
 *   domain=NAME mem=SIZE [vcpus=N] [weight=N] [cap=N] [pin=CPUS] [port=N:PEER.M]
 *     [share=NAME:rw|ro:PEER] [onend=restart|halt|stay] [type=pv|pvh] [-- ...]
 *   ramdisk=NAME
 *
 * A line that begins with neither is dom0's, as it has always been: its kernel, then its initrd.
 */
#include <asm/cache_tracking.h>
#include <asm/console_ring.h>
#include <asm/static_domain.h>
#include <isola/errno.h>
#include <isola/lib/bitmap.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>
#include <isola/sched.h>
#include <isola/vcpu.h>

#define WEIGHT_MAX	65535

/* Put *@why together in @c. Evaluates to -EINVAL. */
#define config_fail(c, ...) \
	(snprintf((c)->fault, sizeof((c)->fault), __VA_ARGS__), *why = (c)->fault, -EINVAL)

/* ---- Words ----------------------------------------------------------------------------------- */

struct word {
	const char *start, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Step over the next word of *@s; false: there is none. */
static bool next_word(const char **s, struct word *w)
{
	while (is_blank(**s))
		(*s)++;
	w->start = *s;
	while (**s && !is_blank(**s))
		(*s)++;
	w->end = *s;
	return w->start < w->end;
}

/* Where @c stands first in [@s, @end); @end: nowhere. */
static const char *find(const char *s, const char *end, char c)
{
	while (s < end && *s != c)
		s++;
	return s;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* [@s, @end) as a domain's name. Returns what is wrong with it, or NULL. */
static const char *read_name(const char *s, const char *end, char to[DOMAIN_NAME_BYTES])
{
	u64 len = end - s;

	if (!len)
		return "a name is missing";
	if (len >= DOMAIN_NAME_BYTES)
		return "a name has at most 15 characters";
	for (u64 i = 0; i < len; i++)
		if (!is_name_char(s[i]))
			return "a name is made of letters, digits, '-' and '_'";
	memcpy(to, s, len);
	to[len] = '\0';
	return NULL;
}

static bool is_name(const char *s, const char *end, const char *name)
{
	u64 len = strlen(name);

	return (u64)(end - s) == len && !memcmp(s, name, len);
}

static const char *read_number(const char *s, const char *end, u64 least, u64 most, u64 *to)
{
	u64 v;

	if (cmdline_parse_u64(s, end, &v))
		return "a number is wanted";
	if (v < least || v > most)
		return "the number is out of range";
	*to = v;
	return NULL;
}

/* ---- Values: what is wrong with [@s, @end), or NULL. ----------------------------------------- */

static const char *set_mem(struct static_domain *d, const char *s, const char *end)
{
	if (cmdline_parse_size(s, end, &d->mem_bytes))
		return "a size is wanted, like 256M";
	if (d->mem_bytes < PAGE_SIZE || d->mem_bytes >> PAGE_SHIFT > ~0u)
		return "no domain can have so much memory, or so little";
	return NULL;
}

static const char *set_vcpus(struct static_domain *d, const char *s, const char *end)
{
	return read_number(s, end, 1, MAX_VCPUS, &d->nr_vcpus);
}

static const char *set_weight(struct static_domain *d, const char *s, const char *end)
{
	return read_number(s, end, 1, WEIGHT_MAX, &d->weight);
}

/* Against what vcpus= says: read_words(). */
static const char *set_cap(struct static_domain *d, const char *s, const char *end)
{
	return read_number(s, end, 0, 100 * MAX_VCPUS, &d->cap);
}

/* `0-2,5': as xl's cpus=, without its words. */
static const char *set_pin(struct static_domain *d, const char *s, const char *end)
{
	for (;; s++) {
		const char *item = find(s, end, ','), *dash = find(s, item, '-'), *why;
		u64 first, last;

		why = read_number(s, dash, 0, CONFIG_NR_CPUS - 1, &first);
		last = first;
		if (!why && dash < item)
			why = read_number(dash + 1, item, first, CONFIG_NR_CPUS - 1, &last);
		if (why)
			return why;
		bitmap_set_range(d->pin, first, last - first + 1);
		s = item;
		if (s == end)
			return NULL;
	}
}

/* `3:db.5': port 3 here is connected with port 5 of domain db. */
static const char *set_port(struct static_domain *d, const char *s, const char *end)
{
	const char *colon = find(s, end, ':'), *dot = find(colon, end, '.'), *why;
	struct static_port *p = &d->port[d->nr_ports];
	u64 port, peer_port;

	if (dot == end)
		return "a port is declared as in 3:db.5";
	if (d->nr_ports == STATIC_PORTS)
		return "a domain declares at most 16 ports";
	why = read_number(s, colon, 1, STATIC_PORT_LAST, &port);
	why = why ? why : read_name(colon + 1, dot, p->peer);
	why = why ? why : read_number(dot + 1, end, 1, STATIC_PORT_LAST, &peer_port);
	if (why)
		return why;
	if (port == CONSOLE_RING_PORT || peer_port == CONSOLE_RING_PORT)
		return "port 2 is the console's";
	for (unsigned i = 0; i < d->nr_ports; i++)
		if (d->port[i].port == port)
			return "the port is declared twice";
	p->port = port;
	p->peer_port = peer_port;
	d->nr_ports++;
	return NULL;
}

/* `ring:rw:db': a page called ring, which domain db has, too; for us to read and write. */
static const char *set_share(struct static_domain *d, const char *s, const char *end)
{
	const char *colon = find(s, end, ':'), *second = find(colon + (colon < end), end, ':');
	struct static_share *h = &d->share[d->nr_shares];
	const char *why;

	if (second == end)
		return "a share is declared as in ring:rw:db";
	if (d->nr_shares == STATIC_SHARES)
		return "a domain declares at most 8 shares";
	h->writable = is_name(colon + 1, second, "rw");
	if (!h->writable && !is_name(colon + 1, second, "ro"))
		return "a share is rw or ro";
	why = read_name(s, colon, h->name);
	why = why ? why : read_name(second + 1, end, h->peer);
	if (why)
		return why;
	for (unsigned i = 0; i < d->nr_shares; i++)
		if (!strcmp(d->share[i].name, h->name))
			return "the share is declared twice";
	d->nr_shares++;
	return NULL;
}

static const char *set_onend(struct static_domain *d, const char *s, const char *end)
{
	d->ends_machine = cmdline_is(s, end, "halt");
	d->restarts = cmdline_is(s, end, "restart");
	if (d->ends_machine || d->restarts || cmdline_is(s, end, "stay"))
		return NULL;
	return "it is restart, halt or stay";
}

static const char *set_type(struct static_domain *d, const char *s, const char *end)
{
	d->is_pvh = cmdline_is(s, end, "pvh");
	return d->is_pvh || cmdline_is(s, end, "pv") ? NULL : "it is pv or pvh";
}

static const char *set_cache_tracking(struct static_domain *d, const char *s, const char *end)
{
	d->has_cache_tracking = true;
	return cache_tracking_parse(s, end, &d->cache_tracking) ? NULL :
								  "it is no, all or touched";
}

static const struct setting {
	const char *name;
	const char *(*set)(struct static_domain *d, const char *s, const char *end);
	bool repeats;
} settings[] = {
	{ "mem", set_mem, false },
	{ "vcpus", set_vcpus, false },
	{ "weight", set_weight, false },
	{ "cap", set_cap, false },
	{ "pin", set_pin, false },
	{ "port", set_port, true },
	{ "share", set_share, true },
	{ "onend", set_onend, false },
	{ "type", set_type, false },
	{ "cache-tracking", set_cache_tracking, false },
};

/* ---- Lines ----------------------------------------------------------------------------------- */

unsigned static_domain_by_name(const struct static_config *c, const char *name)
{
	unsigned i = 0;

	while (i < c->nr && strcmp(c->domain[i].name, name))
		i++;
	return i;
}

static struct static_domain *find_domain(struct static_config *c, const char *s, const char *end)
{
	for (unsigned i = 0; i < c->nr; i++)
		if (is_name(s, end, c->domain[i].name))
			return &c->domain[i];
	return NULL;
}

/* One word of a domain's line; bit i of *@seen: settings[i] was there. What is wrong, or NULL. */
static const char *read_setting(struct static_domain *d, const struct word *w, u32 *seen)
{
	for (unsigned i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *t = &settings[i];
		const char *value;

		if (!cmdline_has_value(w->start, w->end, t->name, &value))
			continue;
		if ((*seen & 1u << i) && !t->repeats)
			return "the word is there twice";
		*seen |= 1u << i;
		return t->set(d, value, w->end);
	}
	return "unknown word (the kernel's own stand behind --)";
}

/* What is not built for a domain of its type; NULL: nothing of that is asked for. */
static const char *beyond_its_type(const struct static_domain *d)
{
	if (!d->is_pvh)
		return d->has_cache_tracking ? "cache-tracking=" : NULL;
	if (d->restarts)
		return "onend=restart";
	return d->nr_shares ? "share=" : NULL;
}

/* The rest of the line that began with domain=NAME, from @s on. */
static int read_words(struct static_config *c, struct static_domain *d, const char *s,
		      const char **why)
{
	struct word w;
	u32 seen = 0;

	while (next_word(&s, &w)) {
		const char *wrong;

		if (is_name(w.start, w.end, "--")) {
			while (is_blank(*s))
				s++;
			d->cmdline = s;
			break;
		}
		wrong = read_setting(d, &w, &seen);
		if (wrong)
			return config_fail(c, "module %u, domain %s: \"%.*s\": %s", d->kernel,
					   d->name, (int)min(w.end - w.start, 60l), w.start, wrong);
	}
	if (d->cap > 100 * d->nr_vcpus)
		return config_fail(c, "module %u, domain %s: cap=%lu is more than its %lu vCPUs "
				   "can use", d->kernel, d->name, d->cap, d->nr_vcpus);
	if (beyond_its_type(d))
		return config_fail(c, "module %u, domain %s: %s is not built for type=%s",
				   d->kernel, d->name, beyond_its_type(d),
				   d->is_pvh ? "pvh" : "pv");
	if (!d->mem_bytes)
		return config_fail(c, "module %u, domain %s: mem= is missing", d->kernel, d->name);
	return 0;
}

static int read_domain(struct static_config *c, unsigned module, const struct word *name,
		       const char *rest, const char **why)
{
	struct static_domain *d = &c->domain[c->nr];
	const char *wrong;

	if (c->nr == STATIC_DOMAINS)
		return config_fail(c, "module %u: more than %u domains", module, STATIC_DOMAINS);
	*d = (struct static_domain){
		.kernel = module, .ramdisk = NO_MODULE, .cmdline = "", .nr_vcpus = 1,
		.weight = DEFAULT_WEIGHT, .cache_tracking = opt_cache_tracking,
	};
	wrong = read_name(name->start, name->end, d->name);
	if (!wrong && (!strcmp(d->name, "dom0") || find_domain(c, name->start, name->end)))
		wrong = "the name is taken";
	if (wrong)
		return config_fail(c, "module %u: \"domain=%.*s\": %s", module,
				   (int)min(name->end - name->start, 60l), name->start, wrong);
	c->nr++;
	return read_words(c, d, rest, why);
}

/* Ramdisks may come before their domains, so they are looked at in a second turn. */
static int read_ramdisk(struct static_config *c, unsigned module, const struct word *name,
			const char *rest, const char **why)
{
	struct static_domain *d = find_domain(c, name->start, name->end);
	struct word more;
	int shown = min(name->end - name->start, 60l);

	if (!d)
		return config_fail(c, "module %u: \"ramdisk=%.*s\": there is no such domain",
				   module, shown, name->start);
	if (d->ramdisk != NO_MODULE)
		return config_fail(c, "module %u: \"ramdisk=%.*s\": it has one, module %u", module,
				   shown, name->start, d->ramdisk);
	if (next_word(&rest, &more))
		return config_fail(c, "module %u: \"%.*s\": a ramdisk has no words", module,
				   (int)min(more.end - more.start, 60l), more.start);
	d->ramdisk = module;
	return 0;
}

/* The lines that begin with @key=NAME, each by @read. */
static int read_lines(const struct boot_info *info, struct static_config *c, const char *key,
		      int (*read)(struct static_config *c, unsigned module, const struct word *name,
				  const char *rest, const char **why),
		      const char **why)
{
	for (unsigned i = 0; i < info->nr_modules; i++) {
		const char *s = info->module[i].string;
		struct word w;
		int rc;

		if (!next_word(&s, &w) || !cmdline_has_value(w.start, w.end, key, &w.start))
			continue;
		rc = read(c, i, &w, s, why);
		if (rc)
			return rc;
	}
	return 0;
}

static void find_dom0(const struct boot_info *info, struct static_config *c)
{
	c->dom0_kernel = c->dom0_ramdisk = NO_MODULE;
	for (unsigned i = 0; i < info->nr_modules; i++) {
		const char *s = info->module[i].string, *value;
		struct word w;

		if (info->module[i].is_microcode)
			continue;
		if (next_word(&s, &w) && (cmdline_has_value(w.start, w.end, "domain", &value) ||
					  cmdline_has_value(w.start, w.end, "ramdisk", &value)))
			continue;
		if (c->dom0_kernel == NO_MODULE)
			c->dom0_kernel = i;
		else if (c->dom0_ramdisk == NO_MODULE)
			c->dom0_ramdisk = i;
	}
}

/* ---- What only both ends know ---------------------------------------------------------------- */

/* The declaration of @d that mirrors @p of @of; NULL: there is none. */
static const struct static_port *mirror_of(const struct static_domain *of,
					   const struct static_port *p,
					   const struct static_domain *d)
{
	for (unsigned i = 0; i < d->nr_ports; i++)
		if (d->port[i].port == p->peer_port && d->port[i].peer_port == p->port &&
		    !strcmp(d->port[i].peer, of->name))
			return &d->port[i];
	return NULL;
}

static int check_ports(struct static_config *c, const struct static_domain *d, const char **why)
{
	for (unsigned i = 0; i < d->nr_ports; i++) {
		const struct static_port *p = &d->port[i];
		const struct static_domain *peer =
			find_domain(c, p->peer, p->peer + strlen(p->peer));

		if (!peer || peer == d)
			return config_fail(c, "module %u, domain %s: \"port=%u:%s.%u\": %s",
					   d->kernel, d->name, p->port, p->peer, p->peer_port,
					   peer ? "that is the domain itself"
						: "no line describes that domain");
		if (!mirror_of(d, p, peer))
			return config_fail(c, "module %u, domain %s: \"port=%u:%s.%u\": domain %s "
					   "does not declare port=%u:%s.%u", d->kernel, d->name,
					   p->port, p->peer, p->peer_port, p->peer, p->peer_port,
					   d->name, p->port);
	}
	return 0;
}

/* The declaration of @d that share @h of @of is about, too; NULL: there is none. */
static const struct static_share *same_share(const struct static_domain *of,
					     const struct static_share *h,
					     const struct static_domain *d)
{
	for (unsigned i = 0; i < d->nr_shares; i++)
		if (!strcmp(d->share[i].name, h->name) && !strcmp(d->share[i].peer, of->name))
			return &d->share[i];
	return NULL;
}

/* How many of the first @n shares of domain @i are its own. */
static unsigned nr_owned(const struct static_config *c, unsigned i, unsigned n)
{
	unsigned nr = 0;

	for (unsigned k = 0; k < n; k++)
		nr += static_domain_by_name(c, c->domain[i].share[k].peer) > i;
	return nr;
}

/* What is wrong with share @n of domain @i, or NULL. */
static const char *wrong_share(const struct static_config *c, unsigned i, unsigned n)
{
	const struct static_domain *d = &c->domain[i];
	const struct static_share *h = &d->share[n];
	unsigned peer = static_domain_by_name(c, h->peer);

	if (peer == c->nr)
		return "no line describes that domain";
	if (peer == i)
		return "that is the domain itself";
	if (!same_share(d, h, &c->domain[peer]))
		return "that domain does not declare it";
	if (peer > i && !h->writable)
		return "the domain that comes first owns the page, and may write it";
	if (peer > i && nr_owned(c, i, n) == STATIC_OWN_SHARES)
		return "a domain owns at most 3 shares";
	return NULL;
}

static int check_shares(struct static_config *c, unsigned i, const char **why)
{
	const struct static_domain *d = &c->domain[i];

	for (unsigned n = 0; n < d->nr_shares; n++) {
		const char *wrong = wrong_share(c, i, n);

		if (wrong)
			return config_fail(c, "module %u, domain %s: \"share=%s:%s:%s\": %s",
					   d->kernel, d->name, d->share[n].name,
					   d->share[n].writable ? "rw" : "ro", d->share[n].peer,
					   wrong);
	}
	return 0;
}

const struct static_share *static_share_peer(const struct static_config *c, unsigned i, unsigned n)
{
	const struct static_share *h = &c->domain[i].share[n];

	return same_share(&c->domain[i], h, &c->domain[static_domain_by_name(c, h->peer)]);
}

/* Of each of the owner's pages the first is its own, the second the other's. */
unsigned static_share_ref(const struct static_config *c, unsigned i, unsigned n, unsigned *owner)
{
	const struct static_share *h = &c->domain[i].share[n];
	unsigned peer = static_domain_by_name(c, h->peer);

	*owner = min(i, peer);
	if (peer < i)
		n = static_share_peer(c, i, n) - c->domain[peer].share;
	return STATIC_FIRST_REF + 2 * nr_owned(c, *owner, n) + (peer < i);
}

int static_config_read(const struct boot_info *info, struct static_config *c, const char **why)
{
	int rc;

	memset(c, 0, sizeof(*c));
	find_dom0(info, c);
	rc = read_lines(info, c, "domain", read_domain, why);
	if (!rc)
		rc = read_lines(info, c, "ramdisk", read_ramdisk, why);
	for (unsigned i = 0; i < c->nr && !rc; i++)
		rc = check_ports(c, &c->domain[i], why);
	for (unsigned i = 0; i < c->nr && !rc; i++)
		rc = check_shares(c, i, why);
	return rc;
}
