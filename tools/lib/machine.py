# SPDX-License-Identifier: MIT
"""One run of a QEMU machine, judged by what its serial line says.

Console   cuts the byte stream into lines and hides firmware noise before the hypervisor's first
          line.
Verdict   what a line means: a status, and how long the machine may go on after it.
run()     starts QEMU, feeds the one to the other and returns the status.
"""
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import time

POWERED_OFF, USAGE, GUEST_CRASHED, PANICKED, TIMED_OUT, INTERRUPTED = 0, 2, 3, 4, 124, 130

OVMF_CODE = ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd")
# bytes of firmware output kept, to explain a machine that never came up
NOISE_KEPT = 4096
ESCAPES = re.compile(rb"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00\x07\x08]")


class MachineError(Exception):
    """The machine cannot be started; the text is one sentence."""


class Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: as from the keyboard, with the shell's status for it."""

    def __init__(self, signum, _frame):
        super().__init__(signal.Signals(signum).name)
        self.status = 128 + signum


def _stop(signum, frame):
    raise Stopped(signum, frame)


class _StopSignals(contextlib.ContextDecorator):
    """While a machine runs, a signal that would end this process ends the machine first. Only the
    main thread can ask for that."""

    def __enter__(self):
        main = threading.current_thread() is threading.main_thread()
        self.taken = [s for s in (signal.SIGTERM, signal.SIGHUP) if main and signal.getsignal(s) ==
                      signal.SIG_DFL]
        for signum in self.taken:
            signal.signal(signum, _stop)

    def __exit__(self, *_):
        for signum in self.taken:
            signal.signal(signum, signal.SIG_DFL)


class Rule:
    """A line that starts with @pattern means @status; QEMU has @grace seconds to end by itself.

    @must_end  the machine has promised to end: if it does not, that is a panic-class failure of its
    own. """
    def __init__(self, pattern, status, grace, must_end=False):
        self.pattern, self.status, self.grace, self.must_end = re.compile(
            pattern), status, grace, must_end


OURS = rb"\(isola\) (?:\[[^]]*\] )?"     # with what console_timestamps= puts there
ISOLA_RULES = (
    Rule(OURS + rb"Domain 0 shut down: (poweroff|reboot)$", POWERED_OFF, 5, must_end=True),
    # any other end is not an orderly one
    Rule(OURS + rb"Domain 0 shut down: ", GUEST_CRASHED, 3),
    Rule(OURS + rb"Domain 0 crashed", GUEST_CRASHED, 3),
    # without dom0: the last domain's end, or that of one that the machine stands for
    Rule(OURS + rb"The machine ends with domain .* shut down: (poweroff|reboot)$", POWERED_OFF,
         5, must_end=True),
    Rule(OURS + rb"The machine ends with domain ", GUEST_CRASHED, 3),
    # after an end that nobody asked for: all has been said
    Rule(OURS + rb"restarting the machine in \d+ seconds$", GUEST_CRASHED, 0.1),
    Rule(OURS + rb"PANIC on CPU ", PANICKED, 2),
    Rule(OURS + rb"FATAL: ", PANICKED, 1),
)
XEN_RULES = (           # genuine Xen halts the machine after "halted"
    Rule(rb"\(XEN\) (\[[^]]*\] )?Hardware Dom0 halted", POWERED_OFF, 0.2),
    Rule(rb"\(XEN\) (\[[^]]*\] )?Hardware Dom0 shutdown: rebooting", POWERED_OFF, 0.2),
    Rule(rb"\(XEN\) (\[[^]]*\] )?Hardware Dom0 crashed", GUEST_CRASHED, 1),
    Rule(rb"\(XEN\) (\[[^]]*\] )?Panic on CPU", PANICKED, 1),
)


class Console:
    """Bytes in, whole lines out; writes what is to be seen to @out as it comes."""

    def __init__(self, first, out, raw=False):
        self.first, self.out, self.raw = first, out, raw
        self.started, self.noise, self.partial = False, b"", b""

    def feed(self, data):
        if self.raw:
            self._write(data)
        if not self.started:
            self.noise += data
            at = self.noise.find(self.first)
            if at < 0:
                self.noise = self.noise[-NOISE_KEPT:]
                return []
            self.started, data, self.noise = True, self.noise[at:], self.noise[:at]
        if not self.raw:
            self._write(data)
        lines = (self.partial + data).split(b"\n")
        self.partial = lines.pop()
        return [line.rstrip(b"\r") for line in lines]

    def finish(self):
        return [self.partial.rstrip(b"\r")] if self.partial else []

    def last_noise(self):
        text = ESCAPES.sub(b"", self.noise).replace(b"\r", b"\n").decode("latin-1")
        return [line.strip() for line in text.splitlines() if line.strip()][-4:]

    def _write(self, data):
        if self.out:
            self.out.write(data)
            self.out.flush()


