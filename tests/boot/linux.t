#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian's unmodified kernels as domain 0, with the workload of linux/init, on the set-ups of
linux/setups.list, two machines at a time, some with a host thread for each CPU. No log has a kind
of warning that the same kernel does not print on Debian's Xen, on BIOS or on the same firmware;
make test asks about Debian 12's kernel only, and boots Xen only for what linux/warnings.list has
neither of this kernel nor of another. make test-all boots Xen whatever is listed, adds the rest of
the list, stresses each for longer and boots one machine ten times in a row, with a host thread for
each of its CPUs: a failure that comes once in ten shows there. LINUX_SETUPS=REGEX: only the set-ups
whose name it matches, of which there must be some. Without an initramfs the kernel panics, and
Isola says so."""
import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "linux")]
import initramfs
from initrd import debian_linux, run_linux
from isolatest import GUEST_CRASHED, LONG, POWERED_OFF, TOP, isola_run, read, rows_of, tap

SECONDS = 600
AT_ONCE = 2
XEN_SECONDS = 300
# Lines that a slow machine brings forth on either hypervisor, and not each time.
SLOW_MACHINE = r"hrtimer: interrupt took|clocksource: "
KIND_CHARS = 90
LEAST_TICKS = 20                # hundredths of a second of work per vCPU during the stress
# the kernel of a set-up that names none, as tools/fetch-guests calls it
DEFAULT = "linux"
# seconds of stress in make test, of that kernel and of others; make test-all: linux/init's 20
STRESS, STRESS_OF_OTHERS = 5, 3
TEN_TIMES = ("4", "4", "on", "bios", "qemu64", DEFAULT)


def listed():
    rows = rows_of(os.path.join(HERE, "linux/setups.list"))
    return [tuple(row[:5]) + (row[5] if len(row) > 5 else DEFAULT,) for row in rows]


def setups():
    return [setup for setup in listed()
            if re.search(os.environ.get("LINUX_SETUPS", ""), name_of(setup))]


def name_of(setup):
    vcpus, cpus, asi, firmware, cpu, kernel = setup
    return f"{kernel}: {vcpus} vCPUs on {cpus} CPUs, asi={asi}, {firmware}, {cpu}"


def is_by_threads(setup):
    """Does each CPU of @setup have a host thread of its own? In make test one machine's do: they
    cost what the emulator's threads burn while they wait for each other."""
    vcpus, cpus, _, _, _, kernel = setup
    return int(cpus) <= os.cpu_count() and (LONG or vcpus == cpus and kernel == DEFAULT)


def run(setup, threads=None):
    vcpus, cpus, asi, firmware, cpu, kernel = setup
    threads = threads or ("multi" if is_by_threads(setup) else "single")
    seconds = STRESS if kernel == DEFAULT else STRESS_OF_OTHERS
    stress = "" if LONG else f" stress={seconds}"
    begun = time.monotonic()
    status, output, errors = run_linux(
        "--smp", cpus, "--cpu", cpu, "--firmware", firmware, f"--tcg-thread={threads}", "--hv",
        f"dom0_mem=512M asi={asi} dom0_max_vcpus={vcpus}", kernels[kernel],
        f"console=hvc0 earlyprintk=xen panic=-1{stress}", initrd, timeout=SECONDS)
    return status, output, errors, time.monotonic() - begun


def busy_vcpus(output):
    """How many vCPUs were at work in the stress."""
    line = re.search(r"^workload: busy: (.*)$", output, re.M)
    ticks = dict(item.split(":") for item in line[1].split()) if line else {}
    return sum(int(value) >= LEAST_TICKS for value in ticks.values())


