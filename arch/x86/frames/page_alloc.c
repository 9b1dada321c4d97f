/* SPDX-License-Identifier: MIT */
/*
 * Page allocator: a buddy system in two pools over one frame table.
 *
 * General pool: frames that are domain's, vcpu's or cpu's, or free. Public pool: 2 MiB blocks taken
 * from the general pool, mapped at VA_PUBLIC, never given back (isola/page_alloc.h says why).
 * A free block is known by its first frame: count_info == 0, tlb_stamp = order | FREE_HEAD, linked
 * by next/prev in the free list of its order and zone. Frames inside it have count_info == 0 and
 * tlb_stamp == 0. type_info of a free frame of the general pool says whether it holds zeroes only.
 * A frame of the public pool, used or not, and every frame not given to the allocator, carries
 * PGC_hv.
 * Zone z holds the blocks whose frame numbers have z bits: all of a block's numbers do, because a
 * block is aligned to its size and frame 0 is in none. So "every address below 2^n" means some
 * zones whole, and no list is ever searched.
 * Lock: alloc_lock protects the lists and the counters.
 */
#include <isola/page_alloc.h>
#include <isola/alloc_fault.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <isola/spinlock.h>
#include <asm/cpu_window.h>
#include <asm/frametable.h>
#include <asm/hyper_pt.h>
#include <asm/numa.h>
#include <asm/precondition.h>

enum pool { POOL_GENERAL, POOL_PUBLIC, NR_POOLS };

#define FREE_HEAD	0x80000000u
#define FREE_SCRUBBED	1ul		/* type_info */
#define PUBLIC_ORDER	9		/* the public pool grows by 2 MiB */
#define PUBLIC_BITS	39		/* VA_PUBLIC reaches 512 GiB of machine memory */

/* Numbers of frames of RAM have less bits. */
#define NR_ZONES	32

static_assert(MAX_MFN <= 1ul << (NR_ZONES - 1), "a zone for each width of a frame number");
static_assert(MAX_ORDER < 32, "a word has a bit for each order");

struct zone {
	u32 first[MAX_ORDER + 1];	/* first frame of the first block; 0: none */
	u32 orders;			/* bit n: first[n] is not 0 */
};

static spinlock_t alloc_lock = SPINLOCK_INIT(LOCK_PAGE_ALLOC);
static struct zone zones[NR_POOLS][NR_ZONES];
static u64 free_pages[NR_POOLS], public_pages, total_pages;
static u64 node_free[NUMA_MAX_NODES];	/* of the general pool's; if there are several nodes */

static struct page_info *frame(u32 n)
{
	return page_of(_mfn(n));
}

static struct zone *zone_of(enum pool pool, u32 n)
{
	return &zones[pool][32 - __builtin_clz(n)];
}

/* Free pages of the general pool that are promised: no more than there are. alloc_lock */
static u64 nr_claimed;

static void list_push(enum pool pool, unsigned order, u32 n)
{
	struct zone *z = zone_of(pool, n);
	struct page_info *pg = frame(n);
	u32 first = z->first[order];

	pg->tlb_stamp = FREE_HEAD | order;
	pg->prev = 0;
	pg->next = first;
	if (first)
		frame(first)->prev = n;
	z->first[order] = n;
	z->orders |= 1u << order;
}

static void list_remove(enum pool pool, unsigned order, u32 n)
{
	struct zone *z = zone_of(pool, n);
	struct page_info *pg = frame(n);

	if (pg->prev)
		frame(pg->prev)->next = pg->next;
	else
		z->first[order] = pg->next;
	if (pg->next)
		frame(pg->next)->prev = pg->prev;
	if (!z->first[order])
		z->orders &= ~(1u << order);
	pg->tlb_stamp = 0;
	pg->next = pg->prev = 0;
}

/* alloc_lock held. A block has become free (@step 1) or is no longer (-1). */
static __always_inline void count_free(enum pool pool, unsigned order, u32 n, int step)
{
	free_pages[pool] += (u64)step << order;
	if (likely(numa_nr_nodes == 1) || pool != POOL_GENERAL)
		return;
	for (unsigned node = 0; node < numa_nr_nodes; node++)
		node_free[node] += step * numa_frames_of(node, n, 1ul << order);
}

/*
 * Is frame @n the head of a free block of @order in @pool? The two pools never share a 2 MiB block.
 * @n may be on its way here without the lock: retire() makes its count 0 last.
 */
