/** Attacks by YAML, by what it says of accounts and of the container, and by the manifest. */
import { CONTAINED, REFUSED, type Attack } from "../attack.ts";
import { archive, GOOD } from "../craft.ts";

const ALIASES = Array.from({ length: 30 }, (_, level) => `a${level + 1}: &a${level + 1} [${Array(9).fill(`*a${level}`).join(", ")}]`);

function metadata(name: string, from: string, to: string): Attack {
  return { name, exit: REFUSED, make: () => archive({ metadata: GOOD.metadata.replace(from, to) }) };
}

function user(name: string, content: string): Attack {
  return { name, exit: REFUSED, make: () => archive({ user: content }) };
}

function map(name: string, ...entries: string[]): Attack {
  return user(name, `---\nuid_map:\n${entries.map((line) => `- ${line}\n`).join("")}gid_map:\n- 0:7000000:65536\nattrs: {}\n`);
}

function container(name: string, content: string): Attack {
  return { name, exit: REFUSED, make: () => archive({ container: GOOD.container + content }) };
}

/** The attacks. */
export const TEXTS: readonly Attack[] = [
  { name: "YAML that grows by aliases", exit: REFUSED, make: () => archive({ container: `---\na0: &a0 x\n${ALIASES.join("\n")}\n` }) },
  { name: "YAML that is an alias of itself", exit: REFUSED, make: () => archive({ container: "---\na: &a\n  b: *a\n" }) },
  { name: "YAML 100,000 levels deep", exit: REFUSED, make: () => archive({ container: `---\na: ${"[".repeat(100_000)}` }) },
  { name: "YAML with a Ruby object", exit: REFUSED, make: () => archive({ container: "---\na: !ruby/object:Gem::Requirement\n  x: y\n" }) },
  {
    name: "YAML that is no UTF-8",
    exit: REFUSED,
    make: () => archive({ container: Buffer.concat([Buffer.from("---\nhostname: "), Buffer.from([0xff, 0xfe, 0x0a])]) }),
  },
  { name: "YAML with a key twice", exit: REFUSED, make: () => archive({ container: `${GOOD.container}user: root\n` }) },
  { name: "YAML of two documents", exit: REFUSED, make: () => archive({ metadata: `${GOOD.metadata}---\ntype: full\n` }) },
  { name: "YAML of 3 MiB", exit: REFUSED, make: () => archive({ container: `---\nhostname: ${"x".repeat(3 * 1024 * 1024)}\n` }) },
  {
    name: "YAML of 250,000 values",
    exit: REFUSED,
    says: "more than 200000 values",
    make: () => archive({ container: `---\na:\n${"- 1\n".repeat(250_000)}` }),
  },
  {
    name: "YAML with a Ruby object by another name for its tag",
    exit: REFUSED,
    says: "is not allowed",
    make: () => archive({ container: "%TAG ! tag:ruby.yaml.org,2002:object:\n---\na: !Gem::Requirement {}\n" }),
  },
  {
    name: "YAML that merges another user in",
    exit: CONTAINED,
    make: () => archive({ container: `${GOOD.container}x: &x\n  user: root\n<<: *x\n` }),
  },
  {
    name: "YAML with prototypes",
    exit: CONTAINED,
    make: () => archive({ container: `${GOOD.container}__proto__:\n  user: root\nconstructor:\n  prototype:\n    user: root\n` }),
  },
  { name: "YAML with NULs", exit: REFUSED, make: () => archive({ container: '---\nhostname: "a\0b"\n' }) },
  { name: "YAML that is a list", exit: REFUSED, make: () => archive({ container: "---\n- 1\n" }) },
  { name: "YAML that is cut", exit: REFUSED, make: () => archive({ container: '---\nmounts:\n- fs: "/x\n' }) },

  metadata("a dataset that climbs", "datasets: []", "datasets:\n- ../../rpool"),
  metadata("an absolute dataset", "datasets: []", 'datasets:\n- "/srv"'),
  metadata("a dataset that is a snapshot", "datasets: []", "datasets:\n- srv@now"),
  metadata("a dataset twice", "datasets: []", "datasets:\n- srv\n- srv"),
  metadata("a dataset before its parent", "datasets: []", "datasets:\n- srv/data\n- srv"),
  metadata("a dataset with a line break", "datasets: []", 'datasets:\n- "srv\\nx"'),
  metadata("a dataset of 300 bytes", "datasets: []", `datasets:\n- ${"d".repeat(300)}`),
  metadata("100,000 datasets", "datasets: []", `datasets:\n${Array.from({ length: 100_000 }, (_, index) => `- d${index}`).join("\n")}`),
  {
    name: "datasets called like an option, and with a space",
    exit: CONTAINED,
    make: () => archive({ metadata: GOOD.metadata.replace("datasets: []", 'datasets:\n- "-o"\n- "a b"') }),
  },

  metadata("an id that climbs", "container: victim", "container: ../../etc/cron.d/x"),
  metadata("an id with a line break", "container: victim", 'container: "x\\nstate: staged"'),
  metadata("an id that forges a hint", "container: victim", 'container: "x\\nhint: forged"'),
  metadata("an id of another pool", "container: victim", 'container: "tank:x"'),
  metadata("an id that is a number", "container: victim", "container: 101"),
  metadata("an id of 200 characters", "container: victim", `container: ${"x".repeat(200)}`),
  metadata("an unknown format", "format: tar", "format: btrfs"),
  metadata("an unknown type", "type: full", "type: half"),

  metadata("a user that climbs", "user: guest", "user: ../../../root"),
  metadata("a user with an upper case letter", "user: guest", "user: Guest"),
  metadata("a group that climbs", 'group: "/default"', 'group: "/../../x"'),
  metadata("a group of 2,000 levels", 'group: "/default"', `group: "${"/g".repeat(2000)}"`),
  map("a map onto the host's root", "0:0:65536"),
  { ...map("a map that has the host's root among others", "'0:7000000:1000'", "'1000:0:1'"), says: "root's id on the host" },
  {
    ...user("a map of groups onto the host's root", GOOD.user.replace("gid_map:\n- 0:7000000", "gid_map:\n- 0:0")),
    says: "root's id on the host",
  },
  map("a map with a negative id", "0:-5:65536"),
  map("a map beyond the last id", "0:4294967000:65536"),
  map("a map of 10^18 ids", "0:1000000:1000000000000000000"),
  map("a map that gives a host id twice", "0:7000000:100", "100:7000050:100"),
  map("a map of 100 entries", ...Array.from({ length: 100 }, (_, index) => `${index}:${7_000_000 + index}:1`)),
  map("a map without root", "1:7000000:65535"),
  map("a map onto ids that another user has", "0:1065536:65536"),
  user("a user without maps", "---\nattrs: {}\n"),
  user("an attribute of a user without a vendor", GOOD.user.replace("attrs: {}", "attrs:\n  owner: me")),

  container("mounts that are a number", "mounts: 7\n"),
  container("a device without a type", "devices:\n- major: '1'\n  minor: '3'\n  mode: rwm\n"),
  container("an interface of an unknown type", "net_interfaces:\n- type: macvlan\n  name: eth0\n"),
  container("an address that is none", "net_interfaces:\n- type: bridge\n  name: eth0\n  ip_addresses:\n    v4:\n    - 999.0.2.1/24\n"),
  container("an attribute without a vendor", "attrs:\n  owner: me\n"),
  container("LXC configuration in the hostname", 'hostname: "x\\nlxc.hook.pre-start = /bin/sh"\n'),
  container(
    "LXC configuration in the options of a mount",
    'mounts:\n- fs: "/srv"\n  mountpoint: "/srv"\n  type: bind\n  opts: "rw\\nlxc.cap.drop ="\n',
  ),
  container("an interface called like a path", "net_interfaces:\n- type: bridge\n  name: ../../x\n"),
  container(
    "a parameter of cgroups called like a path",
    "cgparams:\n- version: 2\n  subsystem: memory\n  name: ../../../release_agent\n  value:\n  - /bin/sh\n",
  ),
  container("a limit that is a mapping", "prlimits:\n  nofile:\n    soft: {}\n    hard: 1\n"),
  {
    name: "an untrusted container with raw LXC, host mounts, devices and a map of its own",
    exit: CONTAINED,
    options: ["--untrusted"],
    make: () =>
      archive({
        user: GOOD.user.replaceAll("7000000", "0"),
        container: `${GOOD.container}raw:\n  lxc: lxc.hook.pre-start = /bin/sh\nmounts:\n- fs: "/"\n  mountpoint: "/host"\n  type: bind\n  opts: bind\ndevices:\n- type: block\n  major: '8'\n  minor: '0'\n  mode: rwm\n`,
        hooks: [{ name: "hooks/pre-start", mode: 0o755, data: "#!/bin/sh\nid > /tmp/owned\n" }],
      }),
  },

  manifest("a manifest that is no JSON", "{"),
  manifest("a manifest 200,000 levels deep", good({ x: 0 }).replace('"x":0', `"x":${"[".repeat(200_000)}${"]".repeat(200_000)}`)),
  manifest("a manifest of 5 MiB", " ".repeat(5 * 1024 * 1024)),
  manifest("a manifest that lists what is not there", good({ texts: [{ member: "config/other.yml", bytes: 1, sha256: "0".repeat(64) }] })),
  manifest(
    "a manifest with another checksum",
    good({ texts: [{ member: "metadata.yml", bytes: GOOD.metadata.length, sha256: "0".repeat(64) }] }),
  ),
  manifest("a manifest that lists no stream", good({})),
  {
    ...manifest("a manifest that has its fields from a prototype", `{"__proto__":${good({})}}`),
    says: "it is no manifest",
  },
];

function manifest(name: string, content: string): Attack {
  return { name, exit: REFUSED, make: () => archive({ last: [{ name: "ctar/manifest.json", data: content }] }) };
}

function good(changes: object): string {
  return JSON.stringify({ manifest: 1, tool: "ctar 0", container: "victim", texts: [], streams: [], datasets: [], ...changes });
}
