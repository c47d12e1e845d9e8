# sink.pl BYTES: reads that many bytes from stdin, in blocks of the size that zfs recv reads, and drops them.
my ($left) = @ARGV;
while ($left > 0) {
  my $count = sysread STDIN, my $block, $left < 131072 ? $left : 131072;
  die defined $count ? "cannot receive: incomplete stream\n" : "cannot receive: $!\n" unless $count;
  $left -= $count;
}
