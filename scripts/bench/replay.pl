# replay.pl FILE: writes a file to stdout as cheaply as Linux can. sendfile(2) gives a pipe the pages of the cache, without copying them.
use Config;
use Errno qw(EAGAIN EINTR EINVAL);

my %NUMBER_OF_SENDFILE = (x86_64 => 40, aarch64 => 71);
my $MOST_BYTES = 0x7ffff000;    # of one call

my ($file) = @ARGV;
open my $in, '<', $file or die "Cannot read $file: $!\n";
my ($architecture) = $Config{archname} =~ /^(\w+?)-/;
my $sendfile = $NUMBER_OF_SENDFILE{$architecture} or exec 'cat', $file;

while (1) {
  my $sent = syscall $sendfile, 1, fileno $in, 0, $MOST_BYTES;
  last if $sent == 0;
  next if $sent > 0 || $! == EINTR;
  exec 'cat', $file if $! == EINVAL;    # the output is open for appending
  die "Cannot send $file: $!\n" if $! != EAGAIN;
  vec(my $ready = '', 1, 1) = 1;
  select undef, $ready, undef, undef;
}
