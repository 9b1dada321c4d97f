# SPDX-License-Identifier: MIT
"""What tests written in Python share: TAP output, and booting a machine with given modules.

A test file is an executable tests/*/NAME.t that starts with

    #!/usr/bin/python3
    import os, sys
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
    from isolatest import *

makes points with `tap.ok(...)`, and ends with `tap.done()`. A point that cannot be decided here is
`tap.skip(name, why)`; it is never reported as ok.

To boot a machine with arbitrary input:

    result = boot(hv_cmdline="loglvl=all", modules=[(b"not an ELF", "kernel command line")])
    tap.ok(result.status == PANICKED and "not an ELF" in result.text(), "a text file as kernel",
    result)

boot() returns machine.Result: .status (isola-run's exit status), .reason (one sentence or ""),
.output (bytes), .text(), .lines() (carriage returns removed), .ended (the machine ended by itself:
a reset after a refusal is a failure). For input that must be refused with one sentence and a halt
there is one call:

    refused(tap, "a text file as kernel", "not an ELF", modules=[(b"hello", "")])
"""
import fcntl
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
OUT = os.path.join(TOP, os.environ.get("O", "build"))
sys.path.insert(0, os.path.join(TOP, "tools/lib"))
import grubimage  # noqa: E402
import machine  # noqa: E402
from machine import GUEST_CRASHED, PANICKED, POWERED_OFF, TIMED_OUT, USAGE  # noqa: E402,F401

HYPERVISOR = os.path.join(OUT, "isola.elf")
SELFTEST = os.path.join(OUT, "selftest.elf")
PVH_GUEST = os.path.join(OUT, "pvh.elf")
ISOLA_RUN = os.path.join(TOP, "tools/isola-run")
LONG = os.environ.get("TEST_ALL") == "1"        # make test-all
BOOT_SECONDS = 90
# Devices that send messages (MSI, MSI-X), which the selftest guest's claims about them need.
WITH_MESSAGES = ["--qemu-arg=-device", "--qemu-arg=edu", "--qemu-arg=-device",
                 "--qemu-arg=virtio-rng-pci"]
# What a machine has unless its test says otherwise: all of it is scrubbed as it starts, which takes
# the emulator more time (2.5 s a GiB) than most tests have to spend on anything else.
MEM_MIB = {"bios": 128, "uefi": 256}

# As for isola-run, but a machine that has refused is watched for half a second only.
QUICK_RULES = tuple(machine.Rule(r.pattern.pattern, r.status, min(r.grace, 0.5) if not r.must_end
                                 else r.grace,
                                 r.must_end) for r in machine.ISOLA_RULES)


class Tap:
    """Points in TAP, one line each, in the order in which they are made. Debian 12's prove knows
    version 13."""

    def __init__(self):
        self.count = self.failed = 0
        print("TAP version 13", flush=True)

    def ok(self, good, name, detail=None):
        """One point. @detail (text, or a machine.Result) is shown when it failed."""
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {self._clean(name)}", flush=True)
        if not good and detail is not None:
            self.note(explain(detail) if isinstance(detail, machine.Result) else str(detail))
        return bool(good)

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {self._clean(name)} # SKIP {why}", flush=True)

    def note(self, text):
        for line in text.splitlines():
            print(f"# {printable(line)}", flush=True)

    def done(self):
        """Print the plan and exit."""
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)

    @staticmethod
    def _clean(name):
        return printable(name.replace("#", "no. "))


tap = Tap() if os.environ.get("ISOLATEST_NO_TAP") != "1" else None


def printable(line):
    return re.sub(r"[^\x20-\x7e]", "?", line)


def explain(result, lines=25):
    """The end of a run, for people."""
    last = [printable(line) for line in result.lines()[-lines:]]
    return "\n".join(
        [f"status {result.status} after {result.seconds:.1f} s{'; ' if result.reason else ''}"
         f"{result.reason}"] + ["| " + line for line in last])


