/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks: what is not in line.
 *
 * Invariant: in debug builds held[cpu] has a bit for every ordered lock that CPU holds, and a lock
 * is taken only while no bit at or above its own number is set (LOCK-1).
 */
#include <isola/spinlock.h>
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <asm/insn.h>
#include <asm/percpu.h>

static_assert(LOCK_LAST <= 32, "held[] has one bit per lock number");

static bool started;                    /* the CPU area (smp_cpu_id) can be read */

#ifdef CONFIG_DEBUG
static u32 held[CONFIG_NR_CPUS];
static bool checking; /* cleared by the first finding: the panic takes locks too */

void spin_check_order(const spinlock_t *l)
{
	u32 bits;

	if (!checking || l->order == LOCK_NONE)
		return;
	bits = held[smp_cpu_id()];
	if (unlikely(bits >> l->order)) {
		checking = false;
		panic("lock order: taking lock %u with 0x%x held", l->order, bits);
	}
}

void spin_note_taken(spinlock_t *l)
{
	if (!checking)
		return;
	l->owner_cpu = smp_cpu_id() + 1;
	held[smp_cpu_id()] |= 1u << l->order;
}

void spin_note_released(spinlock_t *l)
{
	if (!checking)
		return;
	if (unlikely(l->owner_cpu && l->owner_cpu != smp_cpu_id() + 1)) {
		checking = false;
		panic("lock %u released by CPU %u, held by CPU %u", l->order, smp_cpu_id(),
		      l->owner_cpu - 1);
	}
	l->owner_cpu = 0;
	held[smp_cpu_id()] &= ~(1u << l->order);
}

bool spin_is_held_here(const spinlock_t *l)
{
	return !checking || l->owner_cpu == smp_cpu_id() + 1;
}

void spin_assert_none_held(void)
{
	u32 bits;

	if (!checking)
		return;
	bits = held[smp_cpu_id()] & ~(1u << LOCK_NONE);
	if (unlikely(bits)) {
		checking = false;
		panic("locks 0x%x held where none may be", bits);
	}
}
#else
void spin_assert_none_held(void) { }
bool spin_is_held_here(const spinlock_t *l __maybe_unused) { return true; }
#endif

void spin_debug_start(void)
{
	started = true;
#ifdef CONFIG_DEBUG
	checking = true;
#endif
}

bool spin_debug_started(void)
{
	return started;
}

void spin_lock_init(spinlock_t *l, unsigned order)
{
	*l = (spinlock_t)SPINLOCK_INIT(order);
}

#ifdef HOSTED
void spin_lock(spinlock_t *l) { ticket_lock(l); }
void spin_unlock(spinlock_t *l) { ticket_unlock(l); }
#endif

void spin_lock_two(spinlock_t *a, spinlock_t *b)
{
	spin_lock(min(a, b));
	ASSERT(a->order == b->order);
	ticket_take(max(a, b));         /* its order has been looked at: it is the first one's */
}

bool spin_trylock(spinlock_t *l)
{
	spinlock_t old, new;

	old.word = READ_ONCE(l->word);
	if (old.serving != old.next)
		return false;
	new.word = old.word;
	new.next++;
	if (!__atomic_compare_exchange_n(&l->word, &old.word, new.word, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	spin_note_taken(l);
	return true;
}

bool spin_is_locked(const spinlock_t *l)
{
	spinlock_t now = { .word = READ_ONCE(l->word) };

	return now.serving != now.next;
}
