# SPDX-License-Identifier: MIT
# What share of the product's lines and branches several programs, built with --coverage, have
# reached together: gcov's counts, summed line by line, so that an inline function of a header
# counts once however many files have it.
package Coverage;
use strict;
use warnings;
use JSON::PP qw(decode_json);

# An assertion's failing branch is not counted: to take it is a bug.
my $assertion = qr/\bBUG_ON\(/;

# Lines and branches of @{$dirs}' objects: {file}{line} = { count, branches => [counts] }.
sub gather {
	my (@dirs) = @_;
	my %of;
	for my $dir (@dirs) {
		for my $data (glob "$dir/arch*.gcda") {
			(my $object = $data) =~ s/gcda$/o/;
			my $text = `gcov --json-format --stdout -b -o $dir $object 2>/dev/null`;
			add(\%of, $_) for map { @{ decode_json($_)->{files} } }
				grep { /^\{/ } split /\n/, $text;
		}
	}
	return \%of;
}

sub add {
	my ($of, $file) = @_;
	return if $file->{file} !~ m{^(arch|include|common)/};
	# The same line in another function, or object: its branches are laid over each other.
	for my $line (@{ $file->{lines} }) {
		my $to = $of->{ $file->{file} }{ $line->{line_number} }
			//= { count => 0, branches => [] };
		my $i = 0;
		$to->{count} += $line->{count};
		$to->{branches}[$i++] += $_->{count} for @{ $line->{branches} };
	}
}

# Prints a line for each file, what was not reached into $log, and the sum. %unreachable: of a file,
# texts of lines that cannot be reached by construction. Returns the two shares.
sub report {
	my ($of, $log, %unreachable) = @_;
	my %sum;
	open my $out, '>', $log or die "$log: $!";
	for my $file (sort keys %$of) {
		open my $in, '<', $file or next;
		my @text = ('', <$in>);
		my %n = (line => [0, 0], branch => [0, 0]);
		for my $number (sort { $a <=> $b } keys %{ $of->{$file} }) {
			my ($here, $text) = ($of->{$file}{$number}, $text[$number] // '');
			next if grep { index($text, $_) >= 0 } @{ $unreachable{$file} // [] };
			my @branches = $text =~ $assertion ? () : @{ $here->{branches} };
			my $missed = grep { !$_ } @branches;
			$n{line}[0] += !!$here->{count};
			$n{line}[1]++;
			$n{branch}[0] += @branches - $missed;
			$n{branch}[1] += @branches;
			printf $out "%s:%d: %s%s", $file, $number,
				$here->{count} ? "$missed of " . @branches . ' branches:'
					: 'never:', $text
				if !$here->{count} || $missed;
		}
		next unless $n{line}[1];
		printf "# %-36s %6.2f %% of %3d lines, %6.2f %% of %3d branches\n", $file,
			map { ($_->[1] ? 100 * $_->[0] / $_->[1] : 100, $_->[1]) }
			@n{qw(line branch)};
		for my $kind (qw(line branch)) {
			$sum{$kind}[$_] += $n{$kind}[$_] for 0, 1;
		}
	}
	printf "all: %.2f %% of %d lines, %.2f %% of %d branches\n",
		map { (100 * $_->[0] / $_->[1], $_->[1]) } @sum{qw(line branch)};
	return map { 100 * $_->[0] / $_->[1] } @sum{qw(line branch)};
}
1;
