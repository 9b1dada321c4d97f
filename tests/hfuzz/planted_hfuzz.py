# SPDX-License-Identifier: MIT
"""Bugs that the hostile fuzz must find: a name that says what is planted, and for each change a
file, a text that stands there once, and what it becomes."""

EVTCHN_OP, GRANT_MAP = "arch/x86/calls/evtchn_op.c", "arch/x86/calls/gnttab_map.c"
EXCHANGE, VCPU_OP = "arch/x86/calls/exchange.c", "arch/x86/calls/vcpu_op.c"
GDT, MMUEXT, CALLBACK = "arch/x86/pv/gdt.c", "arch/x86/pv/mmu/mmuext.c", "arch/x86/pv/callback.c"
FIFO_SETUP = "common/evtchn_fifo_setup.c"
PT_CHECK, SYSCALL = "arch/x86/mm/pt_check.c", "arch/x86/entry/syscall.S"

PLANTED = [
    # ---- A reference that is not taken, or not given back ----
    ("a base pointer is taken without a reference", (MMUEXT,
     "is_other ? get_l4(d, new) : 0;", "0;")),
    ("a user base pointer that goes keeps its reference", (MMUEXT,
     "\troot_set_user(new);\n\tput_l4(old);\n", "\troot_set_user(new);\n")),

    # ---- A refusal that leaves something behind ----
    ("set_gdt that is refused keeps the frames it had taken", (GDT,
     "put_frames:\n\twhile (i--)\n\t\tdesc_frame_put(frames[i]);\n", "put_frames:\n")),
    ("a grant whose entry is refused keeps its frame", (GRANT_MAP,
     "\tif (status != GNTST_okay)\n\t\tdrop_frame(rd, m, write);\n\treturn status;",
     "\treturn status;")),
    ("an exchange that is refused keeps the frames away", (EXCHANGE,
     "\tdomain_readmit_pages(x->d, &x->in_frames);\n", "")),

    # ---- One thing taken for another ----
    ("a writable entry may name a table", (PT_CHECK,
     "\tif ((e & PTE_RW) && page_type_get_writable(pg_owner, pg)) {",
     "\tif ((e & PTE_RW) && !(pg->type_info & PGT_validated && type_level(pg->type_info)) &&\n"
     "\t    page_type_get_writable(pg_owner, pg)) {")),
    ("a vCPU that was never initialised may be brought up", (VCPU_OP,
     "\tif (!v->initialised)\n\t\treturn -EINVAL;\n\tvcpu_up", "\tvcpu_up")),

    # ---- A value that is not checked, or read twice ----
    ("a handle is not compared with how many there are", (GRANT_MAP,
     "\tif (n < t->nr_handles) {\n"
     "\t\tn = *number = index_nospec(n, t->nr_handles);\n", "\t{\n")),
    ("set_gdt reads its list again behind the check",
     (GDT, "int gdt_set(const mfn_t *frames, unsigned nr_ents)\n{\n",
      "static u64 planted;\n\nint gdt_set(const mfn_t *frames, unsigned nr_ents)\n{\n"),
     (GDT, "\tfor (i = 0; i < PV_GDT_FRAMES; i++)\n\t\tgdt_replace(",
      "\tif (copy_from_guest((mfn_t *)frames, planted, nr * sizeof(*frames)))\n\t\treturn "
      "-EFAULT;\n"
      "\tfor (i = 0; i < PV_GDT_FRAMES; i++)\n\t\tgdt_replace("),
     (GDT, "\treturn gdt_set(frames, nr_ents);\n",
      "\tplanted = list;\n\treturn gdt_set(frames, nr_ents);\n")),

    # ---- FIFO event channels ----
    ("a second control block that is refused keeps its page", (EVTCHN_OP,
     "\tif (rc) {\n\t\tpage_put_and_type(pg);\n\t\treturn rc;\n\t}\n\top.link_bits",
     "\tif (rc)\n\t\treturn rc;\n\top.link_bits")),
    ("a reset keeps the pages of control blocks", (EVTCHN_OP,
     "\t\tif (f->vcpu[i].control)\n", "\t\tif (f->vcpu[i].control == 1)\n")),
    ("a page of event words may be a table", (EVTCHN_OP,
     "\tif (page_type_get(*pg, PGT_writable)) {\n", "\tif (0) {\n")),
    ("a reset frees the queues and leaves them in use", (FIFO_SETUP,
     "\tWRITE_ONCE(d->evtchn_fifo, NULL);\n", "")),

    # ---- No way on ----
    ("a refused event channel keeps the lock", (EVTCHN_OP,
     "\trc = evtchn_##name(d, operand);\t\t\t\t\t\\\n\tspin_unlock",
     "\trc = evtchn_##name(d, operand);\t\t\t\t\t\\\n\tif (rc == -EEXIST) return rc;\\\n"
     "\tspin_unlock")),
    ("an NMI does not end a sleep", ("common/vcpu_nmi.c",
     "\t\tvcpu_tell(v);\n",
     "\t{\n\t\tWRITE_ONCE(v->event_check, 1);\n\t\tvcpu_kick(v);\n\t}\n")),

    # ---- What belongs to the guest is changed ----
    ("a hypercall that there is not changes rbx", (SYSCALL,
     "no_hypercall:\n", "no_hypercall:\n\txor\t%ebx, %ebx\n")),
]
