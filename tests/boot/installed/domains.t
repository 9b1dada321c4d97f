#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Domains on an installed system (make test-all): Debian's own tools, from the system's own disk.
One domain is Debian on a logical volume, with a kernel that pygrub finds there, one on a file; both
are bridged to the network, start with the machine, and end in order with it."""
import glob
import os
import re
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../lib"))
from isolatest import OUT, tap
from installed import DISK, Installed, clean, make_disk_with_package

MIB = 1 << 20
STORE_MIB = 6144                    # sparse: two volumes, of which one holds a file as large
NETWORK = """set -e
cd /etc/systemd/network
printf '[NetDev]\\nName=br0\\nKind=bridge\\nMACAddress=52:54:00:12:34:56\\n' >br0.netdev
printf '[Match]\\nName=br0\\n[Network]\\nDHCP=yes\\n' >br0.network
printf '[Match]\\nName=en* eth*\\n[Network]\\nBridge=br0\\n' >wired.network
"""
# /dev/vdb is the file system that mkdisk fills its disks with, as mmdebstrap made it.
STORAGE = """set -e
pvcreate -q /dev/vdc
vgcreate -q vg /dev/vdc
lvcreate -q -n web -L 1920M vg
lvcreate -q -n store -l 100%FREE vg
dd if=/dev/vdb of=/dev/vg/web bs=4M conv=sparse status=none
tune2fs -U random /dev/vg/web >/dev/null
mkfs.ext4 -q /dev/vg/store
echo '/dev/vg/store /srv ext4 defaults 0 2' >>/etc/fstab
mkdir -p /srv
mount /srv
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
"""
# What an installer would leave in the volume, and a copy of that as a file.
INSTALL = """set -e
mount /dev/vg/web /mnt
cd /mnt
rm -f root/first-boot etc/machine-id
: >etc/machine-id
echo web >etc/hostname
echo '/dev/xvda / ext4 errors=remount-ro 0 1' >etc/fstab
echo root:root | chpasswd -R /mnt
install -d -m 700 root/.ssh
install -m 600 /root/.ssh/id_ed25519.pub root/.ssh/authorized_keys
ssh-keygen -A -f /mnt
printf '[Match]\\nName=en* eth*\\n[Network]\\nAddress=10.0.2.30/24\\nGateway=10.0.2.2\\n' \\
	>etc/systemd/network/wired.network
