#!/bin/sh
# Rights are asked of isola/privilege.h (PRIV-1). Who reads is_privileged elsewhere makes a domain,
# or chooses by its kind a setting that is no right: asi=, pv-l1tf=, what CPUID shows.
cd "$(dirname "$0")/../.." || exit 1
known='include/isola/privilege\.h|common/domain\.c|arch/x86/(asi|cpu)/policy\.c'
known="$known|arch/x86/include/asm/pt_check\.h|arch/x86/pv/emul/cpuid\.c|arch/x86/shadow/self\.c"
found=$(grep -rnE '(->|\.)is_privileged\>' arch common boot include | grep -vE "^($known):")
echo 1..2
[ -z "$found" ] || printf 'not '
echo "ok 1 - nobody but the table's functions asks whether a domain is privileged"
[ -z "$found" ] || echo "$found" | sed 's/^/# /'
grep -q 'd->is_privileged;' include/isola/privilege.h || printf 'not '
echo "ok 2 - and they do"
