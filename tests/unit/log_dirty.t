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

Build::each_is_found($dir, what => 'omission', mutants => [log_mutants()],
	runs => [map { [6_000, $_] } 0 .. 3],
	build => sub { Build::log_dirty($dir, @_, '-O1', Build::sanitizers()) });
done_testing();
