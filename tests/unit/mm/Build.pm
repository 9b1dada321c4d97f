# SPDX-License-Identifier: MIT
# How the product's page-table files are built hosted, with or without one of them changed.
package Build;
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use Test::More ();

our @product = ((map { "arch/x86/$_.c" } qw(
	mm/page_ref mm/type_word mm/page_type mm/iomem mm/pt_check mm/pt_validate
	mm/pt_modify mm/seg_desc frames/m2p frames/m2p_block pv/mmu/foreign
	pv/mmu/mmu_op pv/mmu/mmu_update pv/mmu/others_tables pv/mmu/mmuext pv/mmu/update_va
	pv/mmu/guest_flush pv/gdt pv/ldt calls/memory_op
	calls/memory_map calls/reservation calls/resource calls/exchange calls/gnttab
	calls/gnttab_map calls/gnttab_copy calls/gnttab_op calls/gnttab_release
	asi/window_tables asi/domain_map asi/orphan asi/visit asi/foreign_entries)),
	qw(common/domain_list.c common/domain_ref.c));
# The simulated machine and what looks at it: in every program.
my @world = qw(world world_window world_tlb world_memory world_calls panic audit);
my @harness = map { "tests/unit/mm/$_.c" }
	qw(random_ops guest guest_grants guest_control guest_walk), @world;
# of a program that stands in several files
my %parts = (cases => [map { "cases$_" } '',
	qw(_parking _owners _orphans _foreign _grants _caches)]);
my $cc = $ENV{HOSTCC} // 'gcc';
# of whatever is linked with world_window.c
my @ex_table = '-Wl,-T,tests/unit/mm/ex_table.lds';
my @flags = qw(
	-std=gnu11 -g1 -O1 -DHOSTED -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
	-Itests/unit/mm/include -Iinclude -Iarch/x86/include -Itests/unit -Itests/unit/mm -include
	isola/errno.h -Wall -Wextra -Wno-unused-parameter -Werror
	-fno-strict-aliasing -fno-omit-frame-pointer);
sub sanitizers { return our @sanitize }
# For tens of millions of operations as the hypervisor is; for less that costs more than it gains.
sub optimised { return $ENV{TEST_ALL} ? '-O2' : () }
our @sanitize = qw(-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all);

# How one file is compiled when all are by @_: without the definitions that it does not look at. The
# audit only reads, and most: it goes without instruments.
sub flags_for {
	my ($file, @all) = @_;
	@all = grep { !/^-DVALIDATE_BUDGET/ } @all if $file !~ m{mm/pt_validate\.c$};
	@all = grep { !/^-DSMALL_/ } @all if $file !~ m{^tests/|window};
	return (@flags, @all) if $file !~ m{mm/audit\.c$};
	return (@flags, (grep { !/^-f.*sanitize|^-O|^--coverage|tsan/ } @all), '-O3');
}

