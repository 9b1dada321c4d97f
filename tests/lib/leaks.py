# SPDX-License-Identifier: MIT
"""Planted leaks: each does to a private copy of a stopped machine's memory (or to the registers
read from it) what a bug in the hypervisor would have done, and says what the auditor must then
find.

LEAKS is a list of (name, regular expression for a finding, function of a Plant); SHADOW_LEAKS one
for a CPU whose vCPU is logged.
"""
from ownership import PAGE, PTE_ADDR, PTE_P, PTE_PS, translate

RW, US, G, NX = 2, 4, 0x100, 1 << 63
HV_RW = PTE_P | RW | 0x60 | NX


class Plant:
    """A machine to be spoilt: @snapshot is private, @cpu runs a vCPU in guest mode, @owners are
    those of before."""

    def __init__(self, snapshot, owners, image, cpu):
        self.snapshot, self.ram, self.owners, self.image = snapshot, snapshot.ram, owners, image
        self.cpu = next(c for c in snapshot.cpus if c.index == cpu)
        self.number = owners.cpu_of_apic[cpu]
        self.vcpu = owners.roots[self.cpu.root][1]
        self.domain = self.vcpu.domain

    def slot(self, va, level=1, root=None):
        """(address of the entry of @level that leads to @va, or of the leaf above it; the entry;
        its level)."""
        mfn = root or self.vcpu.kernel_root
        for at_level in (4, 3, 2, 1):
            address = mfn * PAGE + (va >> 12 + 9 * (at_level - 1) & 511) * 8
            entry = self.ram.u64(address)
            if at_level == level or (at_level < 4 and entry & PTE_PS):
                return address, entry, at_level
            assert entry & PTE_P, f"{va:#x} has no table of level {at_level - 1}"
            mfn = (entry & PTE_ADDR) >> 12

    def change(self, va, set_bits=0, clear_bits=0, level=1, root=None):
        address, entry, _ = self.slot(va, level, root)
        assert entry & PTE_P
        self.ram.write_u64(address, entry & ~clear_bits | set_bits)

    def replace(self, va, mfn, root=None):
        """The leaf at @va names @mfn instead."""
        address, entry, level = self.slot(va, 1, root)
        size = 1 << 9 * (level - 1)
        self.ram.write_u64(address, entry & ~PTE_ADDR | mfn // size * size * PAGE | PTE_P)

    def put(self, va, mfn, flags=HV_RW):
        """A leaf where there was none."""
        address, entry, level = self.slot(va)
        assert level == 1 and not entry & PTE_P
        self.ram.write_u64(address, mfn * PAGE | flags)

    def frame(self, *owner, skip=0):
        """A frame of @owner; the @skip-th of them."""
        code = self.owners.code(*owner)
        at = -1
        for _ in range(skip + 1):
            at = self.owners.codes.index(code, at + 1)
        return at

    def window(self, mfn):
        return self.image["VA_WINDOW"] + mfn * PAGE

    def record(self, mfn):
        """The machine address of a frame's page_info."""
        va = self.image["VA_FRAMETABLE"] + mfn * self.image["sizeof page_info"]
        return translate(self.ram, self.owners.reference, va)

    def root_slot(self, root, slot, value):
        self.ram.write_u64(root * PAGE + slot * 8, value)

    def other_cpu(self):
        return next(n for n in self.owners.cpu_area.values() if n != self.number)

    def idle_root(self):
        return next(mfn for mfn, n in self.owners.idle_roots.items() if n == self.number)

    def guest_leaf(self, wanted):
        """The machine address of a 4 KiB leaf in the guest's own half whose frame wanted() says yes
        to."""
        for mfn in range(len(self.owners.codes)):
            if self.owners.owner_of(mfn) != ("table", self.domain.domid):
                continue
            if self.ram.u64(self.record(mfn) + self.image["page_info.type_info"]) >> 60 & 7 != 1:
                continue
            for i, entry in enumerate(self.ram.entries(mfn)):
                if entry & PTE_P and wanted((entry & PTE_ADDR) >> 12) and self._is_loaded(mfn):
                    return mfn * PAGE + i * 8
        raise AssertionError("no such leaf")

    def tree_leaf(self, wanted):
        """The machine address of a leaf in the kernel root's tree, and it, that wanted(frame,
        leaf) says yes to."""
        for slot in [*range(256), *range(272, 512)]:
            for at, entry in self._leaves(self.vcpu.kernel_root * PAGE + slot * 8, 3):
                if wanted((entry & PTE_ADDR) >> 12, entry):
                    return at, entry
        raise AssertionError("no such leaf")

    def has_tree_leaf(self, wanted):
        """A tree that was just thrown away has none until its guest runs."""
        try:
            return bool(self.tree_leaf(wanted))
        except AssertionError:
            return False

    def _leaves(self, at, level):
        entry = self.ram.u64(at)
        if not entry & PTE_P:
            return
        if not level:
            yield at, entry
            return
        for i in range(512):
            yield from self._leaves((entry & PTE_ADDR) + i * 8, level - 1)

    def own_writable(self, mfn, entry):
        return self.own(mfn) and entry & RW

    def own(self, mfn):
        return self.owners.owner_of(mfn) == ("domain", self.domain.domid)

    def _is_loaded(self, l1):
        if not hasattr(self, "loaded_l1s"):
            self.loaded_l1s = set()
            for slot in [*range(256), *range(272, 512)]:
                self._collect(self.ram.u64(self.vcpu.kernel_root * PAGE + slot * 8), 3)
        return l1 in self.loaded_l1s

    def _collect(self, entry, level):
        mfn = (entry & PTE_ADDR) >> 12
        if not entry & PTE_P:
            return
        if level == 1:
            self.loaded_l1s.add(mfn)
            return
        for below in self.ram.entries(mfn):
            self._collect(below, level - 1)


def free_in_window(p):
    p.replace(p.window(p.frame("domain", p.domain.domid)), p.frame("free", skip=2000))


def freed_frame_kept(p):
    record = p.record(p.frame("domain", p.domain.domid))
    p.ram.write_u64(record + p.image["page_info.count_info"], 0)


def frame_given_away(p):
    record = p.record(p.frame("domain", p.domain.domid))
    p.ram.write(record + p.image["page_info.owner"], (7).to_bytes(2, "little"))


def other_stack(p):
    page = p.image["CPU_PAGE_STACK"] - 1         # the guard page
    p.put(p.image["VA_CPU"] + page * PAGE, p.frame("cpu", p.other_cpu(), skip=4))


def whole_cpu_area(p):
    area = next(l3 for l3, n in p.owners.cpu_area.items() if n != p.number)
    p.root_slot(p.cpu.root, 257, area * PAGE | 0x23)


def window_left_open(p):
    p.put(p.image["VA_MAPCACHE"] + 5 * PAGE, p.frame("free"))


def cpu_window_left_open(p):
    pages = range(p.image["CPU_NR_WINDOWS"])
    closed = [va for va in (p.image["VA_CPU_WINDOW"] + n * PAGE for n in pages)
              if not p.slot(va)[1] & PTE_P]
    p.put(closed[0], p.frame("free"))


def idle_shows_domain(p):
    p.root_slot(p.idle_root(), 262, p.ram.u64(p.vcpu.kernel_root * PAGE + 262 * 8))


def user_shows_window(p):
    p.root_slot(p.vcpu.user_root, 262, p.ram.u64(p.vcpu.kernel_root * PAGE + 262 * 8))


def user_shows_m2p(p):
    p.root_slot(p.vcpu.user_root, 256, p.ram.u64(p.vcpu.kernel_root * PAGE + 256 * 8))


def all_ram(p):
    p.root_slot(p.vcpu.kernel_root, 262, p.owners.variable("window_all_ram"))


def reserved_slot(p):
    p.root_slot(p.vcpu.kernel_root, 261, p.ram.u64(p.vcpu.kernel_root * PAGE + 259 * 8))


def other_vcpu(p):
    other = next(v for v in p.domain.vcpus if v is not p.vcpu)
    p.replace(p.image["VA_VCPU"] + 0x21 * PAGE, other.private[1])


def writable_text(p):
    p.change(p.image.symbol("_stext"), set_bits=RW)


def executable_stack(p):
    p.change(p.image["VA_CPU"] + p.image["CPU_PAGE_STACK"] * PAGE, clear_bits=NX)


def global_page(p):
    p.change(p.image.symbol("_srodata"), set_bits=G)


def global_enable(p):
    p.cpu.cr4 |= 1 << 7


def user_frame_table(p):
    for level in (4, 3, 2, 1):
        try:
            p.change(p.image["VA_FRAMETABLE"], set_bits=US, level=level)
        except AssertionError:
            break


def writable_m2p(p):
    p.change(p.image["VA_M2P"], set_bits=RW)


def huge_page(p):
    """One entry of the window grown to 1 GiB."""
    p.change(p.window(p.frame("domain", p.domain.domid)), set_bits=PTE_PS | NX, clear_bits=PTE_ADDR,
             level=3)


def foreign_in_guest(p):
    at = p.guest_leaf(lambda mfn: p.owners.owner_of(mfn) == ("domain", p.domain.domid))
    p.ram.write_u64(at, p.ram.u64(at) & ~PTE_ADDR | p.frame("free") * PAGE)


def stack_in_guest(p):
    at = p.guest_leaf(lambda mfn: p.owners.owner_of(mfn) == ("domain", p.domain.domid))
    p.ram.write_u64(at, p.ram.u64(at) & ~PTE_ADDR | p.frame("cpu", p.number, skip=4) * PAGE)


def writable_table(p):
    at = p.guest_leaf(lambda mfn: p.owners.owner_of(mfn) == ("table", p.domain.domid))
    p.ram.write_u64(at, p.ram.u64(at) | RW)


def stale_guest_slot(p):
    slot = next(s for s in range(272, 512) if p.ram.u64(p.vcpu.kernel_root * PAGE + s * 8) & PTE_P)
    p.root_slot(p.vcpu.kernel_root, slot, p.frame("domain", p.domain.domid) * PAGE | 0x67)


def unknown_root(p):
    p.cpu.cr3 = p.frame("public", skip=40) * PAGE


def stack_in_public(p):
    p.replace(p.image["VA_CPU"] + p.image["CPU_PAGE_STACK"] * PAGE, p.frame("public", skip=60))


LEAKS = [
    ("a free frame in the window", r"slot 262: foreign frame \(free\)", free_in_window),
    ("a freed frame that stays in the window", r"slot 262: foreign frame \(free\)",
     freed_frame_kept),
    ("a frame given away stays in the window", r"slot 262: foreign frame \(other domain\)",
     frame_given_away),
    ("another CPU's stack in the guard page of one's own", r"slot 257: foreign frame \(other CPU\)",
     other_stack),
    ("the root of a vCPU that moved shows its old CPU", r"slot 257: foreign frame \(other CPU\)",
     whole_cpu_area),
    ("a mapcache window left open in guest mode", r"slot 258: foreign frame \(free\)",
     window_left_open),
    ("a CPU's window left open in guest mode", r"slot 257: foreign frame \(free\)",
     cpu_window_left_open),
    ("an idle root shows the last domain's memory", r"slot 262 of an idle root is not empty",
     idle_shows_domain),
    ("a user root shows the memory window", r"slot 262 of a user root is not empty",
     user_shows_window),
    ("a user root shows the M2P", r"slot 256 of a user root is not empty", user_shows_m2p),
    ("a kernel root shows all RAM", r"MiB of RAM beyond the domain's own are mapped", all_ram),
    ("something in the reserved slot", r"slot 261 is reserved", reserved_slot),
    ("another vCPU's registers in the vCPU area", r"slot 258: foreign frame \(other vCPU\)",
     other_vcpu),
    ("writable text", r"slot 257: writable and executable", writable_text),
    ("an executable stack", r"slot 257: writable and executable", executable_stack),
    ("a global page", r"slot 257: a global page", global_page),
    ("global pages switched on", r"CR4\.PGE", global_enable),
    ("the frame table open to user mode", r"slot 260: user-accessible", user_frame_table),
    ("an M2P that the guest can write", r"slot 256: user-accessible and writable", writable_m2p),
    ("a window entry grown to 1 GiB", r"slot 262: foreign frame \(free\)", huge_page),
    ("a free frame in the guest's own half", r"slot \d+: foreign frame \(free\)", foreign_in_guest),
    ("a hypervisor stack in the guest's own half", r"slot \d+: foreign frame \(own CPU\)",
     stack_in_guest),
    ("a page table that the guest can write", r"a page or descriptor table that is writable",
     writable_table),
    ("a root slot that names what is no table any more", r"a page table that is none",
     stale_guest_slot),
    ("a CR3 that nobody made", r"which is no root", unknown_root),
    ("a stack in the public heap", r"belongs to CPU \d's area and to the public heap's",
     stack_in_public),
]


def guests_table(p):
    p.root_slot(p.vcpu.kernel_root, 255, p.frame("table", p.domain.domid) * PAGE | 0x67)


def other_tree(p):
    p.root_slot(p.vcpu.kernel_root, 255, p.frame("tree", p.vcpu.name, "user") * PAGE | 0x67)


def tree_of_another(p):
    other = next(v for d in p.owners.domains.values() for v in d.vcpus
                 if v.shadowed and v is not p.vcpu)
    p.root_slot(p.vcpu.kernel_root, 255, p.frame("tree", other.name, "kernel") * PAGE | 0x67)


def tree_page_mapped(p):
    at, entry = p.tree_leaf(lambda mfn, entry: p.own(mfn))
    p.ram.write_u64(at, entry & ~PTE_ADDR | p.frame("tree", p.vcpu.name, "kernel") * PAGE)


def foreign_in_tree(p):
    at, entry = p.tree_leaf(lambda mfn, entry: p.own(mfn))
    p.ram.write_u64(at, entry & ~PTE_ADDR | p.frame("domain", 0) * PAGE)


def clean_and_writable(p):
    at, entry = p.tree_leaf(p.own_writable)
    word = p.record((entry & PTE_ADDR) >> 12) + p.image["page_info.type_info"]
    p.ram.write_u64(word, p.ram.u64(word) | p.image["PGT_clean"])


SHADOW_LEAKS = [
    ("a logged vCPU's root names a table of its guest's",
     r"slot 255: a page table that is none of its shadow's", guests_table),
    ("a kernel root names the user root's tree",
     r"slot 255: a page table that is none of its shadow's", other_tree),
    ("a root names another vCPU's tree", r"slot 255: a page table that is none of its shadow's",
     tree_of_another),
    ("a tree shows a page of itself", r"foreign frame \(own vCPU\)", tree_page_mapped),
    ("a tree shows another domain's frame", r"foreign frame \(other domain\)", foreign_in_tree),
    ("a tree shows a clean frame writable", r"writable, and clean in the log", clean_and_writable),
]
