/* SPDX-License-Identifier: MIT */
/*
 * The unpacker, from its making to its end: asm/unpack.h.
 *
 * It is a domain like a static one, with less: no console, no grants mapped, no port that leads
 * anywhere, one vcpu, on the boot CPU; nobody else has begun. It is first given next to no memory
 * and says how much it needs (UNPACK_LACKS), which is looked at, and then it is made anew.
 *
 * Invariant: once its vcpu has ended for good nothing of its memory changes. What it has written is
 * taken for a stranger's all the same: the record is read once, and each frame that it names must
 * be a page that the unpacker was given and still has.
 */
#include <isola/lib/format.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/softirq.h>
#include <isola/timer.h>
#include <isola/clock.h>
#include <isola/unpack_record.h>
#include <isola/vcpu_timer.h>
#include <asm/build_plan.h>
#include <asm/domain_destroy.h>
#include <asm/gnttab.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <asm/switch.h>
#include <asm/unpack.h>
#include <xen/sched.h>

#define UNPACKER_DOMID		(DOMID_FIRST_RESERVED - 1)
#define FIRST_HEAP		KIB(64)
#define MAX_RUNS		8u
#define LOOK_NS			MILLISECS(5)
#define LONGEST_SECONDS		120u
/* Beside file and heap: the unpacker itself, its page tables and list, rounding up to 4 MiB. */
#define FIXED_PAGES		(MIB(6) >> PAGE_SHIFT)
#define TABLE_SHARE		128u		/* one of so many pages, at most */

extern const char unpacker_image[], unpacker_image_end[];

static struct unpacking {
	char name[8 + DOMAIN_NAME_BYTES];	/* whose kernel it is */
	unsigned module;
	void (*again)(void);
	struct build_plan plan;		/* the unpacker's own */
	u64 heap_bytes;
	unsigned nr_runs;
	u64 free_before;		/* pages, before there was an unpacker */
	u64 began, deadline;		/* ns */
	u64 bytes;			/* of what stands in the view; 0: nothing does */
} u;

static struct timer look_timer;

static void begin(void) __noreturn;

