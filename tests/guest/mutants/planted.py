# SPDX-License-Identifier: MIT
"""Planted bugs that a guest must see: each breaks one promise of the hypervisor's, and one of the
claims named must be "not ok". A name says what is planted. A text that is no longer found in its
file is out of date, and fails."""

PIRQ, PIRQ_MAP = "arch/x86/irq/pirq.c", "arch/x86/irq/pirq_map.c"
PIRQ_DEVICE, MSI_FIND = "arch/x86/irq/pirq_device.c", "arch/x86/irq/msi_find.c"
MSI, IOMEM = "arch/x86/irq/msi.c", "arch/x86/mm/iomem.c"
PHYSDEV = "arch/x86/control/physdev_op.c"
EVTCHN, EVTCHN_OP = "common/evtchn.c", "arch/x86/calls/evtchn_op.c"
EVTCHN_PORT, FIFO = "common/evtchn_port.c", "common/evtchn_fifo.c"
FIFO_SETUP = "common/evtchn_fifo_setup.c"
VIRQ_HANDLER, CONSOLE_DRAIN = "common/virq_handler.c", "common/console_drain.c"
EVTCHN_RAISE, EVTCHN_CLOSE = "common/evtchn_raise.c", "common/evtchn_close.c"
WATCHDOG = "common/watchdog.c"
VCPU_NMI = "common/vcpu_nmi.c"
VCPU_OP, EXIT = "arch/x86/calls/vcpu_op.c", "arch/x86/entry/exit.c"
IRET, CALLBACK = "arch/x86/pv/iret.c", "arch/x86/pv/callback.c"
GRANT_PIN, GRANT_MAP = "arch/x86/include/asm/gnttab_pin.h", "arch/x86/calls/gnttab_map.c"
GNTTAB = "arch/x86/calls/gnttab.c"
GRANT_COPY = "arch/x86/calls/gnttab_copy.c"
MMUEXT = "arch/x86/pv/mmu/mmuext.c"
TYPE_WORD, PT_MODIFY = "arch/x86/mm/type_word.c", "arch/x86/mm/pt_modify.c"
PAGE_TYPE, PT_CHECK = "arch/x86/mm/page_type.c", "arch/x86/mm/pt_check.c"
PAGE_TYPE_H, PT_MODIFY_H = "arch/x86/include/asm/page_type.h", "arch/x86/include/asm/pt_modify.h"
DOMAIN_MAP = "arch/x86/asi/domain_map.c"
DOMAIN, DOMAIN_LIST = "common/domain.c", "common/domain_list.c"
DOMAIN_MAKE = "arch/x86/control/domain_make.c"
DOMAIN_DESTROY = "arch/x86/control/domain_destroy.c"
DOMAIN_INFO = "arch/x86/control/domain_info.c"
DOMAIN_CONTEXT = "arch/x86/control/domain_context.c"
DOMAIN_SAVE, VCPU_CONTEXT = "arch/x86/control/domain_save.c", "arch/x86/calls/vcpu_context.c"
OTHERS_TABLES = "arch/x86/pv/mmu/others_tables.c"
DOMCTL, REFUSED = "arch/x86/control/domctl.c", "arch/x86/control/control_refused.c"
EMUL_MSR, CPU_LEAVES = "arch/x86/pv/emul/msr.c", "arch/x86/control/cpu_leaves.c"
DEBUG_KEYS = "common/debug_keys.c"
MACHINE = "arch/x86/control/sysctl_machine.c"
DOMAIN_POLICY, OWN_POLICY = "arch/x86/control/domain_policy.c", "arch/x86/cpu/own_policy.c"
VCPU_RESET, GNTTAB_OP = "arch/x86/calls/vcpu_reset.c", "arch/x86/calls/gnttab_op.c"
ROOT, PT_CHECK = "arch/x86/asi/root.c", "arch/x86/mm/pt_check.c"
PARTS = "arch/x86/pv/builder/domain.c"
EMUL_PT, BOUNCE = "arch/x86/pv/emul/emul_pt.c", "arch/x86/pv/bounce.c"
SEGMENTS = "arch/x86/cpu/segments.c"
EXCEPTION, SYSCALL = "arch/x86/entry/exception.S", "arch/x86/entry/syscall.S"
RUNSTATE_H = "arch/x86/include/asm/runstate.h"

HYPERCALL, MULTICALL = "arch/x86/pv/hypercall.c", "arch/x86/entry/hypercall_table.c"

PVCLOCK, PLATFORM = "arch/x86/asi/pvclock.c", "arch/x86/control/platform_op.c"
VGA = "arch/x86/pv/builder/vga_info.c"

