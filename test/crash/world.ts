/** Runs operations on the real engine over a simulated disk, and keeps the history of it. */
import type { SimulatedDisk } from "../../src/disk/simulated.js";
import { discover } from "./discovery.js";
import { Faults } from "./faults.js";
import { factsFrom } from "./facts.js";
import { type Facts, noFacts, type Happening, type Promised } from "./history.js";
import { judge } from "./judge.js";
import type { Operation } from "./operations.js";
import { Readers } from "./readers.js";
import type { Scene } from "./scenes.js";
import { Senders } from "./senders.js";
import { inWords, Station } from "./station.js";
import { Subject } from "./subject.js";

type Administration = Extract<Operation, { do: "cancel" | "seek" | "declare" | "raise" | "checkpoint" | "keep" }>;

/** More than any wait of the engine for room or for its next attempt. */
const patienceMs = 5_000;

export class World {
  readonly faults = new Faults();
  readonly #disk: SimulatedDisk;
  readonly #scene: Scene;
  readonly #subject: Subject;
  readonly #station: Station;
  #senders: Senders;
  #readers: Readers;
  #facts: Facts = noFacts;
  #history: Happening[] = [];
  #extraChannels = 0;
  /** Something was done to the disk that the engine may notice. */
  #harmed = false;
  #ended = false;

