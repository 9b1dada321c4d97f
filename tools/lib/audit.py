# SPDX-License-Identifier: MIT
"""What can each CPU reach? Walks every root that a CPU runs on, or could load without asking
anybody, and judges each entry against the owner of the frame it names.

A key is a leaf's (or a table's) meaning in one integer: owner code << 16 | TABLE | the entry's W,
US, G and NX bits, restricted by the levels above. A Summary counts frames by key. The tables below
one frame are summed up once for each snapshot, whoever leads to them; leaves are only looked at one
by one when a sum shows something that must not be. """
from collections import Counter

import nested
from lent import CONTROL, Lent
from ownership import PAGE, PTE_ADDR, PTE_P, PTE_PS, Owners, OwnershipError, name_of

W, US, G, NX = 2, 4, 0x100, 1 << 63
FLAGS = W | US | G | NX
TABLE = 0x1000                  # the key is of a page-table page, not of a leaf
CR4_PGE = 1 << 7
SLOT_M2P, SLOT_CPU, SLOT_VCPU = 256, 257, 258
SLOT_PUBLIC, SLOT_FRAMETABLE, SLOT_RESERVED = 259, 260, 261
WINDOW_SLOTS = range(262, 272)
# roots that show no domain's memory
NOBODYS = {"idle": "an idle root", "visit": "a visit root", "firmware": "the firmware's root"}
HV_SLOTS = range(256, 272)
# what may be mapped beside the domain's own memory on a machine of up to 1 GiB
BEYOND_OWN_MIB = 16
SHOWN = 3                       # addresses named in one finding
# frames whose owners are compared at once: a page of the frame table
CHUNK = 128
SEEN = b"\xff"
# Owners that one audit can tell apart: a frame's is a byte. Those of an earlier stop are given up
# before there is no room, since domains that come and go leave theirs behind.
MOST_OWNERS, CROWD = 255, 128


def audit(snapshot, image, before=None, beyond_mib=None, strict=False):
    """The Audit of @snapshot; @before: that of an earlier stop of the same machine, or None, to
    save work."""
    if before and len(before.owners.owner) > CROWD:
        before = None
    owners = Owners(snapshot, image, before and before.owners)
    return Audit(snapshot, owners, beyond_mib, before, strict)


# What a CPU can reach, by class; the order of the summary line and of the map's legend.
CLASSES = ("image", "public", "frame table", "M2P", "own CPU", "own vCPU", "own domain", "device",
           "firmware", "other CPU", "other vCPU", "other domain", "unclassified", "free")
FOREIGN = CLASSES[9:]
FOREIGN_DOMAIN = "foreign frame (other domain)"


def restrict(key, entry):
    """@key below @entry: writable and user only where every level says so; no-execute where any
    does."""
    return key & ~(W | US) | key & entry & (W | US) | entry & NX if not key & TABLE else key


class Viewer:
    """Who looks through a root, of which kind: which CPU, which vCPU (None: idle, or on a visit),
    and whether it runs just now. .domain: whose memory it may see."""

    def __init__(self, where, kind, cpu, vcpu, running_hypervisor, visited=None):
        self.where, self.kind, self.cpu, self.vcpu = where, kind, cpu, vcpu
        self.may_open = running_hypervisor
        self.domain = vcpu.domain if vcpu else visited

    def class_of(self, owner):
        kind = owner[0]
        if kind == "cpu":
            return "own CPU" if owner[1] == self.cpu else "other CPU"
        if kind in ("vcpu", "tree"):
            return "own vCPU" if self.vcpu and owner[1] == self.vcpu.name else "other vCPU"
        if kind in ("domain", "table"):
            return ("own domain" if self.domain and owner[1] == self.domain.domid
                    else "other domain")
        return {"frametable": "frame table", "m2p": "M2P", "hv": "unclassified"}.get(kind, kind)


