/* SPDX-License-Identifier: MIT */
/*
 * A static domain's next life: asm/restart.h. All but domain_restart() runs in the keeper, a step
 * at a time.
 *
 *   state     goes on when
 *   RUNS      the domain ends: domain_restart()
 *   ENDED     its time has come
 *   DYING     all of it is gone, or is held by others alone
 *   WAITS     its number is free, and no other is being built
 *   BUILT     it is complete: RUNS; not enough memory: ENDED, once more
 *   GIVEN_UP  after short lives or tries, or when the control domain has destroyed it
 */
#include <asm/restart.h>
#include <isola/clock.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/timer.h>
#include <asm/domain_destroy.h>
#include <asm/keeper.h>
#include <asm/percpu.h>
#include <asm/preempt.h>
#include <asm/static_build.h>
#include <xen/sched.h>

#define LOOK_AGAIN	MILLISECS(100)		/* whether others have let go */
#define LOOKS_SILENT	50			/* before it is said */

struct life {
	enum { RUNS, ENDED, DYING, WAITS, BUILT, GIVEN_UP } state;
	struct domain *d;	/* ENDED, DYING: with a reference; NULL: there is none */
	u64 began_at, due;	/* system ns */
	unsigned nr_short;	/* lives, or tries, in a row that came to nothing */
	unsigned nr_looks;	/* at whether its number is free */
};

static struct life lives[STATIC_DOMAINS];
static struct build_plan plan;	/* of the one that is BUILT */
static bool is_building;	/* one is */
static struct timer timer;

static const char *name_of(const struct life *l)
{
	return static_config.domain[l - lives].name;
}

static void wake(void *data __maybe_unused)
{
	keeper_wake();
}

void restart_prepare(unsigned i)
{
	const struct static_domain *s = &static_config.domain[i];

	keeper_need(s->mem_bytes >> PAGE_SHIFT);
	if (!elf_is_packed(module_bytes(s->kernel), module_size(s->kernel)))
		keeper_keep_module(s->kernel);
	keeper_keep_module(s->ramdisk);
	timer_init(&timer, wake, NULL);
}

/* ---- The end of a life ----------------------------------------------------------------------- */

/* The hook of common/domain_end.c. Whoever ends it: any root. */
bool domain_restart(struct domain *d, u32 reason)
{
	struct life *l = &lives[d->static_nr - 1];
	u64 now = now_ns();
	bool is_short = now - l->began_at < RESTART_SHORT;

	if (reason == SHUTDOWN_poweroff || reason == SHUTDOWN_suspend)
		return false;
	if (!is_short)
		l->nr_short = 0;
	else if (++l->nr_short == RESTART_SHORT_LIVES)
		pr_err("Domain %u (%s) has ended %u times within %lu s of its beginning: it stays",
		       d->domid, d->name, RESTART_SHORT_LIVES, RESTART_SHORT / SECONDS(1));
	if (l->nr_short >= RESTART_SHORT_LIVES)
		return false;
	get_knownalive_domain(d);
	l->d = d;
	l->due = is_short ? now + RESTART_PAUSE : now;
	__atomic_store_n(&l->state, ENDED, __ATOMIC_RELEASE);
	keeper_wake();
	return true;
}

/* ---- In the keeper --------------------------------------------------------------------------- */

static void give_up(struct life *l)
{
	l->state = GIVEN_UP;
	domain_give_up(name_of(l));
}

/* Is it time? If not, the keeper is woken when it is. */
static bool is_due(const struct life *l)
{
	if (now_ns() >= l->due)
		return true;
	if (!timer.armed || l->due < timer.expires)
		timer_set(&timer, l->due);
	return false;
}

/* If the control domain takes it apart it stays gone. */
static void begin_end(struct life *l)
{
	if (l->d && READ_ONCE(l->d->is_dying)) {
		put_domain(l->d);
		give_up(l);
	} else {
		l->state = l->d ? DYING : WAITS;
	}
}

static void take_apart(struct life *l)
{
	if (domain_destroy_some(l->d))
		return;
	put_domain(l->d);
	l->nr_looks = 0;
	l->state = WAITS;
}

/* Between domctls. */
static void end(struct life *l)
{
	if (!domctl_begin())
		return;
	if (l->state == ENDED)
		begin_end(l);
	else
		take_apart(l);
	domctl_end();
}

static void look_again(struct life *l)
{
	l->due = now_ns() + LOOK_AGAIN;
	if (++l->nr_looks == LOOKS_SILENT)
		pr_warn("Domain %s waits to be built anew: others map memory of the one before",
			name_of(l));
}

static void begin_build(struct life *l)
{
	if (l->nr_short >= RESTART_SHORT_LIVES) {
		give_up(l);
		return;
	}
	if (domain_of_frames(static_domid(l - lives))) {
		look_again(l);
		return;
	}
	static_plan(&plan, l - lives);
	build_plan_make(&plan);
	plan.p2m = keeper_list();
	build_begin(&plan);
	is_building = true;
	l->state = BUILT;
}

/* What there is of it, if anything, is taken apart; then it is tried again. */
static void fail(struct life *l, const char *why)
{
	pr_err("Domain %s cannot be built anew: %s", name_of(l), why);
	is_building = false;
	l->nr_short++;
	l->d = plan.d;
	if (l->d)
		get_knownalive_domain(l->d);
	l->due = now_ns() + RESTART_PAUSE;
	l->state = ENDED;
}

static void begin(struct life *l, struct domain *d)
{
	is_building = false;
	static_connect(l - lives, d);
	domain_show(d);
	l->began_at = now_ns();
	l->state = RUNS;
	pr_info("Domain %u (%s) begins anew", d->domid, d->name);
	domain_begin_anew(d);
}

static void build(struct life *l)
{
	int rc = build_step(&plan, BUILD_DONE);

	if (rc == -ERESTART)
		return;
	if (!rc) {
		static_settle(l - lives, plan.d);
		rc = static_make_shares(l - lives, plan.d);
		plan.missing = "no page to share";
	}
	if (rc)
		fail(l, plan.missing);
	else
		begin(l, plan.d);
}

/* A step of @l's. False: it has to wait for something. */
static bool step(struct life *l)
{
	switch (__atomic_load_n(&l->state, __ATOMIC_ACQUIRE)) {
	case ENDED:
		if (!is_due(l))
			return false;
		end(l);
		return true;
	case DYING:
		end(l);
		return true;
	case WAITS:
		if (is_building || !is_due(l))
			return false;
		begin_build(l);
		return true;
	case BUILT:
		build(l);
		return true;
	default:
		return false;
	}
}

static bool work(void)
{
	bool any = false;

	for (unsigned i = 0; i < static_config.nr; i++)
		any |= step(&lives[i]);
	return any;
}

void restart_start(void)
{
	keeper_start(work);
}
