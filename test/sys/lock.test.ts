import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ToolError } from "../../src/errors.ts";
import { withDirectoryLock } from "../../src/sys/lock.ts";

let directory = "";
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-lock-"));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

describe("withDirectoryLock", () => {
  test("lets one action after the other run, and leaves nothing behind", async () => {
    const order: string[] = [];
    const action = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 30));
      order.push(`${name} ends`);
    };
    await Promise.all([withDirectoryLock(directory, 5000, action("a")), withDirectoryLock(directory, 5000, action("b"))]);
    expect(order).toEqual([`${order[0]?.[0]} begins`, `${order[0]?.[0]} ends`, `${order[2]?.[0]} begins`, `${order[2]?.[0]} ends`]);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test("gives up when another holds it for too long, and is free again after a failure", async () => {
    const failure = await withDirectoryLock(
      directory,
      0,
      async () => await withDirectoryLock(directory, 0, async () => await Promise.resolve(1)),
    ).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ToolError);
    expect([(failure as ToolError).code, (failure as ToolError).message]).toEqual([
      "busy",
      `Cannot lock "${directory}": another ctar is at work there`,
    ]);
    expect(await withDirectoryLock(directory, 0, async () => await Promise.resolve(2))).toBe(2);
  });

  test("says that there is no such directory", async () => {
    const failure = await withDirectoryLock(`${directory}/none`, 0, async () => await Promise.resolve()).catch((error: unknown) => error);
    expect((failure as ToolError).message).toBe(`Cannot lock "${directory}/none": no such file or directory`);
  });
});
