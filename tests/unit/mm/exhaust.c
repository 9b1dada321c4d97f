/* SPDX-License-Identifier: MIT */
/*
 * Every reachable state of a small world, breadth first: the product's page-table files with two
 * entries a table (slots 0 and 2; slot 1 is the hypervisor's in an L4) and a handful of frames.
 * From each state every operation runs with every argument, every answer to every preemption check,
 * every outcome of every allocation, and every content that the guest can have put into a frame
 * before it was made a table. After each the audit recomputes everything.
 *
 * The TLB remembers one thing, any: a leaf or an upper level. That is enough for what the audit
 * asks of a TLB, since it asks of one remembered use at a time, and what leads to it is a chain in
 * which each is learnt from the one before.
 *
 * Two things keep the world small, neither of which loses a behaviour:
 *   frames are interchangeable: the code under test uses their numbers as names only. States that
 * differ by a renaming are one. what is in a frame that is no table is the guest's to choose, so it
 * is chosen when it is first read (PTE_UNDECIDED). A call that is to be continued may be: the guest
 * can make the same call again, as it can any other.
 *
 * Arguments: operations beside single updates, pins and the base pointer: (b)atches of two, the
 * (u)ser base pointer, update_(v)a_mapping, (s)egments, (m)emory taken and given, a (g)rant of the
 * other domain's frame; entries that are (r)ead-only or refused (x); (k) updates that keep A and D;
 * and walks that start from any (t)able, as if there were roots that lead to it: more than there
 * can be, and without frames for the tables above. Then the most states to keep.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/root.h>
#include "panic.h"
#include "exhaust.h"
#include "tap.h"

bool with_batches, with_segments, with_va, with_memory, with_user;
bool with_bad, with_keep_ad, with_readonly, with_grants, from_anywhere;

static struct raw now;

/* ---- The states seen ---- */

static struct state *states;
static u32 *parents, *table;
static u64 nr_states, max_states, table_mask;

static u64 hash(const struct state *s)
{
	u64 h = 0, word[DIV_ROUND_UP(sizeof(*s), 8)] = { 0 };

	memcpy(word, s, sizeof(*s));
	for (unsigned i = 0; i < ARRAY_SIZE(word); i++)
		h = mix(h, word[i] + 1);
	return h ^ h >> 32;
}

/* Its number, and whether it had been seen before. */
static u64 keep(const struct state *s, u64 parent, bool *seen)
{
	u64 h = hash(s) & table_mask;

	for (; table[h]; h = (h + 1) & table_mask)
		if (!memcmp(&states[table[h] - 1], s, sizeof(*s))) {
			*seen = true;
			return table[h] - 1;
		}
	if (nr_states == max_states) {
		printf("Bail out! more than %lu states\n", max_states);
		exit(1);
	}
	states[nr_states] = *s;
	parents[nr_states] = parent;
	table[h] = ++nr_states;
	*seen = false;
	return nr_states - 1;
}

/* ---- The search ---- */

static u64 nr_runs, nr_changed;

static bool roots_in_step(void)
{
	pte_t root[3];

	decode_root(root, this_vcpu.kernel_l4);
	if (memcmp(root, kernel_root[0], sizeof(root)))
		return false;
	decode_root(root, this_vcpu.user_l4);
	return !memcmp(root, user_root[0], sizeof(root));
}

static bool is_undecided(const struct state *s, unsigned f)
{
	return s->frame[f - 1].entry[0] == E_UNDECIDED && s->frame[f - 1].entry[1] == E_UNDECIDED;
}

static void begin(const struct state *s)
{
	decode(s);
	for (unsigned f = 1; f <= N; f++)
		is_plain[f] =
			s->frame[f - 1].general == 0 && s->tlb_frame != f && is_undecided(s, f);
}

static bool is_wrong(void)
{
	bool wrong = !roots_in_step();

	if (wrong)
		printf("# failed: a root is not in step at rest\n");
	if (world_domain.leaving_list) {
		printf("# failed: frames have left and were not freed\n");
		wrong = true;
	}
	if (with_grants && handle_is_wrong()) {
		printf("# failed: a handle and what it stands for disagree\n");
		wrong = true;
	}
	return world_audit() || wrong;
}

static void tell_path(void);
static u64 exploring;

