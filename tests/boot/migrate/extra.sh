# SPDX-License-Identifier: MIT
# Scenario "extra" of ../shared/tools/mk-dom0-image: a domU works (load.c), and is migrated live to
# its own machine, by "xl migrate --debug", again and again. Words on the kernel's line:
#   mv=1+2         vCPUs, of one domU after the other
#   rounds=N       migrations of each
#   kinds=A+B..    load.c's
#   type=pv|pvh    what the domUs are
# /migrate/domu.gz is added to the domain's image.
mv=1 rounds=1 kinds=user type=pv
for w in $(cat /proc/cmdline); do
	case $w in mv=*|rounds=*|kinds=*|type=*) eval "${w%%=*}='${w#*=}'" ;; esac
done
cat /boot/domu.gz /migrate/domu.gz > /tmp/domu.gz

m_cfg() {
	mkcfg u1 $kinds "vcpus=$1"
	sed -i "s|^ramdisk=.*|ramdisk='/tmp/domu.gz'|
		s|^memory=.*|memory=$([ $type = pv ] && echo 88 || echo 128)|
		s|^type=.*|type='$type'|
		s|quiet du=|quiet rdinit=/migrate/init du=|" /tmp/u1.cfg
}
# Pages that no domain has: those that are free, and the blocks that the hypervisor has taken for
# its public heap, which it keeps. It counts them at its own leisure, in the log's last line.
m_free() {
	xl dmesg -c > /tmp/m.dmesg
	xl debug-keys m
	waitfor 10 m_told &&
		sed -n 's/.* \([0-9]*\) pages free, .* of \([0-9]*\) .*/\1 \2/p' /tmp/m.told |
		awk '{ print $1 + $2 }'
}
m_told() { xl dmesg > /tmp/m.told; grep -q 'pages free' /tmp/m.told; }

# The log of the one that is there now: $1 is what it was called as it came. All kinds have gone on
# since that of line $2, and nothing is wrong.
m_line() { lastline $1 'DOMU load'; }
m_on() {
	m_line $1 > /tmp/m.now
	echo "$2" | awk '
		NR == FNR { for (i = 3; i <= NF; i++) { split($i, w, "="); then[w[1]] = w[2] }
			next }
		{ for (i = 3; i <= NF; i++) { split($i, w, "=")
			wrong += w[1] == "bad" ? w[2] : w[2] <= then[w[1]] + 0; kinds++ } }
		END { exit wrong || kinds < 2 }' - /tmp/m.now
}
m_up() {
	until saw u1 'DOMU load'; do sleep 1; done
	waitfor $1 m_on u1 '' && detail "$(m_line u1)"
}
# A migration: no page is another than what was sent, and the domain works on.
m_round() {
	was=u1
	[ -e $(clog u1--incoming) ] && was=u1--incoming
	id=$(xl domid u1)
	before=$(m_line $was)
	rm -f $(clog u1) $(clog u1--incoming)
	a=$(now)
	$XL migrate --debug -s '' u1 'xl migrate-receive' > /tmp/m.out 2>&1
	rc=$?
	b=$(now)
	[ $verbose = 1 ] && cat /tmp/m.out
	[ $rc = 0 ] && ! grep -i 'verify.*failed\|error' /tmp/m.out || {
		tail -20 /tmp/m.out
		return 1
	}
	until saw u1--incoming 'DOMU load'; do sleep 1; done
	waitfor 120 m_on u1--incoming "$before" && waitfor 20 m_alone &&
		[ $(xl domid u1) != $id ] ||
		{ echo "before: $before"; echo "now: $(m_line u1--incoming)"; grep -a 'DOMU bad' \
			$(clog u1--incoming); tail -3 $(clog u1--incoming); return 1; }
	detail "$(awk "BEGIN{print $b-$a}") s, $(m_line u1--incoming)"
}
# Where everybody stands, of a migration that did not come to its end.
m_tell() {
	echo "m: what xl has said:"; tail -15 /tmp/m.out
	for domain in u1 u1--incoming; do
		[ -e $(clog $domain) ] || continue
		echo "m: the console of $domain:"; tail -5 $(clog $domain)
	done
	timeout 20 xl vcpu-list
	for key in q a m q; do timeout 10 xl debug-keys $key; sleep 1; done
}
m_alone() { [ "$(xl list | wc -l)" = 3 ]; }
m_same() { detail "pages free: $1, then $2"; [ -n "$1" ] && [ "$1" = "$2" ]; }

m_domain() {
	m_cfg $1
	step m$1-create 120 xl create /tmp/u1.cfg || return
	step m$1-up 120 m_up 110
	i=0
	while [ $i -lt $rounds ]; do
		i=$((i+1))
		step m$1-round$i 300 m_round || { m_tell; break; }
		free=$(m_free)
		[ $i = 1 ] && first=$free
	done
	[ $rounds -gt 1 ] && step m$1-memory 20 m_same "$first" "$free"
	step m$1-clean 60 kill_all
}
for v in $(echo $mv | tr + ' '); do
	empty=$(m_free)
	m_domain $v
	step m$v-memory-back 20 m_same "$empty" "$(m_free)"
done
