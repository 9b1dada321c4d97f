#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Roots and flushes on three simulated CPUs (mm/roots.c); then with planted bugs, each of which the
# same test must find.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $dir = ($ENV{O} // 'build') . '/tests/unit/mm/roots';
my $ops = $ENV{TEST_ALL} ? 10_000_000 : 300_000;

my $program = Build::roots($dir, undef, undef, '-O1', Build::sanitizers());
my $good = $program && Build::quiet("$dir/run.log", 'timeout', 3000, $program, $ops);
ok($good, 'nobody reaches what has gone')
	or diag(Build::words($program ? "$dir/run.log" : "$dir/log"));
diag(grep { /^# / } split /^/m, Build::words("$dir/run.log")) if $good;

for my $m (root_mutants()) {
	my ($name, $file) = @$m;
	if (!Build::plant($m, "$dir/mutant.c")) {
		fail("mutant $name: its line is not in $file");
		next;
	}
	my $mutant = Build::roots("$dir-mutant", $file, "$dir/mutant.c", '-O1');
	my $found = 'no: it does not build';
	if ($mutant) {
		my $ended = Build::quiet("$dir/mutant.log", 'timeout', 200, $mutant, 100_000);
		$found = !$ended && Build::words("$dir/mutant.log") =~ /# failed|panic/ ? 'yes'
			: 'no';
	}
	is($found, 'yes', "mutant $name is found");
}
done_testing();
