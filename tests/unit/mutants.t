#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Planted bugs: each line below breaks one check in a copy of the sources, and the unit test named
must notice. A bug that stays unnoticed is a hole in that test. A line whose text is no longer found
is out of date, and fails. Some are planted in make test, all of them in make test-all.
FUZZ_DIVISOR shortens the random part."""
import concurrent.futures
import os
import shutil
import subprocess
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

ELF, NOTES, MB2, MAP, MODULES = ("common/lib/elf.c", "common/lib/elf_notes.c", "boot/multiboot2.c",
                                 "boot/memmap.c",
                                 "boot/modules.c")
ACPI, MADT, FADT, EFI, FORMAT = ("arch/x86/firmware/acpi.c", "arch/x86/firmware/acpi_madt.c",
                                 "arch/x86/firmware/acpi_fadt.c",
                                 "arch/x86/firmware/efi.c", "common/lib/format.c")
DOMAINS, REFS = "common/domain_list.c", "common/domain_ref.c"
PRIVILEGE, LOOKUP = "include/isola/privilege.h", "include/isola/domain_lookup.h"
PORT, CLOSE, SEND = "common/evtchn_port.h", "common/evtchn_close.c", "common/evtchn_send.c"
EVTCHN, EVTCHN_OP = "common/evtchn.c", "arch/x86/calls/evtchn_op.c"
VIRQ, RAISE = "common/virq_handler.c", "common/evtchn_raise.c"
SPINLOCK = "common/base/spinlock.c"
SCHED, PLACE = "common/sched.c", "common/sched_place.c"
CAP, SETTINGS = "common/sched_cap.c", "common/sched_settings.c"
FIFO = "common/evtchn_fifo.c"
STORM, PIRQ = "arch/x86/irq/storm.c", "arch/x86/irq/pirq.c"
PIRQ_MAP, PCI_DEV = "arch/x86/irq/pirq_map.c", "arch/x86/irq/pci_dev.c"
MSI, MSI_FIND = "arch/x86/irq/msi.c", "arch/x86/irq/msi_find.c"
IOAPIC = "arch/x86/irq/ioapic.c"
PAGE_ALLOC = "arch/x86/frames/page_alloc.c"
SRAT, TOPOLOGY = "arch/x86/firmware/acpi_srat.c", "arch/x86/cpu/topology.c"
UNPACK, ROOM = "unpack/unpack.c", "unpack/room.c"
RECORDS, P2M = "arch/x86/hvm/records.c", "arch/x86/mm/p2m.c"
APIC_CHECK = "arch/x86/hvm/apic_check.c"
MUTANTS = [
    # test, file, text, what it becomes
    ("console", "common/base/console.c",
     "\tif (part == REST && written_by != who)\n\t\treturn CONSOLE_BROKEN;\n", ""),
    ("console", "common/base/console.c", "\t\t\twritten_by = NULL;\n\t\t\tif (", "\t\t\tif ("),
    ("records", RECORDS, "\tif (r->size - r->at < n)\n", "\tif (r->size < n)\n"),
    ("records", RECORDS, "(desc->length < size && !may_be_short)", "false"),
    ("records", RECORDS, "\tif (desc->length > size || ", "\tif ("),
    ("records", RECORDS, "\tif (desc.typecode != HVM_SAVE_CODE(HEADER))\n\t\treturn -EPERM;\n", ""),
    ("records", RECORDS, " && head.version == HVM_FILE_VERSION", ""),
    ("records", RECORDS, "\t\tr->at += n;\n", "\t\tr->at += 8;\n"),
    ("records", RECORDS, "\tif (is_long != (on && c->msr_efer & EFER_LME))\n", "\tif (false)\n"),
    ("records", RECORDS, "!c->pending_reserved &&", ""),
    ("records", RECORDS, " || c->msr_efer & ~efer_valid", ""),
    ("records", RECORDS, "msr->_rsvd || msr->val & ~can", "msr->_rsvd || msr->val & ~can & 0"),
    ("records", RECORDS, "t.tsc_adjust ? -EPERM : 0", "0"),
    ("records", RECORDS, "desc->length != sizeof(count) + count",
     "desc->length < sizeof(count) + count"),
    ("records", RECORDS, "\tif (apic != hvm_has(in, HVM_SAVE_CODE(LAPIC_REGS)))\n",
     "\tif (false)\n"),
    ("records", RECORDS, "apic ? hvm_check_apic(&in->lapic, &in->regs, id) : 0", "0"),
    ("records", RECORDS, "bytes <= HVM_IMAGE_PAGES * PAGE_SIZE", "true"),
    ("records", RECORDS, "\t\tif (bits[i])\n", "\t\tif (false)\n"),
    ("records", RECORDS, "fpu_check_image(head[1]", "fpu_check_image(head[2]"),
    ("records", RECORDS, "\t\tmemset(image[i], 0, PAGE_SIZE);\n",
     "\t\tmemset(image[i], 1, PAGE_SIZE);\n"),
    ("records", APIC_CHECK, "if (l->tdt_msr && ", "if (false && "),
    ("records", APIC_CHECK, "!(base & APICBASE_BSP) == !!id", "true"),
    ("records", APIC_CHECK, "base & APICBASE_ENABLE || !(base & APICBASE_EXTD)", "true"),
    ("records", APIC_CHECK, "~vlapic_reg(r, APIC_DFR) & VLAPIC_DFR_ONES", "false"),
    ("records", APIC_CHECK, "\t\tif (vlapic_reg(r, APIC_TMR + 16 * i))\n", "\t\tif (false)\n"),
    ("records", APIC_CHECK, " || vlapic_reg(r, APIC_ISR) & 0xffff", ""),
    ("records", APIC_CHECK, " | DELIVERY | 0xff", " | DELIVERY | 0x400ff"),
    ("p2m", P2M, "p->nr_tables >= p->max_tables", "p->nr_tables > p->max_tables"),
    ("p2m", P2M, "return p->closed ? INVALID_MFN : p2m_lookup(p, gfn);",
     "return p2m_lookup(p, gfn);"),
    ("p2m", P2M, "\tif (p->closed) {\n", "\tif (false) {\n"),
    ("p2m", P2M, "\tif (!p->closed)\n\t\tpe = p2m_walk(", "\tif (true)\n\t\tpe = p2m_walk("),
    ("sched", "common/sched_state.h", "ran = ran * DEFAULT_WEIGHT / v->weight;",
     "ran = ran * DEFAULT_WEIGHT / DEFAULT_WEIGHT;"),
    ("sched", SCHED, "\tif (run_queue.first)\n\t\tqueue_clock", "\tif (0)\n\t\tqueue_clock"),
    ("sched", SCHED, "queue_clock - min(queue_clock, MAX_CREDIT)", "queue_clock + MAX_LEAD"),
    ("sched", SCHED, "!cap_charge(&prev->domain->cap, since(prev->charged_at, now), now))",
     "!cap_charge(&prev->domain->cap, since(prev->charged_at, now) / 2, now))"),
    ("sched", SCHED, "timer_set(&prev->domain->cap.refill, grows_at);", "(void)timer_set;"),
    ("sched", SCHED, "grows_at = cap_grows_at(&d->cap);", "grows_at = 0;"),
    ("sched", SCHED, "slice = min(slice, cap_slice(&v->domain->cap, v->domain->nr_vcpus));",
     "slice = min(slice, 2 * TIME_SLICE);"),
    ("sched", SCHED, "waits || moves ? prev : NULL", "waits ? prev : NULL"),
    ("sched", SCHED, "cpu, moves ? prev : NULL", "cpu, NULL"),
    ("sched", SCHED, "\tif (any_cpu_idles())\n\t\task_for_room();\n", ""),
    ("sched", SCHED, "\t\task_idle(prev);\n", "\t\t(void)ask_idle;\n"),
    ("sched", SCHED, "is_too_early(prev, now) ? prev : choose(cpu, prev)",
     "is_too_early(prev, now) ? choose(cpu, prev) : choose(cpu, prev)"),
    ("sched", CAP, "c->grown_at += periods * CAP_PERIOD;", "c->grown_at = now;"),
    ("sched", CAP, "(s64)min(periods, 1000000ul) * by, by);",
     "(s64)min(periods, 1000000ul) * by, 90 * by);"),
    ("sched", CAP, "\tc->budget -= ran;\n", "\tc->budget = max(c->budget - (s64)ran, -1000l);\n"),
    ("sched", PLACE, "u32 cpu = idle_cpu_in(v, v->soft_affinity);", "u32 cpu = NO_CPU;"),
    ("sched", PLACE, "cpu != NO_CPU ? cpu : idle_cpu_in(v, v->affinity)", "cpu"),
    ("sched", PLACE, "& ~cpus_asked[w] & v->affinity[w] & mask[w]", "& ~cpus_asked[w] & mask[w]"),
    ("sched", PLACE, "\t\tcpu = reach_further(reached, wanted, &more);",
     "\t\tcpu = reach_further(reached, wanted, &more), more = false;"),
    ("sched", PLACE, "cpu_public[cpu].running->gives_way = true;", ""),
    ("sched", PLACE, "\tif (!ask_idle(v))\n\t\task(busy_cpu_for(v, now));", 
     "\tif (!ask_idle(v))\n\t\task(NO_CPU), (void)busy_cpu_for, (void)now;"),
    ("sched", SETTINGS, "\tif (d->cap.is_used_up)\n\t\tsched_bring_back(d, now);\n", ""),
    ("sched", SETTINGS, "d->vcpu[i]->weight = weight;", ";"),
    ("static_words", "arch/x86/pv/builder/static_words.c", "d->cap > 100 * d->nr_vcpus",
     "d->cap > 100 * MAX_VCPUS"),
    ("string", "common/lib/string.c", "d += n - 1;", "d += n;"),
    ("string", "common/lib/string.c", "rest = n % 8", "rest = n % 4"),
    ("string", "common/lib/string.c", "size_t n = min(len, size - 1);",
     "size_t n = min(len, size);"),
    ("string", "common/lib/string.c", "(u8)*a - (u8)*b;\n}", "*a - *b;\n}"),
    ("format", FORMAT, "o->pos < o->size - 1", "o->pos <= o->size"),
    ("format", FORMAT, "buf[min(o.pos, size - 1)]", "buf[o.pos]"),
    ("format", FORMAT, "strnlen(text, max_len)", "strnlen(text, max_len + 1)"),
    ("format", FORMAT, "case 2: value = (s16)value; break;", ""),
    ("bitmap", "common/lib/bitmap.c", "mask &= BIT(end - base) - 1;",
     "mask &= BIT(end - base + 1) - 1;"),
    ("bitmap", "common/lib/bitmap.c", "if (++word >= BITMAP_LONGS(nbits))",
     "if (++word > BITMAP_LONGS(nbits))"),
    ("bitmap", "include/isola/lib/bitmap.h", "lock btrq %2", "lock btsq %2"),
    ("cmdline", "common/lib/cmdline.c", "v < o->min || v > o->max", "v < o->min || v >= o->max"),
    ("cmdline", "common/lib/cmdline.c", "if (len < sizeof(word) - 1)", "if (len < sizeof(word))"),
    ("cmdline", "common/lib/cmdline.c", "if (v > UINT64_MAX >> shift)", "if (0)"),
    ("cmdline", "common/lib/cmdline.c", "if (o->size < 8 && v >> (8 * o->size))", "if (0)"),
    ("elf", "common/lib/elf_format.h", "offset <= f->size && len <= f->size - offset",
     "offset + len <= f->size"),
    ("elf", ELF, "if (ph->p_filesz > ph->p_memsz)", "if (0)"),
    ("elf", ELF, "if (b->paddr - a->paddr < a->mem_size)",
     "if (b->paddr - a->paddr + 1 < a->mem_size)"),
    ("elf", ELF, "if (out->nr_segments == ELF_MAX_SEGMENTS)",
     "if (out->nr_segments > ELF_MAX_SEGMENTS)"),
    ("elf", ELF, "if (ph->p_paddr < offset)", "if (0)"),
    ("elf", ELF, "n->entry >= out->virt_end", "n->entry > out->virt_end"),
    ("elf", ELF, "start >= HYPERVISOR_VIRT_END", "start >= HYPERVISOR_VIRT_START"),
    ("elf", ELF, "|| out->virt_end - n->hypercall_page < 4096", ""),
    ("elf", ELF, "elf_has(f, strangers[i].offset, strangers[i].len) &&", ""),
    ("elf", NOTES, "if (sizeof(h) + pad4(h.namesz) + h.descsz > len)", "if (0)"),
    ("elf", NOTES, "if (i < 0 && required)", "if (0)"),
    ("elf", NOTES, "return ROUNDUP((u64)n, 4);", "return ROUNDUP(n, 4);"),
    ("elf", NOTES, "strings.sh_size - sh.sh_name >= sizeof(name) &&", ""),
    ("elf", NOTES, "min(strnlen((const char *)desc, len), size - 1)",
     "min(strnlen((const char *)desc, len), size)"),
    ("elf", NOTES, "\telf_make_printable(to);\n", ""),
    ("multiboot2", MB2, "if (h.size < sizeof(h) || h.size > size - pos)",
     "if (h.size > size - pos)"),
    ("multiboot2", MB2, "if (h.size < sizeof(h) || h.size > size - pos)",
     "if (h.size < sizeof(h))"),
    ("multiboot2", MB2, "if (size - pos < sizeof(h))", "if (size == pos)"),
    ("multiboot2", MB2, "if (offset > t->len || len > t->len - offset)",
     "if (offset + len > t->len + 1)"),
    ("multiboot2", MB2, "strnlen(s, t->len - offset) == t->len - offset", "0"),
    ("multiboot2", MB2, "if (i == BOOT_MAX_MODULES)", "if (i > BOOT_MAX_MODULES)"),
    ("multiboot2", MB2, "if (out->has_rsdp && len < sizeof(rsdp))", "if (0)"),
    ("memmap", MAP, "if (map->nr == BOOT_MAX_RANGES)", "if (map->nr > BOOT_MAX_RANGES)"),
    ("memmap", MAP, "if (r->type < type) {", "if (r->type > type) {"),
    ("memmap", MAP, "start = ROUNDUP(start, PAGE_BYTES);", "start = ROUNDDOWN(start, PAGE_BYTES);"),
    ("memmap", MAP, "l->end == r->start && l->type == r->type", "l->end == r->start"),
    ("memmap", MODULES, "a_start < b_end && b_start < a_end",
     "a_start < b_end && b_start <= a_end"),
    ("memmap", MODULES, "overlap(m->start, m->end, image_start, image_end)", "0"),
    ("acpi", ACPI, "if (!sums_to_zero(t->base, t->len))", "if (0)"),
    ("acpi", ACPI, "if (nr > MAX_TABLES) {", "if (nr > 2 * MAX_TABLES) {"),
    ("acpi", ACPI, "t->base = map(maddr, t->len);", "t->base = (const u8 *)h;"),
    ("acpi", ACPI, "if (len < RSDP_V1_BYTES || memcmp", "if (memcmp"),
    ("acpi", ACPI, "if (grade <= best->grade ||", "if ("),
    ("acpi", ACPI, "if (best.grade < RSDP_GOOD)\n\t\tsearch_rsdp",
     "if (best.grade == RSDP_NONE)\n\t\tsearch_rsdp"),
    ("acpi", MADT, "if (e.len < 2 || e.len > t->len - pos)", "if (e.len < 2)"),
    ("acpi", MADT, "if (e->len < entries[i].len)", "if (out->nr_cpus == 9999)"),
    ("acpi", MADT, "if (t->len < MADT_FIRST_ENTRY)", "if (0)"),
    ("acpi", MADT, "if (out->nr_ioapics == ACPI_MAX_IOAPICS)",
     "if (out->nr_ioapics > ACPI_MAX_IOAPICS)"),
    ("acpi", FADT, "i < dsdt->len && dsdt->len - i >= 4", "i < dsdt->len"),
    ("acpi", FADT, "if (*pos >= t->len || len >= t->len - *pos)", "if (0)"),
    ("acpi", FADT, "if (r.space == ACPI_SPACE_IO && r.addr > 0xffff)", "if (0)"),
    ("acpi", SRAT, "nr && nr <= ACPI_MAX_NODES && t->len",
     "nr && t->len"),
    ("acpi", SRAT, "(is_known && e.len < entries[type].len)",
     "0"),
    ("acpi", SRAT, " || bytes > ~0ul - start",
     ""),
    ("acpi", SRAT, "revision >= 2 ? proximity : (u8)proximity",
     "proximity"),
    ("acpi", ACPI, "if (rc && (!wide || r->rsdt)) {",
     "if (rc && !wide) {"),
    ("topology", TOPOLOGY, "t.core_bits = max(t.core_bits, bits);",
     "t.core_bits = l->level[0].eax & 0x1f;"),
    ("topology", TOPOLOGY, "\tif (l->is_amd && l->sizes.ecx >> 12 & 0xf)\n"
     "\t\tt.core_bits = l->sizes.ecx >> 12 & 0xf;\n",
     ""),
    ("page_alloc", PAGE_ALLOC, "\t\tcount_free(pool, order, n, -1);\n",
     "\t\tfree_pages[pool] -= 1ul << order;\n"),
    ("efi", EFI, "|| t->header_size < sizeof(*t)", ""),
    ("efi", EFI, "!t->nr_config || t->nr_config > EFI_MAX_CONFIG_TABLES ||", ""),
    ("efi", EFI, "i < EFI_VENDOR_CHARS - 1", "i < EFI_VENDOR_CHARS"),
    ("efi", EFI, "\t\tif (!at)\n\t\t\treturn;\n", ""),
    ("storm", STORM, "++s->count > STORM_MAX", "++s->count > 100 * STORM_MAX"),
    ("storm", STORM, "if (now >= s->window_ends)", "if (!s->window_ends)"),
    ("storm", STORM, "if (now < not_before ||", "if ("),
    ("storm", PIRQ, "\tif (!p->level)\n\t\tmask(n, p);\n", ""),
    ("ioapic", IOAPIC, "if (a->maddr == ioapic[i].maddr)", "if (a->maddr == 1)"),
    ("ioapic", IOAPIC, " || !version)", ")"),
    ("ioapic", IOAPIC, "maddr % PAGE_SIZE + offset", "offset"),
    ("ioapic", IOAPIC, "!= mfn_x(m))", "== ~0ul)"),
    ("ioapic", IOAPIC, "REG_RTE_LOW(gsi - a->gsi_base),", "REG_RTE_LOW(gsi % 24),"),
    ("ioapic", IOAPIC, "a.nr_pins = min(a.nr_pins, MAX_GSIS - a.gsi_base);", ";"),
    ("msi", PIRQ, "\tlast_vector = vector;\n", ""),
    ("msi", PIRQ, "++p->nr_astray < FOLLOW_AFTER", "false"),
    ("msi", PIRQ, "\t\tp->nr_astray = 0;\n\t\treturn;\n", "\t\treturn;\n"),
    ("msi", PIRQ_MAP, "\tpirq_put_vector(n);\n", ""),
    ("msi", PIRQ_MAP, "\telse if (!--dev->nr_mapped", "\telse if (--dev->nr_mapped"),
    ("msi", MSI, "return pci_memory_is_on(m->bdf) && pci_bar_read(m->bdf, m->bar) == m->bar_maddr;",
     "return true;"),
    ("msi", MSI, "u64 maddr = m->maddr + 4 * i;\n\tmfn_t frame = maddr_to_mfn(maddr);",
     "u64 maddr = m->maddr + 4 * i;\n\tmfn_t frame = maddr_to_mfn(m->maddr);"),
    ("msi", MSI, "m->is_held = masked && !m->has_mask;", "m->is_held = false;"),
    ("msi", MSI, "\tm->is_wanted = false;\n", ""),
    ("msi", MSI, "~(MSI_ENABLE | MSI_NR_USED)", "~MSI_ENABLE"),
    ("msi", MSI_FIND, " || !msi_may_lie(m->maddr, MSIX_ENTRY_BYTES)", ""),
    ("msi", PCI_DEV, "i < MAX_CAPS && cap", "cap"),
    ("msi", PCI_DEV, "\tif (cap + bytes > 0x100)\n\t\treturn;\n", ""),
    ("iomem", "arch/x86/mm/iomem.c", "if (guard[i])\n\t\t\tcontinue;", ""),
    ("storm", PIRQ, "\tif (!p->port || p->waits)\n\t\treturn;\n", ""),
    ("domain_list", DOMAINS, "\tif (d && (d->is_dying || d->is_hidden))\n\t\td = NULL;\n", ""),
    ("domain_list", DOMAINS, "\tif (d)\n\t\tget_knownalive_domain(d);\n", ""),
    ("domain_list", REFS, "\tif (before > 1)", "\tif (before > 2)"),
    ("domain_list", REFS, "\tif (before > 1)", "\tif (0)"),
    ("domain_list", REFS, "\tdomain_list_remove(d);\n\tdomain_destroy(d);",
     "\tdomain_destroy(d);"),
    ("domain_list", REFS, "\tdomain_destroy(d);\n}\n",
     "\tdomain_destroy(d);\n\tdomain_destroy(d);\n}\n"),
    ("domain_list", DOMAINS,
     "\tif (*at && (*at)->domid == d->domid)\n\t\treturn -EEXIST;\n", ""),
    ("domain_list", REFS, "(d));\n\tput_domain(d);",
     "(d));\n\tput_domain(d);\n\tput_domain(d);"),
    ("domain_list", DOMAINS, "\tspin_lock(&list_lock);\n\td = find(domid);\n\tif",
     "\td = find(domid);\n\tif"),
    ("domain_list", DOMAINS, "\treturn !was_dying;", "\treturn was_dying || !was_dying;"),
    ("domain_list", DOMAINS, "\tspin_lock(&list_lock);\n\trc = add(d);", "\trc = add(d);"),
    ("domain_list", DOMAINS, "(*at)->domid < domid", "(*at)->domid <= domid"),
    ("domain_list", DOMAINS, "\tBUG_ON(!before || before == ~0u);\n", "\t(void)before;\n"),
    ("domain_list", DOMAINS, "\tspin_lock(&list_lock);\n\tBUG_ON(!d->is_dying);",
     "\tBUG_ON(!d->is_dying);"),
    ("domain_list", DOMAINS, "\tBUG_ON(!d->is_dying);\n", ""),
    ("privilege", PRIVILEGE, "OP(setup_gsi, BY_CONTROL)", "OP(setup_gsi, BY_ANYBODY)"),
    ("privilege", PRIVILEGE, "OP(evtchn_status, BY_TARGET)", "OP(evtchn_status, BY_ANYBODY)"),
    ("privilege", PRIVILEGE, "OP(eoi, BY_ANYBODY)", "OP(eoi, BY_CONTROL)"),
    ("privilege", PRIVILEGE, "likely(is_self) || is_control_domain(d) ? 0",
     "is_self || !is_self ? 0"),
    ("privilege", PRIVILEGE, "likely(is_self) || is_control_domain(d) ? 0",
     "likely(is_self) ? 0"),
    ("privilege", PRIVILEGE, "domid == DOMID_SELF || domid == d->domid;", "domid == DOMID_SELF;"),
    ("privilege", LOOKUP, "\treturn rc ? rc : domain_not_self(domid);",
     "\tint said = domain_not_self(domid);\n\n\treturn rc ? rc : said;"),
    ("ports_model", CLOSE, "\tWRITE_ONCE(other->state, is_consumed", "\t(void)(is_consumed"),
    ("ports_model", CLOSE, "e->peer = other->peer = NULL;", "e->peer = NULL;"),
    ("ports_model", EVTCHN, " ||\n\t    remote->remote_domid != d->domid)", ")"),
    ("ports_model", EVTCHN, "\tevtchn_deliver(d->vcpu[0], port);\n\top->local_port",
     "\top->local_port"),
    ("ports_model", EVTCHN, "? current->domain->domid :", "? d->domid :"),
    ("ports", EVTCHN, "\tbound.state++;\n", "\tbound.state++;\n\tbound.notify_vcpu = 0;\n"),
    ("ports_model", CLOSE, "\t\td->evtchns_destroyed = d->nr_evtchns;\n\t\tevtchn_set_end(d);\n",
     "\t\td->evtchns_destroyed = d->nr_evtchns;\n"),
    ("ports", "common/evtchn_port.c", "\tif (port >= port_limit(d))\n\t\treturn -ENOSPC;\n",
     ""),
    ("ports_model", EVTCHN_OP, "get_target_domain(MAY_evtchn_##name,",
     "get_target_domain(MAY_evtchn_bind_interdomain,"),
    ("ports_model", EVTCHN_OP, "\tput_named_domain(rd);\n", ""),
    ("ports", EVTCHN_OP, "READ_ONCE(d->control_pauses) ?", "true ?"),
    ("ports_model", SEND, "evtchn_deliver_or_post(v, rport);", "evtchn_deliver(v, rport);"),
    ("ports", SEND, "struct vcpu *v = notified(rd, other);", "struct vcpu *v = rd->vcpu[0];"),
    ("ports_model", CLOSE, "\tclear_global_virq_handlers(d);\n", ""),
    ("ports", CLOSE, "if (port % DESTROY_BATCH == 0 && hypercall_preempt_check())", "if (0)"),
    ("ports", CLOSE, "if (port % DESTROY_BATCH == 0 && hypercall_preempt_check())",
     "if (hypercall_preempt_check())"),
    ("ports_model", VIRQ, "!READ_ONCE(d->is_dying)", "true"),
    ("ports_model", VIRQ, "\tif (was)\n\t\tput_domain(was);\n", "\t(void)was;\n"),
    ("ports_model", RAISE, "struct domain *d = READ_ONCE(handler[virq]);",
     "struct domain *d = NULL;"),
    ("ports_race", SPINLOCK,
     "\tspin_lock(min(a, b));\n\tASSERT(a->order == b->order);\n\tticket_take(max(a, b));",
     "\tspin_lock(a);\n\tticket_take(b);"),
    ("ports_race", EVTCHN_OP, "\tspin_lock_pair(&d->evtchn_lock, &rd->evtchn_lock);",
     "\tspin_lock(&d->evtchn_lock);"),
    ("ports", PORT, ".state = EVTCHN_FREE, .notify_vcpu = e->notify_vcpu }",
     ".state = EVTCHN_FREE }"),
    ("fifo", FIFO, "\tif (*last == port)\n", "\tif (*last == port && !port)\n"),
    ("fifo", FIFO, "\tif (!(old & LINKED))\n\t\treturn false;\n", ""),
    ("fifo", FIFO, " || test_and_set(w, EVTCHN_FIFO_LINKED))", " || READ_ONCE(*w) & LINKED)"),
    ("fifo", FIFO, "\t*tail = port;\n", ""),
    ("fifo", FIFO, "\tif (READ_ONCE(*w) & PENDING)\n\t\tevtchn_fifo_deliver(f, v, port);\n", ""),
    ("fifo", FIFO, "\tif (likely(try_link(w, &old, port)))\n\t\treturn true;\n",
     "\tsim_pause();\n\tWRITE_ONCE(*w, (old & ~EVTCHN_FIFO_LINK_MASK) | port);\n"
     "\treturn true;\n"),
    ("fifo", FIFO, "\tp->last_vcpu = v->id;\n", ""),
    ("fifo", FIFO, "\tp->last_priority = priority;\n", ""),
    ("unpack", UNPACK, "start > f->bytes || bytes > f->bytes - start", "start > f->bytes"),
    ("unpack", UNPACK, "bytes <= SIZE_BYTES || start > f->bytes", "start > f->bytes"),
    ("unpack", UNPACK, "if (f->bytes < BZ_LEAST_BYTES) {", "if (0) {"),
    ("unpack", UNPACK, "if (f->is_payload && !t->has_size)", "if (0)"),
    ("unpack", UNPACK, "if (f->is_payload && j.out_bytes != given)", "if (0)"),
    ("unpack", UNPACK, "!given || given > MOST_BYTES", "!given"),
    ("unpack", UNPACK, "\tif (given >= MOST_BYTES)\n", "\tif (given > MOST_BYTES)\n"),
    ("unpack", UNPACK, "level < MAX_LEVELS", "level < 2"),
    ("unpack", UNPACK, "\tif (want < left)\n\t\twant = left;\n", ""),
    ("unpack", ROOM, " || room_left(r) - pad < bytes", ""),
    ("unpack", "unpack/xz.c", "!s->avail_out && s->avail_in", "0"),
    ("unpack", "unpack/gzip.c", "if (rc == Z_STREAM_END)", "if (rc >= Z_OK || rc == Z_BUF_ERROR)"),
    ("elf", ELF, "&& strangers[i].unpackable", ""),
]


def text_of(path):
    with open(path) as handle:
        return handle.read()


STALE = [f"{path}: {old}" for _, path, old, _ in MUTANTS
         if old not in text_of(os.path.join(TOP, path))]
if os.environ.get("TEST_ALL") != "1":
    MUTANTS = MUTANTS[13::25]


# By what the operations of a random test are divided; some of its bugs take longer to be met.
DIVISORS = {"ports_model": "5"}
# What a compiler or a test may take of a CPU; the longest test takes four. A loop without end takes
# that much, however busy the machine is.
CPU_SECONDS = 10
work, mine = tempfile.TemporaryDirectory(prefix="isola-mutants-"), threading.local()


def own_tree():
    """A copy of the sources for this thread."""
    if not hasattr(mine, "tree"):
        mine.tree = tempfile.mkdtemp(dir=work.name)
        for directory in ("common", "boot", "arch", "include", "unpack", "tests/unit"):
            shutil.copytree(os.path.join(TOP, directory), os.path.join(mine.tree, directory))
    return mine.tree


def write(path, text):
    with open(path, "w") as handle:
        handle.write(text)


def notices(mutant):
    """Does the test fail on the mutant? Returns a complaint, or None."""
    test, path, old, new = mutant
    tree = own_tree()
    file = os.path.join(tree, path)
    source = text_of(file)
    if old not in source:
        return "the text is no longer there"
    write(file, source.replace(old, new))
    try:
        done = subprocess.run(["sh", "-c", f"ulimit -t {CPU_SECONDS}; exec tests/unit/run {test}"],
                              cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=120,
                              env=dict(os.environ, O="build",
                                       FUZZ_DIVISOR=DIVISORS.get(test, "20")))
    except subprocess.TimeoutExpired:
        return None     # a loop without end is a failure too
    finally:
        write(file, source)
    if b"does not build" in done.stdout:
        return "the mutant does not build"
    return None if done.returncode else "not noticed"


with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
    for number, (mutant, complaint) in enumerate(zip(MUTANTS, pool.map(notices, MUTANTS)), 1):
        test, path, old, new = mutant
        print(f"{'not ok' if complaint else 'ok'} {number} - {test} notices "
              f"`{' '.join(new.split()) or 'nothing'}` "
              f"for `{' '.join(old.split())}` in {path}".replace("#", "no. "), flush=True)
        if complaint:
            print(f"# {complaint}", flush=True)
print(f"{'not ok' if STALE else 'ok'} {len(MUTANTS) + 1} - all texts stand, also of those left out",
      *(line.replace("\n", " ") for line in STALE), sep="\n# gone from ")
print(f"1..{len(MUTANTS) + 1}")
