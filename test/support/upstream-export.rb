# Exports a container the way osctl does, with the libraries osctl uses: TarWriter, Zlib::GzipWriter, Psych, and zfs by its command line.
#
#   ruby upstream-export.rb ARCHIVE CTID ROOT-DATASET CONF-DIRECTORY HOOK-DIRECTORY [auto|off]
#
# BETWEEN in the environment is shell text that runs between the two snapshots, when a real container would still be up.
require 'English'
require 'rubygems/package'
require 'yaml'
require 'zlib'

archive, ctid, root, conf, hooks, compression = ARGV
READ_BYTES = 32 * 1024
NOW = Time.now.to_i

def sh(*argv)
  system(*argv, exception: true)
end

config = File.read(File.join(conf, 'ct', "#{ctid}.yml"))
container = YAML.safe_load(config)
datasets = IO.popen(['zfs', 'list', '-H', '-r', '-o', 'name', '-t', 'filesystem', root], &:read).split
relative = datasets.drop(1).map { |dataset| dataset.delete_prefix("#{root}/") }

metadata = {
  'type' => 'full', 'format' => 'zfs', 'user' => container['user'], 'group' => container['group'], 'container' => ctid,
  'datasets' => relative, 'exported_at' => NOW
}

# A stream of unknown size: TarWriter seeks back for its header.
def add_stream(tar, name, compression, argv)
  gzipped = compression != 'off'
  tar.add_file("#{name}.dat#{'.gz' if gzipped}", 0o100644) do |entry|
    sink = gzipped ? Zlib::GzipWriter.new(entry) : entry
    # Read to its end first: Ruby 3.1's zlib fails with a BufError now and then when SIGCHLD arrives while it compresses.
    bytes = IO.popen(['zfs', 'send', *argv], 'rb', &:read)
    raise "zfs send #{argv.join(' ')} failed" unless $CHILD_STATUS.success?

    bytes.bytesize.fdiv(READ_BYTES).ceil.times { |index| sink.write(bytes.byteslice(index * READ_BYTES, READ_BYTES)) }
    sink.finish if gzipped
  end
end

def add_text(tar, name, text, mode = 0o100644)
  tar.add_file(name, mode) { |entry| entry.write(text) }
end

def add_hooks(tar, directory)
  scripts = Dir.glob(File.join(directory, '*')).sort
  return if scripts.empty?

  tar.mkdir('hooks', 0o40755)
  scripts.each do |path|
    name = "hooks/#{File.basename(path)}"
    if File.directory?(path)
      tar.mkdir(name, 0o40755)
      Dir.children(path).sort.each do |script|
        file = File.join(path, script)
        add_text(tar, "#{name}/#{script}", File.read(file), File.stat(file).mode)
      end
    else
      add_text(tar, name, File.read(path), File.stat(path).mode)
    end
  end
end

def member(dataset, root, kind)
  ['rootfs', dataset.delete_prefix(root).delete_prefix('/'), kind].reject(&:empty?).join('/')
end

File.open(archive, 'wb') do |file|
  Gem::Package::TarWriter.new(file) do |tar|
    add_text(tar, 'metadata.yml', YAML.dump(metadata))
    tar.mkdir('config', 0o40755)
    add_text(tar, 'config/user.yml', File.read(File.join(conf, 'user', "#{container['user']}.yml")))
    group = File.join(conf, 'group', container['group'], 'config.yml')
    add_text(tar, 'config/group.yml', File.read(group))
    add_text(tar, 'config/container.yml', YAML.dump(container))
    add_hooks(tar, hooks)
    tar.mkdir('rootfs', 0o40755)
    datasets.each { |dataset| tar.mkdir("rootfs/#{dataset.delete_prefix(root).delete_prefix('/')}", 0o40755) }

    base = "osctl-base-#{NOW}"
    increment = "osctl-incr-#{NOW + 1}"
    sh('zfs', 'snapshot', '-r', "#{root}@#{base}")
    datasets.each { |dataset| add_stream(tar, member(dataset, root, 'base'), compression, ["#{dataset}@#{base}"]) }
    sh('bash', '-c', ENV.fetch('BETWEEN', ':'))
    sh('zfs', 'snapshot', '-r', "#{root}@#{increment}")
    datasets.each do |dataset|
      add_stream(tar, member(dataset, root, 'incremental'), compression, ['-I', "@#{base}", "#{dataset}@#{increment}"])
    end
    datasets.each { |dataset| [increment, base].each { |snapshot| sh('zfs', 'destroy', "#{dataset}@#{snapshot}") } }
    add_text(tar, 'snapshots.yml', YAML.dump([increment, base]))
  end
end
