import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Vite } from "vitest/node";
import { type Piece, plant } from "./piece.js";

/** Hands out the module a piece is about with the bug in it. */
export class Planting {
  readonly piece: Piece;
  readonly plugin: Vite.Plugin;
  readonly hasFile: boolean;
  #met = false;

  constructor(root: string, piece: Piece) {
    this.piece = piece;
    const path = join(root, piece.file);
    this.hasFile = existsSync(path);
    this.plugin = {
      name: "museum",
      enforce: "pre",
      load: (id) => {
        if (id.split("?")[0] !== path) return undefined;
        this.#met = true;
        return plant(readFileSync(path, "utf8"), piece);
      },
    };
  }

  /** Whether somebody has asked for the module. */
  get met(): boolean {
    return this.#met;
  }
}