def problems(setup, status, output):
    """What is not as it must be; empty: the set-up is right."""
    vcpus = setup[0]
    must = {
        "Linux detects Xen PV": r"Hypervisor detected: Xen PV",
        "the init process runs": rf"^workload: marker: Linux on xen, {vcpus} cpus$",
        "200 forks": r"^workload: forks: 200 of 200$",
        "memory is ballooned": r"^workload: balloon: [1-9]\d* times from 524288 KiB to half and "
                               r"back$",
        "the workload ends": r"^workload: end$",
    }
    found = [f"not seen: {what}" for what, pattern in must.items()
             if not re.search(pattern, output, re.M)]
    if len(re.findall(r"^workload: sum: right$", output, re.M)) != 2:
        found.append("a sha256 is wrong")
    workers = len(re.findall(r"^workload: stress: (?:bound|free)-\d+ did [1-9]\d* rounds$", output,
                             re.M))
    if workers != 2 * int(vcpus):
        found.append(f"{workers} workers ended well, not {2 * int(vcpus)}")
    if busy_vcpus(output) != int(vcpus):
        found.append(f"{busy_vcpus(output)} vCPUs were busy")
    if status != POWERED_OFF:
        found.append(f"exit status {status}")
    return found


def warnings(output):
    """The kinds of line of level warning and above: without the level, times, addresses and
    numbers, and what is beyond KIND_CHARS."""
    lines = re.findall(r"^workload: kmsg: <\d>\[ *[\d.]+\] (.*)$", output, re.M)
    plain = (re.sub(r"\b[0-9a-f]*\d[0-9a-f]*\b", "N", re.sub(r"0x[0-9a-f]+", "N", line))
             for line in lines if not re.match(SLOW_MACHINE, line))
    return {line[:KIND_CHARS].rstrip() for line in plain}


