# SPDX-License-Identifier: MIT
# rows WHO DISK SEED INTERRUPT ADDRESS PORT: bench/devices's rows of one machine, each a line:
#   DEVICES WHO ROW: what measure says
# The latency row is one only if the disk has interrupted for each read: INTERRUPT ends its line in
# /proc/interrupts, with one CPU.
interrupts() { awk "/$1/ { n += \$2 } END { print n + 0 }" /proc/interrupts; }
rows() {
	who=$1
	for row in write read latency; do
		before=$(interrupts "$4")
		told=$(/devices/measure $row $2 $3 2>&1)
		n=$(($(interrupts "$4") - before))
		reads=$(echo "$told" | sed -n 's/^us [0-9.]*, \([0-9]*\) in .*/\1/p')
		[ $row != latency ] || [ "$n" -ge "${reads:-0}" ] ||
			told="only $n interrupts: $told"
		echo "DEVICES $who $row: $told, interrupts: $n"
	done
	for row in get put echo; do
		echo "DEVICES $who $row: $(/devices/measure $row $5 $6 2>&1)"
	done
}