#define refuse(fmt, ...) \
	fatal("the kernel of %s (module %u) cannot be unpacked: " fmt, u.name, u.module, \
	      ##__VA_ARGS__)

/* ---- Its end, and what it has left: on the boot root. ---------------------------------------- */

static void destroy(void)
{
	struct domain *d = u.plan.d;

	unpack_view_clear();
	timer_kill(&look_timer);
	build_free_scratch(&u.plan);
	u.plan.d = NULL;
	get_knownalive_domain(d);
	BUG_ON(!domctl_begin());
	/* A softirq that is pending stays so, and each call makes a step. */
	while (domain_destroy_some(d))
		;
	domctl_end();
	put_domain(d);
}

/* Page @pfn as it was given, if it is still its: nobody can take it away any more. */
static bool has_page(u64 pfn)
{
	mfn_t m = u.plan.p2m[pfn];

	return page_is_to_be_had(page_of(m), u.plan.d);
}

static void read_record(struct unpack_record *r)
{
	if (!has_page(0))
		refuse("the unpacker has given its record away");
	memcpy(r, plan_map(&u.plan, 0), sizeof(*r));
	r->why[sizeof(r->why) - 1] = '\0';
	for (char *s = r->why; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

/* What it has left, into the view. */
static void take(const struct unpack_record *r)
{
	u64 nr = DIV_ROUND_UP(min(r->bytes, UNPACK_MOST_BYTES), PAGE_SIZE);

	if (!r->bytes || r->bytes > UNPACK_MOST_BYTES)
		refuse("the unpacker hands back %lu bytes", r->bytes);
	if (r->pfn >= u.plan.nr_pages || nr > u.plan.nr_pages - r->pfn)
		refuse("the unpacker hands back %lu pages from %lx on, and has %lu", nr, r->pfn,
		       u.plan.nr_pages);
	for (u64 i = 0; i < nr; i++)
		if (!has_page(r->pfn + i))
			refuse("the unpacker hands back page %lx, which it has given away",
			       r->pfn + i);
	if (!unpack_view_make(u.plan.p2m + r->pfn, nr))
		refuse("there is no memory to look at it");
	u.bytes = r->bytes;
	pr_info("module %u: unpacked, %lu KiB from %lu KiB, in %lu ms", u.module, u.bytes >> 10,
		module_size(u.module) >> 10, (now_ns() - u.began) / MILLISECS(1));
}

/* It says what it lacks; more than it has, or it would say so for ever. */
static void take_wish(const struct unpack_record *r)
{
	if (r->bytes <= u.heap_bytes || u.nr_runs == MAX_RUNS)
		refuse("the unpacker does not say what it needs");
	if (r->bytes > UNPACK_MOST_HEAP)
		refuse("that takes %lu MiB, more than %lu", r->bytes >> 20, UNPACK_MOST_HEAP >> 20);
	u.heap_bytes = ROUNDUP(r->bytes, PAGE_SIZE);
	destroy();
	begin();
}

static void judge(void)
{
	struct unpack_record r;

	if (u.plan.d->shutdown_code != SHUTDOWN_poweroff)
		refuse("the unpacker has crashed");
	read_record(&r);
	if (r.magic != UNPACK_MAGIC)
		refuse("the unpacker has ended without a word");
	switch (r.status) {
	case UNPACK_DONE:
		take(&r);
		u.again();
		break;
	case UNPACK_LACKS:
		take_wish(&r);
		break;
	case UNPACK_REFUSES:
		refuse("%s", r.why);
		break;
	default:
		refuse("the unpacker ends with status %lu", r.status);
	}
	BUG();
}

/* ---- While it runs: on other roots. ---------------------------------------------------------- */

/* The boot CPU idles, and the unpacker has ended: SOFTIRQ_BOOT. */
static void come_back(void)
{
	switch_to_boot_root(judge);
}

static void look(void *ignored __maybe_unused)
{
	struct domain *d = u.plan.d;

	if (!READ_ONCE(d->is_shut_down) && now_ns() > u.deadline)
		domain_crash(d, "unpacking takes more than %u s", LONGEST_SECONDS);
	if (READ_ONCE(d->is_shut_down) && vcpu_is_idle(current))
		softirq_raise(SOFTIRQ_BOOT);
	else
		timer_set(&look_timer, now_ns() + LOOK_NS);
}

/* ---- Its making: on the boot root. ----------------------------------------------------------- */

static void plan_memory(struct build_plan *p)
{
	u64 nr = FIXED_PAGES + DIV_ROUND_UP(module_size(u.module), PAGE_SIZE) +
		 (u.heap_bytes >> PAGE_SHIFT);

	p->nr_pages = p->max_pages = nr + nr / TABLE_SHARE;
	p->heap_bytes = u.heap_bytes;
	if (p->nr_pages > nr_free_pages())
		refuse("that takes %lu MiB, and %lu MiB are free", p->nr_pages >> 8,
		       nr_free_pages() >> 8);
}

static void build(struct build_plan *p)
{
	const char *why;

	build_plan_make(p);
	build_begin(p);
	why = build_until(p, BUILD_DONE);
	if (why)
		refuse("there is %s for the unpacker", why);
}

static void limit(struct domain *d)
{
	unsigned long boot_cpu[(CONFIG_NR_CPUS + 63) / 64] = { 1 };

	strlcpy(d->name, "unpacker", sizeof(d->name));
	d->is_unpacker = true;
	d->grants->max_handles = 0;
	sched_set_pin(d->vcpu[0], boot_cpu);
}

static void begin(void)
{
	static char cmdline[32];

	snprintf(cmdline, sizeof(cmdline), "heap=%lu", u.heap_bytes);
	u.plan = (struct build_plan){
		.name = "the unpacker", .size_word = "unpacking", .domid = UNPACKER_DOMID,
		.is_unpacker = true, .kernel = u.module, .initrd = u.module,
		.image = unpacker_image, .image_bytes = unpacker_image_end - unpacker_image,
		.cmdline = cmdline, .nr_vcpus = 1,
	};
	plan_memory(&u.plan);
	build(&u.plan);
	limit(u.plan.d);
	u.nr_runs++;
	timer_init(&look_timer, look, NULL);
	timer_set(&look_timer, now_ns() + LOOK_NS);
	vcpu_up(u.plan.d->vcpu[0]);
	switch_leave_boot_root();
}

/* ---- For the builder ------------------------------------------------------------------------- */

void unpack_kernel(struct build_plan *p, void (*again)(void))
{
	p->image = u.bytes ? (const void *)VA_UNPACKED : module_bytes(p->kernel);
	p->image_bytes = u.bytes ? u.bytes : module_size(p->kernel);
	if (u.bytes || !elf_is_packed(p->image, p->image_bytes))
		return;
	u = (struct unpacking){
		.module = p->kernel, .again = again, .heap_bytes = FIRST_HEAP,
		.free_before = nr_free_pages(), .began = now_ns(),
	};
	strlcpy(u.name, p->name, sizeof(u.name));
	u.deadline = u.began + SECONDS(LONGEST_SECONDS);
	softirq_register(SOFTIRQ_BOOT, come_back);
	begin();
}

/* The block's pages behind it are free again, as is what was packed. */
void unpack_into_module(struct build_plan *p)
{
	u64 bytes = u.bytes, nr = DIV_ROUND_UP(bytes, PAGE_SIZE);
	struct boot_module *m = &boot_info.module[p->kernel];
	unsigned order = 0;
	mfn_t first;

	while (1ul << order < nr)
		order++;
	first = page_alloc(ALLOC_DOMAIN, order, 0);
	if (!mfn_is_valid_num(first))
		fatal("not enough memory in one piece to keep the kernel of %s", p->name);
	memcpy(window_ptr(first), p->image, bytes);
	for (u64 i = nr; i < 1ul << order; i++)
		page_free(ALLOC_DOMAIN, mfn_add(first, i), 0);
	unpack_done();
	page_alloc_take_module(p->kernel);
	m->start = mfn_to_maddr(first);
	m->end = m->start + bytes;
	p->image = module_bytes(p->kernel);
}

void unpack_done(void)
{
	if (u.bytes)
		destroy();
	u.bytes = 0;
}

u64 unpack_nr_pages(void)
{
	return u.bytes ? u.free_before - nr_free_pages() : 0;
}
