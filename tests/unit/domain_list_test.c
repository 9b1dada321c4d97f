/* SPDX-License-Identifier: MIT */
/*
 * Which domains there are, and who keeps them: references come and go in any order, and the last
 * one ends the domain, once; the dying are not found, their numbers not given again; nobody looks
 * at the list without its lock (CONFIG_DEBUG: the functions ask).
 *
 * Flags: -Itests/unit/mm/include -DCONFIG_DEBUG
 * Sources: common/domain_list.c common/domain_ref.c common/base/spinlock.c
 */
#include "ends.h"
#include "tap.h"

#include <string.h>
#include <isola/domain.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/lock_order.h>

#define NR 8

struct cpu_private this_cpu;
bool world_irq_off;
static struct domain domain[NR + 1];
static unsigned ended[NR + 1];
static unsigned held_at_end;

void cpu_relax(void) { }

/* The end takes locks of its own, so the list's is free; and the list has forgotten it. */
void domain_destroy(struct domain *d)
{
	ended[d - domain]++;
	held_at_end += get_domain_by_id(d->domid) != NULL || domain_of_frames(d->domid) != NULL;
	d->domid = DOMID_INVALID;
}

static void start(void)
{
	static const domid_t ids[NR] = { 0, 5, 3, 7, 1, 0x7fef, 4, 2 };

	memset(ended, 0, sizeof(ended));
	for (unsigned i = 0; i < NR; i++) {
		domain[i] = (struct domain){ .domid = ids[i] };
		check(domain_list_add(&domain[i]) == 0, "domain %u is listed", ids[i]);
	}
}

static void end(void)
{
	for (unsigned i = 0; i < NR; i++)
		if (!ended[i] && !domain[i].is_dying)
			domain_kill(&domain[i]);
	for (unsigned i = 0; i < NR; i++)
		check(ended[i] == 1, "domain %u has ended %u times", i, ended[i]);
	check(!held_at_end, "what ends is not in the list any more");
}

static void lookups(void)
{
	start();
	for (unsigned i = 0; i < NR; i++) {
		check(get_domain_by_id(domain[i].domid) == &domain[i], "it is found");
		check(domain[i].refs == 2, "with a reference");
		check(domain_of_frames(domain[i].domid) == &domain[i] && domain[i].refs == 2,
		      "or without");
		check(domain_not_self(domain[i].domid) == -EPERM, "it is somebody");
		put_domain(&domain[i]);
		check(!ended[i] && domain[i].refs == 1, "which goes again");
	}
	check(!get_domain_by_id(6) && !get_domain_by_id(DOMID_SELF) && !get_domain_by_id(DOMID_IO),
	      "others are not");
	check(domain_not_self(6) == -ESRCH, "nobody");
	end();
	all_ok("domains are found by number");
}

static void numbers(void)
{
	struct domain *again = &domain[NR];

	start();
	*again = (struct domain){ .domid = 3 };
	check(domain_list_add(again) == -EEXIST, "a number is had once");
	get_knownalive_domain(&domain[2]);
	domain_kill(&domain[2]);
	check(domain_list_add(again) == -EEXIST, "while the dying has it, too");
	put_domain(&domain[2]);
	check(ended[2] == 1 && domain_list_add(again) == 0, "then it is free");
	check(get_domain_by_id(3) == again && again->refs == 2, "for another");
	put_domain(again);
	domain_kill(again);
	check(ended[NR] == 1, "which ends like any");
	end();
	all_ok("a number is not given twice");
}

static void dying(void)
{
	struct domain *d = &domain[1], *other;

	start();
	check(get_domain_by_id(5) == d, "a reference");
	domain_kill(d);
	check(!ended[1], "keeps it");
	check(ENDS(domain_kill(d)) && !ended[1], "nobody dies twice");
	check(!get_domain_by_id(5), "no new one to what is dying");
	check(domain_not_self(5) == -EPERM, "which still is somebody");
	check(domain_of_frames(5) == d, "its frames are its own");
	check(get_domain_from(5) == d, "who looks at all sees the dying");
	put_domain(d);
	d->refs = 0;
	other = get_domain_from(5);
	check(other && other != d, "but not one whose last reference has been put");
	put_domain(other);
	d->refs = 1;
	get_knownalive_domain(d);
	put_domain(d);
	check(!ended[1], "who has one may have another");
	put_domain(d);
	check(ended[1] == 1 && !domain_of_frames(5), "the last one ends it");
	end();
	all_ok("the dying are not found, and last as long as they are held");
}

/* Any order: lookups, gifts and kills of all, against a count of one's own. */
static void random_order(void)
{
	unsigned refs[NR];
	bool dead[NR];

	for (unsigned round = 0; round < 300; round++) {
		start();
		for (unsigned i = 0; i < NR; i++)
			refs[i] = 1, dead[i] = false;
		for (unsigned step = 0; step < 100; step++) {
			unsigned i = tap_random() % NR;
			struct domain *d = &domain[i];

			if (tap_random() % 8 == 0 && !dead[i]) {
				dead[i] = true;
				refs[i]--;
				domain_kill(d);
			} else if (tap_random() % 2 && refs[i] > !dead[i]) {
				refs[i]--;
				put_domain(d);
			} else if (refs[i]) {
				bool found = get_domain_by_id(d->domid) == d;

				check(found == !dead[i], "found while it lives");
				refs[i] += found;
			}
			check(ended[i] == !refs[i] && (ended[i] || d->refs == refs[i]),
			      "%u references of %u, ended %u", d->refs, refs[i], ended[i]);
		}
		for (unsigned i = 0; i < NR; i++) {
			if (!dead[i])
				domain_kill(&domain[i]), refs[i]--;
			for (; refs[i]; refs[i]--)
				put_domain(&domain[i]);
		}
		end();
	}
	all_ok("in any order the last reference ends a domain, once");
}

static void misuse(void)
{
	start();
	check(ENDS(put_domain(&domain[3])), "its own reference is given back by its kill alone");
	memset(domain, 0, sizeof(domain));
	check(ENDS(put_domain(&domain[3])), "none below the last");
	check(ENDS(get_knownalive_domain(&domain[3])), "none of what has gone");
	all_ok("references that were never had");
}

int main(void)
{
	spin_debug_start();
	lookups();
	numbers();
	dying();
	random_order();
	misuse();
	return done();
}
