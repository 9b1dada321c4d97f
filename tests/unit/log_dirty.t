#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The log of what a domain writes, under all that writes (mm/log.c); then with one omission planted
# for each who must mark what it writes, each of which the same test must find.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants_log.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $dir = ($ENV{O} // 'build') . '/tests/unit/mm/log_dirty';
my $readings = $ENV{TEST_ALL} ? 140_000 : 4_000;	# three in four clean it

my $program = Build::log_dirty($dir, undef, undef, '-O1', Build::sanitizers());
for my $asi (1, 0) {
	my $good = $program
		&& Build::quiet("$dir/run.log", 'timeout', 3000, $program, $readings, $asi, $asi);
	ok($good, 'every change is in the log, asi ' . ($asi ? 'on' : 'off'))
		or diag(Build::words($program ? "$dir/run.log" : "$dir/log"));
	diag(grep { /^# / } split /^/m, Build::words("$dir/run.log")) if $good;
}

my ($of, $nth) = ($ENV{TEST_ALL} ? 1 : 4, 0);
for my $m (log_mutants()) {
	my ($name, $file) = @$m;
	if (!Build::plant($m, "$dir/mutant.c")) {
		fail("omission, $name: its line is not in $file");
		next;
	}
	next if $nth++ % $of;
	my $mutant = Build::log_dirty($dir, $file, "$dir/mutant.c", '-O1', Build::sanitizers());
	my $found = $mutant ? 'no' : 'no: it does not build';
	for my $seed ($mutant ? (0 .. 3) : ()) {
		next if Build::quiet("$dir/mutant.log", 'timeout', 200, $mutant, 6_000, $seed);
		$found = Build::words("$dir/mutant.log") =~ /# failed|panic/ ? 'yes' : 'no';
		last;
	}
	is($found, 'yes', "omission, $name, is found");
}
done_testing();
