# SPDX-License-Identifier: MIT
"""Every count of every domain's frames, recomputed from whatever holds references: a domain's page
tables, the roots of each of its vCPUs, its grant handles, what the hypervisor writes to for it. It
is what the hypervisor's own audit does (arch/x86/calls/audit.c) for one domain at rest, for all of
them at once, others' references too.

Counts fit together whenever nobody is inside the hypervisor: each CPU runs a guest or waits for an
interrupt. At other instants nothing is said.
"""
from collections import Counter
import struct

import nested
from ownership import PAGE, PTE_ADDR, PTE_P

RW = 2
ENTRY, HANDLE = "page-table entry", "grant handle"
SHOWN = 8                       # frames that are named


class Recount:
    """@owners: the Owners of @snapshot.

    why        "" if the counts were recomputed; else why they were not
    findings   one sentence for each frame whose count is wrong
    lent       {(holder's number, owner's, ENTRY or HANDLE): references on others' frames}
    frames     how many frames were looked at
    """

    def __init__(self, snapshot, owners):
        self.ram, self.owners, self.image = snapshot.ram, owners, owners.image
        self.findings, self.lent, self.frames = [], Counter(), 0
        self.general, self.foreign, self.typed = Counter(), Counter(), Counter()
        self.special = set()
        self.servers = 0                # of device models
        self.orphans = 0                # special pages that their owner has given back
        self.addresses = {domain: address for address, domain in owners.domain_at.items()}
        nested.leave_guest_mode(snapshot, owners)
        self.why = self._reason_not_to(snapshot)
        if self.why:
            return
        self._read_records()
        for domain in owners.domains.values():
            self._hold_domain(domain)
        self._hold_tables()
        self._hold_unnamed()
        self._compare()

    def _reason_not_to(self, snapshot):
        for cpu in snapshot.cpus:
            if cpu.started and not cpu.cpl and not cpu.waits:
                return f"CPU {cpu.index} is in the hypervisor"
        for domain, address in self.addresses.items():
            if self.owners.field(address, "domain.is_dying", 1):
                return f"domain {domain.domid} is dying"
        return ""

    # ---- Records ----

    def _read_records(self):
        """.record {frame number: (count_info, type_info, owner, nr_validated)} of those that some
        domain has, orphans among them."""
        image, self.record = self.image, {}
        size = image["sizeof page_info"]
        places = [image["page_info." + name] for name in ("count_info", "type_info", "owner",
                                                          "nr_validated")]
        used = image["PGC_allocated"] | image["PGC_leaving"]
        for piece, (data, _) in self.owners.pieces.items():
            words, halves = memoryview(data).cast("Q"), memoryview(data).cast("H")
            counts = words[places[0] // 8::size // 8].tolist()
            types = words[places[1] // 8::size // 8].tolist()
            owners = halves[places[2] // 2::size // 2].tolist()
            validated = halves[places[3] // 2::size // 2].tolist()
            for i, count in enumerate(counts):
                if count & used and not count & image["PGC_hv"]:
                    self.record[piece << 16 | i] = count, types[i], owners[i], validated[i]

    def _level(self, kind):
        level = (kind & self.image["PGT_type_mask"]) >> self.image["PGT_type_shift"]
        return level if level <= 4 else 0

    # ---- Holders ----

    def _hold(self, holder, mfn, kind, how=None):
        """Domain number @holder has a reference on frame @mfn, and one of type @kind."""
        if mfn not in self.record:      # a device's, or no frame at all
            return
        owner = self.record[mfn][2]
        if owner == holder:
            self.general[mfn] += 1
        else:
            self.foreign[mfn] += 1
            self.lent[holder, owner, how or "else"] += 1
        if kind:
            self.typed[mfn, kind] += 1

    def _mfns(self, base, name, count):
        return struct.unpack(f"<{count}Q", self.owners.bytes_at(base + self.image[name], 8 * count))

    def _hold_domain(self, domain):
        image, field = self.image, self.owners.field
        address, holder = self.addresses[domain], domain.domid
        self._hold_special(holder, field(address, "domain.shared_info_mfn"))
        self._hold(holder, field(address, "domain.console_mfn"), image["PGT_writable"])
        self._hold_address(holder, field(address, "domain.pirq_eoi_maddr"))
        for mfn in self._mfns(address, "domain.visit_parked", image["NR_PARKED"]):
            self._hold(holder, mfn, 0)
        for vcpu in domain.vcpus:
            self._hold_vcpu(holder, vcpu)
        for mfn in nested.held(self.ram, domain):
            self._hold(holder, mfn, 0)
        if domain.hvm:
            self._hold_servers(holder, domain.hvm)
        if domain.grants:
            self._hold_grants(holder, domain.grants)
        fifo = field(address, "domain.evtchn_fifo")
        if fifo:
            self._hold_fifo(holder, fifo, len(domain.vcpus))

    def _hold_special(self, holder, mfn):
        self.special.add(mfn)
        self._hold(holder, mfn, self.image["PGT_writable"])

    def _hold_servers(self, holder, hvm):
        for server in self._mfns(hvm, "hvm_domain.ioreq.server", self.image["MAX_IOREQ_SERVERS"]):
            self.servers += bool(server)
            for name in ("page", "buffer") if server else ():
                self._hold_special(holder, self.owners.field(server, f"ioreq_server.{name}"))

    def _hold_address(self, holder, maddr):
        if maddr:
            self._hold(holder, maddr // PAGE, self.image["PGT_writable"])

    def _hold_vcpu(self, holder, vcpu):
        image = self.image
        self._hold_address(holder, self.owners.field(vcpu.address, "vcpu.vcpu_info_maddr"))
        if not self.owners.field(vcpu.address, "vcpu.initialised", 1):
            return
        data = b"".join(bytes(self.ram.page(mfn)) for mfn in vcpu.private)

        def mfns(name, count=1):
            return struct.unpack_from(f"<{count}Q", data, image["vcpu_private." + name])

        for mfn in mfns("kernel_l4") + mfns("user_l4"):
            self._hold(holder, mfn, image["PGT_l4"])
        for mfn in (mfns("gdt_frame", image["PV_GDT_FRAMES"]) +
                    mfns("ldt_frame", image["PV_LDT_FRAMES"])):
            self._hold(holder, mfn, image["PGT_seg_desc"])
        for mfn in mfns("old_guest_table", image["NR_PARKED"]):
            self._hold(holder, mfn, 0)

    def _hold_grants(self, holder, table):
        image, field = self.image, self.owners.field
        for mfn in self._mfns(table, "grant_table.frame",
                              field(table, "grant_table.nr_frames", 4)):
            self._hold_special(holder, mfn)
        size, array = image["sizeof grant_handle"], field(table, "grant_table.handles")
        count = field(table, "grant_table.nr_handles", 4) if array else 0
        data = self.owners.bytes_at(array, count * size)
        for at in range(0, count * size, size):
            flags, = struct.unpack_from("<H", data, at + image["grant_handle.flags"])
            mfn, = struct.unpack_from("<Q", data, at + image["grant_handle.mfn"])
            if flags & image["GNTTAB_MAPPED"]:
                self._hold(holder, mfn,
                           0 if flags & image["GNTMAP_readonly"] else image["PGT_writable"], HANDLE)

    def _hold_fifo(self, holder, fifo, nr_vcpus):
        image = self.image
        pages = self.owners.field(fifo, "evtchn_fifo.nr_words", 4) // image["FIFO_WORDS_PER_PAGE"]
        for mfn in self._mfns(fifo, "evtchn_fifo.words", pages):
            self._hold(holder, mfn, image["PGT_writable"])
        for v in range(nr_vcpus):
            self._hold_address(holder, self.owners.number(
                fifo + image["evtchn_fifo.vcpu"] + v * image["sizeof fifo_vcpu"] +
                image["fifo_vcpu.control"]))

    def _hold_tables(self):
        image = self.image
        for mfn, (count, kind, owner, nr_validated) in self.record.items():
            level, own = self._level(kind), kind & image["PGT_type_mask"]
            if not level or not count & image["PGC_allocated"]:
                continue
            for mark in ("PGT_pinned", "PGT_partial"):
                if kind & image[mark]:
                    self._hold(owner, mfn, own)
            if kind & image["PGT_count_mask"] and kind & image["PGT_validated"]:
                self._hold_entries(owner, mfn, level, 512)
            elif kind & image["PGT_partial"]:
                self._hold_entries(owner, mfn, level, nr_validated)

    def _hold_entries(self, owner, mfn, level, count):
        writable = self.image["PGT_writable"]
        below = level - 1 << self.image["PGT_type_shift"]
        for slot, entry in enumerate(self.ram.entries(mfn)[:count]):
            if entry & PTE_P and not (level == 4 and 256 <= slot < 272):
                self._hold(owner, (entry & PTE_ADDR) >> 12,
                           below if level > 1 else writable if entry & RW else 0, ENTRY)

    def _hold_unnamed(self):
        """The special pages that nothing above names: an orphan, which keeps the type reference it
        was adopted with, and what a boot's description declares as shares, of no other use."""
        image = self.image
        static = {d.domid for d in self.owners.domains.values() if d.static}
        for mfn, (count, kind, owner, _) in self.record.items():
            if not kind & image["PGT_special"] or mfn in self.special:
                continue
            if not count & image["PGC_allocated"]:
                self.orphans += 1
                self.typed[mfn, image["PGT_writable"]] += 1
            elif owner in static:
                self._hold(owner, mfn, image["PGT_writable"])

    # ---- What the frame table says ----

    def _compare(self):
        image, wrong = self.image, 0
        for mfn, (count, kind, owner, _) in self.record.items():
            self.frames += 1
            parts = []
            for name, has, found in (
                    ("its owner's references", count & image["PGC_own_mask"], self.general[mfn]),
                    ("others' references",
                     (count & image["PGC_foreign_mask"]) // image["PGC_foreign_one"],
                     self.foreign[mfn]),
                    ("references of its type", kind & image["PGT_count_mask"],
                     self.typed[mfn, kind & image["PGT_type_mask"]])):
                if has != found:
                    parts.append(f"{name} are {has}, and {found} are found")
            if parts:
                wrong += 1
                if wrong <= SHOWN:
                    self.findings.append(f"domain {owner}'s frame {mfn:#x}: " + "; ".join(parts))
        for (mfn, kind), found in self.typed.items():
            if kind != self.record[mfn][1] & image["PGT_type_mask"]:
                self.findings.append(f"frame {mfn:#x} is held {found} times as another type than "
                                     "it is")
        if wrong > SHOWN:
            self.findings.append(f"{wrong - SHOWN} frames more have wrong counts")

    def lines(self):
        if self.why:
            return [f"counts: not recomputed, {self.why}"]
        return [f"counts: {self.frames} frames recomputed"] + [
            f"domain {holder} holds {count} references on frames of domain {owner}'s: {how}"
            for (holder, owner, how), count in sorted(self.lent.items())]
