# SPDX-License-Identifier: MIT
"""Planted bugs of running out of memory: each leaves out a step that takes something back.
tests/guest/oom.t must notice each."""

WINDOW, DOMAIN_MAP = "arch/x86/asi/window_tables.c", "arch/x86/asi/domain_map.c"
PERDOMAIN, AREA = "arch/x86/asi/perdomain.c", "arch/x86/asi/vcpu_area.c"
ROOT = "arch/x86/asi/root.c"
RESERVATION, EXCHANGE = "arch/x86/calls/reservation.c", "arch/x86/calls/exchange.c"
GRANT = "arch/x86/calls/gnttab.c"
BUILD, IOPORT = "arch/x86/pv/builder/build.c", "arch/x86/pv/emul/ioport.c"
PARTS = "arch/x86/pv/builder/domain.c"
HEAP, DOMAIN, EVTCHN = "arch/x86/frames/heap.c", "common/domain.c", "common/evtchn_port.c"

PLANTED_OOM = [
    # name, and for each change: file, text, what it becomes

    # ---- Hypercalls ----
    ("a split that was for nothing stays", (WINDOW,
     "(info->nr_validated == PT_ENTRIES && (info->type_info & TABLE_SPLIT))", "0")),
    ("idle tables are not taken out", (WINDOW,
     "\t\ttake_out(d, info);\n\t\tinfo->next = taken;\n\t\ttaken = mfn_x(page_mfn(info));\n", "")),
    ("an extent that finds no tables is lost", (RESERVATION,
     "\t\tname_extent(c, m, INVALID_M2P);\n\t\tpage_free(ALLOC_DOMAIN, m, c->order);\n",
     "\t\tname_extent(c, m, INVALID_M2P);\n")),
    ("a frame that cannot go is as good as gone", (DOMAIN_MAP,
     "\t\tstay(pg);\n\t\treturn -ENOMEM;\n", "\t\treturn -ENOMEM;\n")),
    ("what a failed exchange withdrew stays withdrawn", (EXCHANGE,
     "\tdomain_readmit_pages(x->d, &x->in_frames);\n", "\tx->in_frames = 0;\n")),
    ("what a failed exchange allocated is lost", (EXCHANGE,
     "\t\tdomain_unprepare_pages(x->d, m, x->out.order);\n\t\tpage_free(ALLOC_DOMAIN, m, "
     "x->out.order);\n",
     "\t\tdomain_unprepare_pages(x->d, m, x->out.order);\n")),
    ("what a failed exchange prepared stays", (EXCHANGE,
     "\t\tdomain_unprepare_pages(x->d, m, x->out.order);\n", "")),
    ("frames of a grant table that does not grow are lost", (GRANT,
     "\tdomain_unprepare_special_page(d, d->grants->frame[i]);\n", "")),
    ("pins of a grant table that does not grow are lost", (GRANT,
     "\tdomain_unprepare_special_page(d, d->grants->frame[i]);\n"
     "\tpublic_free(d->grants->pins[i]);\n",
     "\tdomain_unprepare_special_page(d, d->grants->frame[i]);\n")),
    ("a grant table grows as far as it can", (GRANT,
     "\twhile (i-- > t->nr_frames)\n\t\tunprepare_frame(d, i);\n",
     "\twhile (t->nr_frames < i)\n\t\tdomain_adopt_special_page(d, t->frame[t->nr_frames++]);\n")),
    ("ports are counted before there is memory for them", (EVTCHN,
     "\tif (!bucket)\n\t\treturn -ENOMEM;\n\td->evtchn_bucket[nr] = bucket;\n",
     "\tif (!bucket)\n\t\treturn -ENOSPC + 0 * (d->evtchn_first_free = EVTCHN_2L_PORTS);\n"
     "\td->evtchn_bucket[nr] = bucket;\n")),

    # ---- Building a domain ----
    ("a page of objects does not go back when it is empty", (HEAP,
     "\tunlist_page(pg);\n\tpage_free(ALLOC_PUBLIC, page_mfn(pg), 0);\n", "")),
    ("a vcpu's private pages stay", (AREA,
     "\tdestroy_perdomain_mapping(v, VA_GDT, VCPU_NR_PAGES);\n", "")),
    ("an area's L1s stay", (PERDOMAIN,
     "\t\t\tfree_public_page(public_ptr(pte_mfn(pte_read(&l2[i]))));\n", "\t\t\t(void)0;\n")),
    ("an area's L3 stays", (PERDOMAIN,
     "\tif (mfn_is_valid_num(v->area_l3))\n\t\tfree_public_page(public_ptr(v->area_l3));\n", "")),
    ("a vcpu's area stays when it has no roots", (ROOT,
     "\tv->cr3_kernel = v->cr3_user = 0;\n\tvcpu_area_destroy(v);\n",
     "\tv->cr3_kernel = v->cr3_user = 0;\n")),
    ("a user root stays", (ROOT, "\tfree_root(&v->root_user);\n", "")),
    ("a domain's ports stay", (DOMAIN, "\tevtchn_domain_destroy(d);\n", "")),
    ("a domain's vcpus stay",
     (DOMAIN, "\t\tvcpu_destroy(d->vcpu[--d->nr_vcpus]);\n", "\t\td->nr_vcpus--;\n")),
    ("a domain that lacks a vcpu stays",
     (PARTS, "\t\t\tunmake_vcpus(v, i);\n", "")),
    ("port rights stay", (IOPORT, "\tpublic_free(d->ioports);\n", "")),
    ("a window's tables stay",
     (WINDOW, "\twindow_free_tables(d, tables);\n\tASSERT(!d->nr_window_tables);\n", "")),
    ("the list of pages stays", (BUILD,
     "\tif (mfn_is_valid_num(p->scratch))\n\t\tpage_free(ALLOC_DOMAIN, p->scratch, "
     "p->scratch_order);\n", "")),
    ("a domain whose building is given up stays", (BUILD,
     "\tif (p->d)\n\t\tpv_domain_abandon(p->d);\n", "")),
    ("a domain's memory stays", (DOMAIN_MAP,
     "\t\tflush_leaving(d, true);\n\tfree_frames(d, n);\n",
     "\t\tflush_leaving(d, true);\n")),
    ("a grant table stays",
     (GRANT, "\tpublic_free(t->handles);\n\tpublic_free(t);\n", "\tpublic_free(t->handles);\n")),
    ("a server's ranges stay",
     ("arch/x86/calls/ioreq_server.c",
      "\t\t\tfree_public_page(s->ranges[i].range);\n", "\t\t\t;\n")),
]
