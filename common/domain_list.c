/* SPDX-License-Identifier: MIT */
/*
 * Which domains there are: a list by number, under a lock of its own.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/spinlock.h>
#include <asm/precondition.h>

struct domain *dom0;

/* Protects the list and each domain's is_hidden and is_dying. */
static spinlock_t list_lock = SPINLOCK_INIT(LOCK_DOMAIN_LIST);
static struct domain *domain_list;	/* numbers rise; the auditor outside reads it */
static domid_t last_given;		/* by domain_list_add_next() */

/* Where the first domain is linked, or would be, whose number is not below @domid. */
static struct domain **place_of(domid_t domid)
{
	struct domain **at = &domain_list;

	ASSERT_LOCKED(&list_lock);
	while (*at && (*at)->domid < domid)
		at = &(*at)->next_in_list;
	return at;
}

static struct domain *find(domid_t domid)
{
	struct domain *d = *place_of(domid);

	return d && d->domid == domid ? d : NULL;
}

static int add(struct domain *d)
{
	struct domain **at = place_of(d->domid);

	ASSERT_LOCKED(&list_lock);
	if (*at && (*at)->domid == d->domid)
		return -EEXIST;
	d->refs = 1;
	d->is_dying = false;
	d->next_in_list = *at;
	*at = d;
	return 0;
}

int domain_list_add(struct domain *d)
{
	int rc;

	spin_lock(&list_lock);
	rc = add(d);
	spin_unlock(&list_lock);
	return rc;
}

/*
 * ABI: from behind the last that was given on, and round: a number is not had again soon. It is
 * tried once for each domain that there is, at most.
 */
int domain_list_add_next(struct domain *d)
{
	int rc = -EEXIST;

	spin_lock(&list_lock);
	for (u32 tried = 1; rc && tried < DOMID_FIRST_RESERVED; tried++) {
		last_given = last_given + 1u < DOMID_FIRST_RESERVED ? last_given + 1 : 1;
		d->domid = last_given;
		rc = add(d);
	}
	spin_unlock(&list_lock);
	return rc ? -ENOMEM : 0;
}

void domain_show(struct domain *d)
{
	spin_lock(&list_lock);
	d->is_hidden = false;
	spin_unlock(&list_lock);
}

void domain_list_remove(struct domain *d)
{
	struct domain **at;

	spin_lock(&list_lock);
	BUG_ON(!d->is_dying);
	at = place_of(d->domid);
	BUG_ON(*at != d);
	*at = d->next_in_list;
	spin_unlock(&list_lock);
}

bool domain_list_mark_dying(struct domain *d)
{
	bool was_dying;

	spin_lock(&list_lock);
	was_dying = d->is_dying;
	d->is_dying = true;
	spin_unlock(&list_lock);
	return !was_dying;
}

struct domain *get_domain_by_id(domid_t domid)
{
	struct domain *d;

	spin_lock(&list_lock);
	d = find(domid);
	if (d && (d->is_dying || d->is_hidden))
		d = NULL;
	if (d)
		get_knownalive_domain(d);
	spin_unlock(&list_lock);
	return d;
}

/* A reference, but on one whose last has been put: it is about to leave the list. */
static bool get_unless_gone(struct domain *d)
{
	u32 refs = READ_ONCE(d->refs);

	while (refs)
		if (__atomic_compare_exchange_n(&d->refs, &refs, refs + 1, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return true;
	return false;
}

struct domain *get_domain_from(domid_t domid)
{
	struct domain *d;

	spin_lock(&list_lock);
	for (d = *place_of(domid); d && (d->is_hidden || !get_unless_gone(d)); d = d->next_in_list)
		;
	spin_unlock(&list_lock);
	return d;
}

struct domain *domain_of_frames(domid_t domid)
{
	struct domain *d;

	spin_lock(&list_lock);
	d = find(domid);
	spin_unlock(&list_lock);
	return d;
}

int domain_not_self(domid_t domid)
{
	/* None that a guest could name has a number beyond. */
	return domid < DOMID_FIRST_RESERVED && domain_of_frames(domid) ? -EPERM : -ESRCH;
}

void get_knownalive_domain(struct domain *d)
{
	u32 before = __atomic_fetch_add(&d->refs, 1, __ATOMIC_SEQ_CST);

	BUG_ON(!before || before == ~0u);
}
