/** Memory does not grow with the container, and nothing is spooled: 2 GiB go from one ctar to another, or 512 MiB gzipped. */
import { expect, test } from "bun:test";
import { TARGET } from "../support/program.ts";
import { runTransfer } from "../support/transfer.ts";

const RECORD_BYTES = 312 + 128 * 1024;
/** Of the source under Bun, garbage is collected late where the machine has much else to do. */
const LIMIT_MB = TARGET === "bun" ? 500 : 250;

test.each([
  ["off", 16_384],
  ["gzip", 4096],
])(
  `ctar export --compression %s | ctar import keeps under ${LIMIT_MB} MB on each side with %d times 128 KiB of data`,
  async (compression, records) => {
    const transfer = await runTransfer({ records, exportOptions: ["--compression", compression] });
    const { exported, imported, receivedBytes, temporaryFiles } = transfer;
    expect([exported.exitCode, exported.stderr]).toEqual([0, expect.stringMatching(/^exported container "source" to standard output: /)]);
    expect([imported.exitCode, imported.stderr]).toEqual([
      0,
      expect.stringContaining('imported container "target" to pool "fake" (checked'),
    ]);
    expect(receivedBytes).toBe(2 * 312 + records * RECORD_BYTES);
    expect(temporaryFiles).toEqual([]);
    for (const { peakBytes } of [exported, imported]) {
      expect(peakBytes).toBeGreaterThan(0);
      expect(peakBytes).toBeLessThan(LIMIT_MB * 1e6);
    }
  },
  300_000,
);
