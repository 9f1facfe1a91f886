import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDirectory } from "../../../src/disk/lock.js";
import { answerOf, type Contender, end, kill, startContender } from "./contenders.js";

let root: string;
const contenders: Contender[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "millrace-lock-"));
});
afterEach(async () => {
  for (const contender of contenders.splice(0)) await end(contender);
  rmSync(root, { recursive: true });
});

function hold(): Contender {
  const contender = startContender("hold", root);
  contenders.push(contender);
  return contender;
}

interface Written {
  pid: number;
  host: string;
  started: string | null;
  token: string;
  openedAt: string;
}

function written(): Written {
  return JSON.parse(readFileSync(join(root, "LOCK"), "utf8")) as Written;
}

function write(owner: Partial<Written>): void {
  const lock = lockDirectory(root);
  const text = JSON.stringify({ ...written(), ...owner });
  lock.release();
  writeFileSync(join(root, "LOCK"), text);
}

const locked = (text: string | RegExp): unknown =>
  expect.objectContaining({ code: "LOCKED", message: expect.stringMatching(text) as string });

test("the lock says who holds it, and leaves nothing behind once it is released", () => {
  const lock = lockDirectory(root);
  expect(written()).toMatchObject({ pid: process.pid, host: hostname() });
  expect(Number.isNaN(Date.parse(written().openedAt))).toBe(false);
  expect(readdirSync(root)).toEqual(["LOCK"]);
  lock.release();
  lock.release();
  expect(readdirSync(root)).toEqual([]);
});

test("a second open in this process is refused, and possible once the first is closed", () => {
  const lock = lockDirectory(root);
  expect(() => lockDirectory(root)).toThrow(locked(new RegExp(`process ${process.pid} \\(this one\\)`)));
  lock.release();
  lockDirectory(root).release();
});

test("a second process is refused with the owner's pid, and gets the lock once the owner has released it", async () => {
  const owner = hold();
  expect(await answerOf(owner)).toBe("locked");
  expect(() => lockDirectory(root)).toThrow(locked(`held by process ${owner.pid} on host ${hostname()} since 2`));
  expect(() => lockDirectory(root)).toThrow(locked(/Close it there or end that process, or open another directory/));
  expect(await answerOf(hold())).toContain(`process ${owner.pid} `);
  await end(owner);
  expect(await answerOf(hold())).toBe("locked");
});

const onLinux = process.platform === "linux";

test.runIf(onLinux)("the lock of a killed process is taken over, also before anybody has waited for it", async () => {
  const owner = hold();
  expect(await answerOf(owner)).toBe("locked");
  process.kill(owner.pid as number, "SIGKILL");
  // Its parent, this process, cannot have noticed yet: until it does, the dead one still has its pid.
  while (!/^State:\s+Z/m.test(readFileSync(`/proc/${owner.pid}/status`, "utf8"))) continue;
  const lock = lockDirectory(root);
  expect(written().pid).toBe(process.pid);
  lock.release();
});

test("a pid that another process has by now is no owner", () => {
  write({ pid: process.ppid, started: "another boot/1" });
  const lock = lockDirectory(root);
  expect(written().pid).toBe(process.pid);
  lock.release();
});

test("our own pid from before a restart of the container is no owner", () => {
  write({ pid: process.pid, started: "another boot/1" });
  lockDirectory(root).release();
  expect(existsSync(join(root, "LOCK"))).toBe(false);
});

test("where the system does not tell processes of one pid apart, a process that runs is the owner", () => {
  write({ pid: process.ppid, started: null });
  expect(() => lockDirectory(root)).toThrow(locked(`process ${process.ppid}`));
});

test("an owner on another host is respected, since nobody can tell whether it runs", () => {
  write({ pid: 2 ** 22 + 1, host: "elsewhere" });
  expect(() => lockDirectory(root)).toThrow(locked(/on host elsewhere .*nobody can tell .*then remove .*LOCK/));
  expect(written().host).toBe("elsewhere");
});

test.each(["", "{}", "null", "no json", '{"pid":"1"}'])(
  "a lock that does not name its owner (%j) is respected",
  (text) => {
    writeFileSync(join(root, "LOCK"), text);
    expect(() => lockDirectory(root)).toThrow(locked(/does not say who holds it: .*remove it/));
    expect(readFileSync(join(root, "LOCK"), "utf8")).toBe(text);
    expect(readdirSync(root)).toEqual(["LOCK"]);
  },
);

test("who dies while it takes a lock over stands in nobody's way", () => {
  write({ pid: 2 ** 22 + 1 });
  const dead = readFileSync(join(root, "LOCK"));
  for (const name of ["LOCK.next", "LOCK.next.next", "LOCK-4194305-draft"]) writeFileSync(join(root, name), dead);
  const lock = lockDirectory(root);
  expect(written().pid).toBe(process.pid);
  lock.release();
  expect(readdirSync(root)).toEqual([]);
});

test("who takes a lock over at this moment is the owner to be", () => {
  write({ pid: 2 ** 22 + 1 });
  const dead = written();
  writeFileSync(join(root, "LOCK.next"), JSON.stringify({ ...dead, pid: process.ppid, started: null }));
  expect(() => lockDirectory(root)).toThrow(locked(`process ${process.ppid}`));
  expect(written()).toEqual(dead);
});

test("release leaves a lock that is no longer ours", () => {
  const lock = lockDirectory(root);
  writeFileSync(join(root, "LOCK"), JSON.stringify({ ...written(), token: "another" }));
  lock.release();
  expect(written().token).toBe("another");
});

test("a directory that is not there cannot be locked", () => {
  expect(() => lockDirectory(join(root, "missing"))).toThrow(
    expect.objectContaining({ code: "DISK_FAILED", message: expect.stringContaining("cannot lock") as string }),
  );
});

test("of processes that start at once on a dead lock, exactly one gets it, and the others are told whose it is", async () => {
  const first = hold();
  await answerOf(first);
  await kill(first);
  const racers = [hold(), hold(), hold(), hold()];
  const answers = await Promise.all(racers.map(answerOf));
  const winner = racers[answers.indexOf("locked")] as Contender;
  expect(answers.filter((answer) => answer === "locked")).toHaveLength(1);
  expect(answers.filter((answer) => answer.includes(`process ${winner.pid} `))).toHaveLength(3);
});

test("processes that take, leave and take over the lock thousands of times never have it together", async () => {
  const racers = [1, 2, 3].map(() => startContender("contend", root, "2000"));
  contenders.push(...racers);
  const answers = await Promise.all(racers.map(answerOf));
  const counts = answers.map((answer) => JSON.parse(answer) as { taken: number; refused: number; together: number });
  expect(counts.map(({ together }) => together)).toEqual([0, 0, 0]);
  expect(Math.min(...counts.map(({ taken }) => taken))).toBeGreaterThan(0);
  expect(Math.max(...counts.map(({ refused }) => refused))).toBeGreaterThan(0);
});
