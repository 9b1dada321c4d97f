# SPDX-License-Identifier: MIT
# Debian's QEMU, unchanged, as the device model of a domain of type=pvh with Debian's Linux, which
# xl makes and QEMU is started for by hand; sourced as pvh.sh is. /extra/qemu, its libraries in
# /extra/lib. It claims what a PC has; the guest finds its PCI functions.
log=/tmp/qemu.txt

q_create() {
	{
		echo "name='q1'"; echo "type='pvh'"; echo "kernel='$DUK'"
		echo "ramdisk='/boot/domu.gz'"; echo "extra='console=hvc0 du=tick'"
		echo "memory=160"; echo "vcpus=1"; echo "on_crash='preserve'"
	} > /tmp/q1.cfg
	$XL create -p /tmp/q1.cfg
}
q_start() {
	LD_LIBRARY_PATH=/extra/lib /extra/qemu -xen-domid "$(xl domid q1)" -nodefaults \
		-no-user-config -name q1 -display none -serial none -vga none -net none \
		-machine xenfv,suppress-vmdesc=on -m 160 \
		-d trace:xen_ioreq_server_state,trace:handle_ioreq > $log 2>&1 &
	echo $! > /tmp/qemu.pid
	waitfor 60 grep -aq 'xen_ioreq_server_state.*enable: 1' $log
}
asked() { grep -ac "handle_ioreq.* type=$1 dir=$2" $log; }
q_boot() {
	xl unpause q1
	waitfor 140 saw q1 'DOMU tick 2 ' || return 1
	detail "out=$(asked 0 0) in=$(asked 0 1) pci-read=$(asked 2 1) forget=$(asked 8 0)"
	grep -aq 'PCI: Using configuration type 1' $(clog q1) || return 1
	[ "$(asked 0 0)" -gt 0 ] && [ "$(asked 2 1)" -gt 0 ] && [ "$(asked 8 0)" -gt 0 ]
}
q_end() {
	qemu=$(cat /tmp/qemu.pid)
	kill -0 $qemu && xl destroy q1 && kill $qemu && waitfor 30 gone q1
}
step qemu-create 60 q_create
step qemu-start 80 q_start
step qemu-boot 160 q_boot
step qemu-end 60 q_end
