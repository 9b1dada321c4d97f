# SPDX-License-Identifier: MIT
# Before every extra.sh (toolstack.py): $rounds rounds of its r_rounds lose no memory.
r_same() {
	a=$(xl info free_memory)
	r_rounds $rounds || return 1
	b=$(xl info free_memory)
	detail "$rounds rounds; free before=$a after=$b MiB"
	[ $a = $b ]
}
