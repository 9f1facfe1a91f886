/**
 * The engine as a driver. The engine's objects are the driver's: its channels, deliveries and receipts have the shapes
 * that `driver.ts` asks for, which these assignments prove, so nothing stands between a message and the log.
 */
import type {
  ChannelSpec,
  DeclaredChannel,
  Driver,
  DriverAdmin,
  Receipt,
  StagedMessage,
  Supports,
} from "../../driver.js";
import { EngineAdmin } from "../../engine/admin.js";
import type { Engine } from "../../engine/engine.js";
import { refuseUnsupported, supports } from "./supports.js";

export class EmbeddedDriver implements Driver {
  readonly name: string;
  readonly supports: Supports = supports;
  readonly messageBytesMax: number;
  readonly admin: DriverAdmin;
  readonly #engine: Engine;
  readonly #release: () => void;
  #closing: Promise<void> | undefined;

  /** @param release gives free what was taken for the engine */
  constructor(engine: Engine, name: string, release: () => void) {
    this.#engine = engine;
    this.name = name;
    this.messageBytesMax = engine.limits.messageBytesMax;
    this.admin = new EngineAdmin(engine);
    this.#release = release;
  }

  async declare(spec: ChannelSpec): Promise<DeclaredChannel> {
    refuseUnsupported(spec, this.name);
    return this.#engine.declare(spec);
  }

  commit(sends: readonly StagedMessage[]): Promise<Receipt[]> {
    return this.#engine.commit(sends);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#engine.close().finally(() => this.#release()));
  }
}
