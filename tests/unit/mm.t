#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The page-table files under random operations: as built, and stopped after every five entries, the
# audit after each operation and, for millions of them, after every 16; and in cases that chance
# does not come to (cases.c); then with planted bugs, each of which the very same test must find:
# some in make test, all of them in make test-all.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $out = ($ENV{O} // 'build') . '/tests/unit/mm';
my %budget = ('as-built' => 'PT_ENTRIES', 'stop-often' => 5);
# an operation is a call; stopped calls are made again
my %actions = $ENV{TEST_ALL} ? ('as-built' => 46_000_000, 'stop-often' => 17_000_000)
	: ('as-built' => 1_000_000, 'stop-often' => 500_000);
my ($operations, $least) = (0, $ENV{TEST_ALL} ? 100_000_000 : 3_000_000);

for my $name (sort keys %budget) {
	my $dir = "$out/$name";
	my $program = Build::all($dir, "-DVALIDATE_BUDGET=$budget{$name}");
	for my $run (['every audit is right', 40_000, 1, 1],
		     ["where domains name each other's frames", 20_000, 1, 1, 1],
		     ['every sixteenth', $actions{$name}, 16, 0]) {
		my ($claim, $ops, $every, $guarded, $controls) = @$run;
		my $good = $program && Build::quiet("$dir/run.log", 'timeout', 3000, $program, $ops,
			$every, $every, $guarded,
			$controls // 0);
		ok($good, "$name: $claim")
			or diag(Build::words($program ? "$dir/run.log" : "$dir/log"));
		$operations += $1 if $good && Build::words("$dir/run.log") =~ /^# calls (\d+)/m;
		diag(grep { /^# [^i]/ } split /^/m, Build::words("$dir/run.log")) if $good;
	}
}
for my $name (sort keys %budget) {
	# by the flags of all(), so that its objects are taken
	my $program = Build::variant("$out/cases-$name", 'cases', 'cases',
		$ENV{HOSTCC} // 'gcc', Build::sanitizers(), Build::optimised(),
		"-DVALIDATE_BUDGET=$budget{$name}");
	my $good = $program && Build::quiet("$out/cases-$name/run.log", $program);
	ok($good, "$name: every case")
		or diag(Build::words("$out/cases-$name/" . ($program ? 'run.log' : 'log')));
}
cmp_ok($operations, '>=', $least, "$operations operations");

# Found means that an audit, an assertion or a sanitizer spoke; not that time ran out.
my $spoke = qr/# frame|# failed|panic|Sanitizer|runtime error/;
my $chosen = Build::chooser(mutants());
for my $m (mutants()) {
	my ($name, $file) = @$m;
	if (!Build::plant($m, "$out/mutant.c")) {
		fail("mutant $name: its line is not in $file");
		next;
	}
	next if !$chosen->();
	my $found = '';
	for my $variant (sort keys %budget) {
		my $dir = "$out/$variant";
		my $program = Build::mutant($dir, $file, "$out/mutant.c",
			"-DVALIDATE_BUDGET=$budget{$variant}");
		if (!$program) {
			$found = 'no: it does not build';
			last;
		}
		for my $seed (7 .. 10) {
			next if Build::quiet("$dir/mutant.log", 'timeout', 120, $program, 60_000,
				$seed);
			$found = Build::words("$dir/mutant.log") =~ $spoke ? 'yes' : '';
			last;
		}
		last if $found;
	}
	is($found, 'yes', "mutant $name is found");
}
$chosen = Build::chooser(case_mutants());
for my $m (case_mutants()) {
	my ($name, $file) = @$m;
	my $planted = Build::plant($m, "$out/mutant.c");
	next if $planted && !$chosen->();
	for my $variant (sort keys %budget) {
		my $dir = "$out/cases-$variant";
		my $program = $planted
			&& Build::case_mutant($dir, $file, "$out/mutant.c",
			"-DVALIDATE_BUDGET=$budget{$variant}");
		my $found = $program && !Build::quiet("$dir/mutant.log", 'timeout', 120, $program)
			&& Build::words("$dir/mutant.log") =~
			/# failed|panic|Sanitizer|runtime error/;
		ok($found, "$variant: mutant $name is found by a case")
			or diag($program ? Build::words("$dir/mutant.log") : 'it is not to be had');
	}
}
done_testing();
