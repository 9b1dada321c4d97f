# SPDX-License-Identifier: MIT
# bench/live: scenario "extra" of ../shared/tools/mk-dom0-image. An idle domU of 128 MiB goes to its
# own machine, rounds= times by each way= of
#   live    xl migrate
#   count   the same once, with its bytes counted on the way
#   stopped xl save into a pipe, xl restore from it
# and what the tools say of it goes to the console, each line behind dom0's uptime.
way=stopped rounds=1
for w in $(cat /proc/cmdline); do
	case $w in way=*|rounds=*) eval "${w%%=*}='${w#*=}'" ;; esac
done
stamped() {
	while IFS= read -r line; do
		read -r at rest < /proc/uptime
		echo "LIVE $at $line"
	done
}
pipe() { rm -f $1; mkfifo $1; }
l_live() {
	xl -vvv migrate -s '' u1 'xl -vvv migrate-receive' 2>&1 | stamped > /tmp/live.log
	read -r at rest < /proc/uptime
	gone u1--migratedaway && ! gone u1
}
l_count() {
	pipe /tmp/count
	wc -c < /tmp/count > /tmp/bytes &
	xl -vvv migrate -s '' u1 'tee /tmp/count | xl -vvv migrate-receive' 2>&1 |
		stamped > /tmp/live.log
	sleep 1
	echo "LIVE bytes $(cat /tmp/bytes)" >> /tmp/live.log
	gone u1--migratedaway && ! gone u1
}
# Under another name, since both are there for a while.
l_stopped() {
	pipe /tmp/pipe
	sed "s/^name=.*/name='u2'/" /tmp/u1.cfg > /tmp/u2.cfg
	{ xl -vvv restore /tmp/u2.cfg /tmp/pipe 2>&1; echo restored; } | stamped > /tmp/in.log &
	xl -vvv save u1 /tmp/pipe 2>&1 | stamped > /tmp/out.log
	wait $!
	cat /tmp/out.log /tmp/in.log > /tmp/live.log
	gone u1 && xl rename u2 u1
}
mkcfg u1 up
step l-create 120 xl create /tmp/u1.cfg
step l-up 120 up u1
sleep 5
i=0
for w in $(echo $way | tr + ' '); do
	n=$rounds; [ $w = count ] && n=1
	while [ $n -gt 0 ]; do
		n=$((n-1)) i=$((i+1))
		step l-$w-$i 300 l_$w || cat /tmp/out.l-$w-$i
		echo "LIVE way $w"
		cat /tmp/live.log
		echo "LIVE end"
	done
done
step l-clean 60 kill_all
