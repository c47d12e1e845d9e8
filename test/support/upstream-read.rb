# Looks up members as osctld's importer does: TarReader#seek over the open file, one member after the other, YAML.safe_load for *.yml.
#
#   ruby upstream-read.rb ARCHIVE MEMBER...
#
# Prints a JSON object: member => {"mode":, "text":, "yaml":}, or null where TarReader does not find it.
require 'json'
require 'rubygems/package'
require 'yaml'

archive, *members = ARGV

def describe(name, entry)
  text = entry.read.to_s.force_encoding(Encoding::UTF_8)
  { mode: entry.header.mode, text: text, yaml: name.end_with?('.yml') ? YAML.safe_load(text) : nil }
end

File.open(archive, 'rb') do |file|
  tar = Gem::Package::TarReader.new(file)
  found = members.to_h { |name| [name, tar.seek(name) { |entry| describe(name, entry) }] }
  puts JSON.generate(found)
end
