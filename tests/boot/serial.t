#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""com1=, com2= and console= on machines with UARTs at ISA's ports, at others, on PCI and in memory:
each line of the log, from the first to the last, leaves by the port that was asked for, and by no
other. What is wrong with an option costs what is wrong, and is said on the console that there then
is. (Every spelling, on the product's own parser: tests/unit/serial_option.t.)

QEMU's PC has no UART in memory. One is made of a page of RAM that the loader calls reserved: its
line status says "ready" for ever, and the debugger stub stops the machine at each store to the
transmitter and reads what was stored. """
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), d)
                for d in ("../lib", "liar")]
import smallkernel
from forge import Info, RAM, RESERVED
from isolatest import HYPERVISOR, tap
from ownership import Image

FIRST, LAST = "(isola) Isola ", "(isola) Domain 0 shut down: poweroff"
KERNEL = smallkernel.kernel()
COM1, COM2 = ("file:{a}",), ("null", "file:{b}")


def ports(*devices):
    """QEMU's options for chardevs a to d, each a file, and @devices that use them."""
    words = []
    for name in "abcd":
        words += ["-chardev", f"file,id={name},path={{{name}}}"] if any(f"={name}" in d
                                                                        for d in devices) else []
    return words + [word for device in devices for word in ("-device", device)]


# options, com1 and com2 of the machine, further devices, the port that must speak (None: none),
# lines that it must have.
MACHINES = [
    ("", COM1, (), "a", ()),
    ("console=com1,com2", ("file:{a}", "file:{b}"), (), "ab", ()),
    ("com2=115200,8n1 console=com2", COM2, (), "b", ()),
    ("com2=115200,8n1,0x3e8,5 console=com2", (), ports("isa-serial,chardev=c,iobase=0x3e8,irq=5"),
     "c", ()),
    ("com2=io-base=0x3e8,irq=5,baud=auto console=com2", (),
     ports("isa-serial,chardev=c,iobase=0x3e8,irq=5"), "c", ()),
    ("com1=115200,8n1,pci", ("file:{a}",), ports("pci-serial,chardev=c"), "c",
     ("com1: PCI 00:03.0, I/O port 0x",)),
    ("com1=115200,8n1,amt", ("file:{a}",), ports("pci-serial,chardev=c"), "c",
     ("com1: PCI 00:03.0, I/O port 0x",)),
    ("com1=dev=pci,port=00:09.0", (), ports("pci-serial,chardev=c", "pci-serial,chardev=d,addr=9"),
     "d",
     ("com1: PCI 00:09.0, ",)),
    ("com1=115200,8n1,0xd000,0,00:09.0", (), ports("pci-serial,chardev=d,addr=9"), "d",
     ("com1: PCI 00:09.0, I/O port 0xd000",)),
    ("com1=115200,8n1,pci,0,02:03.0", (),
     ports("pci-bridge,id=x,chassis_nr=1", "pci-bridge,bus=x,id=y,chassis_nr=2,addr=1",
                                               "pci-serial,bus=y,chardev=c,addr=3"), "c",
                                               ("com1: PCI 02:03.0, ",)),
    ("com2=115200,8n1,pci console=com2", (), ports("pci-serial-2x,chardev1=c,chardev2=d"), "d",
     ("com2: PCI 00:03.0, ",)),
    ("com1=115200,8n1,pci com2=115200,8n1,pci console=com1,com2", (),
     ports("pci-serial,chardev=c", "pci-serial,chardev=d"),
     "cd", ("com1: PCI 00:03.0, ", "com2: PCI 00:04.0, ")),
    ("com2=115200,8n1,pci console=com2", (), ports("pci-serial,chardev=c"), "c",
     ("com2: PCI 00:03.0, ",)),
    ("console=none", COM1, (), None, ()),

    # What is wrong costs what is wrong.
    ("com2=115200,8n1,0x3e8,5 console=com2", COM1, (), "a",
     ("com2: I/O port 0x3e8: nothing answers there", "com2: I/O port 0x2f8: nothing answers there",
      "console=: no port that was asked for answers: com1 is used")),
    ("com2=115200,8n1,0x3e8,5 console=com2", ("file:{a}", "file:{b}"), (), "b",
     ("com2: I/O port 0x3e8: nothing answers there",)),
    ("com1=115200,8n1,pci", COM1, (), "a", ("com1: there is no PCI UART",)),
    ("com1=115200,8n1,pci,0,00:1f.0", COM1, (), "a", ("com1: there is no such PCI function",)),
    ("com1=115200,8n1,pci,0,00:01.1", COM1, (), "a",
     ("com1: that PCI function has no UART that we know how to reach",)),
    ("com1=115200,8n1,0x200000", COM1, (), "a", ("com1: registers at 0x200000: that is RAM",)),
    ("com1=115200,8n1,0x10000000000000", COM1, (), "a",
     ("com1: registers at 0x10000000000000: beyond what the processor can address",)),
    ("com1=115200,8n1,0xf0000ffc", COM1, (), "a",
     ("com1: registers at 0xf0000ffc: the registers do not fit into a page from there",)),
    ("com1=115200,8n1,0xf0000000", COM1, (), "a",
     ("com1: registers at 0xf0000000: nothing answers there",)),
    ("com1=115201/9600,8n1", COM1, (), "a",
     ("com1: 115201 baud cannot be had from a clock of 153600 Hz: it stays as found",)),
    ("com1=fast,9n1,0x3f8,4,,,,x console=com1", COM1, (), "a",
     ('com1=: ignoring "fast": not a baud rate', 'com1=: ignoring "9n1": data bits are 5 to 8',
      'com1=: ignoring "x": one value too many')),
    ("loglvl=all/loud", COM1, (), "a", ('loglvl=: ignoring "loud": no such level',)),
    ("console=pv,vga", COM1, (), None, ()),
    ("console=screen,com2,ehci", COM2, (), "b",
     ('console=: ignoring "screen": no such console', 'console=: ignoring "ehci": not built')),
]


class Machine:
    """One boot, with what each port said."""

    def __init__(self, directory, options, serial, extra):
        self.paths = {name: os.path.join(directory, name) for name in "abcd"}
        for path in self.paths.values():
            open(path, "wb").close()
        words = [[word.format(**self.paths) for word in part]
                 for part in (serial or ("none",), extra)]
        info = Info().cmdline("dom0_mem=64M " + options).module(KERNEL)
        with info.command(words[1], serial=words[0]) as command:
            self.ended = True
            try:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               timeout=60, check=False)
            except subprocess.TimeoutExpired:
                self.ended = False

    def lines(self, port):
        with open(self.paths[port], encoding="utf-8", errors="replace") as file:
            text = file.read().replace("\r", "")
        return text[text.find("(isola)"):].splitlines() if "(isola)" in text else []

    def faults(self, wanted, expected):
        if not self.ended:
            yield "the machine did not end"
        for port in "abcd":
            lines = self.lines(port)
            if port not in (wanted or ""):
                if lines:
                    yield f"port {port} says {lines[0]}"
                continue
            if not lines or not lines[0].startswith(FIRST) or lines[-1] != LAST:
                yield f"port {port} says {lines[:1]} .. {lines[-1:]}"
            for line in expected:
                if not any(said.startswith("(isola) " + line) for said in lines):
                    yield f"port {port} does not say: {line}\n" + "\n".join(lines[:8])