def run_on_xen(model, firmware="bios"):
    """What a kernel warns of on Xen; None: it did not get to its end there. Xen says nothing when
    the machine powers off."""
    cpu, kernel = model
    done = subprocess.run([os.path.join(TOP, "tools/oracle-run"), "--smp", "2", "--cpu", cpu,
                           "--firmware", firmware, "--timeout", str(XEN_SECONDS), kernels[kernel],
                           "console=hvc0 panic=-1 stress=1", initrd],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    output = done.stdout.decode("utf-8", "replace").replace("\r", "")
    return warnings(output) if re.search(r"^workload: end$", output, re.M) else None


def both_of(model):
    """What linux/warnings.list calls the processor, the kernel and the Xen of @model."""
    cpu, kernel = model
    return " ".join([cpu] + [hashlib.sha256(read(path)).hexdigest()[:16]
                             for path in (kernels[kernel], xen)])


def written_down():
    """{name as of both_of(): warnings}."""
    found, lines = {}, None
    for line in read(os.path.join(HERE, "linux/warnings.list")).decode().splitlines():
        if line.startswith("  "):
            lines.add(line[2:])
        elif line and line[0] != "#":
            lines = found.setdefault(line, set())
    return found


def ask_xen(models):
    """{model: what its kernel warns of on Xen}; a point for each. In make test what is written down
    of another kernel on such a processor will do, and Xen is booted when that is not enough:
    beyond_xen()."""
    if not xen:
        for model in models:
            tap.skip(f"{' '.join(model)}: warnings on Xen", "no Xen here")
        return {}
    found, known = {}, written_down()
    boots = [model for model in models if LONG or model[0] not in
             {name.split()[0] for name in known}]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for model, lines in zip(boots, pool.map(run_on_xen, boots)):
            found[model] = booted("bios", model, lines)
    asked.update(("bios", model) for model in models if both_of(model) in known)
    for model in set(models) - set(boots):
        likely = (lines for name, lines in known.items() if name.split()[0] == model[0])
        found[model] = known.get(both_of(model)) or set().union(*likely)
    return found


def booted(firmware, model, lines):
    """A point for it; @lines, or nothing."""
    tap.ok(lines, f"{' '.join(model)}, {firmware}: the workload runs on Xen, and the kernel has "
                  "its warnings there")
    if model[-1] == DEFAULT and lines and lines - written_down().get(both_of(model), set()):
        tap.note("\n".join(["linux/warnings.list has not all, of this kernel and Xen:",
                            both_of(model)] + [f"  {line}" for line in sorted(lines)]))
    asked.add((firmware, model))
    return lines or set()


def beyond_xen(setup, output):
    """The warnings of @output that Xen's log does not have, on BIOS or on the set-up's firmware."""
    model, said = setup[-2:], warnings(output)
    for firmware in dict.fromkeys(("bios", setup[3])):
        if said - on_xen[model] and (firmware, model) not in asked:
            on_xen[model] |= booted(firmware, model, run_on_xen(model, firmware))
    return said - on_xen[model]


def figures(output):
    rounds = sum(map(int, re.findall(r"^workload: stress: \S+ did (\d+) rounds$", output, re.M)))
    busy = re.search(r"^workload: busy: (.*)$", output, re.M)
    balloons = re.search(r"^workload: balloon: (\d+) times", output, re.M)
    return (f"{rounds} rounds, busy {busy[1] if busy else '-'}, "
            f"{balloons[1] if balloons else 0} balloons")


def report(name, setup, result):
    status, output, errors, seconds = result
    found = problems(setup, status, output)
    if setup[-2:] in on_xen:
        found += [f"a warning that Xen's log does not have: {line}"
                  for line in sorted(beyond_xen(setup, output))]
    tap.note(f"{name}: {seconds:.0f} s, {figures(output)}")
    tap.ok(not found, name, "; ".join(found) + "\n" + "\n".join(output.splitlines()[-60:]) + errors)


def run_all(machines, at_once, threads=None):
    """Run (name, set-up) pairs and report each as it ends, so that something is seen to happen."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        running = {pool.submit(run, setup, threads): (name, setup) for name, setup in machines}
        for done in concurrent.futures.as_completed(running):
            report(*running[done], done.result())


def find_xen():
    done = subprocess.run([os.path.join(TOP, "tools/fetch-guests"), "xen"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return None if done.returncode else done.stdout.strip()


def find_kernels():
    """{name: path} of the kernels that the set-ups name; a point is skipped for each that is not to
    be had."""
    found = {}
    for name in sorted({setup[-1] for setup in setups()} | {DEFAULT}):
        path, missing = debian_linux(name)
        if missing:
            tap.skip(f"Debian's {name}", missing)
        else:
            found[name] = path
    return found


if not setups():
    tap.ok(False, "some set-up is chosen",
           f"LINUX_SETUPS={os.environ.get('LINUX_SETUPS')} matches none of: " +
           "; ".join(map(name_of, listed())))
    tap.done()
kernels = find_kernels()
if DEFAULT not in kernels:
    tap.done()
xen = find_xen()
asked = set()           # (firmware, model) that is known: written down, or Xen was booted
todo = [setup for setup in setups() if setup[-1] in kernels]
with tempfile.NamedTemporaryFile(prefix="isola-initrd-") as file:
    initrd = file.name
    initramfs.write(initrd)
    on_xen = ask_xen(sorted({setup[-2:] for setup in todo if LONG or setup[-1] == DEFAULT}))
    run_all([(name_of(setup), setup) for setup in todo], AT_ONCE)
    if LONG and TEN_TIMES in todo:
        run_all([(f"{name_of(TEN_TIMES)}, boot {turn} of 10", TEN_TIMES) for turn in range(1, 11)],
                1, "multi")
status, output, errors = isola_run("--hv", "dom0_mem=512M", kernels[DEFAULT],
                                   "console=hvc0 panic=-1", timeout=90)
tap.ok(status == GUEST_CRASHED and "(isola) PANIC" not in output and "Kernel panic" in output,
       "without an initramfs Linux panics, and its end is a crash",
       f"status {status}\n{output[-2500:]}{errors}")
tap.done()
