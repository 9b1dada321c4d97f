#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The page-table files on two CPUs that take turns in the middle of calls; then with planted bugs of
# order and atomicity, each of which the same test must find.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $dir = ($ENV{O} // 'build') . '/tests/unit/mm/race';
my $rounds = $ENV{TEST_ALL} ? 5_000_000 : 60_000;

my $program = Build::race($dir);
my $good = $program && Build::quiet("$dir/run.log", 'timeout', 3000, $program, $rounds);
ok($good, 'two CPUs: every audit is right')
	or diag(Build::words($program ? "$dir/run.log" : "$dir/log"));
diag(grep { /^# calls/ } split /^/m, Build::words("$dir/run.log")) if $good;

# Most come to light by the fifth seed; one asks for a dozen.
Build::each_is_found($dir, what => 'mutant', mutants => [race_mutants()],
	runs => [map { [100_000, $_] } 1 .. 40], build => sub { Build::race($dir, @_) });
done_testing();
