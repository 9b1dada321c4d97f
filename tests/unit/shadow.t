#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The trees of a shadow below a simulated processor (mm/shadow.c); then with planted bugs, each of
# which the same test must find.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants_shadow.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $dir = ($ENV{O} // 'build') . '/tests/unit/mm/shadow';
my $ops = $ENV{TEST_ALL} ? 3_000_000 : 100_000;

my $program = Build::shadow($dir, undef, undef, '-O1', Build::sanitizers());
my $good = $program && Build::quiet("$dir/run.log", 'timeout', 3000, $program, $ops);
ok($good, 'a shadow shows what the tables say')
	or diag(Build::words($program ? "$dir/run.log" : "$dir/log"));
diag(grep { /^# / } split /^/m, Build::words("$dir/run.log")) if $good;

Build::each_is_found($dir, what => 'mutant', mutants => [shadow_mutants()],
	runs => [[60_000]],
	build => sub { Build::shadow("$dir-mutant", @_, '-O1') });
done_testing();
