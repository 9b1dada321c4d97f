# SPDX-License-Identifier: MIT
# What Debian's tools do with domains of type=pvh, in mk-dom0-image's dom0, sourced by its scenario
# "extra" with its functions (step, detail, waitfor ...). /extra/pvh is our PVH guest;
# /extra/domu.gz a second archive for Debian's Linux, with pvh-init as /init2. Words on the kernel's
# line: rounds=N, how many domains are made and destroyed; 3; parts=A+B.., of watched claims shown
# ends rounds refused saved (all of these, if left out) linux.
rounds=3 parts=watched+claims+shown+ends+rounds+refused+saved
for w in $(cat /proc/cmdline); do
	case $w in
	rounds=*|parts=*) eval "${w%%=*}='${w#*=}'" ;;
	esac
done

# mkpvh NAME WORDS [LINE...]: an xl configuration for our guest, with a command line of WORDS
mkpvh() {
	n=$1 words=$2; shift 2
	{
		echo "name='$n'"; echo "type='pvh'"; echo "kernel='/extra/pvh'"
		echo "extra='tcg $words'"; echo "memory=64"; echo "vcpus=1"
		echo "on_crash='destroy'"; echo "on_poweroff='destroy'"; echo "on_reboot='destroy'"
		for l; do echo "$l"; done
	} > /tmp/$n.cfg
	rm -f $(clog $n)
}

# ---- Its claims, all of them; it ends by itself, and xl destroys it
p_claims() {
	waitfor 110 saw p1 'selftest ends' || return 1
	detail "$(grep -ac '^ok ' $(clog p1)) ok, $(grep -ac '^not ok ' $(clog p1)) not"
	grep -a -A1 '^not ok' $(clog p1)
	saw p1 'selftest ends: all claims hold'
}
s_claims() {
	mkpvh p1 ''
	step pvh-caps 20 sh -c 'xl info virt_caps | grep -w hvm && xl info xen_caps | grep hvm-3'
	step pvh-create 120 $XL create /tmp/p1.cfg
	step pvh-claims 120 p_claims
	step pvh-off 60 waitfor 50 gone p1
}

# ---- What xl shows of one, and does to it
p_shown() {
	id=$(xl domid p2)
	waitfor 60 saw p2 'selftest ends' || return 1
	xl list -l p2 | grep -q '"type": "pvh"' || return 1
	xl vcpu-list p2 | grep -q "^p2 *$id *0 " || return 1
	xl uptime p2 && xl domname $id && xenstore-read /local/domain/$id/console/tty
	detail "$(xl list p2 | awk 'NR==2{print $3, $4, $5}')"
	xl list p2 | awk 'NR==2{exit !($3 == 64 && $4 == 1)}'
}
p_paused() {
	xl pause p2 && a=$(st p2) && xl unpause p2 && b=$(st p2)
	detail "paused=$a unpaused=$b"
	case $a in ??p*) ;; *) return 1 ;; esac
	case $b in ??p*) return 1 ;; esac
}
p_console() {
	( sleep 2 ) | timeout 10 xl console p2 > /tmp/con.txt
	xl create -c /tmp/p3.cfg < /dev/null > /tmp/c3.txt
	detail "$(wc -l < /tmp/c3.txt) lines by create -c"
	grep -aq 'selftest ends: all claims hold' /tmp/c3.txt
}
s_shown() {
	mkpvh p2 'claims=start/* stay'
	mkpvh p3 'claims=start/*'
	step pvh-shown-create 120 $XL create /tmp/p2.cfg
	step pvh-shown 120 p_shown
	step pvh-paused 90 p_paused
	step pvh-console 180 p_console
	step pvh-destroy 60 xl destroy p2
	step pvh-clean 60 kill_all
}

# ---- Ends of other kinds
s_ends() {
	mkpvh p4 'attack=triple'
	mkpvh p6 'attack=busy'
	step pvh-triple 120 $XL create /tmp/p4.cfg
	step pvh-triple-gone 60 waitfor 50 gone p4
	step pvh-busy 120 $XL create /tmp/p6.cfg
	step pvh-busy-seen 60 waitfor 50 saw p6 'attack busy'
	step pvh-busy-destroy 60 xl destroy p6
	step pvh-ends-clean 60 kill_all
}

