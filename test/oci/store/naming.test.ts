import { describe, expect, test } from "bun:test";
import { ToolError } from "../../../src/errors.ts";
import type { Target } from "../../../src/oci/image.ts";
import { nameTargets, type Naming } from "../../../src/oci/store/naming.ts";
import { sha256 } from "../../support/oci.ts";

const DEFAULTS: Naming = { tags: [], baseName: undefined, digests: false, skipDigestForNamed: false, date: "2026-01-31" };
const DIGEST = sha256(Buffer.from("one"));
const OTHER = sha256(Buffer.from("other"));

function target(digest: string, names: Partial<Pick<Target, "references" | "tags">> = {}): Target {
  const descriptor = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: digest as Target["descriptor"]["digest"], size: 1 };
  return { descriptor, references: [], tags: [], ...names };
}

const FULL = target(DIGEST, { references: ["docker.io/library/alpine:3.20", "docker.io/library/alpine:latest"] });
const TAGGED = target(OTHER, { tags: ["3.20"] });
const UNNAMED = target(DIGEST);

describe("nameTargets", () => {
  test.each<[what: string, targets: Target[], naming: Partial<Naming>, names: string[][]]>([
    ["takes the archive's names", [FULL], {}, [["docker.io/library/alpine:3.20", "docker.io/library/alpine:latest"]]],
    ["puts tags behind a repository of the day", [TAGGED], {}, [["docker.io/library/import-2026-01-31:3.20"]]],
    ["puts tags behind the base", [TAGGED], { baseName: "example.org/app" }, [["example.org/app:3.20"]]],
    ["writes the base out", [TAGGED], { baseName: "foo/bar" }, [["docker.io/foo/bar:3.20"]]],
    ["leaves images of others out", [FULL, TAGGED], { baseName: "example.org/app" }, [["example.org/app:3.20"]]],
    ["keeps images of the base", [FULL], { baseName: "alpine" }, [["docker.io/library/alpine:3.20", "docker.io/library/alpine:latest"]]],
    ["takes no part of a name for the base", [FULL, TAGGED], { baseName: "alp" }, [["docker.io/library/alp:3.20"]]],
    ["adds digests", [TAGGED], { baseName: "x.org/a", digests: true }, [["x.org/a:3.20", `x.org/a@${OTHER}`]]],
    ["adds digests to what has no name only", [TAGGED, UNNAMED], { baseName: "x.org/a", digests: true, skipDigestForNamed: true }, [["x.org/a:3.20"], [`x.org/a@${DIGEST}`]]], // prettier-ignore
    ["leaves what has no name without one", [UNNAMED], {}, [[]]],
    ["gives other names to the only image", [FULL], { tags: ["app:1", "example.org/app"] }, [["docker.io/library/app:1", "example.org/app:latest"]]], // prettier-ignore
  ])("%s", (_, targets, naming, names) => {
    expect(nameTargets(targets, { ...DEFAULTS, ...naming }).map((named) => [...named.names])).toEqual(names);
  });

  test.each<[what: string, naming: Partial<Naming>, code: string]>([
    ["one name for two images", { tags: ["app:1"] }, "usage"],
    ["a base that no image is of", { baseName: "example.org/none" }, "not-found"],
    ["a base that is no name", { baseName: "Example.org/App" }, "usage"],
  ])("refuses %s", (_, naming, code) => {
    const targets = naming.baseName === "example.org/none" ? [FULL] : [FULL, TAGGED];
    try {
      nameTargets(targets, { ...DEFAULTS, ...naming });
      throw new Error("it was taken");
    } catch (error) {
      expect(error instanceof ToolError && error.code).toBe(code as never);
    }
  });
});
