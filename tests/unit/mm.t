#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The page-table files under random operations: as built, and stopped after every five entries; then with planted bugs, each of
# which the very same test must find.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use lib dirname(abs_path(__FILE__)) . '/mm';
use Build;
require './' . 'tests/unit/mm/mutants.pl' if chdir dirname(abs_path(__FILE__)) . '/../..';

my $out = ($ENV{O} // 'build') . '/tests/unit/mm';
my $ops = $ENV{TEST_ALL} ? 4_000_000 : 40_000;
my %budget = ('as-built' => 'PT_ENTRIES', 'stop-often' => 5);

sub words { my ($log) = @_; open my $in, '<', $log or return ''; local $/; return <$in> }

for my $name (sort keys %budget) {
	my $dir = "$out/$name";
	my $program = Build::all($dir, "-DVALIDATE_BUDGET=$budget{$name}");
	my $good = $program && Build::quiet("$dir/run.log", 'timeout', 3000, $program, $ops);
	ok($good, "$name: every audit is right") or diag(words($program ? "$dir/run.log" : "$dir/log"));
	diag(grep { /^# calls/ } split /^/m, words("$dir/run.log")) if $good;
}

for my $m (mutants()) {
	my ($name, $file, $from, $to) = @$m;
	my $text = words($file);
	my $at = index $text, $from;
	if ($at < 0) {
		fail("mutant $name: its line is not in $file");
		next;
	}
	substr($text, $at, length $from) = $to;
	my $found = '';
	for my $variant (sort keys %budget) {
		my $dir = "$out/$variant";
		open my $changed, '>', "$dir/mutant.c" or die;
		print $changed $text;
		close $changed;
		my $program = Build::mutant($dir, $file, "$dir/mutant.c", "-DVALIDATE_BUDGET=$budget{$variant}");
		if (!$program) {
			$found = 'no: it does not build';
			last;
		}
		# Found means that an audit, an assertion or a sanitizer spoke; not that time ran out.
		next if Build::quiet("$dir/mutant.log", 'timeout', 120, $program, 60_000, 7);
		$found = words("$dir/mutant.log") =~ /# frame|# failed|panic|Sanitizer|runtime error/ ? 'yes' : '';
		last if $found;
	}
	is($found, 'yes', "mutant $name is found");
}
done_testing();