# ---- They come and go, and nothing is lost
r_rounds() {
	i=0
	while [ $i -lt $1 ]; do
		i=$((i+1))
		rm -f $(clog p7)
		xl create /tmp/p7.cfg >/dev/null && waitfor 60 gone p7 || return 1
		xl create -p /tmp/p8.cfg >/dev/null && xl destroy p8 || return 1
	done
	waitfor 60 only0; sleep 1
}
s_rounds() {
	mkpvh p7 'claims=start/*'
	mkpvh p8 ''
	step pvh-rounds-first 180 r_rounds 1	# what is made once, and kept
	step pvh-rounds 1200 r_same
}

# ---- What is not: type=hvm
h_refused() {
	xl create /tmp/h1.cfg && return 1
	waitfor 10 only0
}
s_refused() {
	printf '%s\n' "name='h1'" "type='hvm'" 'memory=64' 'vcpus=1' \
		"device_model_override='/bin/true'" > /tmp/h1.cfg
	step pvh-hvm-refused 60 h_refused
	sed 's/^/  | /' /tmp/out.pvh-hvm-refused
	mkpvh h2 '' 'maxmem=96'		# would be populated on demand, as it is on Xen
	step pvh-pod-refused 60 h2_refused
}
h2_refused() { ! xl create /tmp/h2.cfg && waitfor 10 only0; }

# ---- One at work: pvh.t stops the machine a few times, and looks at it from outside
s_watched() {
	mkpvh p6 'attack=busy'
	step watched-create 120 $XL create /tmp/p6.cfg
	step watched-seen 60 waitfor 50 saw p6 'attack busy'
	mark "watched begin t=$(now)"
	sleep 8
	step watched-destroy 60 xl destroy p6
	mark "watched end"
}

# mkcfg, of the image's scenarios, for Debian's Linux as one
linux_is_pvh() {
	mkcfg() {
		n=$1 m=$2; shift 2
		{
			echo "name='$n'"; echo "type='pvh'"; echo "kernel='$DUK'"
			echo "ramdisk='/boot/domu.gz'"; echo "extra='console=hvc0 quiet du=$m'"
			echo "memory=128"; echo "vcpus=1"
			echo "on_crash='destroy'"; echo "on_poweroff='destroy'"
			for l; do echo "$l"; done
		} > /tmp/$n.cfg
		rm -f $(clog $n)
	}
}

# ---- Debian's Linux: what the image's scenarios do with PV domains, but with more memory than it
# begins with
s_linux() {
	linux_is_pvh
	for part in create console vcpus blk net saverestore; do s_$part; done
	mkcfg u1 tick
	step linux-mem-create 120 $XL create /tmp/u1.cfg
	step linux-mem-up 120 up u1
	step linux-mem-down 60 m_set 112
	step linux-mem-back 60 m_set 128
	step linux-mem-clean 30 kill_all
}

# ---- Saved to a file, and back; saved again, and it goes on: it counts, and what it had in memory
# from the beginning is the same
sums() { grep -ao 'sum=[0-9a-f]*[.]' $(clog u1); }
p_kept() {
	nr=$(sums | wc -l) kinds=$(sums | sort -u | wc -l)
	detail "$nr sums, $kinds different"
	[ $nr -ge 6 ] && [ $kinds = 1 ]
}
s_saved() {
	linux_is_pvh
	cat /boot/domu.gz /extra/domu.gz > /tmp/domu.gz
	mkcfg u1 -
	sed -i "s|^ramdisk=.*|ramdisk='/tmp/domu.gz'|
		s|quiet du=|quiet rdinit=/init2 du=|" /tmp/u1.cfg
	step saved-create 120 $XL create /tmp/u1.cfg
	step saved-up 120 up u1
	step saved-save 120 r_save ''
	step saved-gone 30 r_gone
	step saved-restore 120 r_restore
	tickn > /tmp/tick.before
	step saved-again 120 r_save -c
	step saved-resumed 60 r_resumed
	step saved-kept 20 p_kept
	step saved-clean 30 kill_all
	rm -f /tmp/u1.save
}

for part in $(echo $parts | tr + ' '); do s_$part || true; done
