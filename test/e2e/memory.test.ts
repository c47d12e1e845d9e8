/** Memory does not grow with the container, and nothing is spooled: 2 GiB go from one ctar to another. */
import { expect, test } from "bun:test";
import { runTransfer } from "../support/transfer.ts";

const RECORDS = 16384; // 2 GiB
const RECORD_BYTES = 312 + 128 * 1024;
const LIMIT_BYTES = 250 * 1000 * 1000;
const isDeno = "Deno" in globalThis;
const reason = isDeno ? " (skipped: the limit is for the compiled program and Bun)" : "";

test.skipIf(isDeno).each([["off"], ["gzip"]])(
  `ctar export --compression %s | ctar import keeps under 250 MB on each side with 2 GiB of data${reason}`,
  async (compression) => {
    const transfer = await runTransfer({ records: RECORDS, exportOptions: ["--compression", compression] });
    const { exported, imported, receivedBytes, temporaryFiles } = transfer;
    expect([exported.exitCode, exported.stderr]).toEqual([0, expect.stringMatching(/^exported container "source" to standard output: /)]);
    expect([imported.exitCode, imported.stderr]).toEqual([
      0,
      expect.stringContaining('imported container "target" to pool "fake" (checked'),
    ]);
    expect(receivedBytes).toBe(2 * 312 + RECORDS * RECORD_BYTES);
    expect(temporaryFiles).toEqual([]);
    for (const { peakBytes } of [exported, imported]) {
      expect(peakBytes).toBeGreaterThan(0);
      expect(peakBytes).toBeLessThan(LIMIT_BYTES);
    }
  },
  120_000,
);