static bool is_free_block(enum pool pool, unsigned order, u32 n)
{
	const struct page_info *pg;

	if (!mfn_has_page(_mfn(n)))
		return false;
	pg = frame(n);
	return __atomic_load_n(&pg->count_info, __ATOMIC_ACQUIRE) ==
		       (pool == POOL_PUBLIC ? PGC_hv : 0) &&
	       READ_ONCE(pg->tlb_stamp) == (FREE_HEAD | order);
}

/* alloc_lock held. Merge with free buddies as far as they go, then list. */
static void free_block(enum pool pool, unsigned order, u32 n)
{
	unsigned top = pool == POOL_PUBLIC ? PUBLIC_ORDER : MAX_ORDER;

	ASSERT_LOCKED(&alloc_lock);
	count_free(pool, order, n, 1);
	while (order < top) {
		u32 buddy = n ^ (1u << order);

		if (!is_free_block(pool, order, buddy))
			break;
		list_remove(pool, order, buddy);
		n &= ~(1u << order);
		order++;
	}
	list_push(pool, order, n);
}

/*
 * alloc_lock held. First frame, or 0. The highest zone that will do comes first: low memory is for
 * those who must have it.
 */
static u32 take_block(enum pool pool, unsigned order, unsigned max_bits)
{
	unsigned z = NR_ZONES;

	ASSERT_LOCKED(&alloc_lock);
	if (max_bits && max_bits < NR_ZONES + PAGE_SHIFT)
		z = max_bits > PAGE_SHIFT ? max_bits - PAGE_SHIFT + 1 : 0;
	while (z-- > 0) {
		u32 orders = zones[pool][z].orders >> order << order, n;
		unsigned o;

		if (!orders)
			continue;
		o = __builtin_ctz(orders);
		n = zones[pool][z].first[o];
		list_remove(pool, o, n);
		while (o > order) {
			o--;
			list_push(pool, o, n + (1u << o));
		}
		count_free(pool, order, n, -1);
		return n;
	}
	return 0;
}

/*
 * alloc_lock held. As take_block(), but what is promised to others is left alone: of what is taken
 * *@claim (NULL: none) pages at most are the taker's own.
 */
static u32 take_unclaimed(enum pool pool, unsigned order, unsigned max_bits, u32 *claim)
{
	u64 nr = 1ul << order, own = claim ? min_t(u64, *claim, nr) : 0;
	u32 n;

	ASSERT_LOCKED(&alloc_lock);
	if (pool == POOL_GENERAL && free_pages[pool] + own < nr_claimed + nr)
		return 0;
	n = take_block(pool, order, max_bits);
	if (n && own) {
		*claim -= own;
		nr_claimed -= own;
	}
	return n;
}

int page_claim(u32 *claim, u32 nr)
{
	int rc = 0;

	spin_lock(&alloc_lock);
	if (!nr) {
		nr_claimed -= *claim;
		*claim = 0;
	} else if (*claim) {
		rc = -EINVAL;
	} else if (free_pages[POOL_GENERAL] - nr_claimed < nr) {
		rc = -ENOMEM;
	} else {
		nr_claimed += nr;
		*claim = nr;
	}
	spin_unlock(&alloc_lock);
	return rc;
}

u64 nr_claimed_pages(void)
{
	return READ_ONCE(nr_claimed);
}

/*
 * 2^order frames of a block that was taken: the hypervisor's until domain_assign_pages(), and
 * nothing is left in them (LEAK-2). What was free has been nowhere since it was wiped.
 */
static void prepare_block(u32 n, unsigned order)
{
	for (u32 i = 0; i < 1u << order; i++) {
		struct page_info *pg = frame(n + i);

		pg->count_info = PGC_hv;
		if (pg->type_info != FREE_SCRUBBED)
			scrub_frame(_mfn(n + i));
		pg->type_info = 0;
	}
}

/*
 * Take a 2 MiB block for the public pool and map it everywhere. False: no memory. alloc_lock is
 * free.
 */
static bool public_grow(void)
{
	u32 n;

	spin_lock(&alloc_lock);
	n = take_unclaimed(POOL_GENERAL, PUBLIC_ORDER, PUBLIC_BITS, NULL);
	spin_unlock(&alloc_lock);
	if (!n)
		return false;
	prepare_block(n, PUBLIC_ORDER);		/* before every root shows it */
	if (hyper_map_public_block(_mfn(n))) {
		page_free(ALLOC_DOMAIN, _mfn(n), PUBLIC_ORDER);
		return false;
	}
	page_alloc_add_public(_mfn(n), 1ul << PUBLIC_ORDER);
	if (hyper_pt_is_short())
		hyper_pt_refill(alloc_public_page()); /* public: shared tables */
	public_pages += 1ul << PUBLIC_ORDER;
	return true;
}

