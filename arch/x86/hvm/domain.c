/* SPDX-License-Identifier: MIT */
/*
 * What an HVM domain and its vcpus have beside what all have: how it comes and goes.
 */
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/cache_tracking.h>
#include <asm/hvm.h>
#include <asm/mapcache.h>
#include <asm/perdomain.h>
#include <asm/pgentry.h>

int hvm_domain_create(struct domain *d, u64 end)
{
	struct hvm_domain *h = public_alloc(sizeof(*h)); /* public: HVM domains */

	ASSERT(hvm && !d->nr_vcpus);
	if (!h)
		return -ENOMEM;
	if (p2m_create(&h->p2m, end)) {
		public_free(h);
		return -ENOMEM;
	}
	h->p2m.track.mode = opt_cache_tracking;
	ioreq_servers_init(&h->ioreq);
	h->shared_info_gfn = ~0ul;
	for (unsigned i = 0; i < HVM_GRANT_FRAMES; i++)
		h->grant_gfn[i] = ~0ul;
	d->hvm = h;
	return 0;
}

bool hvm_domain_destroy_some(struct domain *d)
{
	return d->hvm && p2m_destroy_some(&d->hvm->p2m);
}

void hvm_domain_destroy(struct domain *d)
{
	if (!d->hvm)
		return;
	for (unsigned i = 0; i < MAX_VCPUS; i++)
		if (d->hvm->vcpu[i]) {
			timer_kill(&d->hvm->vcpu[i]->timer);
			if (mfn_x(d->hvm->vcpu[i]->vendor_mfn))
				page_free(ALLOC_VCPU, d->hvm->vcpu[i]->vendor_mfn, 0);
			public_free(d->hvm->vcpu[i]);
		}
	while (p2m_destroy_some(&d->hvm->p2m))
		;
	public_free(d->hvm);
	d->hvm = NULL;
}

int hvm_vcpu_create(struct vcpu *v)
{
	struct hvm_domain *h = v->domain->hvm;
	struct hvm_private *priv;
	mfn_t vendor;
	void *page;
	int rc;

	if (!h->vcpu[v->id])
		h->vcpu[v->id] = public_alloc(sizeof(*h->vcpu[0])); /* public: HVM vcpus */
	if (!h->vcpu[v->id])
		return -ENOMEM;
	vlapic_timer_init(v);
	if (create_perdomain_mapping(v, VA_VCPU_HVM, VCPU_HVM_PAGES, true))
		return -ENOMEM;
	vendor = perdomain_mfn(v, VA_VCPU_HVM);
	page = map_domain_page(vendor);
	rc = hvm->init(v, page);
	unmap_domain_page(page);
	if (rc)
		return rc;
	priv = map_domain_page(perdomain_mfn(v, VA_VCPU_HVM + PAGE_SIZE));
	priv->vendor_maddr = mfn_to_maddr(vendor);
	vlapic_reset(v, &priv->apic);
	unmap_domain_page(priv);
	v->loop = hvm_vcpu_loop;
	v->leave = hvm->leave;
	return 0;
}
