/**
 * The time that windows are measured in: it goes on evenly while a process lives, whatever is done to the wall clock, and between
 * two processes by as much as the wall clock says has passed, and never back.
 *
 *   first process            down            second process
 *   ──── monotonic ────▶|· wall clock ·|──── monotonic ────▶
 *                      last written
 *
 * So a wall clock that is set, either way, makes no window shorter or longer. Set forward while no process runs, it makes the time
 * down look longer than it was: nothing we have could tell.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.js";
import type { Clock } from "../../base/clock.js";

export class WindowClock {
  #clock: Clock | undefined;
  #behindMs = 0;
  #writtenMs = 0;
  #writtenWallMs = 0;

  /** While the log is read, the time is what the last entry said. */
  get nowMs(): number {
    return this.#clock === undefined ? this.#writtenMs : Math.floor(this.#clock.monotonicMs() + this.#behindMs);
  }

  begin(clock: Clock): void {
    if (this.#clock !== undefined) return;
    const wallMs = Math.floor(clock.nowMs());
    const isNew = this.#writtenWallMs === 0;
    const nowMs = isNew ? wallMs : this.#writtenMs + Math.max(0, wallMs - this.#writtenWallMs);
    this.#behindMs = nowMs - clock.monotonicMs();
    this.#clock = clock;
  }

  write(body: ByteWriter): void {
    body.varint(this.nowMs);
    body.varint(this.#clock === undefined ? this.#writtenWallMs : Math.max(0, Math.floor(this.#clock.nowMs())));
  }

  read(body: ByteReader): void {
    this.#writtenMs = body.varint();
    this.#writtenWallMs = body.varint();
  }
}
