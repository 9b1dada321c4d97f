# SPDX-License-Identifier: MIT
"""Whose is each frame of the machine? Answered from the hypervisor's records (frame table, CPU and
vCPU objects), never from who happens to map the frame.

Only four things are found by a walk: where the image, the frame table, the public heap and a CPU's
own pages lie; each is then held against a record of its own (the ELF's bytes, piece_stands,
public_pages and PGC_hv, cpu_private.id). """
import array
import struct

PAGE = 4096
PTE_ADDR = 0x000ffffffffff000
PTE_P, PTE_PS = 1, 0x80
NO_MFN = (1 << 64) - 1


class OwnershipError(Exception):
    """The records cannot be read: the machine is not (yet) running this hypervisor."""


class Image:
    """isola.elf: its symbols, the bytes of its loadable segments, and the records of its section
    .audit_offsets."""

    def __init__(self, path):
        try:
            with open(path, "rb") as file:
                self.data = file.read()
        except OSError as error:
            raise OwnershipError(f"{path}: {error.strerror}") from error
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise OwnershipError(f"{path} is not a 64-bit ELF")
        shoff, phoff = struct.unpack_from("<Q", self.data,
                                          40)[0], struct.unpack_from("<Q", self.data, 32)[0]
        phnum, _, shnum, shstrndx = struct.unpack_from("<HHHH", self.data, 56)
        sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, shoff + 64 * i)
                    for i in range(shnum)]
        self.segments = [s for s in (struct.unpack_from("<IIQQQQQQ", self.data, phoff + 56 * i)
                                     for i in range(phnum))
                         if s[0] == 1]
        self.symbols, self.offsets = {}, {}
        for section in sections:
            if self._string(sections[shstrndx], section[0]) == ".audit_offsets":
                self._read_offsets(section)
            if section[1] == 2:
                self._read_symbols(section, sections[section[6]])
        if not self.offsets:
            raise OwnershipError(f"{path} has no section .audit_offsets")

    def _string(self, table, offset):
        at = table[4] + offset
        return self.data[at:self.data.index(b"\0", at)].decode()

    def _read_symbols(self, section, strings):
        for at in range(section[4], section[4] + section[5], 24):
            name, _, _, _, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
            self.symbols[self._string(strings, name)] = (value, size)

    def _read_offsets(self, section):
        at, end = section[4], section[4] + section[5]
        while at < end:
            name_end = self.data.index(b"\0", at + 8)
            self.offsets[self.data[at + 8:name_end].decode()] = struct.unpack_from("<Q", self.data,
                                                                                   at)[0]
            at = name_end + 1

    def __getitem__(self, name):
        return self.offsets[name]

    def symbol(self, name):
        if name not in self.symbols:
            raise OwnershipError(f"the hypervisor has no symbol {name}")
        return self.symbols[name][0]


def translate(ram, root, va):
    """The machine address behind @va in the tables of L4 frame @root, or None."""
    mfn = root
    for level in (4, 3, 2, 1):
        shift = 12 + 9 * (level - 1)
        entry = ram.u64(mfn * PAGE + (va >> shift & 511) * 8)
        if entry is None or not entry & PTE_P:
            return None
        mfn = (entry & PTE_ADDR) >> 12
        if level == 1 or (level < 4 and entry & PTE_PS):
            size = 1 << shift
            return (entry & PTE_ADDR) // size * size + va % size
    return None


LOADED_AT = 0x200000            # where the image is linked to be loaded


class Vcpu:
    def __init__(self, domain, number, address):
        self.domain, self.number, self.address = domain, number, address
        self.kernel_root = self.user_root = self.area_l3 = self.private = None
        self.shadowed = False
        self.name = f"d{domain.domid}v{number}"


class Domain:
    def __init__(self, address, domid):
        self.address, self.domid, self.vcpus, self.nr_pages = address, domid, [], 0
        self.assigning = self.privileged = self.static = False
        self.grants = 0                 # its struct grant_table
        self.hvm = 0                    # its struct hvm_domain; 0: it is a PV domain
        self.nested = 0                 # the L4 of its nested tables; 0: none, or no more


