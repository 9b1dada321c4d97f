#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""asi= and spec-ctrl= on real machines: what the log says, and what memory then holds. (Every
spelling of both, on the product's own parsers, and the choice for real parts:
tests/unit/asi_policy.t, tests/unit/spec_ctrl.t. QEMU's TCG offers none of the registers, so IBPB,
L1D flush and IBRS run there only.)

Each way out to a guest has its VERW (SPC-3), which boot replaces by a NOP where it is not due;
nothing jumps behind it. What is done at a change of domain is not done at a change of vCPU: with
one domain, once per CPU. """
import os
import re
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import HYPERVISOR, SELFTEST, tap
from livemachine import LiveMachine
from ownership import PTE_ADDR, Owners

NOP = bytes((0x0f, 0x1f, 0x80, 0, 0, 0, 0))
INSN = re.compile(r"^([0-9a-f]+):\s+(\S+)\s*(.*)$")
ALL_ON = "vcpu-pt on, cpu-stack on, zero-stack on"


# ---- The ways out, in the image ----

def disassembly():
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", HYPERVISOR],
                          stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout


def exit_faults(text):
    """What is wrong with the instructions that lead to a guest: every SYSRET and VMRUN, and the
    IRET called return_iret_insn."""
    ways, previous, label, targets = {}, None, None, set()
    for line in text.splitlines():
        if line.endswith(">:"):
            label = line.split("<")[1][:-2]
            continue
        match = INSN.match(line.strip())
        if not match:
            continue
        address, insn, operands = match.groups()
        if insn in ("sysretq", "vmrun") or (insn == "iretq" and label == "return_iret_insn"):
            ways[address] = previous
        if re.match(r"j|call", insn) and re.match(r"[0-9a-f]+ <", operands):
            targets.add(operands.split()[0])
        previous, label = f"{insn} {operands}", None
    for address, before in ways.items():
        if not before.startswith("verw ") or "<verw_selector>" not in before:
            yield f"{address}: before the way out comes \"{before}\", not VERW"
        if address in targets:
            yield f"{address}: something jumps behind the VERW"
    if len(ways) < 4:
        yield f"{len(ways)} ways out are too few"


def the_image():
    text = disassembly()
    faults = list(exit_faults(text))
    tap.ok(not faults, "each way out to a guest begins with VERW, and nothing jumps behind it",
           "\n".join(faults))
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if "sysretq" in line)
    tap.ok(list(exit_faults("\n".join(lines[:at - 1] + lines[at:]))),
           "planted: a way out without VERW is found")
    there = lines[at].strip().split(":")[0]
    tap.ok(list(exit_faults(text + f"\nffff80ffc0ffffff:\tjmp {there} <x>\n")),
           "planted: a jump behind VERW is found")


# ---- Machines ----

def verw_sites(owners):
    """The bytes at each place where VERW may stand."""
    first, end = owners.image.symbol("verw_sites_start"), owners.image.symbol("verw_sites_end")
    for at in range(first, end, 4):
        yield owners.bytes_at(at + int.from_bytes(owners.bytes_at(at, 4), "little", signed=True), 7)


def domain_changes(live, owners):
    """How often each CPU changed from one guest domain to another."""
    image = live.image
    for area, _ in sorted(owners.cpu_area.items(), key=lambda item: item[1]):
        page = owners.table_of(area, image["VA_CPU"])[image["CPU_PAGE_PRIVATE"]] & PTE_ADDR
        yield int.from_bytes(owners.ram.read(page + image["cpu_private.domain_changes"], 8),
                             "little")


def started(live, name):
    if live.wait_for(rb"TAP version"):
        return True
    tap.ok(False, f"{name}: the guest starts", live.text()[-800:])
    return False


#              CPU model       options             patterns of the log
#                              is VERW there
SPECULATION = (
    ("qemu64", "", ("affected by: Spectre-v1 Spectre-v2 SpectreRSB SSB$",
                    "VERW off; .* IBPB off, RSB on, L1D-flush off",
                    "taken for dom0, taken for pv", "SMT off"), False),
    ("Haswell-noTSX", "",
     ("affected by: Meltdown .* L1TF MDS$", "the CPU offers: nothing", "VERW off",
      "refused for dom0, shadowed for pv", "nothing but the roots against: .* MDS$"), False),
    ("Haswell-noTSX", "spec-ctrl=verw,nonsense,bti-thunk=retpoline,ibpb pv-l1tf=no-dom0",
     ("it clears nothing on this CPU", 'spec-ctrl=: ignoring "nonsense"$',
      'ignoring "bti-thunk=retpoline": indirect',
      "ibpb stays off: this CPU does not offer it", "VERW on", "taken for dom0, shadowed for pv"),
      True),
    ("Haswell-noTSX", "spec-ctrl=no",
     ("VERW off; .* IBPB off, RSB off, L1D-flush off", "taken for dom0, taken for pv",
      "nothing but the roots against: Spectre-v1 .* L1TF MDS$"), False),
    ("Cascadelake-Server", "spec-ctrl=on", ('spec-ctrl=: "on" is refused', "MMIO-stale-data$"),
     False),
)


def speculation(cpu, hv, patterns, verw):
    name = f"{cpu}{', ' if hv else ''}{hv}"
    with LiveMachine(SELFTEST, hv=hv + " dom0_mem=64M", mem_mib=256, cpu=cpu) as live:
        if not started(live, name):
            return
        missing = [p for p in patterns if not re.search(p, live.text(), re.M)]
        tap.ok(not missing, f"{name}: the log says what holds",
               "\n".join(missing) + "\n" + live.text()[:3000])
        with live.stopped() as snapshot:
            sites = list(verw_sites(Owners(snapshot, live.image)))
    good = all(site[:2] == b"\x0f\x00" if verw else site == NOP for site in sites)
    tap.ok(sites and good,
           f"{name}: {'VERW' if verw else 'a NOP'} stands at all {len(sites)} ways out",
           " ".join(site.hex() for site in sites))


def once_per_cpu():
    """Two vCPUs of one domain take turns on one CPU: claims that need both have been decided."""
    with LiveMachine(SELFTEST, hv="dom0_mem=64M dom0_max_vcpus=2", mem_mib=256) as live:
        if not live.wait_for(rb"ok \d+ - transitions/race_\w+.*\n(?s:.*)ok \d+ - transitions/race"):
            tap.ok(False, "two vCPUs on one CPU: the claims that need both", live.text()[-800:])
            return
        with live.stopped() as snapshot:
            changes = list(domain_changes(live, Owners(snapshot, live.image)))
    tap.ok(changes == [1], "two vCPUs of one domain on one CPU: one change of domain", str(changes))


def threads():
    with LiveMachine(SELFTEST, hv="dom0_mem=64M", mem_mib=256, smp=2, cpu="Haswell-noTSX",
                     options=("-smp", "2,sockets=1,cores=1,threads=2")) as live:
        if started(live, "two threads"):
            tap.ok("speculation: SMT on" in live.text(), "two threads of one core: SMT is reported",
                   live.text()[:3000])


# options, the states of pv and dom0 in the log, further patterns, findings that must be there
# (none: clean)
ASI = (
    ("asi=on", ALL_ON, ALL_ON, (), ()),
    ("asi=off,nonsense,dom0", "vcpu-pt off, cpu-stack off, zero-stack off", ALL_ON,
     ('asi=: ignoring "nonsense"',),
     (r"slot 262 of an idle root is not empty",)),
    ("asi=vcpu-pt=off", ALL_ON, ALL_ON,
     ("vcpu-pt for pv is a contradiction", "vcpu-pt for dom0 is a contradiction"), ()),
    ("asi=dom0=off", ALL_ON, "vcpu-pt off, cpu-stack off, zero-stack off", (),
     (r"d0v0.*slot 262: foreign frame \(free\)", r"slot 261 is reserved")),
    ("asi=cpu-stack=dom0=off", ALL_ON, "vcpu-pt on, cpu-stack off, zero-stack on", (),
     (r"d0v0.*slot 261 is reserved",)),
    ("asi=no-zero-stack", "vcpu-pt on, cpu-stack on, zero-stack off",
     "vcpu-pt on, cpu-stack on, zero-stack off", (), ()),
)


def isolation(hv, pv, dom0, patterns, wanted):
    with LiveMachine(SELFTEST, hv=hv + " dom0_mem=64M", mem_mib=256, smp=2) as live:
        if not started(live, hv):
            return
        text = live.text()
        missing = [p for p in (f"for pv: {pv}", f"for dom0: {dom0}", *patterns) if p not in text]
        tap.ok(not missing, f"{hv}: the log says so", "\n".join(missing) + "\n" + text[:1500])
        with live.stopped() as snapshot:
            findings = live.audit(snapshot).findings
    if wanted:
        missing = [w for w in wanted if not any(re.search(w, finding) for finding in findings)]
        tap.ok(not missing, f"{hv}: seen from outside, that much is mapped",
               "\n".join(missing + findings[:8]))
    else:
        tap.ok(not findings, f"{hv}: seen from outside, nothing foreign is mapped",
               "\n".join(findings[:8]))


the_image()
for row in SPECULATION:
    speculation(*row)
once_per_cpu()
threads()
for row in ASI:
    isolation(*row)
tap.done()
