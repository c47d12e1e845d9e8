# What osctld's export of a running container does while the container is down, with the libraries it uses: TarWriter, Zlib::GzipWriter, reads
# of 32 KiB. The container is started again only when the difference between the snapshots is compressed and written.
#
#   ruby upstream.rb ARCHIVE DATASET STOP-COMMAND START-COMMAND
#
# CTAR_ZFS names another zfs.
require 'English'
require 'rubygems/package'
require 'zlib'

READ_BYTES = 32 * 1024
# It ends only when its input does: Ruby 3.1's zlib fails now and then when SIGCHLD arrives while it compresses.
SEND = ['sh', '-c', '"${CTAR_ZFS:-zfs}" send "$@"; code=$?; exec >&-; read -r _; exit $code', 'send'].freeze

archive, dataset, stop, start = ARGV
NOW = Time.now.to_i

def sh(*argv)
  system(*argv, exception: true)
end

def zfs(*args)
  sh(ENV.fetch('CTAR_ZFS', 'zfs'), *args)
end

def add_stream(tar, name, args)
  tar.add_file(name, 0o100644) do |entry|
    gzip = Zlib::GzipWriter.new(entry)
    IO.popen([*SEND, *args], 'r+b') do |stream|
      while (data = stream.read(READ_BYTES))
        gzip.write(data)
      end
    end
    raise "zfs send #{args.join(' ')} failed" unless $CHILD_STATUS.success?

    gzip.finish
  end
end

File.open(archive, 'wb') do |file|
  Gem::Package::TarWriter.new(file) do |tar|
    base = "osctl-base-#{NOW}"
    increment = "osctl-incr-#{NOW}"
    zfs('snapshot', '-r', "#{dataset}@#{base}")
    add_stream(tar, 'rootfs/base.dat.gz', ["#{dataset}@#{base}"])
    sh(stop)
    zfs('snapshot', '-r', "#{dataset}@#{increment}")
    add_stream(tar, 'rootfs/incremental.dat.gz', ['-I', "@#{base}", "#{dataset}@#{increment}"])
    sh(start)
    [increment, base].each { |snapshot| zfs('destroy', '-r', "#{dataset}@#{snapshot}") }
  end
end
