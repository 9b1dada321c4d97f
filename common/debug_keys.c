/* SPDX-License-Identifier: MIT */
/*
 * Debug keys: those that wait, and the one that tells. What a key does is control/debug_keys.c's.
 *
 * A key tells a few lines at a time, from a timer, and not before the console has room for them: so
 * it holds nobody up for long, and loses none. One key at a time, in the order in which they were
 * pressed.
 */
#include <isola/debug_keys.h>
#include <isola/clock.h>
#include <isola/console.h>
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <isola/spinlock.h>
#include <isola/timer.h>

#define MAX_WAITING	64
#define STEP		MILLISECS(1)
#define WAIT_FOR_ROOM	MILLISECS(20)
#define ROOM		8192u		/* more than one step fills */

static const struct debug_key *table;
static unsigned nr_keys;

static spinlock_t keys_lock = SPINLOCK_INIT(LOCK_KEYS);
static const struct debug_key *waiting[MAX_WAITING];	/* the first first; keys_lock */
static unsigned nr_waiting;				/* keys_lock */
static bool is_telling;					/* the timer is armed, or runs; keys_lock */

/* The timer's. */
static struct timer step_timer;
static const struct debug_key *told;			/* NULL: none has been begun */
static struct debug_cursor cursor;

static const struct debug_key *next_waiting(void)
{
	const struct debug_key *k = NULL;

	spin_lock(&keys_lock);
	if (nr_waiting) {
		k = waiting[0];
		nr_waiting--;
		for (unsigned i = 0; i < nr_waiting; i++)
			waiting[i] = waiting[i + 1];
	} else {
		is_telling = false;
	}
	spin_unlock(&keys_lock);
	return k;
}

/* False: no key waits. */
static bool step(void)
{
	if (!told) {
		told = next_waiting();
		if (!told)
			return false;
		cursor = (struct debug_cursor){ 0 };
		pr_info("'%c' pressed -> %s", told->key, told->what);
	}
	if (!told->tell(&cursor))
		told = NULL;
	return true;
}

static void steps(void *data __maybe_unused)
{
	bool room = console_log_room() >= ROOM;

	if (!room || step())
		timer_set(&step_timer, now_ns() + (room ? STEP : WAIT_FOR_ROOM));
}

static void press(const struct debug_key *k)
{
	bool begin;

	spin_lock(&keys_lock);
	if (nr_waiting < MAX_WAITING)
		waiting[nr_waiting++] = k;
	begin = !is_telling;
	is_telling = true;
	spin_unlock(&keys_lock);
	if (begin)
		timer_set(&step_timer, now_ns());
}

void debug_key(char key)
{
	for (unsigned i = 0; i < nr_keys; i++)
		if (key == DEBUG_KEY_ALL ? table[i].in_all : key == table[i].key)
			press(&table[i]);
}

bool debug_keys_show(struct debug_cursor *at)
{
	if (!at->n)
		pr_info(" key '%c' -> all of those marked *", DEBUG_KEY_ALL);
	pr_info(" key '%c' -> %s%s", table[at->n].key, table[at->n].what,
		table[at->n].in_all ? " *" : "");
	return ++at->n < nr_keys;
}

void debug_keys_init(const struct debug_key *keys, unsigned nr)
{
	timer_init(&step_timer, steps, NULL);
	table = keys;
	nr_keys = nr;
}
