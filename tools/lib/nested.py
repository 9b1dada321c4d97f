# SPDX-License-Identifier: MIT
"""Domains of type=pvh, seen from outside: what their nested tables name, and where a CPU that is in
guest mode comes back to. The machine's registers are the guest's then; its processor walks the
nested tables, whose frames must be the domain's own, and leaves for its vCPU's kernel root.
"""
from ownership import PAGE, PTE_ADDR, PTE_P, PTE_PS

US = 4
THERE = 1 << 9                      # what it shows is there, though P may be missing: NPT_THERE
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


def leaves(ram, mfn, level=4, gfn=0, user=True):
    """(gfn, frame, number of frames, U at each level, table) of each leaf below table @mfn; and of
    each table, with 0 frames."""
    yield gfn, mfn, 0, user, mfn
    for i, entry in enumerate(ram.entries(mfn) or []):
        if not entry & (PTE_P | THERE):
            continue
        below, frame = gfn + (i << 9 * (level - 1)), (entry & PTE_ADDR) >> 12
        if level == 1 or entry & PTE_PS:
            yield below, frame, 1 << 9 * (level - 1), user and bool(entry & US), mfn
        else:
            yield from leaves(ram, frame, level - 1, below, user and bool(entry & US))


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
        for gfn, frame, count, user, _ in leaves(ram, domain.nested):
            if not count and owners.owner_of(frame) != ("public",):
                wrong.setdefault("a table that is not the hypervisor's", []).append(frame)
            if count and not user:
                wrong.setdefault("a leaf that the processor may not use", []).append(frame)
            for mfn in range(frame, frame + count):
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