class Owners:
    """The owner of each frame, as a small code.

    codes      array: frame number -> code << 16 (the walker adds an entry's flags below)
    owner[code]     a tuple: ("free",) ("hv",) ("device",) ("image",) ("public",) ("frametable",)
                    ("m2p",) ("domain", domid) ("table", domid): a frame of the domain in use as
                    page or descriptor table ("cpu", n) ("vcpu", name) ("firmware",)
    roots      L4 frame -> (kind, Vcpu or CPU number); kind: kernel, user, idle, visit, boot,
               firmware
    visited    CPU number -> the Domain that it visits
    complaints what does not fit together, one sentence each

    @before: the Owners of an earlier stop of the same machine. Where the frame table holds the same
    bytes as then, its records are not decoded again.
    """

    def __init__(self, snapshot, image, before=None):
        self.snapshot, self.ram, self.image, self.before = snapshot, snapshot.ram, image, before
        self.owner, self.complaints, self.claimed = before.owner if before else [], [], {}
        self.codes = array.array("Q")
        self.reference = self._find_reference()
        self._read_domains()
        self._read_frames()
        self._claim_image()
        self._claim_shared()
        self._claim_cpus()
        self._claim_vcpus()
        self._claim_firmware()
        self._collect_roots()
        self.before = None

    # ---- Reading the hypervisor's objects ----

    def _find_reference(self):
        """A root that shows the image: it must hold the bytes of the ELF's read-only segments."""
        for cpu in self.snapshot.cpus:
            if cpu.started and translate(self.ram, cpu.root,
                                         self.image.symbol("_image_start")) is not None:
                return cpu.root
        # All may be in guest mode: the boot root, if the image is where it was linked to be.
        at = self.image.symbol("boot_root_cr3") - self.image.symbol("_image_start") + LOADED_AT
        root = (self.ram.u64(at) or 0) >> 12
        if root and translate(self.ram, root, self.image.symbol("_image_start")) == LOADED_AT:
            return root
        raise OwnershipError("no CPU's page tables show the hypervisor's image")

    def bytes_at(self, va, size):
        result = b""
        while size:
            part = min(size, PAGE - va % PAGE)
            address = translate(self.ram, self.reference, va)
            data = None if address is None else self.ram.read(address, part)
            if data is None:
                raise OwnershipError(f"the hypervisor's object at {va:#x} is not mapped")
            result, va, size = result + bytes(data), va + part, size - part
        return result

    def number(self, va, size=8):
        return int.from_bytes(self.bytes_at(va, size), "little")

    def field(self, base, name, size=8):
        return self.number(base + self.image[name], size)

    def variable(self, name, size=8):
        return self.number(self.image.symbol(name), size)

    def _read_domains(self):
        self.domains, self.domain_at, self.vcpu_at = {}, {}, {}
        address = self.variable("domain_list")
        while address:
            self._read_domain(address)
            address = self.field(address, "domain.next_in_list")

    def _read_domain(self, address):
        d = Domain(address, self.field(address, "domain.domid", 2))
        d.privileged = bool(self.field(address, "domain.is_privileged", 1))
        d.static = bool(self.field(address, "domain.static_nr", 1))
        d.grants = self.field(address, "domain.grants")
        d.hvm = self.field(address, "domain.hvm")
        root = self.field(d.hvm, "hvm_domain.p2m.root") if d.hvm else NO_MFN
        d.nested = root if root != NO_MFN else 0        # a domain that dies has none any more
        d.nr_pages = self.field(address, "domain.nr_pages", 4)
        lock = self.field(address, "domain.page_lock", 4)
        d.assigning = lock & 0xffff != lock >> 16
        for i in range(self.field(address, "domain.nr_vcpus", 4)):
            d.vcpus.append(
                self._read_vcpu(d, self.number(address + self.image["domain.vcpu"] + 8 * i)))
        self.domains[d.domid] = self.domain_at[address] = d

    def _read_vcpu(self, domain, address):
        v = Vcpu(domain, self.field(address, "vcpu.id", 4), address)
        v.kernel_root, v.user_root = self.field(address, "vcpu.root_kernel"), self.field(
            address, "vcpu.root_user")
        v.area_l3 = self.field(address, "vcpu.area_l3")
        v.private = [self.number(address + self.image["vcpu.private_mfn"] + 8 * i)
                     for i in range(self.image["VCPU_PRIVATE_PAGES"])]
        if domain.hvm:
            first = self.image["VA_VCPU_HVM"] >> 12 & 511
            v.private += [(e & PTE_ADDR) >> 12 for e in self.table_of(
                v.area_l3, self.image["VA_VCPU_HVM"])[first:first + self.image["VCPU_HVM_PAGES"]]]
        self.vcpu_at[address] = v
        return v

    # ---- Codes ----

    def code(self, *owner):
        if owner not in self.owner:
            self.owner.append(owner)
        return self.owner.index(owner) << 16

    def owner_of(self, mfn):
        return self.owner[self.codes[mfn] >> 16] if mfn < len(self.codes) else ("device",)

    def _read_frames(self):
        image, size, max_page = self.image, self.image["sizeof page_info"], self.variable(
            "max_page")
        pieces = self.bytes_at(image.symbol("piece_stands"), (max_page >> 16) + 1)
        device = self.code("device")
        self.table_frames = []
        self.codes = array.array("Q", [device]) * max(max_page + 0xffff >> 16 << 16, 1 << 16)
        # piece -> (bytes of its records, their codes before anything is claimed)
        self.pieces = {}
        for piece in range((max_page >> 16) + 1):
            if not pieces[piece]:
                continue
            address = translate(self.ram, self.reference, image["VA_FRAMETABLE"] + (piece << 21))
            data = None if address is None else self.ram.read(address, size << 16)
            if data is None:
                raise OwnershipError(f"piece {piece} of the frame table is not in RAM")
            self.table_frames += range(address // PAGE, (address + (size << 16)) // PAGE)
            data = bytes(data)
            codes = self._decode(data, *(self.before.pieces.get(piece, (b"", None))
                                         if self.before else (b"", None)))
            self.pieces[piece] = data, codes
            self.codes[piece << 16:(piece << 16) + len(codes)] = codes

    def _decode(self, data, old_data, old_codes):
        """The codes of the records in @data; of pages that are as in @old_data, the old ones."""
        if len(old_data) != len(data):
            return self._decode_records(data)
        codes, size = old_codes[:], self.image["sizeof page_info"]
        for at in range(0, len(data), PAGE):
            page = data[at:at + PAGE]
            if page != old_data[at:at + PAGE]:
                codes[at // size:(at + PAGE) // size] = self._decode_records(page)
        return codes

    def _decode_records(self, data):
        image, cache = self.image, {}
        size, count_at, type_at = image["sizeof page_info"], image["page_info.count_info"], image[
            "page_info.type_info"]
        words, halves = memoryview(data).cast("Q"), memoryview(data).cast("H")
        counts = words[count_at // 8::size // 8].tolist()
        types = words[type_at // 8::size // 8].tolist()
        owners = halves[image["page_info.owner"] // 2::size // 2].tolist()
        # A locked table may have no count for a moment: the hypervisor's own audit takes all of
        # them away.
        in_use = image["PGT_count_mask"] | image["PGT_locked"]
        keys = [(c >> 61 << 1 | (c != 0), t >> 56 if t & in_use else 0, o)
                for c, t, o in zip(counts, types, owners)]
        for key in set(keys):
            cache[key] = self._frame_code(*key)
        return array.array("Q", map(cache.__getitem__, keys))

    def _frame_code(self, state, kind, owner):
        """@state: PGC_allocated, PGC_leaving, PGC_hv, "count_info is not 0"; @kind: the top byte of
        a type in use."""
        image = self.image
        if state >> 1 & image["PGC_hv"] >> 61:
            return self.code("device") if owner == image["DOMID_IO"] else self.code("hv")
        if not state:
            return self.code("free")
        number, validated = kind >> 4 & 7, kind & image["PGT_validated"] >> 56
        if validated and image["PGT_l1"] >> 60 <= number <= image["PGT_seg_desc"] >> 60:
            return self.code("table", owner)
        return self.code("domain", owner)

    def leaving(self, domain):
        """How many of @domain's frames are in its window no more and wait for the flush that frees
        them: where others come for them, nr_pages counts those already."""
        mfn, number = self.field(domain.address, "domain.leaving_list", 4), 0
        while mfn and number <= domain.nr_pages:
            mfn, number = self._of_page(mfn, "next", 4), number + 1
        return number

    def is_clean(self, mfn):
        """Has nothing of frame @mfn changed since its domain's log was read (LOG-1)?"""
        return bool(self._of_page(mfn, "type_info", 8) & self.image["PGT_clean"])

    def _of_page(self, mfn, name, size):
        """The field @name, @size bytes, of frame @mfn's record."""
        at = (mfn & 0xffff) * self.image["sizeof page_info"] + self.image["page_info." + name]
        return int.from_bytes(self.pieces[mfn >> 16][0][at:at + size], "little")

    def _claim(self, mfn, *owner):
        """Frame @mfn is @owner's: the frame table must call it the hypervisor's (the M2P's own: no
        RAM, which the control domain may map), and nobody else have claimed it."""
        before = self.owner_of(mfn)
        if mfn in self.claimed:
            self.complaints.append(f"frame {mfn:#x} belongs to {name_of(owner)} and to "
                                   f"{name_of(self.claimed[mfn])}")
        elif before != (("device",) if owner == ("m2p",) else ("hv",)):
            self.complaints.append(f"frame {mfn:#x} of {name_of(owner)} is {name_of(before)} in "
                                   "the frame table")
        self.claimed[mfn] = owner
        if mfn < len(self.codes):
            self.codes[mfn] = self.code(*owner)

    def _claim_image(self):
        start, end = self.image.symbol("_image_start"), self.image.symbol("_image_end")
        maddr = self.variable("image_maddr")
        for _, flags, offset, vaddr, _, filesz, _, _ in self.image.segments:
            if flags & 2:
                continue
            loaded = self.ram.read(maddr + vaddr - start, filesz)
            # SMAP sites are patched at boot: three bytes each, in the text.
            if loaded is None or (not flags & 1 and
                                  bytes(loaded) != self.image.data[offset:offset + filesz]):
                raise OwnershipError("the image in memory is not that of the ELF: another build?")
        for mfn in range(maddr // PAGE, (maddr + end - start) // PAGE):
            self._claim(mfn, "image")

    def _claim_shared(self):
        """Frame table, M2P, public heap: found through the reference root, counted against the
        records."""
        for mfn in self.table_frames:
            self._claim(mfn, "frametable")
        slot = self.ram.u64(self.reference * PAGE + (self.image["VA_M2P_RW"] >> 39 & 511) * 8)
        l3 = self.ram.entries((slot & PTE_ADDR) >> 12)
        first = self.image["VA_M2P_RW"] >> 30 & 511
        frames = [m for i in range(first, 512) for m, n in self._leaves(l3[i], 2)
                  for m in range(m, m + n)]
        # 8 bytes against 32 for each frame of RAM, and for what is none up to the next whole GiB
        if len(frames) * 4 < len(self.table_frames) or len(frames) % 512:
            self.complaints.append(f"the M2P has {len(frames)} frames, the frame table "
                                   f"{len(self.table_frames)}")
        for mfn in frames:
            self._claim(mfn, "m2p")
        slot = self.ram.u64(self.reference * PAGE + (self.image["VA_PUBLIC"] >> 39 & 511) * 8)
        frames = [m for e in self.ram.entries((slot & PTE_ADDR) >> 12)
                  for m, n in self._leaves(e, 2)
                  for m in range(m, m + n)]
        if len(frames) != self.variable("public_pages"):
            self.complaints.append(f"{len(frames)} frames are in the public heap's tables, "
                                   f"{self.variable('public_pages')} in its account")
        for mfn in frames:
            self._claim(mfn, "public")

    def _leaves(self, entry, level):
        """(frame, number of frames) of each leaf below an entry that names a table of @level, or is
        a leaf above it."""
        if not entry & PTE_P:
            return
        mfn = (entry & PTE_ADDR) >> 12
        if level == 0 or entry & PTE_PS:
            yield mfn, 1 << 9 * level
            return
        for below in self.ram.entries(mfn) or []:
            yield from self._leaves(below, level - 1)

    def _claim_cpus(self):
        image = self.image
        pages = [image["CPU_PAGE_PRIVATE"], image["CPU_PAGE_TSS"], image["CPU_PAGE_STACK_DF"],
                 image["CPU_PAGE_STACK_NMI"], image["CPU_PAGE_STACK_MC"],
                 image["CPU_PAGE_STACK_DB"]]
        pages += range(image["CPU_PAGE_STACK"], image["CPU_PAGE_STACK"] + image["CPU_STACK_PAGES"])
        self.cpu_area, self.cpu_of_apic, self.idle_roots = {}, {}, {}
        self.visit_roots, self.visited, self.loaded_vcpu = {}, {}, {}
        for n in range(self.variable("nr_cpus", 4)):
            public = image.symbol("cpu_public") + n * image["sizeof cpu_public"]
            area = self.field(public, "cpu_public.area_l3")
            if not self.field(public, "cpu_public.online", 1):
                continue
            self.cpu_area[area] = n
            self.cpu_of_apic[self.field(public, "cpu_public.apic_id", 4)] = n
            self.idle_roots[self.field(public, "cpu_public.idle_root")] = n
            self.visit_roots[self.field(public, "cpu_public.visit_root")] = n
            self.loaded_vcpu[n] = self.vcpu_at.get(self.field(public, "cpu_public.loaded.vcpu"))
            visited = self.field(public, "cpu_public.loaded.visited")
            if visited:
                self.visited[n] = self.domain_at[visited]
            table = self.table_of(area, image["VA_CPU"])
            for page in pages:
                self._claim((table[page] & PTE_ADDR) >> 12, "cpu", n)
            private = table[image["CPU_PAGE_PRIVATE"]] & PTE_ADDR
            number = int.from_bytes(self.ram.read(private + image["cpu_private.id"], 4), "little")
            if number != n:
                self.complaints.append(f"the private page of CPU {n}'s area is CPU {number}'s")

    def table_of(self, l3, va):
        """The 512 entries of the L1 that covers @va below L3 frame @l3."""
        entry = self.ram.u64(l3 * PAGE + (va >> 30 & 511) * 8)
        entry = self.ram.u64((entry & PTE_ADDR) + (va >> 21 & 511) * 8)
        return self.ram.entries((entry & PTE_ADDR) >> 12)

    def _claim_vcpus(self):
        for domain in self.domains.values():
            for v in domain.vcpus:
                for mfn in v.private:
                    self._claim(mfn, "vcpu", v.name)
                pages, split = self._shadow_of(v), self.image["SHADOW_SPLIT"]
                v.shadowed = bool(pages)
                for number, mfn in enumerate(pages):
                    self._claim(mfn, "tree", v.name, "kernel" if number < split else "user")

    def _shadow_of(self, v):
        """The pages of a shadow's trees, in order; none: it has no shadow, or no area yet."""
        first = self.image["VA_SHADOW"]
        entry = self.ram.u64(v.area_l3 * PAGE + (first >> 30 & 511) * 8)
        if not entry or not entry & PTE_P:
            return []
        entry = self.ram.u64((entry & PTE_ADDR) + (first >> 21 & 511) * 8)
        if not entry & PTE_P:
            return []
        return [(e & PTE_ADDR) >> 12 for e in self.table_of(v.area_l3, first) if e & PTE_P]

    def _claim_firmware(self):
        """The buffer through which EFI's firmware is spoken to; its root names no other RAM."""
        self.firmware_root = self.variable("efi_root") or None
        if self.firmware_root:
            first = self.variable("efi_buffer")
            for mfn in range(first, first + self.image["FIRMWARE_BUFFER_PAGES"]):
                self._claim(mfn, "firmware")

    def _collect_roots(self):
        self.roots = {self.variable("boot_root_cr3") >> 12: ("boot", 0)}
        self.roots.update({mfn: ("idle", n) for mfn, n in self.idle_roots.items()})
        self.roots.update({mfn: ("visit", n) for mfn, n in self.visit_roots.items()})
        if self.firmware_root:
            self.roots[self.firmware_root] = ("firmware", None)
        for domain in self.domains.values():
            for v in domain.vcpus:
                self.roots[v.kernel_root] = ("kernel", v)
                self.roots[v.user_root] = ("user", v)
        self.isolated = bool(self.number(self.image.symbol("asi_policy") +
                                         self.image["asi_policy.pv"]
                                         + self.image["asi_class.vcpu_pt"], 1))


def name_of(owner):
    kind = owner[0]
    if kind in ("domain", "table"):
        return f"domain {owner[1]}'s" + (" (a table)" if kind == "table" else "")
    return {"cpu": lambda: f"CPU {owner[1]}'s area", "vcpu": lambda: f"{owner[1]}'s area",
            "tree": lambda: f"{owner[1]}'s shadow, the {owner[2]} root's",
            "hv": lambda: "the hypervisor's, of no known use"}.get(kind, lambda: {
                "free": "free", "device": "a device's", "image": "the image's",
                "public": "the public heap's", "firmware": "the firmware's buffer",
                "frametable": "the frame table's", "m2p": "the M2P's"}[kind])()
