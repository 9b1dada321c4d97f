/* SPDX-License-Identifier: MIT */
/*
 * Heap: public objects of less than a page, by power-of-two size classes.
 *
 * A page of a class is cut into equal objects; its free ones are linked through their first word.
 * What a page's page_info says of it (a public frame has no other use for it):
 *   nr_validated  log2 of the object size, or HEAP_PAGES + order for whole pages
 *   owner         how many of its objects are in use
 *   type_info     the address of its first free object, 0: none
 *   next, prev    links of its class's list of pages that have a free object
 * A page whose last object is freed goes back. Objects are zeroed when given out.
 * Lock: heap_lock protects the lists and the pages.
 */
#include <isola/page_alloc.h>
#include <isola/alloc_fault.h>
#include <isola/lib/string.h>
#include <isola/lock_order.h>
#include <isola/spinlock.h>
#include <asm/frametable.h>
#include <asm/layout.h>
#include <asm/precondition.h>

#define HEAP_MIN_SHIFT	5
#define HEAP_MAX_SHIFT	11		/* 2 KiB; larger objects are whole pages */
#define HEAP_PAGES	32
#define HEAP_MAX_ORDER	7

struct free_object { struct free_object *next; };

static spinlock_t heap_lock = SPINLOCK_INIT(LOCK_HEAP);
/* By class: the first page that has a free object; 0: none. */
static u32 heap_free[HEAP_MAX_SHIFT + 1];

static void *alloc_pages(size_t size)
{
	unsigned order = 0;
	mfn_t m;

	while ((PAGE_SIZE << order) < size)
		order++;
	if (order > HEAP_MAX_ORDER)
		return NULL;
	m = page_alloc(ALLOC_PUBLIC, order, 0);
	if (!mfn_is_valid_num(m))
		return NULL;
	page_of(m)->nr_validated = HEAP_PAGES + order;
	return public_ptr(m);
}

/* ---- Pages of objects: heap_lock held ---- */

static void list_page(struct page_info *pg)
{
	u32 n = mfn_x(page_mfn(pg)), *first = &heap_free[pg->nr_validated];

	ASSERT_LOCKED(&heap_lock);
	pg->prev = 0;
	pg->next = *first;
	if (*first)
		page_of(_mfn(*first))->prev = n;
	*first = n;
}

static void unlist_page(struct page_info *pg)
{
	ASSERT_LOCKED(&heap_lock);
	if (pg->prev)
		page_of(_mfn(pg->prev))->next = pg->next;
	else
		heap_free[pg->nr_validated] = pg->next;
	if (pg->next)
		page_of(_mfn(pg->next))->prev = pg->prev;
	pg->next = pg->prev = 0;
}

static void push(struct page_info *pg, struct free_object *o)
{
	ASSERT_LOCKED(&heap_lock);
	o->next = (struct free_object *)pg->type_info;
	pg->type_info = (u64)o;
}

/* A new page of the class, all its objects free; NULL: no memory. */
static struct page_info *new_page(unsigned shift)
{
	void *page = alloc_public_page();
	struct page_info *pg;

	ASSERT_LOCKED(&heap_lock);
	if (!page)
		return NULL;
	pg = page_of(public_mfn(page));
	pg->nr_validated = shift;
	pg->owner = 0;
	for (size_t at = 0; at < PAGE_SIZE; at += 1ul << shift)
		push(pg, page + at);
	list_page(pg);
	return pg;
}

static void *take_object(unsigned shift)
{
	struct page_info *pg = heap_free[shift] ? page_of(_mfn(heap_free[shift])) : new_page(shift);
	struct free_object *o;

	ASSERT_LOCKED(&heap_lock);
	if (!pg)
		return NULL;
	o = (struct free_object *)pg->type_info;
	pg->type_info = (u64)o->next;
	pg->owner++;
	if (!o->next)
		unlist_page(pg);
	return o;
}

static void give_object(struct page_info *pg, struct free_object *o)
{
	ASSERT_LOCKED(&heap_lock);
	if (!pg->type_info)
		list_page(pg);
	push(pg, o);
	if (--pg->owner)
		return;
	unlist_page(pg);
	page_free(ALLOC_PUBLIC, page_mfn(pg), 0);
}

/* ---- Objects ---- */

void *public_alloc(size_t size)
{
	unsigned shift = HEAP_MIN_SHIFT;
	void *o;

	if (alloc_fault())
		return NULL;
	while (shift <= HEAP_MAX_SHIFT && (1ul << shift) < size)
		shift++;
	if (shift > HEAP_MAX_SHIFT)
		return alloc_pages(size);
	spin_lock(&heap_lock);
	o = take_object(shift);
	spin_unlock(&heap_lock);
	return o ? memset(o, 0, 1ul << shift) : NULL;
}

void public_free(void *p)
{
	struct page_info *pg;

	if (!p)
		return;
	pg = page_of(public_mfn(p));
	if (pg->nr_validated >= HEAP_PAGES) {
		page_free(ALLOC_PUBLIC, page_mfn(pg), pg->nr_validated - HEAP_PAGES);
		return;
	}
	spin_lock(&heap_lock);
	give_object(pg, p);
	spin_unlock(&heap_lock);
}