chroot . systemctl enable -q systemd-networkd ssh
mkdir -p boot/grub
cat >boot/grub/grub.cfg <<EOF
menuentry "Debian GNU/Linux" {
	linux $(cd /mnt; ls /mnt/boot/vmlinuz-* | sed s,/mnt,,) root=/dev/xvda ro console=hvc0
	initrd $(ls /mnt/boot/initrd.img-* | sed s,/mnt,,)
}
EOF
cd /
umount /mnt
dd if=/dev/vg/web of=/srv/db.img bs=4M conv=sparse status=none
e2fsck -fp /srv/db.img >/dev/null || [ $? = 1 ]
tune2fs -U random /srv/db.img >/dev/null
mount -o loop /srv/db.img /mnt
echo db >/mnt/etc/hostname
sed -i s/10.0.2.30/10.0.2.31/ /mnt/etc/systemd/network/wired.network
umount /mnt
mkdir -p /etc/xen/auto
domain() {
	cat >/etc/xen/$1.cfg
	ln -s ../$1.cfg /etc/xen/auto/$1.cfg
}
domain web <<EOF
name = "web"
bootloader = "pygrub"
memory = 256
vcpus = 2
disk = ["phy:/dev/vg/web,xvda,w"]
vif = ["bridge=br0"]
EOF
domain db <<EOF
name = "db"
bootloader = "pygrub"
memory = 256
disk = ["file:/srv/db.img,xvda,w"]
vif = ["bridge=br0"]
EOF
"""
DOMAINS = {"web": "10.0.2.30", "db": "10.0.2.31"}
# Run in dom0. Each word is typed when what asks for it has been seen, after all that is older: on
# attaching, the console first brings the log of the boot, with a prompt of its own in it.
CONSOLE = """python3 - <<'EOF'
import os, re, select, subprocess, time
console = subprocess.Popen(["xl", "console", "web"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
text, at = "", 0

def read(seconds):
    global text
    if not select.select([console.stdout], [], [], seconds)[0]:
        return False
    data = os.read(console.stdout.fileno(), 65536)
    text += data.decode("latin-1")
    text = re.sub(r"\\r|\\x1b\\[[?0-9;]*[a-zA-Z]", "", text)
    return bool(data)

def typed(words, answer, seconds):
    global at
    while read(5):
        pass
    at = len(text)
    os.write(console.stdin.fileno(), words.encode())
    end = time.monotonic() + seconds
    while time.monotonic() < end and not re.search(answer, text[at:], re.M):
        read(1)
    return re.search(answer, text[at:], re.M)

# a getty that was asked for nothing for long, or is in the middle of a name, begins anew
for words, answer, tries in (("\\n", "login: $", 4), ("root\\n", "Password: $", 1),
                             ("root\\n", "root@web:.*# ", 1),
                             ("hostname; tty\\n", "^/dev/hvc0$", 2)):
    if not any(typed(words, answer, 90) for _ in range(tries)):
        print(f"no {answer} after {words!r}, behind:\\n{text[-1000:]}")
        break
print(text[at:])
console.kill()
EOF"""
COPIED = ("dd if=/dev/urandom of=/root/x bs=1M count=32 2>/dev/null && sync && "
          "sum=$(sha256sum </root/x) && echo 3 >/proc/sys/vm/drop_caches && "
          "[ \"$sum\" = \"$(sha256sum </root/x)\" ] && ping -c 2 10.0.2.2 && "
          "! dmesg | grep -i 'recovery'")


def step(m, name, script, seconds=300):
    status, said = m.ssh(script, seconds)
    return tap.ok(status == 0, name, f"status {status}\n{said}")


def inside(m, name, command, seconds=300):
    """(exit status, what it says) of @command in domain @name, from dom0."""
    quoted = command.replace("'", "'\\''")
    return m.ssh(f"ssh -q -o StrictHostKeyChecking=no -o ConnectTimeout=30 "
                 f"root@{DOMAINS[name]} '{quoted}'", seconds)


def reached(m, name, tries=24):
    """Does @name let dom0 in within some minutes? On a host with four jobs for each CPU a domain
    with two vCPUs took more than five."""
    for _ in range(tries):
        if inside(m, name, "true", 60)[0] == 0:
            return True
        m.ssh("sleep 15", 60)
    return False


def boot_ids(m):
    """{domain: which boot it is at}; "" if it does not answer in some minutes."""
    said = {}
    for name in DOMAINS:
        tries = (inside(m, name, "cat /proc/sys/kernel/random/boot_id")[1] for _ in range(6))
        said[name] = next((answer for answer in tries if answer), "")
    return said


def main():
    with tempfile.TemporaryDirectory(prefix="isola-domains-") as directory:
        why = make_disk_with_package()
        if not tap.ok(not why, "Debian, with the package", why):
            tap.done()
            return
        base = max(glob.glob(os.path.join(OUT, "disk/*.ext4")), key=os.path.getmtime)
        store = os.path.join(directory, "store.img")
        with open(store, "wb") as file:
            file.truncate(STORE_MIB * MIB)

        def started():
            return Installed(mem_mib=1536, extra=(
                "-drive", f"if=virtio,format=raw,file={base},snapshot=on",
                "-drive", f"if=virtio,format=raw,file={store}"))

        m = started()
        tap.ok(m.up(), "it comes up", m.text[-1500:])
        step(m, "a bridge is set up", NETWORK)
        step(m, "a logical volume gets a file system", STORAGE, 600)
        step(m, "a Debian in it, and one in a file, to be started with the machine", INSTALL, 600)
        m.ssh("poweroff", 30)
        tap.ok(m.ends(), "poweroff ends the machine", m.text[-1500:])

        m = started()
        tap.ok(m.up(), "it comes up again, by its bridge", m.text[-1500:])
        for name in DOMAINS:
            tap.ok(reached(m, name), f"{name} has been started, and lets somebody in by SSH",
                   m.ssh("xl list; ip -br link; tail /var/log/xen/*")[1])
            status, said = inside(m, name, COPIED)
            tap.ok(status == 0, f"{name}: 32 MiB to the disk and back, the network's gateway "
                   "answers, the file system was clean", said)
        said = m.ssh(CONSOLE, 800)[1]
        tap.ok(re.search(r"^web\n/dev/hvc0$", said, re.M),
               "xl console: a login on web", said)
        was = boot_ids(m)
        at = len(m.text)
        m.ssh("reboot", 30)
        tap.ok(m.sees(r"\(isola\) Isola ", 300, at) and m.sees("login: ", 300, at) and m.up(),
               "it reboots", m.text[at:][-1500:])
        for name in DOMAINS:
            tap.ok(reached(m, name), f"{name} is there again", m.ssh("xl list; ip -br link")[1])
        now = boot_ids(m)
        tap.ok(now == was and all(was.values()),
               "as they were: xendomains saved and restored them", f"{was}\n{now}")
        m.ssh("sed -i 's,^XENDOMAINS_SAVE=.*,XENDOMAINS_SAVE=,' /etc/default/xendomains")
        m.ssh("poweroff", 30)
        tap.ok(m.ends(300), "poweroff ends the machine, now with its domains shut down",
               m.text[-1500:])

        m = started()
        tap.ok(m.up(), "it comes up a third time", m.text[-1500:])
        for name in DOMAINS:
            tap.ok(reached(m, name), f"{name} has been started", m.ssh("xl list; ip -br link")[1])
            status, said = inside(m, name, "! dmesg | grep -i recovery")
            tap.ok(status == 0, f"{name} had been shut down: its file system was clean", said)
        now = boot_ids(m)
        tap.ok(all(now[name] != was[name] for name in was), "and started anew", f"{was}\n{now}")
        m.ssh("poweroff", 30)
        tap.ok(m.ends(300), "poweroff ends the machine", m.text[-1500:])
        good, said = clean(directory)
        tap.ok(good, "the file system is clean", said)
    tap.done()


main()
