#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The page-table files in two worlds so small that every state of them is visited (mm/exhaust.c);
# then with planted bugs, each of which the very same search must find. TEST_ALL: all that
# mutants.pl has, but for those named here that this world cannot show.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $dir = ($ENV{O} // 'build') . '/tests/unit/mm/exhaust';
# Frames of one's own, of another domain, free; operations as exhaust.c names them.
# Of these two are not in one world in make test: entries that are read-only, and memory that comes
# and goes.
my @worlds = ([2, 1, 0, 'buxrgt'], [2, 0, 1, $ENV{TEST_ALL} ? 'buxrsmt' : 'buxsmt']);

for my $world (@worlds) {
	my ($at, $operations) = ($dir . join('-', @$world), $world->[3]);
	my $program = Build::small($at, @$world[0 .. 2]);
	my $good = $program && Build::quiet("$at/run.log", 'timeout', 600, $program, $operations);
	ok($good, "every state of the small world is right: @$world")
		or diag(Build::words($program ? "$at/run.log" : "$at/log"));
	diag(grep { /^# / } split /^/m, Build::words("$at/run.log")) if $good;
}

# Why a planted bug changes nothing in either: the world has no such frame, number or entry.
my %not_here = (
	'PTE-3-167 frame number used before it is checked' => 'every frame has a record',
	'MUL L4 slots of the hypervisor can be written' => 'no request names the slot',
	'PRE-1-310 partial child forgotten on the way down' => 'four frames in a row are needed',
	'COH-1 the cache bits are not looked at in line' => 'no entry has cache bits',
	'SPC-5-273 absent entries of a live table are not looked at' =>
		'absent entries hold nothing',
	'SPC-5-273 absent entries are not looked at in line' => 'absent entries hold nothing',
	'GNT-1-234 unmap takes any entry for the mapping' =>
		'each entry holds a reference, and it goes: what is wrong is the status (mm.t)',
	'GNT-3 the frame of a grant in use changes' => 'the lender keeps to its entry',
	'GNT-8 a copy names another domain\'s frame by number' => 'nothing is copied',
);
my @some = map { qr/$_/ } qw(PTE-1-182.fast TLB-2-408 GNT-1-224);
for my $m (mutants()) {
	my ($name, $file) = @$m;
	next if $not_here{$name} || !($ENV{TEST_ALL} || grep { $name =~ $_ } @some);
	if (!Build::plant($m, "$dir.c")) {
		fail("mutant $name: its line is not in $file");
		next;
	}
	my $found = 'no';
	for my $world (@worlds) {
		my $at = $dir . join('-', @$world);
		my $mutant = Build::small($at, @$world[0 .. 2], $file, "$dir.c");
		$found = 'no: it does not build' if !$mutant;
		last if !$mutant;
		next if Build::quiet("$at/mutant.log", 'timeout', 600, $mutant, $world->[3]);
		$found = 'yes' if Build::words("$at/mutant.log") =~ /# frame|# failed|panic/;
		last if $found eq 'yes';
	}
	is($found, 'yes', "mutant $name is found");
}
done_testing();
