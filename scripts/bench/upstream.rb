# What osctl's exporter does with a stream, with the libraries it uses: TarWriter, Zlib::GzipWriter, reads of 32 KiB.
#
#   zfs send SNAPSHOT | ruby upstream.rb ARCHIVE CTID CONF-DIRECTORY
#
# Upstream starts zfs itself. Here the shell does, because Ruby 3.1's zlib fails now and then when SIGCHLD arrives while it compresses.
require 'rubygems/package'
require 'yaml'
require 'zlib'

READ_BYTES = 32 * 1024
FILE_MODE = 0o100644
DIRECTORY_MODE = 0o40755

archive, ctid, conf = ARGV
container = File.read(File.join(conf, 'ct', "#{ctid}.yml"))
user, group = YAML.safe_load(container).values_at('user', 'group')
metadata = {
  'type' => 'full', 'format' => 'zfs', 'user' => user, 'group' => group, 'container' => ctid, 'datasets' => [],
  'exported_at' => Time.now.to_i
}

File.open(archive, 'wb') do |file|
  Gem::Package::TarWriter.new(file) do |tar|
    add = ->(name, text) { tar.add_file(name, FILE_MODE) { |entry| entry.write(text) } }
    add.call('metadata.yml', YAML.dump(metadata))
    tar.mkdir('config', DIRECTORY_MODE)
    add.call('config/user.yml', File.read(File.join(conf, 'user', "#{user}.yml")))
    add.call('config/group.yml', File.read(File.join(conf, 'group', group, 'config.yml')))
    add.call('config/container.yml', container)
    tar.mkdir('rootfs', DIRECTORY_MODE)
    tar.add_file('rootfs/base.dat.gz', FILE_MODE) do |entry|
      gzip = Zlib::GzipWriter.new(entry)
      while (data = $stdin.read(READ_BYTES))
        gzip.write(data)
      end
      gzip.finish
    end
    add.call('snapshots.yml', YAML.dump(['osctl-base-0']))
  end
end
