# SPDX-License-Identifier: MIT
"""What Debian's Linux runs as a domain of type=pvh: a piece of work on each vCPU, then the end. Its
own lines begin with "pvh:"."""

LINUX_INIT = b"""#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox --install -s /bin
export PATH=/bin
work() {
	n=0
	while [ $n -lt 40 ]; do
		[ "$(taskset $((1 << $1)) sh -c "echo $1.$n | sed s/x/y/")" = $1.$n ] || return
		n=$((n + 1))
	done
	echo "pvh: vcpu $1 did its work"
}
echo "pvh: $(cat /sys/hypervisor/guest_type), $(nproc) cpus, $(uname -r)"
for cpu in $(seq 0 $(($(nproc) - 1))); do work $cpu & done
wait
sleep 1
echo "pvh: end"
poweroff -f
"""