static mfn_t alloc(enum alloc_class class, unsigned order, unsigned max_bits, u32 *claim)
{
	enum pool pool = class == ALLOC_PUBLIC ? POOL_PUBLIC : POOL_GENERAL;
	u32 n;

	if (order > (pool == POOL_PUBLIC ? PUBLIC_ORDER : MAX_ORDER) || alloc_fault())
		return INVALID_MFN;
	for (;;) {
		spin_lock(&alloc_lock);
		n = take_unclaimed(pool, order, max_bits, claim);
		spin_unlock(&alloc_lock);
		if (n || pool == POOL_GENERAL)
			break;
		if (!public_grow())
			break;
	}
	if (!n)
		return INVALID_MFN;
	if (pool == POOL_PUBLIC)
		memset(public_ptr(_mfn(n)), 0, PAGE_SIZE << order);
	else
		prepare_block(n, order);
	return _mfn(n);
}

mfn_t page_alloc(enum alloc_class class, unsigned order, unsigned max_bits)
{
	return alloc(class, order, max_bits, NULL);
}

mfn_t page_alloc_claimed(unsigned order, unsigned max_bits, u32 *claim)
{
	return alloc(ALLOC_DOMAIN, order, max_bits, claim);
}

/*
 * Nothing is left of what the frame was, and then it is free: in this order, because
 * is_free_block() on another CPU may look at it meanwhile, and a flush clock of the past can look
 * like FREE_HEAD.
 */
static void retire(struct page_info *pg, u64 type_info, u64 count_info)
{
	BUG_ON(pg->count_info & (PGC_allocated | PGC_foreign_mask | PGC_own_mask));
	WRITE_ONCE(pg->tlb_stamp, 0);
	pg->type_info = type_info;
	pg->owner = DOMID_INVALID;
	pg->nr_validated = 0;
	pg->next = pg->prev = 0;
	__atomic_store_n(&pg->count_info, count_info, __ATOMIC_RELEASE);
}

void page_free(enum alloc_class class, mfn_t first, unsigned order)
{
	enum pool pool = class == ALLOC_PUBLIC ? POOL_PUBLIC : POOL_GENERAL;
	u32 n = mfn_x(first);

	for (u32 i = 0; i < 1u << order; i++)
		retire(frame(n + i), 0, pool == POOL_PUBLIC ? PGC_hv : 0);
	spin_lock(&alloc_lock);
	free_block(pool, order, n);
	spin_unlock(&alloc_lock);
}

void page_free_scrubbed(mfn_t m)
{
	retire(page_of(m), FREE_SCRUBBED, 0);
	spin_lock(&alloc_lock);
	free_block(POOL_GENERAL, 0, mfn_x(m));
	spin_unlock(&alloc_lock);
}

/* Boot: hand over a range of RAM nobody uses, by the largest aligned blocks. */
void page_alloc_add_ram(mfn_t first, u64 nr)
{
	u64 n = mfn_x(first), end = n + nr;

	total_pages += nr;
	while (n < end) {
		unsigned order = 0;

		while (order < MAX_ORDER && !(n & ((2ul << order) - 1)) &&
		       n + (2ul << order) <= end)
			order++;
		page_free(ALLOC_DOMAIN, _mfn(n), order);
		n += 1ul << order;
	}
}

void page_alloc_add_public(mfn_t first, u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		page_free(ALLOC_PUBLIC, mfn_add(first, i), 0);
}

void page_alloc_count_boot_public(u64 nr)
{
	public_pages += nr;
}

void *alloc_public_page(void)
{
	mfn_t m = page_alloc(ALLOC_PUBLIC, 0, 0);

	return mfn_is_valid_num(m) ? public_ptr(m) : NULL;
}

void free_public_page(void *page)
{
	page_free(ALLOC_PUBLIC, public_mfn(page), 0);
}

u64 nr_free_pages_of(unsigned node)
{
	return numa_nr_nodes == 1 ? nr_free_pages() : READ_ONCE(node_free[node]);
}

u64 nr_free_pages(void)
{
	return free_pages[POOL_GENERAL];
}

u64 nr_free_public_pages(void)
{
	return free_pages[POOL_PUBLIC];
}

u64 nr_public_pages(void)
{
	return public_pages;
}

u64 nr_total_pages(void)
{
	return total_pages;
}
