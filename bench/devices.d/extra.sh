# SPDX-License-Identifier: MIT
# bench/devices: scenario "extra" of ../shared/tools/mk-dom0-image. dom0 measures its virtio disk
# and its way to the host's server, at port=; then a domU the same disk through blkback, and its way
# to a server in dom0 through netback and a bridge. rate=US: credit2's rate limit, else as it is.
# The lines of rows.sh go to the console.
port=0 rate=
for w in $(cat /proc/cmdline); do
	case $w in port=*|rate=*) eval "$w" ;; esac
done
. /devices/rows.sh
d_drivers() {
	for m in $(cat /devices/modules); do insmod /devices/$m || return 1; done
	waitfor 20 test -e /dev/vda && waitfor 20 test -e /sys/class/net/eth0 &&
		ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up &&
		waitfor 30 ping -c 1 -W 1 10.0.2.2
}
d_domu() {
	waitfor 600 saw u1 'DEVICES end' && grep -a '^DEVICES' $(clog u1) | tr -d '\r'
}
step d-drivers 60 d_drivers
[ -z "$rate" ] || step d-rate 20 xl sched-credit2 -s -r "$rate" || finish
rows dom0 /dev/vda 1 'virtio.*-req' 10.0.2.2 $port
cat /boot/domu.gz /devices/domu.gz > /tmp/domu.gz
step d-bridge 20 n_bridge
/devices/measure serve 10.9.0.1 5001 > /tmp/server 2>&1 &
load xen-blkback
mkcfg u1 devices "disk=['phy:/dev/vda,xvda,w']" "vif=['bridge=xenbr0,mac=00:16:3e:01:02:03']"
sed -i "s|^ramdisk=.*|ramdisk='/tmp/domu.gz'|; s|quiet du=|quiet rdinit=/devices/init du=|" \
	/tmp/u1.cfg
step d-create 120 xl create /tmp/u1.cfg
step d-domu 610 d_domu
cat /tmp/out.d-domu
step d-clean 60 kill_all
kill $! 2>/dev/null
