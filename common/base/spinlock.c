/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks.
 *
 * Invariants: `next' is handed out once per taker and `serving' is written by the holder alone, so
 * waiters are served in the order in which they came (CON-4). In debug builds held[cpu] has a bit
 * for every ordered lock that CPU holds, and a lock is taken only while no bit at or above its own
 * number is set (LOCK-1).
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

static void check_order(const spinlock_t *l)
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

static void note_taken(spinlock_t *l)
{
	if (!checking)
		return;
	l->owner_cpu = smp_cpu_id() + 1;
	held[smp_cpu_id()] |= 1u << l->order;
}

static void note_released(spinlock_t *l)
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
static void check_order(const spinlock_t *l) { (void)l; }
static void note_taken(spinlock_t *l) { (void)l; }
static void note_released(spinlock_t *l) { (void)l; }
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

void spin_lock(spinlock_t *l)
{
	u16 ticket;

	check_order(l);
	ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
		cpu_relax();
	note_taken(l);
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
	note_taken(l);
	return true;
}

void spin_unlock(spinlock_t *l)
{
	note_released(l);
	__atomic_store_n(&l->serving, (u16)(l->serving + 1), __ATOMIC_RELEASE);
}

bool spin_is_locked(const spinlock_t *l)
{
	spinlock_t now = { .word = READ_ONCE(l->word) };

	return now.serving != now.next;
}

u64 spin_lock_irqsave(spinlock_t *l)
{
	u64 flags = irq_save();

	spin_lock(l);
	return flags;
}

void spin_unlock_irqrestore(spinlock_t *l, u64 flags)
{
	spin_unlock(l);
	irq_restore(flags);
}
