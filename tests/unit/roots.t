#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Roots and flushes on three simulated CPUs (mm/roots.c); then with planted bugs, each of which the
# same test must find: some in make test, all in make test-all.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $dir = ($ENV{O} // 'build') . '/tests/unit/mm/roots';
my $ops = $ENV{TEST_ALL} ? 10_000_000 : 100_000;

my $program = Build::roots($dir, undef, undef, '-O1', Build::sanitizers());
my $good = $program && Build::quiet("$dir/run.log", 'timeout', 3000, $program, $ops);
ok($good, 'nobody reaches what has gone')
	or diag(Build::words($program ? "$dir/run.log" : "$dir/log"));
diag(grep { /^# / } split /^/m, Build::words("$dir/run.log")) if $good;

Build::each_is_found($dir, what => 'mutant', mutants => [root_mutants()],
	runs => [[100_000]], build => sub { Build::roots("$dir-mutant", @_, '-O1') });
done_testing();
