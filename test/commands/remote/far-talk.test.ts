import fc from "fast-check";
import { describe, expect, test } from "bun:test";
import { FarTalk } from "../../../src/commands/remote/far-talk.ts";

const READY = '{"event":"ready"}';

/** Takes text in pieces; the talk is released when it says that it is ready. */
function takeAll(text: string, cuts: readonly number[] = []): { shown: string[]; kept: string[]; events: string[] } {
  const shown: string[] = [];
  const events: string[] = [];
  const talk: FarTalk = new FarTalk({
    show: (line) => shown.push(line),
    onEvent: (event) => {
      events.push(String(event["event"]));
      if (event["event"] === "ready") talk.release();
    },
  });
  const bytes = Buffer.from(text);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    talk.take(bytes.subarray(from, end));
    from = end;
  }
  return { shown, kept: talk.end(), events };
}

describe("FarTalk", () => {
  test("keeps back what is said before the far end is ready, and shows it then", () => {
    expect(takeAll("motd\nbye")).toEqual({ shown: [], kept: ["motd", "bye"], events: [] });
    expect(takeAll(`motd\n${READY}\nwarning: é\n`)).toEqual({ shown: ["motd", "warning: é"], kept: [], events: ["ready"] });
  });

  test.each(["error: no", "Connection to web2 closed by remote host.", "client_loop: send disconnect: Broken pipe"])(
    "keeps back the last words %j",
    (words) => {
      expect(takeAll(`${READY}\nwarning: x\n${words}\nCaused by: y\n`)).toEqual({
        shown: ["warning: x"],
        kept: [words, "Caused by: y"],
        events: ["ready"],
      });
    },
  );

  test("takes lines for events only if they are JSON", () => {
    expect(takeAll(`${READY}\n{"event":"x\n{"event":"y"}\n{"event":"z"} !\n`)).toEqual({
      shown: ['{"event":"x', '{"event":"z"} !'],
      kept: [],
      events: ["ready", "y"],
    });
  });

  test("bounds what it keeps", () => {
    const { kept } = takeAll(`${"x".repeat(1_000_000)}\n${"y\n".repeat(1000)}`);
    expect([kept.length, kept.join("").length < 20_000]).toEqual([100, true]);
    expect(takeAll("x".repeat(1_000_000)).kept[0]?.length).toBe(16 * 1024);
  });

  test("does not depend on how the bytes are cut", () => {
    const text = `motd ü\r\n${READY}\n\nwarning: 😀\nerror: z\n{"event":"late"}\nhint: é`;
    const whole = takeAll(text);
    fc.assert(fc.property(fc.array(fc.nat()), (cuts) => expect(takeAll(text, cuts)).toEqual(whole)));
  });
});
