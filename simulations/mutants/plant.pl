#!/usr/bin/perl
# Plants the bugs of mutants.txt into a copy of the sources: plant.pl SOURCES COPY
#
# Each bug is switched on by the environment variable PIXMESH_PLANTED, read once at start. Fails when
# a bug no longer fits, so that the list follows the code. The copy keeps the time stamps of files that
# did not change, for quick builds.
use strict;
use warnings;

my ($sources, $copy) = @ARGV;
die "usage: plant.pl SOURCES COPY\n" unless defined $copy && -d "$sources/simulations/mutants";

my (@names, %replacements, $bug, $file);
open(my $list, '<', "$sources/simulations/mutants/mutants.txt") or die "mutants.txt: $!\n";
while (my $line = <$list>) {
  chomp $line;
  next if $line =~ /^#/ || $line eq '';
  if ($line =~ /^bug (\w+)$/) {
    $bug = $1;
    push @names, $bug;
  } elsif ($line =~ /^in (\S+)$/) {
    $file = $1;
    push @{$replacements{$file}}, {bug => $bug, old => '', new => ''};
  } elsif ($line =~ /^([-+])(.*)$/) {
    my $side = $1 eq '-' ? 'old' : 'new';
    $replacements{$file}[-1]{$side} .= "$2\n";
  } else {
    die "mutants.txt, line $.: not understood\n";
  }
}

sub write_if_changed {
  my ($path, $text) = @_;
  if (open(my $present, '<', $path)) {
    local $/;
    return if <$present> eq $text;
  }
  unlink $path;
  open(my $out, '>', $path) or die "$path: $!\n";
  print $out $text;
  close $out or die "$path: $!\n";
}

# Files that carry no bug are linked; those that do are made anew.
for my $path (split /\0/, `cd '$sources' && find . -name build -prune -o -name .git -prune -o -type f -print0`) {
  $path =~ s{^\./}{};
  next if $path =~ m{^(demo-output|docs)/} || $replacements{$path};
  my $folder = "$copy/$path";
  $folder =~ s{/[^/]*$}{};
  system('mkdir', '-p', $folder) unless -d $folder;
  next if -l "$copy/$path";
  unlink "$copy/$path";  # it carried a bug the last time
  symlink("$sources/$path", "$copy/$path") or die "$copy/$path: $!\n";
}
my $failed = 0;
for my $path (sort keys %replacements) {
  open(my $in, '<', "$sources/$path") or die "$path: $!\n";
  my $text = do { local $/; <$in> };
  # One place may carry several bugs: each is looked for in what was there before all of them.
  my %by_place;
  for my $one (@{$replacements{$path}}) {
    my $count = () = $text =~ /^\Q$one->{old}\E/mg;
    if ($count != 1) {
      print STDERR "bug $one->{bug}: its lines are $count times in $path, not once\n";
      $failed = 1;
    }
    push @{$by_place{$one->{old}}}, $one;
  }
  for my $old (keys %by_place) {
    my $new = $old;
    for my $one (@{$by_place{$old}}) {
      my $lines = $one->{new};
      if (@{$by_place{$old}} > 1) {  # the later ones are put around the earlier
        $lines =~ s/\n$//;
        $new = "if (PLANTED($one->{bug})) {\n$lines\n} else {\n$new}\n";
      } else {
        $new = $lines;
      }
    }
    $text =~ s/^\Q$old\E/$new/m;
  }
  my $include = "#include \"base/planted.h\"\n";
  $text =~ s/^#pragma once\n/#pragma once\n\n$include/m or $text = $include . $text;
  write_if_changed("$copy/$path", $text);
}
exit 1 if $failed;

my $values = join(', ', 'none', @names);
my $words = join(', ', map { "\"$_\"" } 'none', @names);
write_if_changed("$copy/base/planted.h", <<"END");
#pragma once

#include <cstdlib>
#include <string_view>

// Made by simulations/mutants/plant.pl.
namespace pixmesh {

enum class Planted { $values };

inline Planted planted_from_environment() {
  constexpr std::string_view names[] = {$words};
  const char* wanted = std::getenv("PIXMESH_PLANTED");
  if (wanted == nullptr) return Planted::none;
  for (int i = 0; const std::string_view name : names) {
    if (name == wanted) return static_cast<Planted>(i);
    ++i;
  }
  std::abort();  // an unknown name must not look like a bug that nobody finds
}

inline const Planted planted = planted_from_environment();

}  // namespace pixmesh

#define PLANTED(name) (::pixmesh::planted == ::pixmesh::Planted::name)
END
print scalar(@names), " bugs planted in $copy\n";
