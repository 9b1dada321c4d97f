#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The page-table files in a world so small that every state of it is visited (mm/exhaust.c); then with planted bugs, each of which the
# very same search must find. TEST_ALL: all that mutants.pl has, but for those named here that this world cannot show.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $dir = ($ENV{O} // 'build') . '/tests/unit/mm/exhaust';
my @world = (2, 0, 1);
my $operations = 'buxrsm';
sub words { my ($log) = @_; open my $in, '<', $log or return ''; local $/; return <$in> }

my $program = Build::small($dir, @world);
my $good = $program && Build::quiet("$dir/run.log", 'timeout', 600, $program, $operations);
ok($good, 'every state of the small world is right') or diag(words($program ? "$dir/run.log" : "$dir/log"));
diag(grep { /^# / } split /^/m, words("$dir/run.log")) if $good;

# Why a planted bug changes nothing here: the world has no such frame, number or batch.
my %not_here = (
	'PTE-3-167 frame number used before it is checked' => 'every frame has a record',
	'MUL L4 slots of the hypervisor can be written' => 'no request names the slot',
	'PRE-1-310 partial child forgotten on the way down' => 'four frames in a row are needed',
);
my @some = map { qr/$_/ } qw(PTE-1-148 TYP-2-299 PRE-2-299 TLB-2-408 TLB-3-286 MEM-4-217);
for my $m (mutants()) {
	my ($name, $file, $from, $to) = @$m;
	next if $not_here{$name} || !($ENV{TEST_ALL} || grep { $name =~ $_ } @some);
	my $text = words($file);
	my $at = index $text, $from;
	if ($at < 0) {
		fail("mutant $name: its line is not in $file");
		next;
	}
	substr($text, $at, length $from) = $to;
	open my $changed, '>', "$dir/mutant.c" or die;
	print $changed $text;
	close $changed;
	my $mutant = Build::small($dir, @world, $file, "$dir/mutant.c");
	my $found = 'no: it does not build';
	if ($mutant) {
		my $ended = Build::quiet("$dir/mutant.log", 'timeout', 600, $mutant, $operations);
		$found = !$ended && words("$dir/mutant.log") =~ /# frame|# failed|panic/ ? 'yes' : 'no';
	}
	is($found, 'yes', "mutant $name is found");
}
done_testing();
