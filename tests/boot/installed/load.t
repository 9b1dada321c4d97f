#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An installed system at work (make test-all): half an hour of disk, network and processors, all of
what is read and received compared with what was written and sent; then it starts again twenty
times; after power-off the file system is clean.
INSTALLED_MINUTES, INSTALLED_REBOOTS: so many instead; 0 leaves that part out, but not both."""
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../lib"))
from isolatest import tap
from installed import Installed, clean, make_disk_with_package

MINUTES = float(os.environ.get("INSTALLED_MINUTES", 30))
REBOOTS = int(os.environ.get("INSTALLED_REBOOTS", 20))
SENT = 4 << 20      # bytes of one transfer by network
# Each writes lines into its own file: one for each round, "bad" for one that went wrong.
BUSY = r"""#!/bin/bash
cd /root
disk() {
	dd if=/dev/urandom of=w.$1 bs=1M count=24 2>/dev/null
	want=$(sha256sum <w.$1); sync; echo 3 >/proc/sys/vm/drop_caches
	cp w.$1 c.$1; sync; echo 3 >/proc/sys/vm/drop_caches
	[ "$want" = "$(sha256sum <c.$1)" ]
}
cpu() { [ "$(seq 200000 | gzip -9 | sha256sum)" = "$first" ]; }
first=$(seq 200000 | gzip -9 | sha256sum)
while [ ! -e stop ]; do
	$1 $2 && echo round || echo bad
done >$1.$2
"""
START = "rm -f stop; for i in 1 2; do systemd-run -q bash /root/busy disk $i && " \
        "systemd-run -q bash /root/busy cpu $i || exit 1; done"
STOP = "touch stop; sleep 60; head -n -0 disk.1 disk.2 cpu.1 cpu.2"
# What Linux says of hardware that is not as it should be.
TROUBLE = (r"I/O error|timed? ?out|hung task|blocked for more|nobody cared|soft lockup|rcu.*stall|"
           r"NETDEV WATCHDOG|BUG:|Oops|WARNING:|EXT4-fs error|xen map irq failed")


def transfer(m, data):
    """There and back: is it what was sent?"""
    words = m.ssh_words("tee net | sha256sum; sha256sum <net; cat net")
    try:
        done = subprocess.run(words, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=300)
    except subprocess.TimeoutExpired:
        return False
    want = hashlib.sha256(data).hexdigest().encode() + b"  -\n"
    return done.returncode == 0 and done.stdout == want + want + data


def trouble(m):
    said = m.ssh("dmesg; systemctl --failed --no-legend --no-pager")[1]
    return [line for line in said.splitlines() if re.search(TROUBLE, line)]


def rounds(said, name):
    """(how many went well, how many did not) of both loops of @name."""
    parts = re.findall(rf"==> {name}\.\d <==\n((?:round\n|bad\n)*)", said)
    return (sum(part.count("round") for part in parts), sum(part.count("bad") for part in parts),
            len(parts))


def work(m):
    given = subprocess.run(m.ssh_words("cat >/root/busy"), input=BUSY.encode(), timeout=120)
    status, said = m.ssh(START)
    tap.ok(given.returncode == 0 and status == 0, "disk and processors are at work", said)
    begun, sent, bad = time.monotonic(), 0, 0
    while time.monotonic() - begun < 60 * MINUTES and m.process.poll() is None:
        good = transfer(m, os.urandom(SENT))
        sent, bad = sent + good, bad + (not good)
    status, said = m.ssh(STOP, 400)
    for name in ("disk", "cpu"):
        good, wrong, loops = rounds(said, name)
        tap.ok(loops == 2 and good >= 2 and not wrong,
               f"{name}: {good} rounds, {wrong} went wrong", said[-3000:])
    tap.ok(sent >= 2 and not bad,
           f"network: {SENT >> 20} MiB there and back {sent} times, {bad} times not")
    found = trouble(m)
    tap.ok(status == 0 and not found, "the kernel has nothing to complain of", "\n".join(found))


def start_again(m):
    times, least = [], len(m.text)
    for _ in range(REBOOTS):
        at, begun = len(m.text), time.monotonic()
        m.ssh("reboot", 30)
        if not (m.sees(r"\(isola\) Isola ", 300, at) and m.sees("login: ", 600, at) and m.up()):
            break
        times.append(time.monotonic() - begun)
    tap.ok(len(times) == REBOOTS, f"it has started again {len(times)} times of {REBOOTS}, within "
           f"{max(times, default=0):.0f} s each", m.text[least:][-2000:])
    found = trouble(m)
    tap.ok(not found, "and then has nothing to complain of", "\n".join(found))


def main():
    if MINUTES <= 0 and REBOOTS <= 0:
        raise SystemExit("Bail out! INSTALLED_MINUTES=0 INSTALLED_REBOOTS=0: nothing is left")
    with tempfile.TemporaryDirectory(prefix="isola-installed-") as directory:
        why = make_disk_with_package()
        if tap.ok(not why, "there is a disk: Debian, with the package", why):
            m = Installed()
            tap.ok(m.up(), "it comes up", m.text[-1500:])
            if MINUTES > 0:
                work(m)
            if REBOOTS > 0:
                start_again(m)
            m.ssh("poweroff", 30)
            tap.ok(m.ends(300), "poweroff ends the machine", m.text[-1500:])
            good, said = clean(directory)
            tap.ok(good, "the file system is clean", said)
    tap.done()


main()