def check(options, serial, extra, wanted, expected):
    with tempfile.TemporaryDirectory(prefix="isola-serial-") as directory:
        faults = list(Machine(directory, options, serial, extra).faults(wanted, expected))
        tap.ok(not faults, f"{options or 'no option'}, on {' '.join(serial) or 'no ISA port'}"
               f"{''.join(' ' + d for d in extra if 'serial' in d)}: {wanted or 'nothing'} speaks",
               "\n".join(faults))


# ---- A UART in memory ----

class Debugger:
    """QEMU's debugger stub, so much of it as is needed."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.socket.settimeout(40)
        self.file = self.socket.makefile("rb")

    def ask(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) & 255:02x}".encode())
        while self.file.read(1) not in (b"$", b""):
            pass
        answer = b""
        while (byte := self.file.read(1)) not in (b"#", b""):
            answer += byte
        self.file.read(2)
        self.socket.sendall(b"+")
        return answer.decode()

    def physical(self, on):
        self.ask(f"Qqemu.PhyMemMode:{on:d}")

    def read(self, address):
        return int(self.ask(f"m{address:x},1"), 16)

    def write(self, address, value):
        self.ask(f"M{address:x},1:{value:02x}")


def in_memory(width, shift):
    """What a UART with such registers is told."""
    page, base = 0x8000000, 0x8000100
    image, text = Image(HYPERVISOR), ""
    info = Info(memory_map=False).memory([(0, 0x9f000, RAM), (0x9f000, 0x61000, RESERVED),
                                          (0x100000, page - 0x100000, RAM),
                                          (page, 0x1000, RESERVED),
                                          (page + 0x1000, 0x6000000, RAM)])
    info.cmdline(
        f"dom0_mem=64M com1=115200,8n1,{base:#x},0,reg-width={width},reg-shift={shift}").module(
            KERNEL)
    with tempfile.TemporaryDirectory(prefix="isola-serial-") as directory:
        path = os.path.join(directory, "gdb")
        with info.command(["-S", "-chardev", f"socket,id=g,path={path},server=on,wait=off", "-gdb",
                           "chardev:g"],
                          serial=("none",)) as command:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            try:
                gdb = Debugger(path)
                gdb.ask(f"Z1,{image.symbol('serial_open'):x},1")
                gdb.ask("c")
                gdb.ask(f"z1,{image.symbol('serial_open'):x},1")
                gdb.physical(True)
                gdb.write(base + (5 << shift), 0x60)            # line status: ready
                gdb.write(base + (6 << shift), 0x90)            # modem status, as looped back
                transmitter = image["VA_FIXMAP"] + base % 4096
                gdb.ask(f"Z2,{transmitter:x},{width}")
                while "watch" in gdb.ask("c"):
                    if not gdb.read(base + (3 << shift)) & 0x80:        # not the divisor
                        text += chr(gdb.read(base))
            except (OSError, ValueError):
                pass                                            # the machine has ended
            finally:
                process.kill()
                process.wait()
    return text.replace("\r", "").splitlines()


for row in MACHINES:
    check(*row)
for width, shift in (1, 0), (4, 2):
    said = in_memory(width, shift)
    tap.ok(said and said[0].startswith(FIRST) and said[-1] == LAST and
           not [s for s in said if re.search("com1:", s)],
           f"registers in memory, {width} byte{'s' * (width > 1)} wide, shift {shift}: {len(said)} "
           "lines",
           "\n".join(said[:3] + said[-3:]))
tap.done()