def read(path):
    with open(path, "rb") as file:
        return file.read()


def rows_of(path):
    """The rows of a list of machines, "when | cell | ...", that are to be run, without the first
    cell: those of "test", and with LONG those of "all". ValueError: there are none, or one is for
    neither."""
    with open(path, encoding="utf-8") as file:
        rows = [[cell.strip() for cell in line.split("|")] for line in file if line.strip() and
                line[0] != "#"]
    lost = [row for row in rows if row[0] not in ("test", "all")]
    found = [row[1:] for row in rows if row[0] == "test" or LONG]
    if lost or not found:
        raise ValueError(f"{path}: " + (f"a row for \"{lost[0][0]}\", which nothing runs"
                                        if lost else "no row is to be run"))
    return found


def patched(data, *edits):
    """@data with each (offset, bytes) of @edits written over it."""
    copy = bytearray(data)
    for offset, new in edits:
        copy[offset:offset + len(new)] = new
    return bytes(copy)


def boot(hv_cmdline="", modules=(), *, hypervisor=None, grub_cfg=None, files=None, firmware="bios",
         timeout=BOOT_SECONDS, until=None, rules=QUICK_RULES, **options):
    """Boot Isola through GRUB and return the machine.Result.

    @modules     [(content, command line)]: content is bytes, or the path of a file; taken as it is.
    @hypervisor  bytes or a path; default: the one that was built, without debug information.
    @grub_cfg    the whole menu, instead of one that names @modules; then @files are what it names:
    @files       {path in the image: bytes or host path}; /boot/isola.elf is there unless given.
    @until       a regular expression (bytes): the run ends with status 0 at a line that it matches.
    @options     smp, mem_mib, cpu, machine, accel, icount, disk, net, extra: see
    machine.qemu_command(). """
    tree = {"/boot/isola.elf": hypervisor if hypervisor is not None
            else grubimage.strip(HYPERVISOR)}
    tree.update(files or {})
    entries = []
    for number, (content, cmdline) in enumerate(modules):
        path = f"/boot/module{number}"
        tree[path] = content
        entries.append((path, cmdline))
    with tempfile.TemporaryDirectory(prefix="isola-test-") as directory:
        image = os.path.join(directory, "boot.iso")
        grubimage.build(image, tree,
                        grub_cfg if grub_cfg is not None else grubimage.menu(hv_cmdline, entries),
                        bios=firmware == "bios", uefi=firmware == "uefi")
        options.setdefault("mem_mib", MEM_MIB[firmware])
        command = machine.qemu_command(image, firmware=firmware, **options)
        return machine.run(command, timeout=timeout, until=until, rules=rules,
                           stdin=subprocess.DEVNULL)


def refusal(result):
    """The sentence with which Isola refused to boot, or None if it did anything else: the machine
    must have halted (not reset), after exactly one FATAL line, with nothing said after it and no
    panic."""
    lines = result.lines()
    fatal = [line for line in lines if line.startswith("(isola) FATAL: ")]
    if result.status != PANICKED or result.ended or len(fatal) != 1 or lines[-1] != fatal[0]:
        return None
    if any(line.startswith("(isola) PANIC") for line in lines):
        return None
    return fatal[0][len("(isola) FATAL: "):]


def refused(tap, name, expected, hv_cmdline="", modules=(), **options):
    """One point: this input is refused with one sentence that matches the regular expression
    @expected."""
    result = boot(hv_cmdline, modules, **options)
    sentence = refusal(result)
    good = sentence is not None and re.search(expected, sentence)
    tap.ok(good, name, None if good else f"expected a refusal that matches /{expected}/\n" +
           explain(result))
    return result


def small(options):
    """isola-run's @options, and of memory what a test has unless they say otherwise."""
    firmware = "uefi" if "uefi" in options else "bios"
    return [*options] if "--mem" in options else ["--mem", str(MEM_MIB[firmware]), *options]