class Reach:
    """What one CPU's root shows: .bytes {class: bytes of distinct frames in slots 256..271},
    .beyond (bytes of RAM there that are not the domain's own), .guest {class: bytes} of the guest's
    slots, .seen: a byte for each frame."""

    def __init__(self, cpu, viewer, kind):
        self.cpu, self.viewer, self.kind = cpu, viewer, kind
        self.bytes, self.guest, self.beyond, self.seen = Counter(), Counter(), 0, bytearray()

    def line(self):
        parts = [f"{name} {size(self.bytes[name])}" for name in CLASSES if self.bytes[name]]
        return f"{self.viewer.where}: " + ", ".join(parts) + f"; {size(self.beyond)} beyond its own"


def size(count):
    return f"{count >> 10} KiB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MiB"


class Table:
    """What the table of one frame at one level showed: its bytes, the sum of what is below, the
    chunks of CHUNK frames whose owners entered the sum, the sums of the tables below it (they are
    compared as objects), and, of an L1, the runs of frames that it shows."""

    def __init__(self, data, total, chunks, parts):
        self.data, self.total, self.chunks, self.parts, self.runs = data, total, chunks, parts, None


class Audit:
    """All findings (sentences) and the reach of each CPU, for one Snapshot and its Owners.

    @before: the Audit of an earlier stop of the same machine. What a table shows is taken from
    there if its bytes, and the owners of all frames that it names, are as they were; every rule is
    applied anew.

    A frame of another domain's in the guest's slots is none if a record allows it (lent.py):
    .lent {(mapper's number, owner's, why): frames}. .logged: how many translations of shadows were
    looked at. @strict: what the control domain maps without a
    grant is a finding all the same."""

    def __init__(self, snapshot, owners, beyond_mib=None, before=None, strict=False):
        self.snapshot, self.ram, self.owners = snapshot, snapshot.ram, owners
        self.strict, self.records, self.lent, self.logged = strict, Lent(owners), {}, 0
        self.codes = owners.codes
        if len(owners.owner) > MOST_OWNERS:
            raise OwnershipError(f"{len(owners.owner)} owners of frames, {MOST_OWNERS} at most")
        frames = len(self.codes)
        self.beyond_limit = (beyond_mib or BEYOND_OWN_MIB +
                             max(0, frames - (1 << 18)) * 44 // PAGE // 256) << 20
        self.tables, self.judged = {}, set()
        self.old_tables = before.tables if before and len(before.codes) == frames else {}
        self.changed = self._changed_chunks(before) if self.old_tables else set()
        # A byte for each frame: the number of its owner's code, plus one.
        self.numbers = bytes(memoryview(self.codes).cast("B")[2::8]).translate(
            bytes([*range(1, 256), 0]))
        self.findings, self.reaches, self.notes = list(owners.complaints), [], []
        nested.leave_guest_mode(snapshot, owners)
        self.findings += nested.findings(self.ram, owners)
        # A CPU's windows are its own, whichever root shows them, one at rest too: these may have
        # one open.
        self.in_hypervisor = {owners.cpu_of_apic[cpu.index] for cpu in snapshot.cpus
                              if cpu.started and cpu.cpl == 0 and cpu.index in owners.cpu_of_apic}
        for cpu in snapshot.cpus:
            self._audit_cpu(cpu)
        self._audit_roots_at_rest()
        self.old_tables = None

    # ---- Sums ----

    def _changed_chunks(self, before):
        """Numbers of the chunks in which some frame has another owner than before."""
        now, then, step = memoryview(self.codes).cast("B"), memoryview(before.codes).cast(
            "B"), CHUNK * 8
        return {at // step for at in range(0, len(now), step)
                if bytes(now[at:at + step]) != bytes(then[at:at + step])}

    def _code(self, mfn):
        return self.codes[mfn] if mfn < len(self.codes) else self.owners.code("device")

    def _sum(self, mfn, level):
        """Counter of keys for the table @mfn of @level and all below it."""
        known = self.tables.get((mfn, level))
        if known:
            return known.total
        page = self.ram.page(mfn)
        if page is None:
            self.findings.append(f"a page-table entry of level {level + 1} names frame {mfn:#x}, "
                                 "which is not RAM")
            self.tables[mfn, level] = Table(b"", Counter({self._code(mfn) | TABLE: 1}), set(), ())
            return self.tables[mfn, level].total
        data, old = bytes(page), self.old_tables.get((mfn, level))
        if old and (old.data != data or not old.chunks.isdisjoint(self.changed)):
            old = None
        if level == 1:
            self.tables[mfn, level] = old or self._sum_leaves(mfn, data)
        else:
            self.tables[mfn, level] = self._sum_tables(mfn, level, data, old)
        return self.tables[mfn, level].total

    def _sum_leaves(self, mfn, data):
        entries = [e for e in memoryview(data).cast("Q").tolist() if e & PTE_P]
        frames, codes = [(e & PTE_ADDR) >> 12 for e in entries], self.codes
        try:
            total = Counter([codes[m] | e & FLAGS for m, e in zip(frames, entries)])
        except IndexError:
            total = Counter([self._code(m) | e & FLAGS for m, e in zip(frames, entries)])
        total[self._code(mfn) | TABLE] += 1
        return Table(data, total, {mfn // CHUNK, *[m // CHUNK for m in frames]}, ())

    def _sum_tables(self, mfn, level, data, old):
        entries = [e for e in memoryview(data).cast("Q").tolist() if e & PTE_P]
        below, chunks = [e for e in entries if level == 4 or not e & PTE_PS], {mfn // CHUNK}
        # Put there first: a table that leads to itself is met again below.
        self.tables[mfn, level] = Table(data, Counter({self._code(mfn) | TABLE: 1}), chunks, ())
        parts = [self._sum((e & PTE_ADDR) >> 12, level - 1) for e in below]
        if old and len(old.parts) == len(parts) and all(a is b for a, b in zip(old.parts, parts)):
            return old
        total = Counter({self._code(mfn) | TABLE: 1})
        for e in entries:
            self._add(total, self._sum_of_entry(e, level), 1)
            if level < 4 and e & PTE_PS:
                first, frames = (e & PTE_ADDR) >> 12, 1 << 9 * (level - 1)
                chunks.update(range(first // CHUNK, (first + frames) // CHUNK + 1))
        return Table(data, total, chunks, parts)

    @staticmethod
    def _add(total, part, times):
        for key, count in part.items():
            total[key] += count * times

    def _sum_of_entry(self, entry, level):
        """The sum of what an entry of a table of @level >= 2 shows."""
        mfn = (entry & PTE_ADDR) >> 12
        if level == 4 or not entry & PTE_PS:
            result = Counter()
            for key, count in self._sum(mfn, level - 1).items():
                result[restrict(key, entry)] += count
            return result
        frames = 1 << 9 * (level - 1)
        mfn &= ~(frames - 1)
        flags = entry & FLAGS
        if mfn + frames <= len(self.codes):
            return Counter({code | flags: n
                            for code, n in Counter(self.codes[mfn:mfn + frames]).items()})
        return Counter(self._code(m) | flags for m in range(mfn, mfn + frames))

    # ---- Leaves, one by one ----

    def _leaves(self, entry, level, va):
        """(address, frame, key) of each leaf and table (@address None) that an entry of a table of
        @level shows."""
        mfn = (entry & PTE_ADDR) >> 12
        if level == 1 or (level < 4 and entry & PTE_PS):
            frames = 1 << 9 * (level - 1)
            mfn &= ~(frames - 1)
            for i in range(frames):
                yield va + i * PAGE, mfn + i, self._code(mfn + i) | entry & FLAGS
            return
        yield None, mfn, self._code(mfn) | TABLE
        for i, below in enumerate(self.ram.entries(mfn) or []):
            if below & PTE_P:
                for at, frame, key in self._leaves(below, level - 1,
                                                   va | i << 12 + 9 * (level - 2)):
                    yield at, frame, restrict(key, entry)

    def _report(self, viewer, slot, entry, bad, judge_foreign):
        """One finding for each reason for which bad(key, va) objects to leaves of @slot; none if
        only windows did, or judge_foreign(mfn, key) has none for another domain's."""
        base = slot << 39 | (0xffff << 48 if slot >= 256 else 0)
        reasons = {}
        for va, mfn, key in self._leaves(entry, 4, base):
            reason = bad(key, va)
            if reason == FOREIGN_DOMAIN and judge_foreign:
                reason = judge_foreign(mfn, key)
            if reason:
                reasons.setdefault((reason, self.owners.owner[key >> 16 & 0xffff]),
                                   []).append((va, mfn))
        for (reason, owner), places in reasons.items():
            named = ", ".join(f"frame {mfn:#x}" + (f" at {va:#x}" if va is not None else "")
                              for va, mfn in places[:SHOWN])
            more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
            self.findings.append(f"{viewer.where}: slot {slot}: {reason}: {named}{more} "
                                 f"({name_of(owner)})")

    def _judge(self, viewer, slot, entry, objects, judge_foreign=None):
        """objects(key, va) is the reason why what has @key must not be here, or None; va None: any
        address."""
        if any(objects(key, None) for key in self._sum_of_entry(entry, 4)):
            self._report(viewer, slot, entry, objects, judge_foreign)

    # ---- The rules ----

    def _is_window(self, viewer, va):
        """Is @va a place where a foreign frame may stand for a moment: a mapcache slot, or a window
        of this CPU?"""
        image = self.owners.image
        return (viewer.may_open and
                0 <= va - image["VA_MAPCACHE"] < image["VCPU_MAPCACHE_SLOTS"] * PAGE
                or viewer.cpu in self.in_hypervisor and
                0 <= va - image["VA_CPU_WINDOW"] < image["CPU_NR_WINDOWS"] * PAGE)

    def _is_own_table(self, va):
        """A place where a vCPU area shows the L1s behind itself: three, and the L2 that names
        them."""
        image = self.owners.image
        return va is not None and 0 <= va - image["VA_VCPU_TABLES"] < 4 * PAGE

    def _is_controller(self, va):
        """The windows that show the local APIC, and an I/O APIC, all the time; and the console's
        UARTs in memory and its screen."""
        image = self.owners.image
        return va is not None and (va - image["VA_CPU_WINDOW"] in (
            image["WINDOW_APIC"] * PAGE, image["WINDOW_IOAPIC"] * PAGE,
            image["WINDOW_MSIX"] * PAGE)
            or 0 <= va - image["VA_FIXMAP"] < image["NR_FIXMAPS"] * PAGE
            or 0 <= va - image["VA_SCREEN"] < image["SCREEN_BYTES"])

    ALLOWED = {
        SLOT_M2P: {"M2P"},
        SLOT_CPU: {"image", "own CPU"},
        SLOT_VCPU: {"image", "own vCPU", "own domain"},
        SLOT_PUBLIC: {"public"},
        SLOT_FRAMETABLE: {"frame table", "M2P"},
    }

    def _hv_rule(self, viewer, slot):
        allowed = self.ALLOWED.get(slot, {"own domain"} if slot in WINDOW_SLOTS else set())
        classes = [viewer.class_of(owner) for owner in self.owners.owner]

        def objects(key, va):
            what = classes[key >> 16 & 0xffff]
            if key & TABLE:
                return None if what in ("public",
                                        "image") else "a page table that is not the hypervisor's"
            if key & G:
                return "a global page"
            if key & W and not key & (NX | US):
                return "writable and executable"
            if key & US and (slot != SLOT_M2P or key & W):
                return "user-accessible" + (" and writable" if key & W else "")
            if what in allowed or va is not None and (
                    self._is_window(viewer, va) or
                    what == "device" and self._is_controller(va) or
                    what == "public" and self._is_own_table(va)):
                return None
            if (what == "unclassified" and slot in WINDOW_SLOTS and va is not None and
                    self._being_assigned(viewer, va)):
                return None
            return f"foreign frame ({what})"
        return objects

    def _being_assigned(self, viewer, va):
        """A frame between the window and its owner's name: the page lock is held and the frame is
        still blank."""
        page = self.ram.page((va - self.owners.image["VA_WINDOW"]) // PAGE)
        return viewer.domain and viewer.domain.assigning and page is not None and not any(
            page.cast("Q"))

    def _guest_rule(self, viewer):
        classes = [viewer.class_of(owner) for owner in self.owners.owner]
        tables = [owner[0] == "table" for owner in self.owners.owner]
        privileged = viewer.vcpu and viewer.vcpu.domain.privileged
        # A shadowed vCPU's guest slots name its own trees, each root the pages of its own, and none
        # of its guest's tables.
        shadowed = viewer.vcpu and viewer.vcpu.shadowed
        of_tree = ("tree", viewer.vcpu.name, viewer.kind) if shadowed else None

        def objects(key, va):
            code = key >> 16 & 0xffff
            if key & TABLE:
                if shadowed:
                    return None if self.owners.owner[code] == of_tree else (
                        "a page table that is none of its shadow's")
                return None if tables[code] and classes[code] == "own domain" else (
                    "a page table that is none")
            if key & W and not key & (NX | US):
                return "writable and executable for the hypervisor"
            if tables[code] and key & W:
                return "a page or descriptor table that is writable"
            if classes[code] == "own domain" or classes[code] == "device" and privileged:
                return None
            if classes[code] == "M2P" and privileged and not key & W:
                return None
            return f"foreign frame ({classes[code]})"
        return objects

    def _firmware_rule(self, viewer):
        """The lower half of the firmware's root: what EFI's memory map wants there, which is no
        RAM, may be written and executed; of RAM the buffer alone, and that not executed."""
        classes = [viewer.class_of(owner) for owner in self.owners.owner]

        def objects(key, va):
            what = classes[key >> 16 & 0xffff]
            if key & TABLE:
                return None if what == "public" else "a page table that is not the hypervisor's"
            if key & (G | US):
                return "a global page or a user-accessible one"
            if what == "firmware" and key & NX or what == "device":
                return None
            return f"foreign frame ({what})"
        return objects

    def _foreign_rule(self, viewer):
        """For a frame of another domain's in the guest's slots, by its own number and key."""
        mapper = viewer.vcpu and viewer.vcpu.domain

        def judge(mfn, key):
            owner = self.owners.owner[key >> 16 & 0xffff][1]
            why = mapper and self.records.why(mapper, mfn, owner, bool(key & W))
            if not why:
                return FOREIGN_DOMAIN
            self.lent.setdefault((mapper.domid, owner, why), set()).add(mfn)
            return f"{FOREIGN_DOMAIN}: {why}" if self.strict and why == CONTROL else None
        return judge

    def lent_lines(self):
        return [f"domain {mapper} maps {len(frames)} frames of domain {owner}'s: {why}"
                for (mapper, owner, why), frames in sorted(self.lent.items())]

    def _judge_log(self, viewer, slot, entry):
        """LOG-1: what a tree shows writable of the domain's own is dirty in the log."""
        base = slot << 39 | (0xffff << 48 if slot >= 256 else 0)
        own = [viewer.class_of(owner) == "own domain" for owner in self.owners.owner]
        for va, mfn, key in self._leaves(entry, 4, base):
            self.logged += va is not None
            if va is not None and key & W and own[key >> 16 & 0xffff] and self.owners.is_clean(mfn):
                self.findings.append(f"{viewer.where}: slot {slot}: writable, and clean in the "
                                     f"log: frame {mfn:#x} at {va:#x}")

    # ---- Roots ----

    def _audit_root(self, viewer, mfn, kind, guest_slots):
        entries = self.ram.entries(mfn)
        for slot in HV_SLOTS:
            entry = entries[slot]
            if not entry & PTE_P:
                continue
            if slot == SLOT_RESERVED:
                self.findings.append(f"{viewer.where}: slot 261 is reserved, but not empty")
            if kind == "user" and (slot == SLOT_M2P or slot in WINDOW_SLOTS):
                self.findings.append(f"{viewer.where}: slot {slot} of a user root is not empty")
            if kind in NOBODYS and not viewer.domain and slot in WINDOW_SLOTS:
                # Before a visit begins, and behind its end, its root is filled and emptied.
                if kind == "visit" and viewer.cpu in self.in_hypervisor:
                    continue
                a_root = NOBODYS[kind]
                self.findings.append(f"{viewer.where}: slot {slot} of {a_root} is not empty")
            self._judge(viewer, slot, entry, self._hv_rule(viewer, slot))
        for slot in guest_slots:
            if entries[slot] & PTE_P:
                if kind == "firmware" and slot < HV_SLOTS[0]:
                    self._judge(viewer, slot, entries[slot], self._firmware_rule(viewer))
                    continue
                if viewer.vcpu is None:
                    self.findings.append(
                        f"{viewer.where}: guest slot {slot} of an idle root is not empty")
                self._judge(viewer, slot, entries[slot], self._guest_rule(viewer),
                            self._foreign_rule(viewer))
                if viewer.vcpu and viewer.vcpu.shadowed:
                    self._judge_log(viewer, slot, entries[slot])
        return entries

    def _audit_cpu(self, cpu):
        if not cpu.started:
            return
        if cpu.cr4 & CR4_PGE:
            self.findings.append(f"CPU {cpu.index}: global pages are switched on (CR4.PGE)")
        number = self.owners.cpu_of_apic.get(cpu.index)
        kind, who = self.owners.roots.get(cpu.root, (None, None))
        if number is None:
            self.notes.append(f"CPU {cpu.index}: not online yet")
        elif kind is None:
            self.findings.append(f"CPU {number}: CR3 names frame {cpu.root:#x}, which is no root")
        elif kind == "boot":
            self.notes.append(f"CPU {number}: on the boot root, which shows all RAM by design")
        elif kind in ("idle", "visit") and who != number:
            self.findings.append(f"CPU {number}: runs on the {kind} root of CPU {who}")
        elif kind == "visit" and (cpu.cpl or number not in self.owners.visited):
            self.findings.append(f"CPU {number}: runs on its visit root, and visits nobody")
        else:
            vcpu = None if kind in NOBODYS else who
            visited = self.owners.visited[number] if kind == "visit" else None
            where = f"CPU {number} ({vcpu.name + f', {kind} root' if vcpu else kind})"
            viewer = Viewer(where, kind, number, vcpu, cpu.cpl == 0, visited)
            guest = [slot for slot in range(512) if slot not in HV_SLOTS]
            entries = self._audit_root(viewer, cpu.root, kind, guest)
            self.judged.add(cpu.root)
            self._measure(Reach(cpu, viewer, kind), entries)
            if vcpu is not None:
                other, name = (vcpu.user_root, "user") if kind == "kernel" else (vcpu.kernel_root,
                                                                                 "kernel")
                self._audit_root(Viewer(f"CPU {number} ({vcpu.name}, {name} root, one toggle away)",
                                        name, number, vcpu,
                                        cpu.cpl == 0), other, name, guest)
                self.judged.add(other)

    def _audit_roots_at_rest(self):
        """Roots that no CPU runs on. Their guest slots are copied afresh before they are loaded."""
        for mfn, (kind, who) in self.owners.roots.items():
            if mfn in self.judged or kind == "boot":
                continue
            if kind == "firmware":
                # Slot 257 is filled just before the root is loaded, and emptied just after.
                area = self.ram.u64(mfn * PAGE + SLOT_CPU * 8)
                cpu = self.owners.cpu_area.get((area & PTE_ADDR) >> 12) if area & PTE_P else None
                if area & PTE_P and cpu not in self.in_hypervisor:
                    self.findings.append("the firmware's root at rest: slot 257 is not empty")
                self._audit_root(Viewer("the firmware's root at rest", kind, cpu, None, False), mfn,
                                 kind, [s for s in range(512) if s not in HV_SLOTS])
                continue
            if kind in ("idle", "visit"):
                self._audit_root(Viewer(f"{kind} root of CPU {who}", kind, who, None, False), mfn,
                                 kind, ())
                continue
            area = self.ram.u64(mfn * PAGE + SLOT_CPU * 8)
            cpu = self.owners.cpu_area.get((area & PTE_ADDR) >> 12) if area & PTE_P else None
            if area & PTE_P and cpu is None:
                self.findings.append(f"{who.name}, {kind} root: slot 257 names no CPU's area")
            self._audit_root(Viewer(f"{who.name}, {kind} root at rest", kind, cpu, who, False), mfn,
                             kind, ())

    # ---- Figures ----

    def _mark(self, seen, mfn, level):
        """Mark the frames that the table @mfn of @level shows, with SEEN."""
        for entry in self.ram.entries(mfn) or []:
            if not entry & PTE_P:
                continue
            frame = (entry & PTE_ADDR) >> 12
            if level == 2 and not entry & PTE_PS:
                for first, last in self._runs(frame):
                    seen[first:last] = SEEN * (last - first)
            elif level > 2 and not entry & PTE_PS:
                self._mark(seen, frame, level - 1)
            else:
                count = 1 << 9 * (level - 1)
                first = min(frame & ~(count - 1), len(seen))
                last = min(first + count, len(seen))
                seen[first:last] = SEEN * (last - first)

    def _runs(self, l1):
        """[(first frame, behind the last)] of what the L1 in frame @l1 shows."""
        self._sum(l1, 1)
        table = self.tables[l1, 1]
        if table.runs is None:
            table.runs = []
            for entry in memoryview(table.data).cast("Q").tolist():
                frame = (entry & PTE_ADDR) >> 12
                if not entry & PTE_P or frame >= len(self.codes):
                    continue
                if table.runs and table.runs[-1][1] == frame:
                    table.runs[-1] = table.runs[-1][0], frame + 1
                else:
                    table.runs.append((frame, frame + 1))
        return table.runs

    def reachable(self, reach):
        """A byte for each frame: not 0 where @reach's root shows it, in the hypervisor's slots or
        the guest's."""
        seen = bytearray(reach.seen)
        for slot, entry in enumerate(self.ram.entries(reach.cpu.root)):
            if slot not in HV_SLOTS and entry & PTE_P:
                self._mark(seen, (entry & PTE_ADDR) >> 12, 3)
        return seen

    def _measure(self, reach, entries):
        seen = bytearray(len(self.codes))
        for slot in HV_SLOTS:
            if entries[slot] & PTE_P:
                self._mark(seen, (entries[slot] & PTE_ADDR) >> 12, 3)
        shown = (int.from_bytes(seen, "little") & int.from_bytes(self.numbers, "little")).to_bytes(
            len(seen), "little")
        for number, owner in enumerate(self.owners.owner):
            if number + 1 in shown:
                reach.bytes[reach.viewer.class_of(owner)] += shown.count(number + 1) * PAGE
        reach.seen = seen
        reach.beyond = sum(n for name, n in reach.bytes.items()
                           if name not in ("own domain", "device"))
        for slot in range(512):
            if slot not in HV_SLOTS and entries[slot] & PTE_P:
                for key, count in self._sum_of_entry(entries[slot], 4).items():
                    if not key & TABLE:
                        reach.guest[reach.viewer.class_of(
                            self.owners.owner[key >> 16 & 0xffff])] += count * PAGE
        if reach.beyond > self.beyond_limit:
            self.findings.append(f"{reach.viewer.where}: {size(reach.beyond)} of RAM beyond the "
                                 "domain's own are "
                                 f"mapped in slots 256..271; {size(self.beyond_limit)} are allowed")
        self.reaches.append(reach)
