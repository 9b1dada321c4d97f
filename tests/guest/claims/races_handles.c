/* SPDX-License-Identifier: MIT */
/*
 * races_handles: two vCPUs and one grant.
 *
 * The rule: of two calls that cannot both be right one is refused, or they come one after the
 * other; what a mapping held is given back once, and no handle is had twice.
 */
#define TOPIC "races"
#include "../claim.h"
#include "../lending.h"
#include "races.h"
#include "../clock.h"
#include "../text.h"

static volatile uint64_t rounds_done;

static volatile uint32_t handle;
static volatile uint64_t mapped_at, device_at;

static long unmap_it(void)
{
	return grant_unmap(handle, mapped_at, device_at);
}

CLAIM(unmap_both, "of two vCPUs that unmap one handle at the same time exactly one does, and what "
		  "the mapping held is given back once")
{
	uint64_t *page = page_alloc();

	together_start();
	for (unsigned int round = 0; round < 300; round++) {
		struct gnttab_map_grant_ref m;
		struct answers a;

		grant(FIRST_REF, mfn_of(page), GTF_permit_access);
		/* A mapping for a device has no entry that would show who came second. */
		mapped_at = round % 2 ? ARG(window(0)) : 0;
		m = grant_map(FIRST_REF, mapped_at,
			      round % 2 ? GNTMAP_host_map : GNTMAP_device_map);
		CHECK_OK(m.status);
		device_at = round % 2 ? 0 : m.dev_bus_addr;
		handle = m.handle;
		a = together(unmap_it, unmap_it);
		CHECK_SAY((a.mine == 0) + (a.theirs == 0) == 1, "answers %ld and %ld, round %u",
			  a.mine, a.theirs, round);
		CHECK(a.mine == 0 || a.mine == GNTST_bad_handle || a.mine == GNTST_general_error);
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	}
	together_stop();
	check_free_of_uses(page);
}

