# SPDX-License-Identifier: MIT
"""Domains of type=pvh, seen from outside: what their nested tables name, and where a CPU that is in
guest mode comes back to. The machine's registers are the guest's then; its processor walks the
nested tables, whose frames must be the domain's own, and leaves for its vCPU's kernel root.
"""
from ownership import PAGE, PTE_ADDR, PTE_P, PTE_PS

US = 4
VALID = 7                           # P2M_VALID: what makes an entry one for the processor
WRITES = 3                          # of it: what is there can be written
THERE = 1 << 52                     # P2M_THERE: what it shows is there, though that may be missing
EPT_TYPE, EPT_WB = 15 << 3, 6 << 3 | 1 << 6     # of a leaf: write-back, whatever the guest's PAT is
SHOWN = 3
HV_SLOTS = range(256, 272)
HV_FIRST, HV_END = 0xffff800000000000, 0xffff880000000000


def leave_guest_mode(snapshot, owners):
    """Each CPU in guest mode gets the root that it leaves for, in ring 3's place: what a guest runs
    on is not ours. Returns the numbers of those CPUs."""
    inside = set()
    for cpu in snapshot.cpus:
        number = owners.cpu_of_apic.get(cpu.index)
        vcpu = owners.loaded_vcpu.get(number)
        if not vcpu or not vcpu.domain.nested:
            continue
        if cpu.root == vcpu.kernel_root and HV_FIRST <= cpu.rip < HV_END and not cpu.cpl:
            continue                    # an exit is handled
        inside.add(number)
        cpu.cr0, cpu.cr3, cpu.cr4, cpu.cpl = 1 << 31, vcpu.kernel_root * PAGE, 0, 3
    return inside


def npt_takes(entry, _level, _is_leaf):
    """The processor walks NPT's format as a user (APM vol. 2 15.25.5)."""
    return bool(entry & US) or not entry & PTE_P


def ept_takes(entry, level, is_leaf):
    """EPT's: no rights, or R with its others; what is not so is a misconfiguration, or memory
    whose type the guest chooses (SDM vol. 3 28.3.3.1)."""
    if not entry & VALID:
        return True
    return bool(entry & PTE_P) and level <= 4 and \
        entry & EPT_TYPE == (EPT_WB if is_leaf else 0) and (is_leaf or not entry & PTE_PS)


def ept_split_takes(entry, level, is_leaf):
    """And a large leaf that can be executed lets a guest stop the processor (CVE-2018-12207)."""
    return ept_takes(entry, level, is_leaf) and not (is_leaf and level > 1 and entry & 4)


FORMATS = {"p2m_npt": npt_takes, "p2m_ept": ept_takes, "p2m_ept_split": ept_split_takes}


def format_of(owners):
    """What this machine's nested tables may hold: by the hypervisor's choice at boot."""
    chosen = owners.variable("p2m_format")
    return next(takes for name, takes in FORMATS.items() if owners.image.symbol(name) == chosen)


def leaves(ram, mfn, takes=npt_takes, level=4, gfn=0, good=True):
    """(gfn, frame, number of frames, as the format has it at each level, entry) of each leaf below
    table @mfn; and of each table, with 0 frames."""
    yield gfn, mfn, 0, good, 0
    for i, entry in enumerate(ram.entries(mfn) or []):
        if not entry & (VALID | THERE):
            continue
        below, frame = gfn + (i << 9 * (level - 1)), (entry & PTE_ADDR) >> 12
        is_leaf = level == 1 or bool(entry & PTE_PS)
        fits = good and takes(entry, level, is_leaf)
        if is_leaf:
            yield below, frame, 1 << 9 * (level - 1), fits, entry
        else:
            yield from leaves(ram, frame, takes, level - 1, below, fits)


def held(ram, domain):
    """The frames that leaves of @domain's nested tables hold a reference on, one for each."""
    for _, frame, count, _, _ in leaves(ram, domain.nested) if domain.nested else ():
        yield from range(frame, frame + count)


def findings(ram, owners):
    """What is wrong, a sentence for each kind of it in each domain."""
    for domain in owners.domains.values():
        if not domain.nested:
            continue
        wrong = {}
        for gfn, frame, count, fits, entry in leaves(ram, domain.nested, format_of(owners)):
            if not count and owners.owner_of(frame) != ("public",):
                wrong.setdefault("a table that is not the hypervisor's", []).append(frame)
            if count and not fits:
                wrong.setdefault("a leaf that the processor may not use", []).append(frame)
            for mfn in range(frame, frame + count):
                if entry & WRITES == WRITES and owners.is_clean(mfn):
                    wrong.setdefault("a clean frame that can be written", []).append(mfn)
                if owners.owner_of(mfn) != ("domain", domain.domid):
                    wrong.setdefault(f"foreign frame, {owners.owner_of(mfn)[0]}", []).append(mfn)
        for what, frames in wrong.items():
            named = ", ".join(f"{mfn:#x}" for mfn in frames[:SHOWN])
            yield f"domain {domain.domid}'s nested tables: {what}: {named}, {len(frames)} in all"
        for vcpu in domain.vcpus:
            for root in (vcpu.kernel_root, vcpu.user_root):
                slots = [i for i, e in enumerate(ram.entries(root)) if e and i not in HV_SLOTS]
                if slots:
                    yield (f"{vcpu.name}: slot {slots[0]} of a root of an HVM vCPU is not empty")
