#!/usr/bin/perl
# Finds and verifies every image in the data folders of pixmesh nodes, without pixmesh:
#   rescue.pl FOLDER ...     a line for each name: state, file, name; exit code 1 if any is not ok
use strict;
use warnings;

sub value {    # takes one msgpack value off the front of $$bytes
  my ($bytes) = @_;
  my $type = ord substr $$bytes, 0, 1, '';
  return $type if $type < 0x80;
  return [map { value($bytes) } 1 .. $type & 15] if $type >> 4 == 9;
  return substr $$bytes, 0, $type & 31, '' if $type >> 5 == 5;
  return $type == 0xc3 if $type <= 0xc3;
  my %length = (0xc4, 1, 0xc5, 2, 0xc6, 4, 0xcc, 1, 0xcd, 2, 0xce, 4, 0xcf, 8, 0xd9, 1, 0xda, 2, 0xdb, 4, 0xdc, 2);
  my $number = 0;
  $number = $number << 8 | ord substr $$bytes, 0, 1, '' for 1 .. $length{$type};
  return $number if $type >= 0xcc && $type <= 0xcf;
  return $type == 0xdc ? [map { value($bytes) } 1 .. $number] : substr $$bytes, 0, $number, '';
}

my (%newest, %broken);
for my $path (map { glob "\Q$_\E/records/*/*.rec" } @ARGV) {
  open my $file, '<:raw', $path or die "$path: $!\n";
  my $bytes = do { local $/; <$file> };
  my $record = eval { substr($bytes, 0, 24, '') =~ /^PXMF/ && value(\$bytes)->[1] } or ++$broken{$path}, next;
  my $version = sprintf '%020d %s', $record->[1][0], unpack 'H*', $record->[1][1];
  $newest{$record->[0]} = [$version, unpack('H*', $record->[2])] if $version gt ($newest{$record->[0]}[0] // '');
}
for my $name (sort grep { $newest{$_}[1] =~ /[^0]/ } keys %newest) {    # all zero: deleted
  my ($a, $b, $rest) = unpack 'a2 a2 a*', $newest{$name}[1];
  my ($good) = grep { `b2sum -l 256 \Q$_\E` =~ /^\Q$newest{$name}[1]\E/ } map { glob "\Q$_\E/blobs/$a/$b/$rest.*" } @ARGV;
  print $good ? "ok\t$good" : "LOST\t-", "\t$name\n";
  $broken{$name} = 1 unless $good;
}
exit !!%broken;