PLANTED = [
    # name, claims (or an attack), and for each change: file, text, what it becomes

    # ---- The time of day ----
    ("a domain's own offset counts for nothing", "wallclock/offset", (PVCLOCK,
     "base / SECONDS(1) + d->time_offset;", "base / SECONDS(1);")),
    ("an offset is forgotten until the clock is set", "wallclock/offset", (PVCLOCK,
     "\td->wallclock_version = 0;\t\t/* none: what stands there is out of date */\n", "")),
    ("settime has no use for nanoseconds", "wallclock/settime", (PLATFORM,
     "seconds * SECONDS(1) + ns - system_time", "seconds * SECONDS(1) - system_time")),

    # ---- The screen ----
    ("half a frame buffer's size is told", "start/screen", (VGA,
     "ROUNDUP(bytes, LFB_SIZE_UNIT) /", "(bytes / 2) /")),
    ("a frame buffer's pitch is its width", "start/screen", (VGA,
     "bytes_per_line = (u16)v->pitch_bytes;", "bytes_per_line = (u16)v->width;")),

    # ---- Interrupts of devices ----
    ("map_pirq of a line that does not exist", "pirq/map_refusals", (PIRQ_MAP,
     "\tif (!p)\n\t\treturn -EINVAL;\n\tif (!n)", "\tif (!p)\n\t\treturn 0;\n\tif (!n)")),
    ("unmap_pirq keeps the line", "pirq/unmap", (PIRQ_MAP,
     "\t\tp->owner = NULL;\n", "")),
    ("an EOI does not unmask", "pirq/level,pirq/level_quiet", (PIRQ,
     "\t\tif (p->waits && !p->rests_until)\n\t\t\tunmask(n, p);\n", "")),
    ("a level line is not masked until its EOI", "pirq/level_quiet", (PIRQ,
     "\tif (p->level)\n\t\tioapic_mask(n);\n", "")),
    ("a pirq is bound twice", "pirq/bind", (PIRQ,
     "\tif (p->port)\n\t\treturn -EEXIST;\n", "")),
    ("a line of the hypervisor's is bound", "pirq/bind_refusals", (PIRQ,
     "\tif (p->is_ours)\n\t\treturn -EBUSY;\n", "")),
    ("a pirq is bound without a mapping", "pirq/bind_refusals", (PIRQ,
     "\tif (p->owner != d)\n\t\treturn -EPERM;\n", "")),
    ("unmap_pirq leaves a bound line on", "pirq/unmapped", (PIRQ_MAP,
     "\t\tif (p->port)\n\t\t\tpirq_silence(n, p);\n", "")),
    ("a port that closes keeps its line", "pirq/bind,pirq/unbound", (EVTCHN_CLOSE,
     "\t\tpirq_unbind(d, e->pirq, port);\n", "")),
    ("a bound line stays masked", "pirq/edge", (PIRQ,
     "\t\tpirq_let_speak(n, p);\n", "")),
    ("setup_gsi a second time", "pirq/setup", (PIRQ,
     "!p->is_ours && !p->is_set_up && !p->port", "!p->is_ours && !p->port")),
    ("an edge needs an EOI", "pirq/eoi_page", (PIRQ,
     "show_eoi(d, n, p->level || will_share);", "show_eoi(d, n, true);")),
    ("an EOI of a line that is not mapped", "pirq/eoi_nothing", (PIRQ,
     "\tif (p->owner == d) {\n\t\tif (p->waits &&",
     "\tif (p->owner == d || !p->owner) {\n\t\tif (p->waits &&")),
    ("interrupts go to vCPU 0 whatever bind_vcpu said", "pirq/moved", (EVTCHN_RAISE,
     "\tevtchn_post(v, port);\n\treturn READ_ONCE(v->cpu);",
     "\tevtchn_post(d->vcpu[0], port);\n\treturn READ_ONCE(v->cpu);")),
    ("bind_vcpu to a vCPU that there is not", "events/bind_vcpu", (EVTCHN,
     "\tif (!new)\n\t\treturn -ENOENT;\n\tif (!guest_port",
     "\tif (!new)\n\t\tnew = d->vcpu[0];\n\tif (!guest_port")),
    ("map_pirq in another domain's name", "pirq/map_refusals", (PHYSDEV,
     "\tif (op->domid != DOMID_SELF && op->domid != d->domid)\n"
     "\t\treturn refuse_other(MAY_map_pirq, op->domid);\n\tswitch", "\tswitch")),

    # ---- Messages of devices ----
    ("an MSI of several messages", "msi/map_refusals", (PHYSDEV,
     "op->entry_nr == 1 ? 0 : -EOPNOTSUPP", "op->entry_nr == 3 ? -EOPNOTSUPP : 0")),
    ("a message of another segment's device", "msi/map_refusals", (PHYSDEV,
     "\tif (has_segment && (u32)op->bus >> 16)\n\t\treturn -ENODEV;\n",
     "\t(void)has_segment;\n")),
    ("an MSI is mapped twice", "msi/map_twice", (PIRQ_MAP,
     "dev->msi_pirq ? -EEXIST : dev->nr_mapped", "dev->nr_mapped")),
    ("an entry of a table is mapped twice", "msix/map_twice", (PIRQ_MAP,
     "pirq_of_message(dev->bdf, op->entry) ? -EEXIST : 0", "0")),
    ("a number that is mapped is given again", "msi/map_twice", (PIRQ_MAP,
     "return pirq_at(*n)->owner ? -EEXIST : 0;", "return 0;")),
    ("a line's number for a message", "msi/map_twice", (PIRQ_MAP,
     "(u32)wanted < nr_gsis || wanted >= NR_PIRQS", "wanted >= NR_PIRQS")),
    ("a number that was promised is given away", "msi/map_number", (PIRQ_MAP,
     "!p->owner && !p->is_taken && !p->is_ours", "!p->owner && !p->is_ours")),
    ("an entry behind the end of a table", "msix/map_refusals", (MSI_FIND,
     "\tif (entry >= dev->nr_entries)\n\t\treturn -EINVAL;\n", "")),
    ("a table of a device whose memory is off", "msix/map_refusals", (MSI_FIND,
     " || !pci_memory_is_on(m->bdf)", "")),
    ("a table is not guarded", "msix/guarded,msix/prepared", (IOMEM,
     "return most == IOMEM_FULL && is_guarded(m) ? IOMEM_READ : most;", "return most;")),
    ("a table stays guarded", "msix/guarded", (PIRQ_MAP,
     "\t\tpirq_unguard(dev);\n\t*p = (struct pirq){ 0 };", "\t\t;\n\t*p = (struct pirq){ 0 };")),
    ("a bound message stays masked", "msi/arrives,msix/arrives", (PIRQ,
     "\tif (p->port && !p->rests_until)\n\t\tunmask(n, p);\n",
     "\tif (p->port && !p->rests_until && !pirq_is_msi(p))\n\t\tunmask(n, p);\n")),
    ("a message is not masked before it is bound", "msix/unbound", (MSI,
     "\tset_mask(m, true);\n\tput_message(m, ADDRESS(apic_id), vector);\n",
     "\tput_message(m, ADDRESS(apic_id), vector);\n\tset_mask(m, false);\n")),
    ("a message that moves is not masked meanwhile, nor unmasked", "msix/moved", (MSI,
     "\tset_entry_mask(m, was_masked);\n", "\t(void)was_masked;\n")),
    ("an MSI that moves goes nowhere", "msi/moved", (MSI,
     "m->cap + MSI_LOW, ADDRESS(apic_id));", "m->cap + MSI_LOW, ADDRESS(apic_id + 100));")),
    ("a device goes and its messages stay", "msi/removed", (PIRQ_DEVICE,
     "u32 n = dev ? pirq_of_message(bdf, -1) : 0;", "u32 n = 0;")),
    ("messages are not restored", "msix/restored", (PIRQ_DEVICE,
     "\t\tmsi_write(&p->msi, p->vector, p->apic_id);\n", "")),
    ("a restored message stays masked", "msix/restored", (PIRQ_DEVICE,
     "\t\tpirq_let_speak(n, p);\n", "")),
    ("restoring messages of a device that nobody told of", "msi/devices", (PIRQ_DEVICE,
     "\tif (!is_known)\n\t\treturn -ENODEV;\n", "\t(void)is_known;\n")),
    ("dom0 writes an MSI's address", "msi/config", (PIRQ_DEVICE,
     "hits(reg, bytes, dev->msi, dev->msi_bytes)",
     "hits(reg, bytes, dev->msi, 4)")),
    ("dom0 switches an MSI on that is not mapped", "msi/config", (PIRQ_DEVICE,
     ".cap = dev->msi, .is_held = true }", ".cap = dev->msi }")),
    ("dom0 writes a table's control word in pieces", "msix/config", (PIRQ_DEVICE,
     "hits(reg, bytes, dev->msix, MSIX_CAP_BYTES)",
     "bytes == 2 && hits(reg, bytes, dev->msix, MSIX_CAP_BYTES)")),
    ("a table is prepared twice", "msix/prepared", (PIRQ_DEVICE,
     "\tif (dev->is_prepared || dev->nr_mapped)\n\t\treturn -EBUSY;\n", "")),
    ("a message rests for ever after a storm", "msi/storm", (PIRQ,
     "\tunmask(n, p);\n\tif (!p->level)\n\t\t(void)send_pirq",
     "\tif (!p->level)\n\t\t(void)send_pirq")),

    # ---- PCI configuration in memory: needs a q35, so by its one claim of a PC ----
    ("configuration that is not there is reserved", "mmcfg/reserved", (
     "arch/x86/irq/pci_mmcfg.c", "\tint rc = -ENODEV;\n\n\tfor", "\tint rc = 0;\n\n\tfor")),

    # ---- Calls that are stopped and gone on with ----
    ("a continuation writes every argument register", "preempted/*", (HYPERCALL,
     "\t\t*arg_reg[i] = args[i];\n\treturn nr;",
     "\t\t*arg_reg[i] = args[i];\n\tr->r8 = 0;\n\treturn nr;")),
    ("a continuation within a multicall writes all of the entry", "preempted/multicall_entry",
     (MULTICALL,
     "this_vcpu.multicall_nr_args * sizeof(u64)", "sizeof(this_vcpu.multicall_args)")),

    ("a reset of all ports that is stopped is not gone on with", "preempted/event_reset",
     (EVTCHN_OP, "\tif (rc != -ERESTART)\n\t\treturn rc;\n\treturn hypercall_continue(",
      "\tif (rc == -ERESTART)\n\t\treturn 0;\n\tif (rc != -ERESTART)\n\t\treturn rc;\n"
      "\treturn hypercall_continue(")),

    # ---- FIFO event channels ----
    ("FIFO: a queue keeps a tail that went to another one", "fifo/old_tail", (FIFO,
     "\tif (*last == port)\n", "\tif (*last == port && !port)\n")),
    ("FIFO: what is masked is linked", "fifo/masked", (FIFO,
     "\tif (READ_ONCE(*w) & MASKED)\n\t\treturn NULL;\n", "")),
    ("FIFO: unmasking links nothing", "fifo/masked", (FIFO,
     "\tif (READ_ONCE(*w) & PENDING)\n\t\tevtchn_fifo_deliver(f, v, port);\n", "")),
    ("FIFO: unmasking leaves the mask", "fifo/masked", (FIFO, "\tclear(w, MASKED);\n", "")),
    ("FIFO: a linked port's number is given out", "fifo/closed", (EVTCHN_PORT,
     "\t\tif (!evtchn_is_linked(d, port))\n", "\t\tif (!evtchn_is_linked(d, port) || port)\n")),
    ("FIFO: a port that closes stays pending", "fifo/closed", (FIFO,
     "\tif (w)\n\t\tclear(w, PENDING);\n", "\tif (w && !port)\n\t\tclear(w, PENDING);\n")),
    ("FIFO: what was pending before is lost", "fifo/carried_over", (FIFO_SETUP,
     "->state != EVTCHN_FREE && evtchn_2l", "->state == EVTCHN_FREE && evtchn_2l")),
    ("FIFO: what came before its word is lost", "fifo/no_word", (FIFO_SETUP,
     "\t\t\tevtchn_fifo_deliver(f, notified(d, port_of(d, port)), port);\n", "\t\t\t;\n")),
    ("FIFO: pages of words stay held behind a reset", "fifo/reset", (EVTCHN_OP,
     "\t\tpage_put_and_type(page_of(f->words[i]));\n", "\t\t;\n")),
    ("FIFO: a page is not held as one to be written to", "fifo/control_refused", (EVTCHN_OP,
     "\tif (page_type_get(*pg, PGT_writable)) {\n\t\tpage_put(*pg);\n\t\treturn -EINVAL;\n\t}\n"
     "\treturn 0;", "\treturn 0;")),
    ("FIFO: a port keeps its priority when it is opened anew", "fifo/default_again", (FIFO,
     "\tp->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;\n",
     "\tif (!p->priority)\n\t\tp->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;\n")),
    ("FIFO: a priority is not taken", "fifo/priority", (FIFO,
     "\tp->priority = priority;\n", "\t(void)priority;\n")),
    ("FIFO: a page of words too many", "fifo/array_full", (FIFO_SETUP,
     "return f->nr_words == EVTCHN_FIFO_NR_CHANNELS ? -ENOSPC : 0;", "return 0;")),
    ("FIFO: no upcall", "fifo/first", (FIFO, "\t\traise_upcall(v, vcpu_info_of(v));\n",
     "\t\t;\n")),
    ("FIFO: a second control block is taken", "fifo/control_once", (FIFO_SETUP,
     "\tif (f && f->vcpu[v->id].control)\n\t\treturn -EINVAL;\n", "")),
    ("FIFO: all queues are vCPU 0's", "fifo/other_vcpu", (FIFO,
     "READ_ONCE(f->vcpu[v->id].control)", "READ_ONCE(f->vcpu[v->id & 0].control)")),
    ("FIFO: a control block across a page's end", "fifo/control_refused", (EVTCHN_OP,
     "op.offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || ", "")),

    ("ports of another domain are reset while it runs", "others_ports/reset", (EVTCHN_OP,
     "READ_ONCE(d->control_pauses) ?", "true ?")),
    ("a domain has ports beyond its limit", "others_ports/limit", (EVTCHN_PORT,
     "\tif (port >= port_limit(d))\n\t\treturn -ENOSPC;\n", "")),
    ("no ports before there are vCPUs", "others_ports/early", (EVTCHN,
     "\tport = evtchn_take_port(d, (struct evtchn){ .state = EVTCHN_UNBOUND,\n",
     "\tif (!d->nr_vcpus)\n\t\treturn -EINVAL;\n"
     "\tport = evtchn_take_port(d, (struct evtchn){ .state = EVTCHN_UNBOUND,\n")),

    # ---- Shares of the CPUs ----
    ("a cap is told, and not held", "tools/cap_holds", ("common/sched_cap.c",
     "\tc->budget -= ran;\n", "")),
    ("a cap that is gone is kept", "tools/cap_holds", ("common/sched_cap.c",
     "\tc->percent = percent;\n", "\tif (percent)\n\t\tc->percent = percent;\n")),
    ("a budget grows too fast", "tools/cap_holds", ("common/sched_cap.c",
     "return c->percent * (CAP_PERIOD / 100);", "return c->percent * (CAP_PERIOD / 90);")),
    ("a cap beyond all vCPUs is taken", "tools/cap", ("arch/x86/control/domctl.c",
     "\tif (cap > 100 * d->nr_vcpus)\n\t\treturn -EINVAL;\n", "")),
    ("a rate limit is not looked at", "tools/rate_limit", ("arch/x86/control/sysctl_machine.c",
     "us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || ", "")),

    # ---- At rest ----
    ("a vCPU that has been told to go down is at rest", "rest/audit", ("common/sched.c",
     "\treturn READ_ONCE(v->state) == VCPU_DOWN &&\n\t       __atomic_load_n(&v->on_cpu, "
     "__ATOMIC_ACQUIRE) == NO_CPU;",
     "\treturn READ_ONCE(v->state) == VCPU_DOWN;")),
    ("register_vcpu_info refuses a vCPU that is on its way down", "rest/register_vcpu_info",
     (VCPU_OP,
     "\tif (v != current && !vcpu_is_at_rest(v))\n\t\treturn -ERESTART;",
     "\tif (v != current && !vcpu_is_at_rest(v))\n\t\treturn -EINVAL;")),

    # ---- Preconditions: the assertion ends the machine ----
    ("a watchdog is set without its lock", "sched/watchdog", (WATCHDOG,
     "\tspin_lock(&d->watchdog_lock);\n\trc = id ? change(d, id, seconds) : take(d, seconds);\n"
     "\tspin_unlock(&d->watchdog_lock);",
     "\trc = id ? change(d, id, seconds) : take(d, seconds);")),
    ("frames are adopted without the page lock", "exchange/gather", (DOMAIN_MAP,
     "\tspin_lock(&d->page_lock);\n\twindow_map(d, first, order);\n\town_frames(d, first, order, "
     "0, PGT_none);\n"
     "\tspin_unlock(&d->page_lock);",
     "\twindow_map(d, first, order);\n\town_frames(d, first, order, 0, PGT_none);")),
    ("a line is judged without its lock", "pirq/bind", (PIRQ,
     "\trc = may_bind(d, p);\n",
     "\tpirq_unlock(flags);\n\trc = may_bind(d, p);\n\t(void)pirq_lock(n, &flags);\n")),
    ("references are recounted without the lock of lives", "rest/audit", ("arch/x86/calls/audit.c",
     "\tspin_lock(&a.d->vcpus_lock);\n\trc = recount(&a);\n\tspin_unlock(&a.d->vcpus_lock);",
     "\trc = recount(&a);")),
    ("a vCPU is stopped without the scheduler's lock", "vcpu_op/unknown", ("common/sched.c",
     "\tu64 flags = spin_lock_irqsave(&sched_lock);\n\n\tif (v->state != VCPU_DEAD) {",
     "\tu64 flags = irq_save();\n\n\tif (v->state != VCPU_DEAD) {"), ("common/sched.c",
     "\t\t\taccount(v, false, now_ns());\n\t\t}\n\t}\n\tspin_unlock_irqrestore(&sched_lock, "
     "flags);",
     "\t\t\taccount(v, false, now_ns());\n\t\t}\n\t}\n\tirq_restore(flags);")),
    ("debug registers are written with interrupts on", "control/*debug*,emulation/*",
     ("arch/x86/pv/emul/debugreg.c",
     "\tu64 flags = irq_save();\n\n\tn = index_nospec", "\tu64 flags = 0;\n\n\tn = index_nospec")),
    ("events are delivered on the user root", "user/*", (EXIT,
     "\tif (from_user)\n\t\troot_peek_kernel();\n", "")),

    # ---- NMIs ----
    ("an NMI enters its own handler", "smp/nmi_other", (EXIT,
     "READ_ONCE(current->nmi_pending) && !this_vcpu.nmi_masked",
     "READ_ONCE(current->nmi_pending)")),
    ("an NMI that comes while masked is lost", "smp/nmi_other", (EXIT,
     "\tif (unlikely(READ_ONCE(current->nmi_pending) && !this_vcpu.nmi_masked))\n\t\tbounce_nmi();",
     "\tif (this_vcpu.nmi_masked)\n\t\tWRITE_ONCE(current->nmi_pending, false);\n"
     "\tif (READ_ONCE(current->nmi_pending))\n\t\tbounce_nmi();")),
    ("iret does not unmask NMIs", "smp/nmi_other", (IRET,
     "\tthis_vcpu.nmi_masked = false;\n", "")),
    ("iret does not look for an NMI", "smp/nmi_other", (IRET,
     "\tif (READ_ONCE(current->nmi_pending))\t/* one that was held back */\n"
     "\t\tWRITE_ONCE(current->event_check, 1);\n", "")),
    ("an NMI does not end a sleep", "smp/nmi_wakes", (VCPU_NMI,
     "\t\tvcpu_tell(v);\n",
     "\t{\n\t\tWRITE_ONCE(v->event_check, 1);\n\t\tvcpu_kick(v);\n\t}\n")),
    ("an NMI wakes a vCPU that is down", "smp/nmi_wakes", (VCPU_NMI,
     "\t\tvcpu_tell(v);\n", "\t\tvcpu_tell(v), vcpu_wake(v);\n")),
    ("a vCPU that sleeps is woken by bringing it up", "smp/up_asleep", ("common/sched.c",
     "\treturn wake(v, true);", "\treturn wake(v, true) || wake(v, false);")),
    ("send_nmi takes an argument", "exceptions/nmi_to_self", (VCPU_OP,
     "\tif (arg)\n\t\treturn -EINVAL;\n\tvcpu_send_nmi(v);", "\t(void)arg;\n\tvcpu_send_nmi(v);")),
    ("an NMI's handler starts with events unmasked", "exceptions/nmi_gate", (CALLBACK,
     ".mask_events = address != 0 };", ".mask_events = false };")),
    ("an NMI callback in the hypervisor's range", "exceptions/nmi_gate", (CALLBACK,
     "\tif (!is_guest_address(reg.address))\n\t\treturn -EINVAL;\n\tif (!cb) {", "\tif (!cb) {")),
    ("the NMI callback stays when it is unregistered", "exceptions/nmi_gate", (CALLBACK,
     "\t\tset_nmi_gate(0);\n", "")),

    # ---- Processor power ----
    ("power states of a type that there is not", "control/power_states", (
        "arch/x86/control/processor_pm.c",
        "\tif (op->type > XEN_PM_PDC)\n\t\treturn -EINVAL;\n", "")),
    # ---- Watchdogs ----
    ("a time of 0 does not put a watchdog away", "sched/watchdog", (WATCHDOG,
     "\td->watchdogs_used &= ~(1u << i);\n", "")),
    ("a watchdog that is put away bites", "sched/watchdog*", (WATCHDOG,
     "\ttimer_stop(&d->watchdog[i]);\n", "")),
    ("a watchdog beyond the last", "sched/watchdog", (WATCHDOG,
     "\tif (id > NR_WATCHDOGS)\n\t\treturn -EINVAL;\n", "")),
    ("a watchdog that nobody took", "sched/watchdog", (WATCHDOG,
     "\tif (!(d->watchdogs_used >> i & 1))\n\t\treturn -EINVAL;\n", "")),
    ("setting a watchdog anew does not feed it", "sched/watchdog_fed", (WATCHDOG,
     "\tif (seconds) {\n\t\tarm(d, i, seconds);", "\tif (seconds) {")),
    ("a watchdog does not bite", "attack=watchdog", (WATCHDOG,
     "\tdomain_shutdown(d, SHUTDOWN_watchdog);\n", "")),

    # ---- Two vCPUs at once: grants ----
    ("a handle that is unmapped is not marked busy", "races/unmap_list_both", (GRANT_MAP,
     "\t\t\tt->handles[n].flags |= HANDLE_BUSY;\n", "")),
    ("handles are given out without the lock", "races/map_list_both", (GRANT_MAP,
     "\tspin_lock(&d->grants->lock);\n\t*handle = handle_alloc(d->grants);\n",
     "\t*handle = handle_alloc(d->grants);\n\tspin_lock(&d->grants->lock);\n"), (GRANT_MAP,
     "\ts32 n;\n\n\tASSERT_LOCKED(&t->lock);\n", "\ts32 n;\n\n")),
    ("uses of a grant are taken back without the lock", "races/map_list_both,races/unmap_list_both",
     (GRANT_PIN,
     "\tASSERT_LOCKED(&t->lock);\n\tgnttab_uncount(p, write);",
     # One instruction takes one away: time for another vCPU to come by.
     "\tu32 left = (write ? p->writers : p->readers) - 1;\n\n"
     "\tfor (volatile int i = 0; i < 200; i++)\n\t\t;\n"
     "\t*(write ? &p->writers : &p->readers) = left;"), (GRANT_MAP,
     "\tspin_lock(&rd->grants->lock);\n\tgnttab_unpin(rd, ref, d, write);\n",
     "\tgnttab_unpin(rd, ref, d, write);\n\tspin_lock(&rd->grants->lock);\n")),
    ("a grant is checked, then marked as in use", "races/revoke_both", (GRANT_PIN,
     "\t\tif (__atomic_compare_exchange_n(word, &old, old | mark, false, __ATOMIC_SEQ_CST,\n"
     "\t\t\t\t\t\t__ATOMIC_SEQ_CST))\n\t\t\treturn GNTST_okay;",
     "\t\tWRITE_ONCE(*word, old | mark);\n\t\treturn GNTST_okay;")),
    ("a grant is free before the flush", "smp/grant_free_last", (GRANT_MAP,
     "\tif (batch->entries)\n\t\tguest_flush_all(FLUSH_EVERYTHING);\n", "")),
    ("a grant copy takes its own number for DOMID_SELF", "grants/copy_by_number", (GRANT_COPY,
     "\tif ((!from_ref && op->source.domid != DOMID_SELF) ||\n"
     "\t    (!to_ref && op->dest.domid != DOMID_SELF))\n"
     "\t\treturn GNTST_permission_denied;\n", "")),
    ("a grant copy lets go of its frame's use before it writes", "races/copy_pinned", (GRANT_COPY,
     "\treturn true;\n}", "\tif (write)\n\t\tpage_type_put_leaf(page_of(m));\n\treturn true;\n}"),
     (GRANT_COPY,
     "\tif (write)\n\t\tpage_type_put_leaf(page_of(m));\n\tgnttab_put_frame(d, owner, m);\n}",
     "\t(void)write;\n\tgnttab_put_frame(d, owner, m);\n}"),
     # In line there are few instructions between the two: time for another vCPU to come by.
     (GRANT_COPY, "\tif (likely(mfn_x(source) != mfn_x(dest)))",
      "\tfor (volatile int i = 0; i < 20000; i++)\n\t\t;\n"
      "\tif (likely(mfn_x(source) != mfn_x(dest)))")),
    ("RAM is mapped write-back or not at all", "caches/calls caches/stored", (PT_CHECK,
     "if (unlikely(*e & L1_CACHE) && !domain_may(d, MAY_choose_cache_type))",
     "if (*e & L1_CACHE && !is_io_frame(pte_mfn(*e)))")),
    ("grant frames are mapped by any cache type", "caches/hypervisors", (PT_CHECK,
     "if (READ_ONCE(pg->type_info) & PGT_special)", "if (!e)")),
    ("a frame of the grant table is like any other", "races/grant_frame_given_back", (DOMAIN_MAP,
     "own_frames(d, m, 0, 1, PGT_writable | PGT_validated | PGT_special | 1);",
     "own_frames(d, m, 0, 0, PGT_none);")),

    # ---- Two vCPUs at once: frames and their uses ----
    ("COPY_PAGE lets go of its frame before it writes", "races/copy_page_pinned", (MMUEXT,
     "\t\tmemmove(window_ptr(page_mfn(dst)), window_ptr(page_mfn(src)), PAGE_SIZE);\n"
     "\t\tpage_put_and_type(dst);",
     # As above: time for another vCPU to come by.
     "\t\tpage_put_and_type(dst);\n\t\tfor (volatile int i = 0; i < 20000; i++)\n\t\t\t;\n"
     "\t\tmemmove(window_ptr(page_mfn(dst)), window_ptr(page_mfn(src)), PAGE_SIZE);")),
    ("a pin is looked for, then set", "transitions/race_pin_l1_pin_l1", (PAGE_TYPE,
     "\tif (__atomic_fetch_or(&pg->type_info, PGT_pinned, __ATOMIC_SEQ_CST) & PGT_pinned) {",
     "\tif (READ_ONCE(pg->type_info) & PGT_pinned ||\n"
     "\t    !__atomic_fetch_or(&pg->type_info, PGT_pinned, __ATOMIC_SEQ_CST)) {")),
    ("a pin is looked for, then cleared", "races/unpin_both", (PAGE_TYPE,
     "\twas_pinned = __atomic_fetch_and(&pg->type_info, ~PGT_pinned, __ATOMIC_SEQ_CST) & "
     "PGT_pinned;",
     "\twas_pinned = READ_ONCE(pg->type_info) & PGT_pinned;\n"
     "\t__atomic_fetch_and(&pg->type_info, ~PGT_pinned, __ATOMIC_SEQ_CST);")),
    ("no flush when a frame changes its use", "smp/stale_writable,races/stale_writable*",
     (TYPE_WORD,
     "\tif (old_type != type && old_type != PGT_none)", "\tif (old_type > PGT_type_mask)")),
    ("a busy table is taken as if it were partial", "races/interrupted_both", (TYPE_WORD,
     "\treturn x & PGT_partial ? x & ~PGT_partial : 0;", "\treturn x & ~PGT_partial;")),
    ("the page lock keeps nobody out", "races/entry_both", (PAGE_TYPE_H,
     "(PGT_validated | PGT_locked | PGT_clean | PGT_count_top)) ==",
     "(PGT_validated | PGT_clean | PGT_count_top)) =="),
     (TYPE_WORD, "\t\tif (x & PGT_locked) {", "\t\tif (0) {")),
    ("the word of a frame's use is stored, not swapped", "races/entry_both,transitions/race*",
     (PAGE_TYPE_H,
     "\treturn likely(__atomic_compare_exchange_n(&pg->type_info, &old, new, false,\n"
     "\t\t\t\t\t\t  __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));",
     "\t(void)old;\n\tWRITE_ONCE(pg->type_info, new);\n\treturn true;")),
    ("a frame is checked, then marked as leaving",
     "transitions/race_exchange*,transitions/race_give*", (DOMAIN_MAP,
     "\t} while (!__atomic_compare_exchange_n(&pg->count_info, &x, x | PGC_leaving, false,\n"
     "\t\t\t\t\t      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));",
     "\t} while (0);\n\tWRITE_ONCE(pg->count_info, x | PGC_leaving);")),
    ("a frame in use leaves", "exchange/held_frame", (DOMAIN_MAP,
     "(x & (PGC_leaving | PGC_own_mask))", "(x & PGC_leaving)")),
    ("a frame is free before the flush", "smp/stale_given_back", (DOMAIN_MAP,
     "\tif (!tables && any)\n\t\tflush_leaving(d, shared_out);\n", "")),

    # ---- Two vCPUs at once: tables and roots ----
    ("a base pointer holds the table before it", "tables/new_baseptr,transitions/l4_*", (MMUEXT,
     "\t\tput_l4(old);\n\treturn 0;\n}\n\nstatic int op_new_user_baseptr",
     "\t\tput_l4(new);\n\treturn 0;\n}\n\nstatic int op_new_user_baseptr")),
    ("a user's base pointer holds the table before it", "tables/new_user_baseptr,transitions/l4_*",
     (MMUEXT,
     "\troot_set_user(new);\n\tput_l4(old);", "\troot_set_user(new);\n\tput_l4(new);")),
    ("update_va_mapping writes to a table that it does not hold",
     "smp/walk_ballooned,races/walk_uva*", (PT_MODIFY,
     "\treturn (pte_t *)window_ptr(page_mfn(pg)) + pt_index(va, 1);\n}",
     "\tpage_put(pg);\n\treturn (pte_t *)window_ptr(page_mfn(pg)) + pt_index(va, 1);\n}"),
     (PT_MODIFY_H,
     "\tpage_unlock_table(table);\n\tpage_put(table);", "\tpage_unlock_table(table);")),
    ("other CPUs stay dirty with an L4 entry", "smp/l4_edits", (PT_MODIFY,
     "\tif (root_is_dirty(&batch->roots))\n\t\troot_dispatch(&batch->roots);\n", "")),
    ("pages of the LDT stay when the base pointer changes", "tables/new_baseptr_ldt", (MMUEXT,
     "\tldt_unmap();\t\t\t/* its pages were found through the old table */\n", "")),

    # ---- Two vCPUs at once: vCPUs, ports, watchdogs ----
    ("a vCPU is initialised twice", "smp/bring_up", (VCPU_OP,
     "\tif (v->initialised)\n\t\treturn -EEXIST;\n", "")),
    ("two initialise a vCPU at once", "races/initialise_both", (VCPU_OP,
     "#define CHANGES_LIFE (1ul << VCPUOP_initialise | 1ul << VCPUOP_up",
     "#define CHANGES_LIFE (1ul << VCPUOP_up")),
    ("a vcpu_info's frame is not held", "races/record*", (VCPU_OP,
     "\tmove_vcpu_info(v, mfn_to_maddr(page_mfn(pg)) + op.offset);\n",
     "\tmove_vcpu_info(v, mfn_to_maddr(page_mfn(pg)) + op.offset);\n\tpage_put_and_type(pg);\n")),
    ("ports are given out without the lock", "races/ports_both", (EVTCHN_OP,
     "\tspin_lock(&d->evtchn_lock);\t\t\t\t\t\\\n\trc = evtchn_##name(d, operand);",
     "\trc = evtchn_##name(d, operand);"), (EVTCHN_OP,
     "operand);\t\t\t\t\t\\\n\tspin_unlock(&d->evtchn_lock);", "operand);")),
    ("a watchdog is looked for, then taken", "races/watchdogs_both", (WATCHDOG,
     "\tspin_lock(&d->watchdog_lock);\n\trc = id ?", "\trc = id ?"), (WATCHDOG,
     "\tspin_unlock(&d->watchdog_lock);\n", "")),

    # ---- Stores into page tables, events, the switch ----
    ("an emulated store across two entries", "stores/misaligned", (EMUL_PT,
     " == va) &&\n\t       likely(IS_ALIGNED(va, insn->bytes));", " == va);")),
    ("an emulated xchg keeps its register", "stores/operands", (EMUL_PT,
     "\tif (insn.op == INSN_XCHG)\n\t\t*reg = oe;\n", "")),
    ("an emulated store that is refused is stepped over", "stores/bad", (EMUL_PT,
     "*reg, PT_ANY) == PT_DONE;", "*reg, PT_ANY) != PT_MOVED;")),
    ("a page fault lacks the registers that C preserves", "stores/operands", (EXCEPTION,
     "\tCOMPLETE_SHORT\n\tmovl\t$\\vector, REGS_VECTOR(%rsp)\n\txor",
     "\tmovl\t$\\vector, REGS_VECTOR(%rsp)\n\txor")),
    ("an event's frame shows old words as rcx and r11", "events/registers_survive", (BOUNCE,
     "\tenter_event(SHORT_OF_SYSCALL);", "\tenter_event(SHORT_OF_GATE);")),
    ("an event's frame shows rip and rflags as rcx and r11", "events/after_iret_registers", (BOUNCE,
     "\tenter_event(SHORT_OF_GATE);", "\tenter_event(SHORT_OF_SYSCALL);")),
    ("an event loses a hypercall's result", "events/registers_survive", (SYSCALL,
     "\nevent:\n\tmov\t%rax, REGS_RAX(%rsp)\n", "\nevent:\n")),
    ("an iret brings no rcx and r11", "user/iret_registers", (IRET,
     "\tthis_vcpu.iret = IRET_BY_IRET;", "\tthis_vcpu.iret = IRET_BY_SYSRET;")),
    ("an iret in a multicall is left as the multicall", "advisories/iret_in_multicall", (MULTICALL,
     "\tif (rc == 1)\n", "\tif (0)\n")),
    ("an iret stays an iret", "events/call_behind_iret", (SYSCALL,
     "\tmovb\t$IRET_NONE, this_vcpu + VCPU_IRET(%rip)\n\tjne\tiret_by_iret",
     "\tjne\tiret_by_iret")),
    ("a selector that no longer loads goes unnoticed", "selectors/failsafe_on_lost_descriptor",
     (SEGMENTS,
     "\treturn false;\t\t\t\t\t\t\t\t\\\n", "\treturn true;\t\t\t\t\t\t\t\t\\\n")),
    ("a runstate record is not written", "vcpu_op/runstate_area", (RUNSTATE_H,
     "\tif (unlikely(area))\n\t\trunstate_write(area);\n", "\t(void)area;\n")),

    # ---- The life of a domain ----
    ("a number is given again at once", "life/numbers", (DOMAIN_LIST,
     "\t\tlast_given = last_given + 1u < DOMID_FIRST_RESERVED ? last_given + 1 : 1;\n",
     "\t\tlast_given = tried;\n")),
    ("createdomain takes any flag", "life/refusals", (DOMAIN_MAKE,
     "c->flags & ~(FLAGS_TAKEN | FLAGS_HVM)", "0")),
    ("a domain is made with more vCPUs than it was made for", "life/made", (DOMAIN_MAKE,
     "nr == d->max_vcpus ?", "nr >= d->max_vcpus ?")),
    ("a new domain does not wait", "life/made", (DOMAIN_MAKE, "\td->control_pauses = 1;\n", "")),
    ("what a domain has counts against its limit by wrapping", "life/memory", (DOMAIN_MAP,
     "(u64)d->nr_pages + nr > d->max_pages", "nr > d->max_pages - d->nr_pages")),
    ("vCPUs of the dead stay", "life/rounds", (PARTS,
     "\tfor (unsigned i = d->nr_vcpus; i-- > 0;)\n\t\troot_destroy_vcpu(d->vcpu[i]);\n"
     "\tgnttab", "\tfor (unsigned i = d->nr_vcpus; i-- > 0;)\n"
     "\t\td->vcpu[i]->root_kernel = INVALID_MFN;\n\tgnttab")),
    ("pins of the dead stay", "life/many", (GNTTAB,
     "\t\tpublic_free(t->pins[i]);\n\tpublic_free(t->handles);",
     "\t\t(void)i;\n\tpublic_free(t->handles);")),
    ("frames of the dead that others hold are nobody's", "life/zombie", (DOMAIN_MAP,
     "\t\tif (x & PGC_foreign_mask) {\n", "\t\tif (0) {\n")),
    ("nobody is told that a domain is dead", "life/told", (DOMAIN_DESTROY,
     "\traise_global_virq(VIRQ_DOM_EXC);\n", "")),
    ("nobody is told that a domain is gone", "life/told", (DOMAIN,
     "\traise_global_virq(VIRQ_DOM_EXC);\n", "")),
    ("a dead domain does not say so", "life/zombie", (DOMAIN_INFO,
     "\t\tinfo->flags |= XEN_DOMINF_dying;\n", "\t\t;\n")),
    ("destroying oneself is nothing", "life/destroy_refusals", (DOMAIN_DESTROY,
     "d == current->domain ? -EINVAL", "d == current->domain ? 0")),

    # ---- What control calls answer ----
    ("an unknown domctl is found before its domain", "answers/nobody", (DOMCTL,
     "\tstruct domain *d = get_domain_by_id(op->domain);\n\tlong rc;\n\n\tif (!d)\n"
     "\t\treturn -ESRCH;\n",
     "\tstruct domain *d = get_domain_by_id(op->domain);\n\tlong rc;\n\n\tif (!d)\n"
     "\t\treturn domctl_refused(op) == -ENOSYS ? -ENOSYS : -ESRCH;\n")),
    ("a domain's own policy is not told of its MSRs", "policy/msrs", (EMUL_MSR,
     "val & ARCH_CAPS_SHOWN & (own ? own->arch_caps : ~0ul)", "val | 2")),
    ("no room for MSRs is room enough", "policy/msrs", (CPU_LEAVES,
     "\tif (room < CPU_MSRS_MOST)\n\t\treturn -ENOBUFS;\n", "\t(void)room;\n")),
    ("a trigger sends no NMI", "exceptions/nmi_by_trigger", (DOMCTL,
     "\t\tvcpu_send_nmi(v);\n", "")),
    ("every trigger is good for something", "visits/triggers", (DOMCTL,
     "\tcase XEN_DOMCTL_SENDTRIGGER_SLEEP:\n\t\treturn -EINVAL;\n",
     "\tcase XEN_DOMCTL_SENDTRIGGER_SLEEP:\n\t\treturn 0;\n")),
    ("a trigger goes to a vCPU that is none", "visits/triggers", (DOMCTL,
     "\tstruct vcpu *v = vcpu_by_id(d, op->u.sendtrigger.vcpu);\n\n\tif (!v)\n",
     "\tstruct vcpu *v = vcpu_by_id(d, op->u.sendtrigger.vcpu % d->nr_vcpus);\n\n\tif (!v)\n")),
    ("a debug key says nothing", "tools/log", (DEBUG_KEYS,
     "\t\t\tpress(&table[i]);\n", "\t\t\t(void)press;\n")),
    ("all keys at once are none", "tools/keys_say", (DEBUG_KEYS,
     "key == DEBUG_KEY_ALL ? table[i].in_all : key == table[i].key", "key == table[i].key")),
    ("what is not built is all the same", "answers/domctl,answers/sysctl", (REFUSED,
     "\t\tif (a[i].cmd == cmd)\n\t\t\treturn a[i].rc;\n", "\t\t(void)cmd;\n")),
    ("every node has all memory", "answers/availheap", (MACHINE,
     "else if ((u32)a->node < numa_nr_nodes)", "else if (true)")),

    # ---- Global VIRQs ----
    ("nobody is told of new lines in the log", "virqs/con_ring", (CONSOLE_DRAIN,
     "\t\traise_global_virq(VIRQ_CON_RING);\n", "\t\t;\n")),
    ("a VIRQ of each vCPU gets a handler", "virqs/handler_refusals", (VIRQ_HANDLER,
     "virq >= NR_VIRQS || virq_is_per_vcpu(virq)", "virq >= NR_VIRQS")),
    ("the hardware domain has every global VIRQ", "virqs/handler", (EVTCHN_RAISE,
     "\tstruct domain *d = READ_ONCE(handler[virq]);\n", "\tstruct domain *d = NULL;\n")),
    ("who dies stays the handler", "virqs/handler_dies", (EVTCHN_CLOSE,
     "\tclear_global_virq_handlers(d);\n", "")),

    # ---- Visits ----
    ("any operation is done on a visit", "visits/own_only", (MMUEXT,
     "\tif (!foreign_ok)\n\t\treturn -EPERM;\n", "\t(void)foreign_ok;\n")),
    ("a pin on a visit lasts", "visits/pin", (MMUEXT,
     "\t[MMUEXT_UNPIN_TABLE]       = { op_unpin, true },",
     "\t[MMUEXT_UNPIN_TABLE]       = { op_unsupported, true },")),
    ("a visit shows the caller's window", "visits/pages,visits/pin", (ROOT,
     "\twindow_fill_root(public_ptr(root), d);\n",
     "\twindow_fill_root(public_ptr(root), current->domain);\n")),
    ("a context that was set stays whole", "visits/context", (VCPU_CONTEXT,
     "\tif (holds_the_same(p, c))\n\t\tfill(v, p, c);\n\telse\n\t\trc = -EOPNOTSUPP;\n",
     "\tfill(v, p, c);\n")),
    ("CR4 of a context is lost", "visits/context", (VCPU_CONTEXT,
     "\tp->cr4 = pv_settable_cr4(c->ctrlreg[4]);\n", "")),
    ("the GDT of a context is not told", "visits/context", (VCPU_CONTEXT,
     "\t\tc->gdt_ents += DESCS_PER_PAGE;\n", "")),
    ("a refused context keeps its descriptor frames", "visits/context_refused", (VCPU_CONTEXT,
     "\twhile (rc && nr--)\n", "\twhile (0)\n")),
    ("another's table takes no reference for an entry", "visits/tables", (OTHERS_TABLES,
     "\telse if (level < 4 || !is_hv_slot(r->maddr))\n"
     "\t\trc = pt_modify(r->pg_owner, level, pe, r->val, r->preserve, &batch);",
     "\telse if (level < 4 || !is_hv_slot(r->maddr))\n\t\tpte_write(pe, r->val), rc = 0;")),
    ("another's tables name anybody's frames", "visits/tables", (OTHERS_TABLES,
     ".pg_owner = o->page }", ".pg_owner = current->domain }")),
    ("a vcpu that is reset keeps its tables", "visits/reset", (VCPU_RESET,
     "\t\tif (mfn_is_valid_num(h->l4[i]))\n\t\t\tpage_put_and_type(page_of(h->l4[i]));",
     "\t\t;")),
    ("a vcpu that is reset keeps its descriptors", "visits/reset", (VCPU_RESET,
     "\t\tif (mfn_is_valid_num(h->descs[i]))\n\t\t\tdesc_frame_put(h->descs[i]);", "\t\t;")),
    ("a vcpu that is reset still has a context", "visits/reset", (VCPU_RESET,
     "\tWRITE_ONCE(v->initialised, false);\n", "")),
    ("whose grant table it is does not matter", "visits/grants", (GNTTAB_OP,
     "\top->nr_frames = READ_ONCE(d->grants->nr_frames);",
     "\top->nr_frames = READ_ONCE(current->domain->grants->nr_frames);")),
    ("a CPU policy is not kept", "policy/kept", (DOMAIN_POLICY,
     "\t\td->cpu_policy = new;", "\t\td->cpu_policy = new, new->nr_leaves = 0;\n"
     "\t\town_policy_settle(new);")),
    ("a CPU policy shows what none is shown", "policy/kept", (OWN_POLICY,
     "\t\t\to->word[i] &= reg_of(", "\t\t\to->word[i] = reg_of(")),
    ("a CPU policy may count more leaves than there are", "policy/refused", (DOMAIN_POLICY,
     "\trc = rc ? rc : check_counts(new, p);\n", "\t(void)check_counts;\n")),
    ("which leaf was refused is not said", "policy/refused", (DOMAIN_POLICY,
     "\tp->err_leaf = leaf;\n", "\t(void)leaf;\n")),
    ("what is claimed is for everybody", "life/claimed_all", ("arch/x86/frames/page_alloc.c",
     "free_pages[pool] + own < nr_claimed + nr)", "free_pages[pool] + own < nr)")),
    ("a claim lasts as it was", "life/claimed", ("arch/x86/frames/page_alloc.c",
     "\t\t*claim -= own;\n\t\tnr_claimed -= own;\n", "")),
    ("hypercall_init writes over a table", "visits/hypercall_page", (DOMAIN_CONTEXT,
     "\trc = page_type_get_writable(d, pg) ? -EPERM : 0;\n\tif (!rc) {",
     "\trc = page_type_get_writable(d, pg);\n\t{")),
    ("what hypercall_init fills is not in the log", "logged/writers", (DOMAIN_CONTEXT,
     "\trc = page_type_get_writable(d, pg) ? -EPERM : 0;\n",
     "\tu64 was = READ_ONCE(pg->type_info) & PGT_clean;\n\n"
     "\trc = page_type_get_writable(d, pg) ? -EPERM : 0;\n"), (DOMAIN_CONTEXT,
     "\t\thypercall_page_fill(window_ptr(page_mfn(pg)));\n\t\tpage_type_put_leaf(pg);\n",
     "\t\thypercall_page_fill(window_ptr(page_mfn(pg)));\n\t\tpage_type_put_leaf(pg);\n"
     "\t\tpg->type_info |= was;\n")),
    ("a pin is not told of", "visits/pin", (DOMAIN_SAVE,
     "(type & PGT_pinned ? XEN_DOMCTL_PFINFO_LPINTAB : 0)", "0")),
    ("the M2P is anybody's to map", "iomem/m2p_extents", (PT_CHECK,
     "\t\treturn pg_owner == &domain_xen ? 0 : -EPERM;\n", "\t\treturn 0;\n")),
    ("the M2P is mapped to be written", "iomem/m2p_extents", (PT_CHECK,
     "\treturn e & PTE_RW ? -EBUSY : 0;\n", "\treturn 0;\n")),
]
