#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The log of what a guest with nested tables writes (mm/p2m_log.c, control/log_dirty.c); then with
# each of some bugs, which the same test must find: some in make test, all in make test-all.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants_p2m.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $dir = ($ENV{O} // 'build') . '/tests/unit/mm/p2m_log';
my $operations = $ENV{TEST_ALL} ? 10_000_000 : 200_000;

my $program = Build::p2m_log($dir, undef, undef, '-O1', Build::sanitizers());
my $good = $program && Build::quiet("$dir/run.log", 'timeout', 3000, $program, $operations);
ok($good, 'a reading tells what has been written')
	or diag(Build::words($program ? "$dir/run.log" : "$dir/log"));
Build::each_is_found($dir, what => 'mutant', mutants => [p2m_log_mutants()],
	runs => [map { [60_000, $_] } 1 .. 4],
	build => sub { Build::p2m_log($dir, @_, '-O1', Build::sanitizers()) });
done_testing();
