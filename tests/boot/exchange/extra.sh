# SPDX-License-Identifier: MIT
# Scenario "extra" of ../shared/tools/mk-dom0-image: x=save, a domU of xv= vCPUs is saved to the
# machine's disk (xt=pvh: one of that type); x=restore, it goes on from there. x=leave: it is
# migrated live, to the disk (and --debug sends all again); x=arrive: from there. First sector: a
# line about the file.
x_disk() {
	for m in /exchange/*.ko; do insmod $m; done
	waitfor 20 test -b /dev/sda && detail "$(cat /sys/block/sda/size) sectors"
}
x_up() { up u1 || { tail -n 40 $(clog u1); false; }; }
x_send() {
	case $x in
	save) xl save u1 /tmp/u1.save ;;
	leave) xl migrate --debug -s '' u1 '/bin/sh /exchange/receiver /tmp/u1.save' && gone u1 ;;
	esac
}
x_save() {
	waitfor 60 saw u1 'tick 3 ' && x_send || return 1
	bytes=$(stat -c %s /tmp/u1.save)
	printf '%-511s\n' "bytes=$bytes tick=$(tickn)" | dd of=/dev/sda bs=512 count=1 || return 1
	dd if=/tmp/u1.save of=/dev/sda bs=64k seek=1 conv=fsync || return 1
	detail "tick=$(tickn) bytes=$bytes"
}
x_load() {
	line=$(dd if=/dev/sda bs=512 count=1)
	bytes=${line#*bytes=} bytes=${bytes%% *} tick=${line#*tick=} tick=${tick%% *}
	dd if=/dev/sda of=/tmp/u1.save bs=64k skip=1 count=$(((bytes + 65535) / 65536)) || return 1
	truncate -s $bytes /tmp/u1.save
	echo $tick > /tmp/tick.before
	detail "tick=$tick bytes=$bytes"
}
x_restore() {
	case $x in
	restore) xl restore /tmp/u1.save ;;
	arrive)	# the log is named after the name that it came with
		xl migrate-receive < /tmp/u1.save > /tmp/said 2> /tmp/receive.txt
		rc=$?
		cat /tmp/receive.txt
		[ $rc = 0 ] || return 1
		! grep -i 'verify.*failed' /tmp/receive.txt || return 1
		ln -s guest-u1--incoming.log $(clog u1) ;;
	esac && r_resumed
}
x_vcpus() { [ $(lastline u1 'DOMU tick' | grep -o 'vcpus=[0-9]*') = vcpus=$xv ]; }
xt=pv
for w in $(cat /proc/cmdline); do
	case $w in x=*|xv=*|xt=*) eval "${w%%=*}='${w#*=}'" ;; esac
done
step x-disk 60 x_disk
case $x in
save|leave)
	mkcfg u1 tick "vcpus=$xv"
	sed -i "s|^type=.*|type='$xt'|" /tmp/u1.cfg
	[ $x = leave ] && sed -i 's|^memory=.*|memory=88|' /tmp/u1.cfg	# all is sent twice
	step x-create 120 xl create /tmp/u1.cfg
	step x-up 120 x_up
	step x-save 300 x_save ;;
*)
	step x-load 200 x_load
	step x-restore 240 x_restore
	step x-vcpus 20 x_vcpus ;;
esac
step x-clean 30 kill_all
