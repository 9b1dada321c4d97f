# SPDX-License-Identifier: MIT
"""A machine that boots from its own disk, as mkdisk made it: no image of ours, its own GRUB. It is
talked to by SSH, and its serial line is listened to."""
import glob
import os
import re
import socket
import subprocess
import sys
import threading
import time
from isolatest import OUT, TOP, machine

KEY = os.path.join(OUT, "disk/key")
DISK = os.path.join(OUT, "disk/debian.img")
# What QEMU is told of the disk, whose drive is d.
DISKS = {
    "virtio": ("-device", "virtio-blk-pci,drive=d"),
    "nvme": ("-device", "nvme,drive=d,serial=1"),
    "ahci": ("-device", "ich9-ahci,id=a", "-device", "ide-hd,drive=d,bus=a.0"),
    "ide": ("-device", "ide-hd,drive=d"),
}


def make_disk(packages=(), *options):
    """The disk, made anew with @packages installed: None, or why there is none."""
    os.makedirs(os.path.dirname(KEY), exist_ok=True)
    if not os.path.exists(KEY):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY], check=True)
    words = [word for package in packages for word in ("--deb", package)]
    made = subprocess.run([os.path.join(TOP, "tools/mkdisk"), "--authorized-key", KEY + ".pub",
                           *words, *options, DISK], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return made.stdout if made.returncode else None


def make_disk_with_package():
    """The same with Isola's package, made anew: None, or why there is none."""
    made = subprocess.run(["make", "deb", "O=" + os.environ.get("O", "build")], cwd=TOP,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    packages = sorted(glob.glob(os.path.join(OUT, "isola_*.deb")), key=os.path.getmtime)
    return made.stdout if made.returncode else make_disk(packages[-1:])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Installed:
    """The machine. @disk how the disk is attached, @net the network card's model, @changes whether
    what is written stays."""

    def __init__(self, disk="virtio", net="virtio-net-pci", changes=True, extra=(), **options):
        self.port = free_port()
        self.text = ""
        attached = ("-drive", f"if=none,id=d,format=raw,file={DISK},snapshot="
                    + ("off" if changes else "on"), *DISKS[disk])
        card = ("-nic", f"user,model={net},hostfwd=tcp:127.0.0.1:{self.port}-:22")
        self.qmp = os.path.join(OUT, f"disk/qmp-{self.port}")
        options = {"mem_mib": 1024, "smp": 2, "qmp": self.qmp, **options}
        argv = machine.qemu_command(extra=(*attached, *card, *extra), **options)
        argv.remove("-no-reboot")
        at = argv.index("-nic")
        del argv[at:at + 2]                     # the one that says "none"
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.text += data.decode("latin-1").replace("\r", "")
            if os.environ.get("INSTALLED_SHOW"):
                sys.stderr.write(data.decode("latin-1"))

    def sees(self, pattern, seconds=300, start=0):
        """Does the serial line say @pattern, from its character @start on?"""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if re.compile(pattern, re.M).search(self.text, start):
                return True
            if self.process.poll() is not None:
                self.listener.join(5)
                return bool(re.compile(pattern, re.M).search(self.text, start))
            time.sleep(0.2)
        return False

    def types(self, text):
        self.process.stdin.write(text.encode("latin-1"))
        self.process.stdin.flush()

    def ssh(self, command, seconds=120):
        """(exit status, what it says); status 124 after @seconds, 255 if nobody answers."""
        try:
            done = subprocess.run(self.ssh_words(command), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            return 124, (late.stdout or b"").decode("latin-1")
        return done.returncode, done.stdout.decode("latin-1")

    def ssh_words(self, command):
        return ["ssh", "-q", "-i", KEY, "-p", str(self.port), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=60",
                "root@127.0.0.1", command]

    def press_power_button(self):
        """As somebody does who stands before it: by QMP."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.qmp)
            for order in ("qmp_capabilities", "system_powerdown"):
                s.sendall(f'{{"execute": "{order}"}}\n'.encode())
                time.sleep(0.5)
            s.recv(65536)

    def up(self, seconds=400):
        """Does it let somebody in?"""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if self.sees("login: ", 1) and self.ssh("true", 60)[0] == 0:
                return True
        return False

    def ends(self, seconds=120):
        """Does it power itself off?"""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self.listener.join(5)
        self._forget_socket()
        return True

    def _forget_socket(self):
        if os.path.exists(self.qmp):
            os.unlink(self.qmp)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._forget_socket()


def clean(directory):
    """Is the root file system as it must be after a power-off? (bool, what fsck says)"""
    root = os.path.join(directory, "root.ext4")
    subprocess.run(["dd", f"if={DISK}", f"of={root}", "bs=1M", "skip=66", "conv=sparse",
                    "status=none"], check=True)
    done = subprocess.run(["e2fsck", "-fn", root], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    os.unlink(root)
    return done.returncode == 0, done.stdout
