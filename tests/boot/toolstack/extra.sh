# SPDX-License-Identifier: MIT
# More of what Debian's tools and domains do in mk-dom0-image's dom0, sourced by its scenario
# "extra" with its functions (step, mkcfg, waitfor ...). Words on the kernel's line:
#   parts=A+B..    any of: newest cpuid disk net rounds four
#   rounds=N       how many domains are made and destroyed; 100
#   minutes=N      how long four domains run; 10
#   megabytes=N    how many pass from one domain to another; 100
# /extra has what the parts need: domu.gz, a second archive for the domains' image, whose init
# knows more modes (domu-init); vmlinuz, another kernel; and small, one that is quickly made.
parts= rounds=100 minutes=10 megabytes=100
for w in $(cat /proc/cmdline); do
	case $w in
	parts=*|rounds=*|minutes=*|megabytes=*) eval "${w%%=*}='${w#*=}'" ;;
	esac
done
cat /boot/domu.gz /extra/domu.gz > /tmp/domu.gz

# mkcfg, with our init.
mkcfg2() {
	mkcfg "$@"
	sed -i "s|^ramdisk=.*|ramdisk='/tmp/domu.gz'|
		s|quiet du=|quiet rdinit=/init2 du=|" /tmp/$1.cfg
}

# ---- The newest kernel there is as a domain's
s_newest() {
	mkcfg u1 up 'vcpus=2'
	sed -i "s|^kernel=.*|kernel='/extra/vmlinuz'|" /tmp/u1.cfg
	step newest-create 120 $XL create /tmp/u1.cfg
	step newest-up 240 up u1 230
	step newest-2vcpus 5 saw u1 'up vcpus=2'
	step newest-save 120 xl save u1 /tmp/u1.save
	step newest-restore 120 xl restore /tmp/u1.save
	step newest-console 60 n_console
	step newest-clean 30 kill_all
	rm -f /tmp/u1.save
}
n_console() { xl sysrq u1 h && waitfor 30 saw u1 'sysrq.*HELP\|SysRq.*HELP\|sysrq: HELP'; }

# ---- What xl's cpuid= takes away a domain is not shown
c_flags() { waitfor 60 saw $1 'DOMU flags' && detail "$(lastline $1 'DOMU flags')"; }
s_cpuid() {
	mkcfg2 u1 flags
	mkcfg2 u2 flags "cpuid='host,popcnt=0,sse4_2=0'"
	step cpuid-create-plain 120 $XL create /tmp/u1.cfg
	step cpuid-plain 70 c_flags u1
	step cpuid-has-it 5 saw u1 'DOMU flags .*popcnt'
	step cpuid-create-less 120 $XL create /tmp/u2.cfg
	step cpuid-less 70 c_flags u2
	step cpuid-lacks-it 5 sh -c "! grep -aq 'DOMU flags.*\\(popcnt\\|sse4_2\\)' $(clog u2)"
	step cpuid-clean 30 kill_all
}

# ---- 1 GB through blkback
d_image() {
	dd if=/dev/urandom of=/tmp/big.img bs=1M count=64 2>/dev/null
	sha256sum < /tmp/big.img | cut -c1-16 > /tmp/big.sha
	detail "sha=$(cat /tmp/big.sha)"
}
d_check() {
	waitfor 500 gone u1 || return 1
	n=$(grep -ac "disk read sha=$(cat /tmp/big.sha)" $(clog u1))
	w=$(lastline u1 'disk written' | sed 's/.*sha=//')
	h=$(sha256sum < /tmp/big.img | cut -c1-16)
	detail "$n of 8 reads of 64 MiB are what was written; 8 writes, the last $w, image $h"
	[ "$n" = 8 ] && [ -n "$w" ] && [ "$w" = "$h" ]
}
s_disk() {
	step disk-modules 20 load loop xen-blkback
	step disk-image 60 d_image
	mkcfg2 u1 disk "disk=['/tmp/big.img,raw,xvda,w']"
	step disk-create 120 $XL create /tmp/u1.cfg
	step disk-io 520 d_check
	step disk-clean 30 kill_all
	rm -f /tmp/big.img
}

# ---- Megabytes from one domain to another, which ping each other
n_passed() {
	waitfor 500 saw u2 'net got' || { tail -n 3 $(clog u1) $(clog u2); return 1; }
	waitfor 20 saw u1 'net gave' || return 1
	a=$(lastline u1 'net gave' | sed 's/.*sha=//') b=$(lastline u2 'net got' | sed 's/.*sha=//')
	detail "$(lastline u1 'net gave') | $(lastline u2 'net got')"
	[ -n "$a" ] && [ "$a" = "$b" ]
}
s_net2() {
	[ -d /sys/class/net/xenbr0 ] || step net2-bridge 20 n_bridge
	mkcfg2 u2 get:10.9.0.22:10.9.0.21 "vif=['bridge=xenbr0,mac=00:16:3e:01:02:22']"
	mkcfg2 u1 give:10.9.0.21:10.9.0.22:$megabytes "vif=['bridge=xenbr0,mac=00:16:3e:01:02:21']"
	step net2-create-a 120 $XL create /tmp/u2.cfg
	step net2-create-b 120 $XL create /tmp/u1.cfg
	step net2-ping 120 n_ping u1
	step net2-passed 520 n_passed
	step net2-clean 30 kill_all
}

# ---- Domains come and go, and nothing is lost
r_rounds() {
	i=0
	while [ $i -lt $1 ]; do
		i=$((i+1))
		xl create -p /tmp/c1.cfg >/dev/null && xl destroy c1 || return 1
	done
	waitfor 20 only0; sleep 1
	detail "$(xl info free_memory) MiB free"
}
s_rounds() {
	mkcfg c1 up 'memory=16'
	sed -i "/^ramdisk=/d; s|^kernel=.*|kernel='/extra/small'|" /tmp/c1.cfg
	step rounds-first 60 r_rounds 2		# what is made once, and kept
	step rounds 2400 r_same
}

# ---- Four domains at once
f_work() {	# each has done some work in each of the last minutes
	i=0
	while [ $i -lt $minutes ]; do
		i=$((i+1))
		for u in f1 f2 f3 f4; do grep -ac 'DOMU work' $(clog $u); done > /tmp/work.a
		sleep 60
		for u in f1 f2 f3 f4; do grep -ac 'DOMU work' $(clog $u); done > /tmp/work.b
		paste -d' ' /tmp/work.a /tmp/work.b |
			while read a b; do [ $b -gt $a ] || exit 1; done || return 1
	done
	for u in f1 f2 f3 f4; do ! saw $u 'DOMU wrong' || return 1; done
	detail "$minutes minutes, rounds of work: $(tr '\n' ' ' < /tmp/work.b)"
}
s_four() {
	for u in f1 f2 f3 f4; do
		mkcfg2 $u work 'memory=96' 'vcpus=2'
		step four-create-$u 120 $XL create /tmp/$u.cfg
	done
	for u in f1 f2 f3 f4; do step four-up-$u 120 up $u; done
	step four-work $((minutes*60+120)) f_work
	step four-clean 60 kill_all
}

for part in $(echo $parts | tr + ' '); do
	mark "part-$part begin t=$(now)"
	case $part in net) part=net2 ;; esac
	s_$part || true
done