/* All that can follow state @number. With @wanted: only until it leads there, telling how. */
static bool explore(u64 number, u64 wanted)
{
	struct state s, after;
	bool seen;

	exploring = number;
	s = states[number];
	begin(&s);
	save_raw(&now);
	tape_known = 0;
	do {
		load_raw(&now);
		memset(is_named, 0, sizeof(is_named));
		tape_used = 0;
		actions[choose(nr_actions)]();
		nr_runs++;
		if (wanted == ~0ul && is_unchanged(&now))
			continue;
		nr_changed++;
		if (wanted == ~0ul && is_wrong()) {
			tell_path();
			return false;
		}
		encode(&after);
		canonical(&after);
		if (wanted == ~0ul) {
			keep(&after, number, &seen);
			continue;
		}
		if (!memcmp(&after, &states[wanted], sizeof(after)))
			return true;
	} while (next_tape());
	return wanted == ~0ul;
}

/* The run that is on the tape, once more and aloud, from the first state on. */
static void tell_path(void)
{
	u64 path[1000], n = 0;
	struct choice last[MAX_CHOICES];
	unsigned last_known = tape_known;

	if (telling)
		return;
	memcpy(last, tape, sizeof(last));
	for (u64 i = exploring; n < 1000; i = parents[i]) {
		path[n++] = i;
		if (!i)
			break;
	}
	telling = true;
	for (u64 i = n; i-- > 0;) {
		printf("# state %lu:", path[i]);
		if (i) {
			telling = false;
			explore(path[i], path[i - 1]);
			telling = true;
		} else {
			begin(&states[path[i]]);
			memcpy(tape, last, sizeof(last));
			tape_known = last_known;
		}
		if (i)
			begin(&states[path[i]]);
		memset(is_named, 0, sizeof(is_named));
		tape_used = 0;
		actions[choose(nr_actions)]();
		printf("\n");
	}
	world_audit();
	fflush(stdout);
}

#define LETTERS "bgkmrstuvx"

static void set_up(const char *what)
{
	with_batches = strchr(what, 'b');
	with_segments = strchr(what, 's');
	with_va = strchr(what, 'v');
	with_memory = strchr(what, 'm');
	with_user = strchr(what, 'u');
	with_bad = strchr(what, 'x');
	with_keep_ad = strchr(what, 'k');
	with_readonly = strchr(what, 'r');
	world_chance = chance;
	world_on_panic = tell_path;
	world_on_copy = write_request;
	with_grants = strchr(what, 'g');
	from_anywhere = strchr(what, 't');
	world_reset();
	if (with_grants)
		make_grants();
	preempt_rate = 1;
	public_fault_rate = with_memory;
	table_mask = 1;
	while (table_mask < 2 * max_states)
		table_mask *= 2;
	states = mmap(NULL, max_states * sizeof(*states), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	parents = mmap(NULL, max_states * sizeof(*parents), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	table = mmap(NULL, table_mask-- * sizeof(*table), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "bux";
	unsigned depth = 0;
	struct state first;
	bool seen, good = true;
	u64 last_of_depth = 1;

	max_states = argc > 2 ? strtoul(argv[2], NULL, 0) : 1ul << 24;
	if (what[strspn(what, LETTERS)]) {
		printf("Bail out! no operation is called '%c': there are %s\n",
		       what[strspn(what, LETTERS)], LETTERS);
		return 2;
	}
	set_up(what);
	if (page_get_and_type(page_of(_mfn(1)), &world_domain, PGT_l4))
		panic("an empty L4 is refused");
	root_set_kernel(_mfn(1));
	encode(&first);
	canonical(&first);
	keep(&first, 0, &seen);
	for (u64 i = 0; i < nr_states && good; i++) {
		if (i == last_of_depth) {
			depth++;
			last_of_depth = nr_states;
			if (getenv("EXHAUST_PROGRESS"))
				fprintf(stderr, "depth %u: %lu states, %lu runs\n", depth,
					nr_states, nr_runs);
		}
		good = explore(i, ~0ul);
	}
	check(good, "a state is wrong");
	all_ok("every state that can be reached is right");
	printf("# world: %u frames of 2 entries, %u of them another domain's, %u free at first; "
	       "operations '%s'\n",
	       N, SMALL_FOREIGN, SMALL_FREE, what);
	printf("# %lu states, %lu transitions, %lu of which change something; %u deep; %lu s\n",
	       nr_states, nr_runs, nr_changed, depth, (unsigned long)(clock() / CLOCKS_PER_SEC));
	return done();
}