  constructor(disk: SimulatedDisk, scene: Scene) {
    this.#disk = disk;
    this.#scene = scene;
    this.#subject = new Subject({ disk, limits: scene.limits });
    this.#station = new Station({
      scene,
      note: (happening) => {
        if (!this.#ended) this.#history.push(happening);
      },
      nowMs: () => this.#subject.clock.nowMs(),
      lastNumber: 0,
    });
    this.#senders = new Senders(this.#station);
    this.#readers = new Readers(this.#station);
  }

  /** In words: what no crash is needed for. */
  get failure(): string | undefined {
    return this.#station.failure;
  }

  get scene(): Scene {
    return this.#scene;
  }

  get promised(): Promised {
    return {
      facts: this.#facts,
      history: this.#history,
      happened: this.#history.length,
      nowMs: this.#subject.clock.nowMs(),
    };
  }

  async open(): Promise<void> {
    await this.#station.begin(await this.#subject.open());
  }

  /** `atRest` is called where nothing is under way that needs no time; it says whether to go on. */
  async run(
    operations: readonly Operation[],
    atRest: () => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<void> {
    for (const operation of operations) {
      await this.#perform(operation);
      if (this.failure !== undefined) return;
      if (isAwaited(operation) && !(await atRest())) return;
    }
    await this.#subject.rest();
    if (this.#harmed) await this.#mustRecover();
  }

  /** Nothing is written down any more: what happens now happens after the crash. */
  end(): void {
    this.#ended = true;
  }

  /** @throws what the engine says when it could not end well */
  async close(): Promise<void> {
    await this.#station.driver.close();
  }

  #perform(operation: Operation): Promise<void> | void {
    switch (operation.do) {
      case "send":
        return this.#awaited(this.#senders.send(operation.to, operation.count, operation), operation.await);
      case "transaction":
        return this.#awaited(this.#senders.transaction(operation.to));
      case "take":
        return this.#awaited(this.#readers.take(operation.from, operation.max));
      case "settle":
        return this.#readers.settle(operation.from, operation.which, operation.how);
      case "flush":
        return this.#awaited(this.#readers.flush());
      case "advance":
        return this.#subject.advance(operation.ms);
      case "reopen":
        return this.#reopen();
      case "break":
      case "fill":
      case "free":
        return this.#harm(operation);
      default:
        return this.#awaited(this.#tried(() => this.#administer(operation)));
    }
  }

  #administer(operation: Administration): Promise<void> {
    switch (operation.do) {
      case "cancel":
        return this.#readers.cancel(operation.from);
      case "seek":
        return this.#readers.seek(operation.reader, operation.to);
      case "declare":
        return this.#station.declare(`extra-${++this.#extraChannels}`);
      case "raise":
        return this.#station.raise();
      case "checkpoint":
        return this.#subject.checkpoint();
      case "keep":
        return this.#subject.keep();
    }
  }

  #harm(operation: Extract<Operation, { do: "break" | "fill" | "free" }>): void {
    this.#harmed = true;
    if (operation.do === "break") this.faults.arm(operation);
    else
      this.#disk.capacityBytes =
        operation.do === "free" ? Number.POSITIVE_INFINITY : this.#disk.usedBytes + operation.leftBytes;
  }

  /** As far as it gets without time going on: what has to wait for that goes on behind the operations to come. */
  async #awaited(work: Promise<void>, wait = true): Promise<void> {
    work.catch((error: unknown) => (this.#station.failure ??= inWords(error)));
    if (wait) await this.#subject.rest();
  }

  async #tried(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#station.refused(error);
    }
  }

  async #reopen(): Promise<void> {
    const flush = -this.#history.length - 1;
    this.#station.note({ what: "flushing", flush, reader: undefined });
    this.#station.note({ what: "ended" });
    const closed = await this.#closeInTime();
    if (closed === "well") this.#station.note({ what: "flushed", flush });
    if (closed === "never") this.#station.failure ??= "closing does not end";
    if (this.#senders.waiting > 0) this.#station.failure ??= "the engine is closed, and a send was never told its fate";
    if (this.failure !== undefined) return;
    this.#senders = new Senders(this.#station);
    this.#readers = new Readers(this.#station);
    if (!this.#harmed) return this.open();
    if (await this.#openedHarmed()) return;
    // A disk that goes on failing may keep us from it; one that has stopped must not.
    this.#makeWhole();
    await this.#closeInTime();
    if (!(await this.#openedHarmed()))
      this.#station.failure ??= "the disk has room and does not fail, and cannot be opened";
  }

  /** What is found on a disk that failed is what its next process goes on with, and what it must never lose again. */
  async #openedHarmed(): Promise<boolean> {
    const facts = await this.#lookedAt();
    if (facts === undefined) return true;
    try {
      await this.open();
    } catch (error) {
      this.#station.refused(error);
      return false;
    }
    this.#facts = facts;
    this.#history = [];
    return true;
  }

  async #closeInTime(): Promise<"well" | "badly" | "never"> {
    let ended: "well" | "badly" | undefined;
    this.close().then(
      () => (ended = "well"),
      (error: unknown) => {
        ended = "badly";
        this.#station.refused(error);
      },
    );
    await this.#subject.rest();
    if (ended === undefined) await this.#subject.advance(patienceMs);
    return ended ?? "never";
  }

  /** undefined: what is there is not what must be. */
  async #lookedAt(): Promise<Facts | undefined> {
    const { nowMs } = this.promised;
    const disk = this.#disk.afterKill({ capacityBytes: Number.POSITIVE_INFINITY });
    const found = await discover(disk, { scene: this.#scene, nowMs });
    const { expected, wrong } = judge(this.promised, found);
    if (wrong !== undefined) this.#station.failure ??= `opened again after the disk had failed: ${wrong}`;
    return wrong === undefined ? factsFrom(expected, found, { handed: false }) : undefined;
  }

  #makeWhole(): void {
    this.faults.disarm();
    this.#disk.capacityBytes = Number.POSITIVE_INFINITY;
  }

  /** Once the disk is whole and time has gone on, everything works again by itself, or at least after opening anew. */
  async #mustRecover(): Promise<void> {
    this.#makeWhole();
    await this.#subject.advance(patienceMs);
    if (this.#senders.waiting > 0)
      this.#station.failure ??= "the disk has room and does not fail, and a send is still not told its fate";
    const acknowledged = await this.#sendToEach();
    if (acknowledged || this.failure !== undefined) return;
    await this.#reopen();
    if (this.failure === undefined && !(await this.#sendToEach()))
      this.#station.failure ??=
        "the disk has room and does not fail, the directory was opened again, and a send is not acknowledged";
  }

  get #acknowledgements(): number {
    return this.#history.filter((happening) => happening.what === "acknowledged").length;
  }

  async #sendToEach(): Promise<boolean> {
    const before = this.#acknowledgements;
    for (const name of this.#scene.channels) await this.#awaited(this.#senders.send(name, 1));
    return this.#acknowledgements - before === this.#scene.channels.length;
  }
}

/** What is not awaited goes on while the next operation begins: they may share a commit. */
function isAwaited(operation: Operation): boolean {
  return operation.do === "send" ? operation.await : operation.do !== "settle" && operation.do !== "break";
}
