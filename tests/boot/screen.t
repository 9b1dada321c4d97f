#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The hypervisor's lines on the screen: in BIOS's text mode, whose memory is read, and in a frame
buffer (VESA's, EFI's), whose picture is taken and read by the font that it was painted with. They
are the serial line's; the screen is dom0's when that begins, unless it is to be kept; a panic is
shown whoever has it. (Scrolling, depths and odd sizes: tests/unit/screen.t.)"""
import os
import re
import subprocess
import sys
import tempfile
import time
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../../tools/lib")]
from isolatest import HYPERVISOR, MEM_MIB, SELFTEST, TOP, grubimage, machine, read, tap
from snapshot import Qmp

TEXT = "\tset gfxpayload=text\n}\n"     # behind all that GRUB loads, or it has no effect
FONT = subprocess.run([os.path.join(TOP, "tools/mkfont"), "/usr/share/grub/ascii.pf2"],
                      stdout=subprocess.PIPE, text=True, check=True).stdout
GLYPHS = {bytes(int(byte, 16) for byte in re.findall("0x..", row)): chr(32 + n)
          for n, row in enumerate(re.findall(r"^\t\{(.*)\}", FONT, re.M))}
BAD_KERNEL = b"no kernel"
REFUSED = r"^\(isola\) FATAL: "
NOBODY = "never comes"
MACHINE_CHECK = "mce 0 0 0xb200000000000000 0x4 0 0"


class Machine:
    """With a screen and a serial line."""

    def __init__(self, directory, options, kernel, firmware="bios", last="}\n", cmdline=""):
        self.directory, self.text = directory, os.path.join(directory, "serial")
        open(self.text, "wb").close()
        image, qmp = (os.path.join(directory, name) for name in ("iso", "qmp"))
        grubimage.build(image, {"/boot/isola.elf": grubimage.strip(HYPERVISOR),
                                "/boot/kernel": kernel},
                        grubimage.menu(options, [("/boot/kernel", cmdline)]).rstrip("}\n") +
                        "\n" + last,
                        bios=firmware == "bios", uefi=firmware == "uefi")
        self.process = subprocess.Popen(
            machine.qemu_command(image, firmware=firmware, mem_mib=MEM_MIB[firmware], qmp=qmp,
                                 serial=(f"file:{self.text}",)),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.qmp = Qmp(qmp)

    def end(self):
        self.process.kill()
        self.process.wait()

    def monitor(self, command):
        return self.qmp.call("human-monitor-command", **{"command-line": command})

    def serial(self):
        text = read(self.text).decode("latin-1").replace("\r", "")
        return text[text.find("(isola)"):].splitlines() if "(isola)" in text else []

    def text_screen(self):
        words = re.findall(r"0x([0-9a-f]{4})\b", self.monitor("xp /2000xh 0xb8000"))
        text = "".join(chr(int(word, 16) & 0xff) for word in words)
        return [text[at:at + 80].rstrip() for at in range(0, len(text), 80)]

    def picture(self):
        path = os.path.join(self.directory, "ppm")
        self.qmp.call("screendump", filename=path)
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data := read(path))
        width, height, at = int(head[1]), int(head[2]), head.end()
        lit = bytes(any(data[at + 3 * n:at + 3 * n + 3]) for n in range(width * height))
        return [self.line(lit, width, top) for top in range(0, height - 15, 16)]

    @staticmethod
    def line(lit, width, top):
        line = ""
        for left in range(0, width - 7, 8):
            rows = (lit[(top + y) * width + left:(top + y) * width + left + 8] for y in range(16))
            line += GLYPHS.get(bytes(sum(0x80 >> x for x in range(8) if row[x]) for row in rows),
                               "\x7f")
        return line.rstrip()

    def waits(self, look, pattern, seconds=60):
        """What look() says, once a line of it matches."""
        end = time.monotonic() + seconds
        while True:
            lines = look()
            if any(re.search(pattern, line) for line in lines) or time.monotonic() > end or \
                    self.process.poll() is not None:
                return lines
            time.sleep(0.3)


def folded(lines, width):
    return [line[at:at + width].rstrip() for line in lines
            for at in range(0, max(len(line), 1), width)]


def on(options, kernel, act, **what):
    with tempfile.TemporaryDirectory(prefix="isola-screen-") as directory:
        m = Machine(directory, options, kernel, **what)
        try:
            return act(m)
        finally:
            m.end()


def shows(name, options, firmware="bios", last="}\n", is_text=False, serial=True, must=()):
    """The end of the log of a boot that is refused, and no more of it on the serial line than
    there should be."""
    def act(m):
        look = m.text_screen if is_text else m.picture
        seen = [line for line in m.waits(look, REFUSED) if line]
        said = m.serial()
        at = next((n for n, line in enumerate(seen) if line.startswith("(isola)")), 0)
        width = max(map(len, seen), default=1)
        want = folded(said, 80 if is_text else width) if serial else seen
        faults = [] if re.search(REFUSED, "\n".join(seen), re.M) else ["no last line"]
        if serial and seen[at:] != want[len(want) - len(seen) + at:]:
            faults.append("not the serial line's")
        if not serial and said:
            faults.append("the serial line speaks")
        if len(seen) < (8 if is_text else 20):
            faults.append(f"{len(seen)} lines")
        text = "\n".join(said if serial else seen)
        faults += [f"not said: {line}" for line in must if line not in text]
        tap.ok(not faults, f"{name}: {len(seen)} lines of the log", f"{faults}\n" +
               "\n".join(seen) + "\n--\n" + "\n".join(said[-len(seen):]))
    on(options, BAD_KERNEL, act, firmware=firmware, last=last)


LEFT = r"^\(isola\) the screen is dom0's from now on"


def is_left():
    def act(m):
        m.waits(m.serial, "# ready to be typed to")
        before = m.text_screen()
        tap.ok(any(re.search(LEFT, line) for line in before) and
               not any("Serial input to" in line for line in before),
               "the screen is dom0's when that begins: nothing of ours comes any more",
               "\n".join(before))
        m.monitor(MACHINE_CHECK)
        after = m.waits(m.text_screen, "Reboot in|halted")
        tap.ok(any(line.startswith("(isola) PANIC on CPU 0") for line in after) and
               not any(re.search(LEFT, line) for line in after),
               "but a panic, with its registers, on a screen of its own", "\n".join(after))
    on("console=com1,vga", SELFTEST, act, last=TEXT,
       cmdline=f"claims=typed/line typed={NOBODY[:5]}")


def is_kept():
    def act(m):
        m.waits(m.serial, "# ready to be typed to")
        m.waits(m.picture, "Serial input to DOM0", 10)
        seen = m.picture()
        tap.ok(any("Serial input to DOM0" in line for line in seen) and
               not any(re.search(LEFT, line) for line in seen) and
               not any("typed to" in line for line in seen),
               "vga=keep: our lines still come, a guest's do not", "\n".join(seen))
    on("console=com1,vga vga=keep,gfx-640x480x16", SELFTEST, act,
       cmdline=f"claims=typed/line typed={NOBODY[:5]}")


shows("BIOS, text", "console=com1,vga vga=text-80x25", last=TEXT, is_text=True)
shows("BIOS, text, without a serial line", "console=vga vga=ask,current", last=TEXT, is_text=True,
      serial=False)
shows("BIOS, VESA, by default", "vga=gfx-640x400x8,blue,ask", must=(
    '(isola) vga=: ignoring "blue": no such mode', '(isola) vga=: ignoring "ask": nobody can be',
    '(isola) screen: gfx-', '(isola) vga=: no "gfx-640x400x8": a mode is the loader\'s to set'))
shows("UEFI", "console=com1,vga", firmware="uefi")
shows("no serial port answers", "com1=115200,8n1,0x3e8 com2=115200,8n1,0x2e8 console=vga,com2",
      serial=False)
is_left()
is_kept()
tap.done()
