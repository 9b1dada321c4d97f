#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tools/isola-run by itself, with stand-ins for the hypervisor that print one thing and then halt,
reset or power off: its exit statuses, what it refuses, what it hands through, and what it shows."""
import bz2
import gzip
import lzma
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import (GUEST_CRASHED, ISOLA_RUN, PANICKED, POWERED_OFF, SELFTEST, TIMED_OUT, TOP,
                       USAGE, isola_run, tap)

directory = tempfile.TemporaryDirectory(prefix="isola-launcher-")


def path(name):
    return os.path.join(directory.name, name)


def fake(text, after):
    """Build a stand-in that prints @text and then does @after; returns its path."""
    out = path(f"fake{abs(hash((text, after)))}.elf")
    escaped = text.replace("\n", "\\n")
    subprocess.run(["gcc", "-m64", "-nostdlib", "-static",
                    "-Wl,-Ttext=0x200000,--build-id=none,-z,noexecstack",
                    f'-DTEXT="{escaped}"', f"-DAFTER={after}", "-o", out,
                    os.path.join(TOP, "tests/lib/fakehv.S")],
                   check=True)
    return out


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)
    return path(name)


def run(text, after, *options, timeout=60):
    return isola_run("--hypervisor", fake(text, after), *options, SELFTEST, timeout=timeout)


GUEST = "(isola) up\nhello from the guest\n"
ENDINGS = (     # what is printed last, what then happens, status
    ("(isola) Domain 0 shut down: poweroff\n", "poweroff", POWERED_OFF),
    ("(isola) Domain 0 shut down: reboot\n", "reset", POWERED_OFF),
    ("(isola) Domain 0 shut down: crash\n", "reset", GUEST_CRASHED),
    ("(isola) Domain 0 shut down: watchdog\n", "reset", GUEST_CRASHED),
    ("(isola) Domain 0 shut down: suspend\n", "reset", GUEST_CRASHED),
    ("(isola) Domain 0 shut down: soft reset\n", "reset", GUEST_CRASHED),
    ("(isola) Domain 0 shut down: unknown reason 77\n", "reset", GUEST_CRASHED),
    ("(isola) Domain 0 shut down: poweroff of a kind\n", "poweroff", GUEST_CRASHED),
    ("(isola) Domain 0 shut down: its last vcpu went down without saying a reason\n", "poweroff",
     GUEST_CRASHED),
    ("(isola) Domain 0 crashed: triple fault\n", "halt", GUEST_CRASHED),
    ("(isola) The machine ends with domain 2 (db), which shut down: poweroff\n", "poweroff",
     POWERED_OFF),
    ("(isola) The machine ends with domain 2 (db), which crashed: triple fault\n", "halt",
     GUEST_CRASHED),
    ("(isola) Domain 2 (db) shut down: poweroff\n", "reset", PANICKED),
    ("(isola) PANIC on CPU 3: no\n", "halt", PANICKED),
    ("(isola) FATAL: no memory map\n", "halt", PANICKED),
    ("nothing of note\n", "reset", PANICKED),
    ("nothing of note\n", "poweroff", PANICKED),
    ("(isola) Domain 0 shut down: poweroff\n", "halt", PANICKED),
    ("a guest says (isola) Domain 0 shut down: poweroff\n", "reset", PANICKED),
)
for text, after, want in ENDINGS:
    status, output, errors = run(GUEST + text, after)
    tap.ok(status == want and output == GUEST + text,
           f"'{text.strip()}', then {after}: status {want}",
           f"status {status}\n{output}{errors}")
status, output, errors = run("(isola) up\n", "halt", timeout=2)
tap.ok(status == TIMED_OUT and "2 s" in errors, "silence until the time is out: status 124",
       f"{status} {errors}")
status, output, errors = run("", "reset")
tap.ok(status == PANICKED and "first line" in errors,
       "a machine that says nothing and resets: status 4 and a sentence",
       f"{status} {errors}")
status, output, errors = run("noise\n(isola) up\n(isola) FATAL: x\n", "halt")
tap.ok(output.startswith("(isola) up"),
       "what comes before the first line of the hypervisor is not shown", output)
status, output, errors = run("noise\n(isola) up\n(isola) FATAL: x\n", "halt", "--raw")
tap.ok("noise\n(isola) up" in output, "--raw shows it", output)
status, output, errors = run("(isola) FATAL: x\n", "halt", "--firmware", "uefi", timeout=180)
tap.ok(status == PANICKED and output == "(isola) FATAL: x\n", "the same image starts on UEFI",
       f"{status} {output}{errors}")

for number, want in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
    # a shell's background job was told to ignore some, and so would its children
    signal.signal(number, signal.SIG_DFL)
    process = subprocess.Popen([ISOLA_RUN, "--hypervisor", fake("(isola) up\n", "halt"), SELFTEST],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    process.stdout.readline()
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        children = file.read().split()
    process.send_signal(number)
    began = time.monotonic()
    status, left = process.wait(timeout=10), [pid for pid in children
                                              if os.path.exists(f"/proc/{pid}")]
    tap.ok(status == want and children and not left and time.monotonic() - began < 5,
           f"{number.name} ends QEMU: status {want}",
           f"status {status}, of {children} still there: {left}")

# Command lines arrive as they were typed; GRUB itself puts a backslash before quotes.
words = "asi=off,dom0=on $x `y` ;z &w a|b <c> {d} %e 'f"
status, output, errors = isola_run("--hypervisor", fake("(isola) up\n", "command_line"), "--hv",
                                   words, SELFTEST,
                                   "console=hvc0  root=/dev/xvda   quiet", timeout=60)
want = ["[" + words.replace("'", "\\'") + "]", "[console=hvc0 root=/dev/xvda quiet]"]
tap.ok(output.splitlines()[1:3] == want,
       "command lines reach the hypervisor and the kernel word by word", output)

# Kernels that are not what they should be: status 2 and one sentence that names the file.
elf = open(SELFTEST, "rb").read()


def bzimage(payload, version=0x20f, offset=0, length=None):
    """The least that counts as a bzImage around @payload."""
    setup = bytearray(1024)
    setup[0x1f1] = 1
    setup[0x1fe:0x200] = b"\x55\xaa"
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x206, version)
    struct.pack_into("<II", setup, 0x248, offset, len(payload) if length is None else length)
    return bytes(setup) + payload


fatal = fake("(isola) FATAL: x\n", "halt")
good = {
    "raw ELF": elf, "gzip": gzip.compress(elf), "xz": lzma.compress(elf),
    "bzip2": bz2.compress(elf),
    "lzma": lzma.compress(elf, lzma.FORMAT_ALONE),
    "bzImage of gzip": bzimage(gzip.compress(elf) + b"size"),
    "bzImage of xz": bzimage(lzma.compress(elf) + struct.pack("<I", len(elf))),
    "gzip of bzImage": gzip.compress(bzimage(lzma.compress(elf))),
    "bzImage of zstd": bzimage(subprocess.run(["zstd", "-cq", SELFTEST],
                                              stdout=subprocess.PIPE).stdout
                               + struct.pack("<I", len(elf))),
}
content = fake("(isola) Domain 0 shut down: poweroff\n", "poweroff")
for name, data in good.items():
    status, output, errors = isola_run("--hypervisor", content, write("kernel", data), timeout=60)
    tap.ok(status == POWERED_OFF and not errors, f"kernel as {name} is taken", f"{status} {errors}")
bad = {
    "a text": b"hello, world\n" * 100, "an empty file": b"", "an EFI program": b"MZ" + bytes(2000),
    "truncated gzip": gzip.compress(os.urandom(5000))[:1000],
    "damaged xz": lzma.compress(elf)[:64] + bytes(500),
    "gzip of a text": gzip.compress(b"hello"),
    "bzImage, payload beyond the end": bzimage(b"xx", length=1 << 20),
    "bzImage, protocol 2.04": bzimage(gzip.compress(elf), version=0x204),
    "bzImage of nothing": bzimage(b"xx", length=0),
    "a gzip bomb's shell": gzip.compress(gzip.compress(
        gzip.compress(gzip.compress(gzip.compress(elf))))),
}
for name, data in bad.items():
    status, output, errors = isola_run("--hypervisor", fatal, write("kernel", data), timeout=60)
    lines = errors.splitlines()
    tap.ok(status == USAGE and len(lines) == 1 and path("kernel") in lines[0],
           f"kernel: {name}: status 2 and a sentence",
           f"{status}\n{errors}")
for name, options in (
        ("no kernel", ()), ("a kernel that is not there", ("/nonexistent",)),
        ("an unknown option", ("--fast", SELFTEST)),
        ("an initrd that is not there", (SELFTEST, "", "/nonexistent")),
        ("--icount with two CPUs", ("--icount", "--smp", "2", SELFTEST)),
        ("--tcg-thread without tcg", ("--tcg-thread=multi", "--accel=auto", SELFTEST)),
        ("--icount with many threads", ("--tcg-thread=multi", "--icount", SELFTEST)),
        ("an unknown CPU model", ("--cpu", "z80", SELFTEST)),
        ("a hypervisor that is not there", ("--hypervisor", "/nonexistent", SELFTEST)),
        ("a disk that is not there", ("--disk", "/nonexistent", SELFTEST))):
    stand_in = () if "--hypervisor" in options else ("--hypervisor", fatal)
    status, output, errors = isola_run(*stand_in, *options)
    tap.ok(status == USAGE and errors, f"{name}: status 2", f"{status}\n{errors}")

status, output, errors = isola_run("--hypervisor", fatal, "--iso", path("out.iso"), SELFTEST)
tap.ok(status == 0 and os.path.getsize(path("out.iso")) > 1 << 20 and not output,
       "--iso writes an image and runs nothing",
       f"{status} {output}{errors}")
for firmware, options in (("BIOS, as a disk", []), ("UEFI, as a CD", [
        "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd",
        "-drive", "if=pflash,format=raw,snapshot=on,file=/usr/share/OVMF/OVMF_VARS.fd"])):
    medium = (["-cdrom", path("out.iso")] if options else
              ["-drive", f"format=raw,file={path('out.iso')}"])
    process = subprocess.Popen(["timeout", "180", "qemu-system-x86_64", "-accel", "tcg",
                                "-m", "512", "-display", "none", "-net", "none",
                                "-serial", "stdio", "-no-reboot", "-monitor", "none", *options,
                                *medium],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    seen = any(b"(isola) FATAL" in line for line in process.stdout)
    process.terminate()             # timeout hands it on to QEMU
    process.wait()
    tap.ok(seen, f"that image starts on {firmware}, without isola-run")

status, output, errors = isola_run("--help")
tap.ok(status == 0 and
       all(word in output for word in ("exit status", "--hv", "--icount", "124", "examples")),
       "--help tells options, statuses and examples")
tap.done()
