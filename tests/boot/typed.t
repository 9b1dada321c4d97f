#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who gets what is typed on the console: dom0, the hypervisor's debug keys, domains that module
lines describe, each in its turn, switched by Ctrl-a three times; conswitch=."""
import os
import re
import subprocess
import sys
import threading
import time
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib")]
from isolatest import ISOLA_RUN, SELFTEST, tap
SWITCH = "\x01\x01\x01"
TURN = r"\(isola\) \*\*\* Serial input to %s \(type 'CTRL-%s' three times to switch input\)"
WORDS = "claims=typed/* typed="


class Terminal:
    """isola-run, with somebody who types."""
    def __init__(self, *arguments):
        self.text, self.at = "", 0
        self.process = subprocess.Popen([ISOLA_RUN, "--timeout", "60", *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        threading.Thread(target=self.listen, daemon=True).start()

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


def beside_dom0():
    t = Terminal("--mem", "192", "--hv", "dom0_mem=64M", "--domain", SELFTEST,
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
    tap.ok(failed is None, "dom0, debug keys, a domain: each gets what is typed in its turn",
           f"{failed}\n{t.text[-3000:]}")


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


beside_dom0()
static()
tap.done()