static void job_unmap_guesses(void)
{
	while (!stop) {
		for (uint32_t h = 0; h < 4; h++) {
			struct gnttab_unmap_grant_ref u = { .host_addr = ARG(window(0)),
							    .handle = h };

			HC3(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
		}
		rounds_done++;
	}
}

CLAIM(unmap_while_mapped, "a handle unmapped by another vCPU that guesses its number, while it is "
			  "being made, is not used before it is whole")
{
	uint64_t *page = page_alloc();

	other_start();
	stop = false;
	rounds_done = 0;
	job = job_unmap_guesses;
	for (unsigned int round = 0; round < 100 || rounds_done < 100; round++) {
		struct gnttab_map_grant_ref m;
		int16_t rc;

		grant(FIRST_REF, mfn_of(page), GTF_permit_access);
		m = grant_map(FIRST_REF, ARG(window(0)), GNTMAP_host_map);
		CHECK_OK(m.status);
		rc = grant_unmap(m.handle, ARG(window(0)), 0);
		CHECK_SAY(rc == 0 || rc == GNTST_bad_handle || rc == GNTST_general_error,
			  "unmap answers %d", rc);
		/* It may be under way on the other vCPU. */
		CHECK(WAIT_FOR(!(grant_flags(FIRST_REF) & IN_USE), 5000));
	}
	stop = true;
	other_stop();
	check_free_of_uses(page);
}

#define LIST 50u		/* both lists: Xen counts no more than 128 uses of one kind */

static struct gnttab_map_grant_ref maps[2][LIST];
static struct gnttab_unmap_grant_ref unmaps[2][LIST];

static long map_list(unsigned int who)
{
	return HC3(grant_table_op, GNTTABOP_map_grant_ref, maps[who], LIST);
}

static long unmap_list(unsigned int who)
{
	return HC3(grant_table_op, GNTTABOP_unmap_grant_ref, unmaps[who], LIST);
}

static long map_mine(void) { return map_list(0); }
static long map_theirs(void) { return map_list(1); }
static long unmap_mine(void) { return unmap_list(0); }
static long unmap_theirs(void) { return unmap_list(1); }

/* All for devices, of one grant: nothing but the handle says that it is mapped. */
static void map_lists(void)
{
	grant_table();
	for (unsigned int i = 0; i < LIST; i++)
		maps[0][i] = maps[1][i] = (struct gnttab_map_grant_ref){
			.ref = FIRST_REF, .dom = own_domid, .flags = GNTMAP_device_map };
	both_lists(map_mine, map_theirs);
	for (unsigned int i = 0; i < 2 * LIST; i++) {
		struct gnttab_map_grant_ref *m = &maps[i / LIST][i % LIST];

		CHECK_SAY(m->status == 0, "map %u answers %d", i, m->status);
		unmaps[i / LIST][i % LIST] = (struct gnttab_unmap_grant_ref){
			.handle = m->handle, .dev_bus_addr = m->dev_bus_addr };
	}
}

static void check_all_handles_differ(void)
{
	static bool seen[65536];

	memset(seen, 0, sizeof(seen));
	for (unsigned int i = 0; i < 2 * LIST; i++) {
		uint32_t h = maps[i / LIST][i % LIST].handle;

		CHECK_SAY(h < 65536 && !seen[h], "handle %u is given out twice", h);
		seen[h] = true;
	}
}

CLAIM(map_list_both, "two vCPUs that map and unmap lists of one grant at the same time get handles "
		     "that all differ, and with the last of them its use ends")
{
	uint64_t *page = page_alloc();

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	together_start();
	for (unsigned int round = 0; round < 30; round++) {
		map_lists();
		check_all_handles_differ();
		both_lists(unmap_mine, unmap_theirs);
		for (unsigned int i = 0; i < 2 * LIST; i++)
			CHECK_OK(unmaps[i / LIST][i % LIST].status);
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	}
	together_stop();
	check_free_of_uses(page);
}

CLAIM(unmap_list_both, "of two vCPUs that unmap the same list of handles at the same time exactly "
		       "one unmaps each, and the use of the grant ends with the last")
{
	uint64_t *page = page_alloc();

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	together_start();
	for (unsigned int round = 0; round < 30; round++) {
		map_lists();
		/* Half of them; the other half shows that the grant stays in use. */
		memcpy(unmaps[1], unmaps[0], sizeof(unmaps[0]));
		both_lists(unmap_mine, unmap_theirs);
		for (unsigned int i = 0; i < LIST; i++) {
			int16_t mine = unmaps[0][i].status, theirs = unmaps[1][i].status;

			CHECK_SAY((mine == 0) + (theirs == 0) == 1,
				  "%d and %d for handle %u, round %u", mine, theirs, i, round);
			unmaps[0][i].handle = maps[1][i].handle;
		}
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
		CHECK_OK(unmap_mine());
		for (unsigned int i = 0; i < LIST; i++)
			CHECK_OK(unmaps[0][i].status);
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	}
	together_stop();
	check_free_of_uses(page);
}

/* flags, and whom it is for above them: nobody else's number is ours */
static volatile uint32_t *grant_word;

static long map_revoked(void)
{
	struct gnttab_map_grant_ref m = { .ref = FIRST_REF,
					  .dom = own_domid,
					  .flags = GNTMAP_device_map };
	long rc = HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);

	handle = m.handle;
	device_at = m.dev_bus_addr;
	return rc ? rc : m.status;
}

/* As Linux ends a grant: only if it is not in use. */
static long revoke(void)
{
	uint32_t unused = GTF_permit_access | (uint32_t)own_domid << 16;

	return __atomic_compare_exchange_n(grant_word, &unused, 0, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST)
		       ? 0
		       : -1;
}

CLAIM(revoke_both, "of mapping a grant and the granter's ending it at the same time exactly one "
		   "happens, and a grant that was ended stays so")
{
	uint64_t *page = page_alloc();

	together_start();
	for (unsigned int round = 0; together_again(round, 1000); round++) {
		struct answers a;

		grant(FIRST_REF, mfn_of(page), GTF_permit_access);
		grant_word = (volatile uint32_t *)&grant_table()[FIRST_REF];
		a = together(map_revoked, revoke);
		CHECK_SAY((a.mine == 0) + (a.theirs == 0) == 1,
			  "map answers %ld, ending it %ld, round %u", a.mine, a.theirs, round);
		if (!a.theirs)
			CHECK_EQ(*grant_word, 0);
		else
			CHECK_OK(grant_unmap(handle, 0, device_at));
	}
	together_stop();
	check_free_of_uses(page);
}
