#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who gets what is typed on the console: dom0, the hypervisor's debug keys, domains that module
lines describe, each in its turn, switched by Ctrl-a three times; conswitch=. A paste of many times
what any buffer holds comes whole, by interrupts and where the port must be polled: because no
interrupt is named, or the one that is never comes."""
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib")]
from isolatest import HYPERVISOR, ISOLA_RUN, LONG, SELFTEST, grubimage, machine, tap
from planting import planted
SWITCH = "\x01\x01\x01"
STAMP = r"\[(?: *\d+\.\d{6}|[0-9a-f]{16})\] "
TURN = (rf"\(isola\) (?:{STAMP})?"
        r"\*\*\* Serial input to %s \(type 'CTRL-%s' three times to switch input\)")
WORDS = "claims=typed/line typed="
PASTE = "".join(chr(32 + (i * 7 + i // 95) % 95) for i in range(16384))
PASTED = f"claims=typed/paste pasted={len(PASTE)}"
GOT = r"^%sok \d+ - typed/paste: [^#]*$"


class Terminal:
    """isola-run, with somebody who types."""
    def __init__(self, *arguments):
        self.text, self.at = "", 0
        self.process = subprocess.Popen([ISOLA_RUN, "--timeout", "60", *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        threading.Thread(target=self.listen, daemon=True).start()

    @classmethod
    def on_pci(cls, options, words):
        """The same by a UART on PCI, whose line is 10; dom0 alone."""
        t = cls.__new__(cls)
        t.text, t.at, t.directory = "", 0, tempfile.TemporaryDirectory(prefix="isola-typed-")
        image = os.path.join(t.directory.name, "iso")
        grubimage.build(image, {"/boot/isola.elf": grubimage.strip(HYPERVISOR),
                                "/boot/kernel": SELFTEST},
                        grubimage.menu(options, [("/boot/kernel", words)]), uefi=False)
        t.process = subprocess.Popen(
            machine.qemu_command(image, mem_mib=192, serial=("none",),
                                 extra=["-chardev", "stdio,id=c,signal=off", "-device",
                                        "pci-serial,chardev=c,addr=9"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=t.listen, daemon=True).start()
        return t

    def listen(self):
        while data := os.read(self.process.stdout.fileno(), 4096):
            self.text += data.decode("latin-1").replace("\r", "")

    def sees(self, pattern, seconds=40):
        """Does @pattern come, behind what was seen last?"""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := re.compile(pattern, re.M).search(self.text, self.at):
                self.at = found.end()
                return True
            if self.process.poll() is not None and seconds > 1:
                seconds, end = 0, time.monotonic() + 1
            time.sleep(0.05)
        return False

    def types(self, text):
        self.process.stdin.write(text.encode("latin-1"))
        self.process.stdin.flush()

    def ends(self):
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


def beside_dom0(*machine):
    """The step that did not come, or None; and what was seen."""
    t = Terminal(*machine, "--mem", "192", "--hv", "dom0_mem=64M", "--domain", SELFTEST,
                 f"domain=web mem=40M -- {WORDS}for.web", SELFTEST,
                 f"{WORDS}for-\x01dom0 exit=never")
    steps = [
        (None, TURN % ("DOM0", "a")), (None, "# ready to be typed to"),
        (None, "# ready to be typed to"),
        (SWITCH, TURN % ("Isola", "a")), ("h", r"'h' pressed -> show this message"),
        ("q", r"^\(isola\) Domain 1 web: "), (SWITCH, TURN % (r"DOM1 \(web\)", "a")),
        ("for.web\r", r"^\(web\) ok \d+ - typed/line: [^#]*$"),
        (None, r"Domain 1 \(web\) shut down: poweroff"),
        (SWITCH, TURN % ("DOM0", "a")),
        # One alone is dom0's own.
        ("for-\x01dom0\r", r"^ok \d+ - typed/line: [^#]*$"),
        (SWITCH, TURN % ("Isola", "a")), ("R", r"'R' pressed -> reboot machine"),
    ]
    failed = next((step for text, step in steps
                   if (t.types(text) if text else None) or not t.sees(step)), None)
    t.ends()
    return failed, t.text


def static():
    t = Terminal("--mem", "160", "--hv", "conswitch=bx", "--domain", SELFTEST,
                 f"domain=web mem=40M -- {WORDS}for-web", "--domain", SELFTEST,
                 f"domain=db mem=40M -- {WORDS}for-db")
    keys = "\x02\x02\x02"
    steps = [
        (None, TURN % ("Isola", "b")), (None, "# ready to be typed to"),
        (None, "# ready to be typed to"), (keys, TURN % (r"DOM1 \(web\)", "b")),
        (keys, TURN % (r"DOM2 \(db\)", "b")),
        ("for-db\r", r"^\(db\) ok \d+ - typed/line: [^#]*$"),
        (None, r"Domain 2 \(db\) shut down: poweroff"), (keys, TURN % ("Isola", "b")),
        (keys, TURN % (r"DOM1 \(web\)", "b")),
        ("for-web\r", r"^\(web\) ok \d+ - typed/line: [^#]*$"),
    ]
    failed = next((step for text, step in steps
                   if (t.types(text) if text else None) or not t.sees(step)), None)
    status = t.ends()
    tap.ok(failed is None and status == 0, "conswitch=bx: the hypervisor first, then two domains",
           f"{failed} {status}\n{t.text[-3000:]}")


def pastes(what, options, *line):
    """To a domain and to dom0; @line: what the log must say of the port."""
    t = Terminal("--mem", "192", "--hv", f"dom0_mem=64M {options}", "--domain", SELFTEST,
                 f"domain=web mem=40M -- {PASTED}", SELFTEST, PASTED)
    steps = [
        (None, "# ready for a paste"), (None, "# ready for a paste"),
        (SWITCH * 2, TURN % (r"DOM1 \(web\)", "a")), (PASTE, GOT % r"\(web\) "),
        (SWITCH, TURN % ("DOM0", "a")), (PASTE, GOT % ""),
    ]
    failed = next((step for text, step in steps
                   if (t.types(text) if text else None) or not t.sees(step)), None)
    status = t.ends()
    said = [text for text in line if text in t.text]
    polled = "the port is polled" in t.text
    ours = re.findall(r"^\(isola\) (.*)$", t.text[t.text.find("loaded by"):], re.M)
    stamped = bool(ours) and all(re.match(STAMP, rest) for rest in ours)
    tap.ok(failed is None and status == 0 and said == list(line) and polled == bool(line) and
           stamped == ("timestamps" in options),
           f"{what}: {len(PASTE)} bytes at once come whole, to a domain and to dom0",
           f"{failed} {status}\n{t.text[-3000:]}")


def pastes_on_pci():
    t = Terminal.on_pci("dom0_mem=64M com1=115200,8n1,pci,10", PASTED)
    failed = next((step for text, step in ((None, "# ready for a paste"), (PASTE, GOT % ""),
                                           (None, r"Domain 0 shut down: poweroff"))
                   if (t.types(text) if text else None) or not t.sees(step)), None)
    t.ends()
    tap.ok(failed is None and "is polled" not in t.text,
           "a UART on PCI, whose interrupt is named", f"{failed}\n{t.text[-3000:]}")


KEYS, INPUT, RING = "common/debug_keys.c", "common/console_input.c", "arch/x86/calls/console_ring.c"
PLANTED = (
    ("a key is not told", KEYS, "\tif (begin)\n\t\ttimer_set(&step_timer, now_ns());\n",
     "\t(void)begin;\n"),
    ("a key that is pressed does nothing", KEYS, "\t\t\tpress(&table[i]);\n",
     "\t\t\t(void)press;\n"),
    ("who has the input keeps it", INPUT, "\t\t\tgive_to(next_to(input_to));\n\t\t}\n",
     "\t\t\tgive_to(input_to);\n\t\t}\n"),
    ("a key that switches is lost when it comes once", INPUT,
     "\tfor (; nr_switches; nr_switches--)\n\t\tif (!deliver_or_lose(switch_code))\n"
     "\t\t\treturn false;\n", "\tnr_switches = 0;\n"),
    ("dom0 is not told of its input", INPUT, "\t\traise_global_virq(VIRQ_CONSOLE);\n", "\t\t;\n"),
    ("what is read is read again", INPUT, "\thidden_ring_drop(&for_dom0, n);\n", ""),
    ("a domain is not told of its input", RING,
     "\tif (taken)\n\t\tevtchn_notify_own_from_afar(d, CONSOLE_RING_PORT);\n", ""),
    ("what is typed for a domain goes to the first", INPUT,
     "\td = get_domain_by_id(input_to);\n\tif (!d) {", "\td = get_domain_by_id(0);\n\tif (!d) {"),
)


def with_bugs():
    for (what, *_), hypervisor, why in planted(PLANTED):
        failed, seen = beside_dom0("--hypervisor", hypervisor) if hypervisor else (None, why)
        tap.ok(failed, f"noticed: {what}{', by ' + failed if failed else ''}", seen[-1500:])


failed, seen = beside_dom0()
tap.ok(failed is None, "dom0, debug keys, a domain: each gets what is typed in its turn",
       f"{failed}\n{seen[-3000:]}")
static()
pastes("by interrupts", "")
pastes("no interrupt is named, all goes by the log, each line with its time",
       "com1=115200,8n1,0x3f8,0 console_timestamps=boot console_to_ring conring_size=64k")
pastes("the one that is named never comes", "com1=115200,8n1,0x3f8,7",
       "(isola) com1: its interrupt does not come: the port is polled")
pastes_on_pci()
if LONG:
    with_bugs()
tap.done()
