#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Scrub: what a guest leaves behind stays in its own memory. The selftest guest puts 128-bit
markers wherever a guest can (tests/guest/scrub.c), gives memory back, sleeps, ends; the whole RAM
of the machine is searched while it sleeps and when it is dead. A marker may lie in the domain's own
memory and in its vCPU's area. It may also lie on the stack of the one CPU that ran it, which is
zeroed when another domain comes (docs/isolation.md). Nowhere else."""
import collections
import os
import random
import re
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import SELFTEST, tap
from livemachine import LiveMachine
from ownership import Owners, name_of

KINDS = ("kept memory", "freed memory", "general registers", "SSE registers", "console text",
         "hypercall arguments")
WORD = (1 << 64) - 1
PAGE = 4096
SEED = random.SystemRandom().randrange(1 << 60)


def marker(kind, half):
    """As marker() of tests/guest/scrub.c."""
    word = SEED + (2 * kind + half + 1) * 0xd1342543de82ef95 & WORD
    for _ in range(3):
        word ^= word >> 29
        word = word * 0xa0761d6478bd642f & WORD
        word ^= word >> 32
    data = word.to_bytes(8, "little")
    return bytes(ord("a") + (b & 15) for b in data) if KINDS[kind] == "console text" else data


def search(snapshot, owners):
    """{(kind, owner): [machine addresses]} of every half marker in RAM."""
    found = collections.defaultdict(list)
    for start, length, offset in snapshot.ram.ranges:
        memory = bytes(snapshot.ram.view[offset:offset + length])
        for kind in range(len(KINDS)):
            for half in (0, 1):
                at = memory.find(marker(kind, half))
                while at >= 0:
                    found[kind, owners.owner_of((start + at) // PAGE)].append(start + at)
                    at = memory.find(marker(kind, half), at + 8)
    return found


def is_stack(owners, cpu, address):
    """Is @address on a stack of @cpu's area?"""
    image = owners.image
    area = next(l3 for l3, n in owners.cpu_area.items() if n == cpu)
    table = owners.table_of(area, image["VA_CPU"])
    pages = range(image["CPU_PAGE_STACK"], image["CPU_PAGE_STACK_DB"] + 1)
    return any(table[page] & 1 and (table[page] >> 12) & (1 << 40) - 1 == address // PAGE
               for page in pages)


def astray(found, owners):
    """Sentences about markers that lie where they must not."""
    ran_on = {owner[1] for _, owner in found if owner[0] == "cpu"}
    for (kind, owner), places in sorted(found.items()):
        if owner[0] in ("domain", "table", "vcpu"):
            continue
        if (owner[0] == "cpu" and len(ran_on) == 1 and
                all(is_stack(owners, owner[1], at) for at in places)):
            continue
        yield (f"{KINDS[kind]}: {len(places)} half markers in memory that is {name_of(owner)}, "
               f"first at {places[0]:#x}")


def look(live, when):
    """Points about one stopped machine; {(kind, owner): addresses}."""
    snapshot = live.snapshot()
    owners = Owners(snapshot, live.image)
    found = search(snapshot, owners)
    wrong = list(astray(found, owners))
    for name in KINDS:
        here = [sentence for sentence in wrong if sentence.startswith(name + ":")]
        sentence = f"{when}: no trace of its {name} outside its own memory and area"
        tap.ok(not here, sentence, "\n".join(here))
    tap.note(f"{when}: " + "; ".join(f"{KINDS[kind]} in {name_of(owner)}: {len(places)}"
                                     for (kind, owner), places in sorted(found.items())))
    return snapshot, owners, found


def wait_idle(live):
    """Stop at an instant when every CPU runs its idle root."""
    for _ in range(60):
        live.qmp.stop()
        snapshot = live.snapshot()
        owners = Owners(snapshot, live.image)
        if all(owners.roots.get(cpu.root, ("",))[0] == "idle" for cpu in snapshot.cpus):
            return True
        live.qmp.go_on()
        time.sleep(0.05)
    return False


def sees(found, kind, owner):
    return bool(found.get((KINDS.index(kind), owner)))


def main():
    with LiveMachine(SELFTEST, f"attack=scrub scrub={SEED:x}", hv="dom0_mem=64M dom0_max_vcpus=1",
                     smp=2, mem_mib=256,
                     options=("-no-shutdown",)) as live:
        if not live.wait_for(
            rb"# scrub: filled, last frame given back 0x[0-9a-f]+") or not wait_idle(live):
            tap.ok(False, "the guest fills and sleeps", live.text()[-1500:])
            return
        frame = int(re.search(r"given back (0x[0-9a-f]+)", live.text())[1], 16)
        snapshot, owners, found = look(live, "asleep")
        # That the search sees at all.
        for kind, owner in (("kept memory", ("domain", 0)), ("general registers", ("vcpu", "d0v0")),
                            ("SSE registers", ("vcpu", "d0v0")), ("console text", ("domain", 0)),
                            ("hypercall arguments", ("domain", 0))):
            tap.ok(sees(found, kind, owner),
                   f"asleep: its {kind} are found in what is {name_of(owner)}")
        tap.ok(frame and owners.owner_of(frame) == ("free",),
               f"asleep: the frame given back, {frame:#x}, is free")
        private = live.snapshot(private=True)
        private.ram.write(owners.codes.index(owners.code("public"), 0) * PAGE + 64, marker(0, 0))
        tap.ok(list(astray(search(private, owners), owners)),
               "a marker planted in the public heap is found")
        live.qmp.go_on()
        for _ in range(300):
            if live.qmp.call("query-status")["status"] == "shutdown":
                break
            time.sleep(0.1)
        tap.ok(live.qmp.call("query-status")["status"] == "shutdown",
               "the guest ends, and the machine",
               live.text()[-800:])
        look(live, "dead")


main()
tap.done()