def qemu_command(image=None, *, smp=1, mem_mib=1024, cpu=None, machine="pc", firmware="bios",
                 accel="tcg", tcg_thread=None,
                 icount=False, disk=None, net=False, gdb=False, qmp=None, serial=("stdio",),
                 extra=()):
    """The QEMU command line for booting @image (a GRUB image; None: @extra says what to start).
    @serial: com1, com2 ...; @tcg_thread as QEMU's thread=, None: what QEMU chooses."""
    if tcg_thread:
        accel = f"{accel},thread={tcg_thread}"
    argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", machine, "-accel",
            accel,
            "-cpu", cpu or ("host" if accel == "kvm" else "qemu64"), "-smp", str(smp), "-m",
            str(mem_mib),
            "-display", "none", "-vga", "std", "-no-reboot", "-monitor", "none"]
    argv += [word for port in serial for word in ("-serial", port)]
    if firmware == "uefi":
        for path in OVMF_CODE:
            if not os.path.exists(path):
                raise MachineError(f"{path} is missing: run make deps")
        argv += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF_CODE[0]}",
                 "-drive", f"if=pflash,format=raw,snapshot=on,file={OVMF_CODE[1]}"]
    if image:
        # An AHCI CD: GRUB reads it several times faster than an IDE one, and no guest takes it for
        # a disk.
        argv += ["-drive",
                 "if=none,id=boot,format=raw,media=cdrom,readonly=on,"
                 f"file={image.replace(',', ',,')}",
                 "-device", "ich9-ahci,id=ahci", "-device",
                 "ide-cd,drive=boot,bus=ahci.0,bootindex=0"]
    if icount:
        argv += ["-icount", "shift=0,sleep=off", "-rtc", "base=2025-01-01T00:00:00,clock=vm"]
    if disk:
        with open(disk, "rb") as file:
            kind = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
        argv += ["-drive", f"if=ide,format={kind},file={disk.replace(',', ',,')}"]
    argv += ["-nic", "user,model=e1000" if net else "none"]
    if gdb:
        argv += ["-s", "-S"]
    if qmp:
        argv += ["-qmp", f"unix:{qmp},server=on,wait=off"]
    return argv + list(extra)


class Result:
    """@status as isola-run's exit status; @reason one sentence or ""; @output bytes from the first
    line on; @ended whether the machine ended by itself, that is, powered off or reset."""

    def __init__(self, status, reason, output, seconds, ended):
        self.status, self.reason, self.output = status, reason, output
        self.seconds, self.ended = seconds, ended

    def lines(self):
        return self.text().splitlines()

    def text(self):
        return self.output.decode("utf-8", "replace").replace("\r", "")


class _Recorder:
    """A sink that keeps everything and passes it on."""

    def __init__(self, out):
        self.kept, self.out = bytearray(), out

    def write(self, data):
        self.kept += data
        if self.out:
            self.out.write(data)

    def flush(self):
        if self.out:
            self.out.flush()


def _judge(lines, rules, first_match):
    for line in lines:
        for rule in rules:
            if rule.pattern.match(line):
                return rule
    return first_match


def _end(process):
    process.kill()
    process.wait()


@_StopSignals()
def run(argv, *, rules=ISOLA_RULES, first=b"(isola)", timeout=None, out=None, raw=False, until=None,
        stdin=None,
        on_line=None):
    """Run QEMU command @argv until the machine ends, a rule's grace is over, or @timeout seconds
    passed.

    @until    a regular expression (bytes): the run ends, with status 0, at a line that it matches.
    @on_line  called with each whole line (bytes), as it comes.
    """
    recorder = _Recorder(out)
    console = Console(first, recorder, raw)
    begun, verdict, deadline = time.monotonic(), None, None
    tty = termios.tcgetattr(0) if stdin is None and os.isatty(0) else None
    try:
        process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
    except FileNotFoundError as error:
        raise MachineError(f"{argv[0]} is missing: run make deps") from error

    ended = False

    def result(status, reason=""):
        return Result(status, reason, bytes(recorder.kept), time.monotonic() - begun, ended)

    try:
        while True:
            limits = [t for t in (begun + timeout if timeout else None, deadline) if t is not None]
            wait = max(0, min(limits) - time.monotonic()) if limits else None
            if not select.select([process.stdout], [], [], wait)[0]:
                _end(process)
                if verdict and not verdict.must_end:
                    return result(verdict.status)
                if verdict:
                    return result(PANICKED,
                                  f"the guest is shut down, but the machine did not end within "
                                            f"{verdict.grace} s")
                where = "" if console.started else "; firmware's last words: " + " / ".join(
                    console.last_noise())
                return result(TIMED_OUT, f"no end within {timeout:g} s{where}")
            data = os.read(process.stdout.fileno(), 65536)
            lines = console.feed(data) if data else console.finish()
            for line in lines:
                if on_line:
                    on_line(line)
                if until and re.search(until, line):
                    _end(process)
                    return result(POWERED_OFF)
            found = _judge(lines, rules, verdict)
            if found is not verdict:
                verdict, deadline = found, time.monotonic() + found.grace
            if not data:
                break
        process.wait()
        ended = True
        complaint = process.stderr.read().decode("utf-8", "replace").strip()
        if verdict:
            return result(verdict.status)
        if process.returncode > 0 and not console.started:
            raise MachineError(complaint.splitlines()[-1]
                               if complaint else f"QEMU ended with {process.returncode}")
        if process.returncode < 0:
            return result(PANICKED,
                          f"QEMU was killed by {signal.Signals(-process.returncode).name}")
        if not console.started:
            return result(PANICKED, "the machine ended before the hypervisor's first line: "
                          + " / ".join(console.last_noise()))
        return result(PANICKED, "the machine ended without a word from the hypervisor (a triple "
                                "fault or reset?)")
    except Stopped as stop:
        return result(stop.status, f"ended by {stop}")
    except KeyboardInterrupt:
        return result(INTERRUPTED, "interrupted")
    finally:
        if process.poll() is None:
            _end(process)
        process.stdout.close()
        process.stderr.close()
        if tty:
            termios.tcsetattr(0, termios.TCSADRAIN, tty)


def say(program, text):
    print(f"{program}: {text}", file=sys.stderr, flush=True)
