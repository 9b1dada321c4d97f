/* SPDX-License-Identifier: MIT */
/*
 * Heap: public objects of less than a page, by power-of-two size classes.
 *
 * A page of a class is cut into equal objects; free ones are linked through their first word. The
 * class of a page stands in its page_info.nr_validated (a public frame has no other use for it):
 * log2 of the object size, or HEAP_PAGES + order for whole pages. Objects are zeroed when given
 * out.
 * Lock: heap_lock protects the free lists.
 */
#include <isola/page_alloc.h>
#include <isola/lib/string.h>
#include <isola/lock_order.h>
#include <isola/spinlock.h>
#include <asm/frametable.h>
#include <asm/layout.h>

#define HEAP_MIN_SHIFT	5
#define HEAP_MAX_SHIFT	11		/* 2 KiB; larger objects are whole pages */
#define HEAP_PAGES	32
#define HEAP_MAX_ORDER	4

struct free_object { struct free_object *next; };

static spinlock_t heap_lock = SPINLOCK_INIT(LOCK_HEAP);
static struct free_object *heap_free[HEAP_MAX_SHIFT + 1];

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

/* heap_lock held. */
static void cut_page(void *page, unsigned shift)
{
	page_of(public_mfn(page))->nr_validated = shift;
	for (size_t at = 0; at < PAGE_SIZE; at += 1ul << shift) {
		struct free_object *o = page + at;

		o->next = heap_free[shift];
		heap_free[shift] = o;
	}
}

void *public_alloc(size_t size)
{
	unsigned shift = HEAP_MIN_SHIFT;
	struct free_object *o;

	while (shift <= HEAP_MAX_SHIFT && (1ul << shift) < size)
		shift++;
	if (shift > HEAP_MAX_SHIFT)
		return alloc_pages(size);

	spin_lock(&heap_lock);
	if (!heap_free[shift]) {
		void *page = alloc_public_page();

		if (page)
			cut_page(page, shift);
	}
	o = heap_free[shift];
	if (o)
		heap_free[shift] = o->next;
	spin_unlock(&heap_lock);
	return o ? memset(o, 0, 1ul << shift) : NULL;
}

void public_free(void *p)
{
	struct free_object *o = p;
	unsigned class;

	if (!p)
		return;
	class = page_of(public_mfn(p))->nr_validated;
	if (class >= HEAP_PAGES) {
		page_free(ALLOC_PUBLIC, public_mfn(p), class - HEAP_PAGES);
		return;
	}
	spin_lock(&heap_lock);
	o->next = heap_free[class];
	heap_free[class] = o;
	spin_unlock(&heap_lock);
}