sub parts { my ($main) = @_; return map { "tests/unit/mm/$_.c" } @{$parts{$main} // [$main]} }
sub object { my ($dir, $file) = @_; $file =~ tr{/}{-}; return "$dir/$file.o" }

# Run a command, output to $log; true if it succeeded.
sub quiet {
	my ($log, @command) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>', $log or die;
		open STDERR, '>&', \*STDOUT or die;
		exec @command;
	}
	waitpid $pid, 0;
	return $? == 0;
}

# Compile $file by $compiler and what flags_for() makes of @all, to its object in $dir; words of the
# compiler go to $dir/log. What this process has compiled so already is not compiled again, but for
# gcov, whose objects know where they lie.
my %compiled;
sub compile {
	my ($dir, $compiler, $file, @all) = @_;
	my @command = ($compiler, flags_for($file, @all), '-c', $file);
	my ($to, $key) = (object($dir, $file), join ' ', @command);
	unlink $to if ($compiled{$key} // '') ne $to;
	if ($compiled{$key} && !grep { /^--coverage/ } @all) {
		return 1 if $compiled{$key} eq $to || link $compiled{$key}, $to;
	}
	quiet("$dir/log", @command, '-o', $to) or return;
	$compiled{$key} = $to;
	return 1;
}

# The text of a file; nothing of one that is not there.
sub words {
	my ($file) = @_;
	open my $in, '<', $file or return '';
	local $/;
	return <$in>;
}

# A copy of @$mutant's file with the bug planted, at $out; false: a line it changes is not there.
sub plant {
	my ($mutant, $out) = @_;
	my (undef, $file, @changes) = @$mutant;
	my $text = words($file);
	while (my ($from, $to) = splice @changes, 0, 2) {
		my $at = index $text, $from;
		return 0 if $at < 0;
		substr($text, $at, length $from) = $to;
	}
	make_path(dirname($out));
	open my $changed, '>', $out or die "$out: $!";
	print $changed $text;
	close $changed or die "$out: $!";
	return 1;
}

# Which of @list are tried: a function that says so of each, called in their order. In make test
# some two of them, its first and one from its middle; in make test-all all.
sub chooser {
	my (@list) = @_;
	my ($step, $nth) = ($ENV{TEST_ALL} ? 1 : int((@list + 1) / 2), 0);
	return sub { return $nth++ % $step == 0 };
}

# Of @{$plan{mutants}}, each called $plan{what}, those that are tried: is it found? $plan{build}
# makes of (a file of the product, the text that it has now) a program; $plan{runs} are its
# arguments, of one run after the other, and the first that does not end well must say what it saw,
# or that the product panicked.
sub each_is_found {
	my ($dir, %plan) = @_;
	my $chosen = chooser(@{$plan{mutants}});
	for my $m (@{$plan{mutants}}) {
		my ($name, $file) = @$m;
		if (!plant($m, "$dir/mutant.c")) {
			Test::More::fail("$plan{what} $name: its line is not in $file");
			next;
		}
		next if !$chosen->();
		my $program = $plan{build}->($file, "$dir/mutant.c");
		my $found = $program ? 'no' : 'no: it does not build';
		for my $run ($program ? @{$plan{runs}} : ()) {
			next if quiet("$dir/mutant.log", 'timeout', 200, $program, @$run);
			$found = words("$dir/mutant.log") =~ /# frame|# failed|panic/ ? 'yes'
				: 'no';
			last;
		}
		Test::More::is($found, 'yes', "$plan{what} $name is found");
	}
}

# All files, by @flags alone, into program $name with $main in place of random_ops; undef with the
# compiler's words in $dir/log.
sub variant {
	my ($dir, $name, $main, $compiler, @more) = @_;
	my @link = grep { /^-f|^--coverage/ } @more;
	make_path($dir);
	my @files = (@product, parts($main), grep { !/random_ops/ } @harness);
	for my $file (@files) {
		compile($dir, $compiler, $file, @more) or return;
	}
	quiet("$dir/log", $compiler, @link, @ex_table, '-o', "$dir/$name",
		map { object($dir, $_) } @files) or return;
	return "$dir/$name";
}

# The small world (exhaust.c) of @own frames, others of another domain, and free ones. The window's
# tables keep their size. As race() for a file that is changed.
sub small {
	my ($dir, $own, $foreign, $free, $file, $changed) = @_;
	my @size = ("-DSMALL_OWN=$own", "-DSMALL_FOREIGN=$foreign", "-DSMALL_FREE=$free");
	my @small = qw(-DWORLD_ENTRIES=3 -DVALIDATE_BUDGET=5);
	my @sources = (@product,
		map { "tests/unit/mm/$_.c" }
		qw(exhaust exhaust_choice exhaust_state exhaust_grant exhaust_name exhaust_op),
		@world);
	make_path($dir);
	if (defined $file) {
		my @compiler = ($cc, @flags, '-O2', '-w', @size, $file =~ /window/ ? () : @small);
		my $new = changed_objects($dir, $file, $changed, @compiler) or return;
		quiet("$dir/log", $cc, @ex_table, '-o', "$dir/mutant",
			map { $new->{$_} // object($dir, $_) } @sources) or return;
		return "$dir/mutant";
	}
	for my $source (@sources) {
		compile($dir, $cc, $source, '-O2', @size, $source =~ /window/ ? () : @small)
			or return;
	}
	quiet("$dir/log", $cc, @ex_table, '-o', "$dir/exhaust", map { object($dir, $_) } @sources)
		or return;
	return "$dir/exhaust";
}

# All files, with sanitizers, for millions of operations; the program, or undef with the compiler's
# words in $dir/log.
sub all {
	my ($dir, @more) = @_;
	make_path($dir);
	for my $file (@product, @harness) {
		compile($dir, $cc, $file, @sanitize, optimised(), @more) or return;
	}
	return link_with($dir);
}

# $file of the product replaced by the text in $changed, not optimised, as it runs but shortly; all
# else from @{$dir} as all() left it.
sub mutant {
	my ($dir, $file, $changed, @more) = @_;
	my $new = changed_objects($dir, $file, $changed, $cc, @flags, @sanitize, qw(-w -O0),
		@more) or return;
	return link_with($dir, $new);
}

# The cases (cases.c) in the same way; @{$dir} as variant() left it.
sub case_mutant {
	my ($dir, $file, $changed, @more) = @_;
	my $new = changed_objects($dir, $file, $changed, $cc, @flags, @sanitize, qw(-w -O0),
		@more) or return;
	my @objects = map { $new->{$_} // object($dir, $_) } @product, parts('cases'),
		grep { !/random_ops/ } @harness;
	quiet("$dir/log", $cc, @sanitize, @ex_table, '-o', "$dir/mutant", @objects) or return;
	return "$dir/mutant";
}

# Does $source include $header, itself or through others? The compiler is asked once.
my %includes;
sub depends {
	my ($source, $header) = @_;
	my $command = join ' ', map { quotemeta } $cc, @flags, '-w', '-MM', $source;
	$includes{$source} //= `$command 2>/dev/null`;
	return $includes{$source} =~ m{\s\Q$header\E\s};
}

# {source: object} of the product's files, @also too, that are others when $file, a source or a
# header, has the text in $changed. What the variant before has compiled of that text by the same
# flags is taken.
my ($changed_text, %changed_object) = ('');
our @also;
sub changed_objects {
	my ($dir, $file, $changed, $compiler, @all) = @_;
	my ($name) = $file =~ m{include/(.*)};
	my $overlay = "$dir/overlay";
	my $text = words($changed);
	%changed_object = () if $text ne $changed_text;
	$changed_text = $text;
	remove_tree($overlay);
	make_path($file =~ /\.c$/ ? $overlay : dirname("$overlay/$name"));
	$file =~ /\.c$/ or copy($changed, "$overlay/$name") or return;
	my %new;
	for my $source ($file =~ /\.c$/ ? $file : grep { depends($_, $file) } @product, @also) {
		my @flags = grep { $source =~ m{mm/pt_validate\.c$} || !/^-DVALIDATE_BUDGET/ } @all;
		@flags = grep { !/^-DSMALL_/ } @flags if $source !~ /window/;
		my $key = join ' ', $source, $compiler, @flags;
		my $to = "$dir/changed-" . ($source =~ tr{/}{-}r) . '.o';
		if (!$changed_object{$key}) {
			quiet("$dir/log", $compiler, "-I$overlay", @flags, '-c', '-o', $to,
				$source eq $file ? $changed : $source) or return;
			$changed_object{$key} = $to;
		}
		$new{$source} = $changed_object{$key};
	}
	return \%new;
}

sub link_with {
	my ($dir, $new) = @_;
	my $out = $new ? "$dir/mutant" : "$dir/random_ops";
	my @objects = map { $new->{$_} // object($dir, $_) } @product, @harness;
	quiet("$dir/log", $cc, @sanitize, @ex_table, '-o', $out, @objects) or return;
	return $out;
}

# The objects in $dir of @$sources by @all; that of $file, if given, of the text in $changed.
sub objects_with {
	my ($dir, $compiler, $sources, $file, $changed, @all) = @_;
	my $new = defined $file
		? changed_objects($dir, $file, $changed, $compiler, @flags, @all, '-w') : {};
	return if !$new;
	for my $source (grep { !$new->{$_} } @$sources) {
		compile($dir, $compiler, $source, @all) or return;
	}
	return map { $new->{$_} // object($dir, $_) } @$sources;
}

# The program of roots and flushes (roots.c), by @flags alone; with a changed file as race().
our @roots = qw(arch/x86/asi/root.c arch/x86/mm/tlb.c);
sub roots {
	my ($dir, $file, $changed, @more) = @_;
	my @link = grep { /^-f|^--coverage/ } @more;
	make_path($dir);
	my @rooted = qw(-DREAL_ROOTS -DCONFIG_NR_CPUS=4);
	my @sources = (@roots, map { "tests/unit/mm/$_.c" }
		qw(roots roots_parts roots_shadow panic));
	my @objects = objects_with($dir, 'gcc', \@sources, $file, $changed, @rooted, @more)
		or return;
	quiet("$dir/log", 'gcc', @link, '-o', "$dir/roots", @objects) or return;
	return "$dir/roots";
}

# The program of shadows (shadow.c), by @flags alone; with a changed file as roots().
our @shadow = map { "arch/x86/shadow/$_.c" } qw(tree walk fault create for_good self);
sub shadow {
	my ($dir, $file, $changed, @more) = @_;
	my @link = grep { /^-f|^--coverage/ } @more;
	make_path($dir);
	my @shadowed = qw(-DREAL_ROOTS -DTABLES_CHANGE);
	my @sources = (@shadow,
		map { "tests/unit/mm/$_.c" }
		qw(shadow shadow_cpu shadow_cases shadow_self shadow_random panic));
	my @objects = objects_with($dir, $cc, \@sources, $file, $changed, @shadowed, @more)
		or return;
	quiet("$dir/log", $cc, @link, @ex_table, '-o', "$dir/shadow", @objects) or return;
	return "$dir/shadow";
}

# The programs of touched pages and of pages that have been written (p2m_track.c, p2m_log.c); with a
# changed file as roots().
our @p2m = map { "arch/x86/mm/$_.c" } qw(p2m p2m_format p2m_touch p2m_track);
our @p2m_log = ((map { "arch/x86/mm/$_.c" } qw(p2m_log page_mark)), 'arch/x86/control/log_dirty.c');
sub p2m_program {
	my ($name, $sources, $dir, $file, $changed, @more) = @_;
	my @link = grep { /^-f|^--coverage/ } @more;
	my @sources = (@p2m, @$sources,
		map { "tests/unit/mm/$_.c" } $name, qw(p2m_pages p2m_world panic));
	make_path($dir);
	my @objects = objects_with($dir, $cc, \@sources, $file, $changed, @more) or return;
	quiet("$dir/log", $cc, @link, '-o', "$dir/$name", @objects) or return;
	return "$dir/$name";
}
sub p2m_track { return p2m_program('p2m_track', [], @_); }
sub p2m_log { return p2m_program('p2m_log', [@p2m_log, 'common/lib/bitmap.c'], @_); }

# The program of the log (log.c), which reads sixteen frames at a time, by @flags alone; with a
# changed file, all else from @{$dir} as a call without has left it.
our @log = (@shadow, 'common/lib/bitmap.c', 'arch/x86/mm/page_mark.c',
	'arch/x86/control/log_dirty.c');
my @short_steps = ('in short steps', 'arch/x86/control/log_dirty.c', "FRAMES_AT_ONCE\t1024u",
	"FRAMES_AT_ONCE\t16u");
sub log_dirty {
	my ($dir, $file, $changed, @more) = @_;
	my @link = grep { /^-f|^--coverage/ } @more;
	my @sources = (@product, @log, (map { "tests/unit/mm/$_.c" } qw(log shadow_cpu)),
		grep { !/random_ops|guest_walk/ } @harness);
	my $short = "$dir/log_dirty-short.c";
	my $new = {};
	make_path($dir);
	if (defined $file) {
		if ($file eq $short_steps[1]) {
			plant(['', $changed, @short_steps[2, 3]], "$changed-short.c") or return;
			$changed .= '-short.c';
		}
		local @also = @log;
		$new = changed_objects($dir, $file, $changed, $cc, @flags, qw(-w -O0)) or return;
	} else {
		plant(\@short_steps, $short) or return;
		for my $source (@sources) {
			# instruments where mm.t has none
			my @all = $source =~ m{shadow|log} ? @more : grep { !/sanitize/ } @more;
			quiet("$dir/log", $cc, flags_for($source, @all), '-c', '-o',
				object($dir, $source),
				$source eq $short_steps[1] ? $short : $source) or return;
		}
	}
	my $out = "$dir/" . (defined $file ? 'mutant' : 'log_dirty');
	quiet("$dir/log", $cc, @link, @ex_table, '-o', $out,
		map { $new->{$_} // object($dir, $_) } @sources) or return;
	return $out;
}

# The race program (race.c): the product's files with the thread sanitizer's calls, the harness
# without. $file replaced by the text in $changed, if given: then all the rest is from @{$dir} as a
# call without left it.
my @race_harness = map { "tests/unit/mm/$_.c" }
	qw(race guest guest_grants guest_control guest_walk), @world;
sub race {
	my ($dir, $file, $changed, @more_points) = @_;
	my @points = (qw(-fsanitize=thread --param=tsan-distinguish-volatile=1), @more_points);
	make_path($dir);
	if (defined $file) {
		my $new = changed_objects($dir, $file, $changed, 'gcc', @flags, @points, '-w')
			or return;
		quiet("$dir/log", 'gcc', @ex_table, '-o', "$dir/mutant",
			map { $new->{$_} // object($dir, $_) } @product, @race_harness) or return;
		return "$dir/mutant";
	}
	for my $source (@product, @race_harness) {
		my @more = $source =~ /^arch/ ? @points : ();
		compile($dir, 'gcc', $source, @more) or return;
	}
	quiet("$dir/log", 'gcc', @ex_table, (grep { /^--coverage/ } @more_points), '-o',
		"$dir/race",
		map { object($dir, $_) } @product, @race_harness) or return;
	return "$dir/race";
}
1;
