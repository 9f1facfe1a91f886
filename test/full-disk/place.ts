/** Places that can get full: a small file system of this machine, and a simulated disk. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { open, silentLogger, type Limits, type Millrace } from "millrace";
import { ManualClock, SimulatedDisk } from "millrace/testing";
import { defaultLimits } from "../../src/base/limits.js";
import { seededRandom } from "../../src/base/random.js";
import { openOn } from "../../src/drivers/embedded/index.js";

const mebibyte = 1024 * 1024;
const roomBytes = 24 * mebibyte;
const pageBytes = 4096;
const ballastBytes = 8 * mebibyte;

const small: Partial<Limits> = {
  walFileBytes: mebibyte,
  checkpointBytes: 4 * mebibyte,
  segmentBytes: mebibyte,
  reserveBytes: 256 * 1024,
};

export interface Place {
  /** Names of the files of the data directory's root. */
  files(): string[];
  open(): Promise<Millrace>;
  /** Others take all the room that is left. */
  takeRoom(): void;
  /** Others leave the one page that a lock takes: a process that opens has to write its name somewhere. */
  leavePage(): void;
  /** They give it back, and more: what they had from the beginning. */
  giveRoom(): void;
  pass(ms: number): Promise<void>;
  remove(): void;
}

/** Undefined where this process may not mount. */
export function smallFileSystem(): Place | undefined {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-full-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${roomBytes}`, "tmpfs", root]);
  if (mounted.status !== 0) {
    fs.rmdirSync(root);
    return undefined;
  }
  const ballast = path.join(root, "ballast");
  const others = path.join(root, "others");
  fs.writeFileSync(ballast, Buffer.alloc(ballastBytes, 1));
  return {
    open: () => open(path.join(root, "data"), { limits: small, logger: silentLogger }),
    files: () => fs.readdirSync(path.join(root, "data")),
    takeRoom: () => fillFile(others),
    leavePage: () =>
      fs.truncateSync(others, Math.max(0, (Math.ceil(fs.statSync(others).size / pageBytes) - 1) * pageBytes)),
    giveRoom: () => {
      for (const file of [others, ballast]) fs.rmSync(file, { force: true });
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 50))),
    remove: () => {
      const { status, stderr } = spawnSync("umount", [root], { encoding: "utf8" });
      if (status !== 0) throw new Error(`could not unmount ${root}: ${stderr}`);
      fs.rmdirSync(root);
    },
  };
}

/** Until there is no room for one byte more. */
function fillFile(file: string): void {
  const descriptor = fs.openSync(file, "a");
  try {
    for (let bytes = 64 * 1024; bytes >= 1;) {
      if (!appended(descriptor, Buffer.alloc(bytes, 1))) bytes = Math.floor(bytes / 2);
    }
  } finally {
    fs.closeSync(descriptor);
  }
}

function appended(descriptor: number, bytes: Buffer): boolean {
  try {
    fs.writeSync(descriptor, bytes);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    return false;
  }
}

export function simulatedPlace(): Place & { readonly disk: SimulatedDisk } {
  const disk = new SimulatedDisk({ capacityBytes: roomBytes - ballastBytes });
  disk.makeDirectory("");
  const clock = new ManualClock();
  const release = (): void => {};
  const limits = { ...defaultLimits, ...small };
  const options = { limits, durability: "fsync", clock, random: seededRandom(1), logger: silentLogger } as const;
  return {
    disk,
    open: async () =>
      open(await openOn(disk, { ...options, name: "embedded", release }), { clock, logger: silentLogger }),
    files: () => disk.list(""),
    takeRoom: () => {
      disk.capacityBytes = disk.usedBytes;
    },
    leavePage: () => {},
    giveRoom: () => {
      disk.capacityBytes = Math.max(roomBytes, disk.usedBytes + ballastBytes);
    },
    pass: (ms) => clock.advance(ms),
    remove: () => {},
  };
}