def isola_run(*arguments, timeout=120):
    """Run tools/isola-run as people do; returns (status, standard output, standard error) as
    text."""
    if SELFTEST in arguments:
        arguments = small(arguments)
    done = subprocess.run([ISOLA_RUN, "--timeout", str(timeout), *arguments],
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout + 60)
    return (done.returncode, done.stdout.decode("utf-8", "replace").replace("\r", ""),
            done.stderr.decode("utf-8", "replace"))


POINT = re.compile(r"(not )?ok\b *(\d+)? *-? *(.*)")
PLAN = re.compile(r"1\.\.(\d+)$")


def guest_points(tap, where, text, status, want=POWERED_OFF):
    """Repeat each TAP point that a guest printed as a point of ours, named "@where: claim"; then
    one point that says whether the guest ran to its end: one plan, as many points as it says, in
    order, no bail-out, and exit status @want. Lines of the hypervisor ("(isola)", "(XEN)") are not
    the guest's and are passed over. """
    plan, points, problems = None, 0, []
    for line in text.splitlines():
        match = POINT.match(line)
        if match and not line.startswith("(") and (match[2] or match[3]):
            points += 1
            if match[2] and int(match[2]) != points:
                problems.append(f"point {points} calls itself {match[2]}")
            name, _, directive = match[3].partition(" # ")
            if directive.upper().startswith("SKIP") and not match[1]:
                tap.skip(f"{where}: {name}", directive[4:].strip())
            else:
                tap.ok(not match[1], f"{where}: {name}")
        elif PLAN.match(line):
            if plan is not None:
                problems.append("a second plan")
            plan = int(PLAN.match(line)[1])
        elif line.startswith("Bail out!"):
            problems.append(line)
        elif line.startswith("#   "):
            tap.note(line[4:])
    if plan is None:
        problems.append("no plan")
    elif plan != points:
        problems.append(f"{points} points, but {plan} were planned")
    if not points:
        problems.append("no points at all")
    if status != want:
        problems.append(f"exit status {status}, not {want}")
    tap.ok(not problems, f"{where}: the guest ran to its end",
           "; ".join(problems[:5]) + "\n" +
           "\n".join("| " + printable(line) for line in text.splitlines()[-8:]))


def audited():
    """The hypervisor that recounts every reference (CONFIG_AUDIT): the one that was built, if it
    does, else another in $O/audit."""
    if "CONFIG_AUDIT=y" in read(os.path.join(OUT, ".config")).decode().splitlines():
        return HYPERVISOR
    directory = os.path.join(OUT, "audit")
    elf = os.path.join(directory, "isola.elf")
    os.makedirs(directory, exist_ok=True)
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "O")}
    with open(os.path.join(directory, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)        # two tests may want it at once
        subprocess.run(["make", "-s", "-C", TOP, "O=" + directory, "DEFCONFIG=configs/audit",
                        "DEBUG=", elf], check=True, stdout=subprocess.DEVNULL, env=environment)
    return elf


def claims_of(topics):
    """The selftest guest's word for all claims of @topics, which blanks separate."""
    return "claims=" + ",".join(f"{topic}/*" for topic in topics.split())


def selftest(tap, where, options=(), cmdline="", timeout=120, program=ISOLA_RUN):
    """Run the selftest guest through isola-run (or oracle-run) and repeat its points."""
    if program == ISOLA_RUN:
        options = small(options)
    done = subprocess.run([program, "--timeout", str(timeout), *options, SELFTEST, cmdline],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode == USAGE:
        tap.ok(False, f"{where}: started", done.stderr.decode("utf-8", "replace"))
        return
    text = done.stdout.decode("utf-8", "replace").replace("\r", "")
    if done.stderr:
        tap.note(done.stderr.decode("utf-8", "replace"))
    guest_points(tap, where, text, done.returncode)
