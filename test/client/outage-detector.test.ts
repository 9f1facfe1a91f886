/** The detector against a model that remembers everything: the last messages, each by how its first attempt failed, or that it was handled. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { fixed } from "../../src/index.js";
import { OutageDetector } from "../../src/client/outage-detector.js";

const rule = { share: 0.8, samples: 5, withinMs: 1_000, sparesMs: 1_000, probe: fixed(1) };

interface Step {
  readonly message: number;
  readonly error: string | undefined;
  readonly afterMs: number;
}

const steps = (errors: readonly string[], messages = 12): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      message: fc.nat(messages),
      error: fc.option(fc.constantFrom(...errors), { nil: undefined, freq: 3 }),
      afterMs: fc.constantFrom(0, 0, 1, 400),
    }),
    { maxLength: 60 },
  );

/** Every message that ever had an outcome, the latest outcome last. That one fails again changes nothing. */
class Model {
  readonly #latest = new Map<number, { error: string | undefined; atMs: number }>();

  run({ message, error }: Step, nowMs: number): boolean {
    if (error !== undefined && this.#latest.has(message)) return false;
    this.#latest.delete(message);
    this.#latest.set(message, { error, atMs: nowMs });
    const last = [...this.#latest.values()].slice(-rule.samples);
    if (error === undefined || last.length < rule.samples) return false;
    // From the latest failure back to the first that is too long ago.
    const failures = last.filter((each) => each.error !== undefined).toReversed();
    const old = failures.findIndex((each) => nowMs - each.atMs > rule.withinMs);
    const recent = old < 0 ? failures : failures.slice(0, old);
    return recent.filter((each) => each.error === error).length >= rule.share * rule.samples;
  }
}

function* outcomes(
  run: readonly Step[],
): Generator<{ readonly step: Step; readonly detected: boolean; nowMs: number }> {
  const detector = new OutageDetector(rule);
  const failed = new Set<number>();
  const handled = new Set<number>();
  let nowMs = 0;
  for (const step of run) {
    // What is handled is gone, and never fails or is handled again.
    if (handled.has(step.message)) continue;
    nowMs += step.afterMs;
    const id = String(step.message);
    let detected = false;
    if (step.error === undefined) {
      handled.add(step.message);
      detector.handled(failed.has(step.message) ? 2 : 1, { id });
    } else {
      detected = detector.failed({ id, attempt: failed.has(step.message) ? 2 : 1 }, step.error, nowMs);
      failed.add(step.message);
    }
    yield { step, detected, nowMs };
  }
}

test("it sees what one sees who remembers everything", () => {
  fc.assert(
    fc.property(steps(["a", "b"], 40), (run) => {
      const model = new Model();
      for (const { step, detected, nowMs } of outcomes(run)) expect(detected).toBe(model.run(step, nowMs));
    }),
    { numRuns: 2_000 },
  );
});

test("errors that differ from message to message are never an outage, however many fail", () => {
  const each = fc.array(fc.record({ message: fc.nat(40), afterMs: fc.constant(0) }), { maxLength: 100 });
  fc.assert(
    fc.property(each, (run) => {
      const differing = run.map((step) => ({ ...step, error: `error of ${step.message}` }));
      expect([...outcomes(differing)].some(({ detected }) => detected)).toBe(false);
    }),
  );
});

test("a few messages that fail again and again are never an outage, however often", () => {
  fc.assert(
    fc.property(steps(["a"], 3), (run) => {
      expect([...outcomes(run)].some(({ detected }) => detected)).toBe(false);
    }),
  );
});

test("messages that all fail with the same error are one as soon as there are enough of them", () => {
  const run = Array.from({ length: 7 }, (_, message) => ({ message, error: "down", afterMs: 10 }));
  expect([...outcomes(run)].map(({ detected }) => detected)).toEqual([false, false, false, false, true, true, true]);
});
