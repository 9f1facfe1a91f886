import { describe, expect, test } from "vitest";
import { Hash96 } from "../../../src/base/hash96.js";
import { seededRandom } from "../../../src/base/random.js";
import { IdTable, numbersMost } from "../../../src/engine/dedup/id-table.js";

const hash = new Hash96({ low: 7, high: 11 });

function addOnce(table: IdTable, id: string, number: number): boolean {
  if (table.has(hash.of(id))) return false;
  table.add(hash.of(id), number, false);
  return true;
}

describe("the table of ids", () => {
  test("has what was added to slices that are alive, and nothing else, whatever comes and goes", () => {
    const random = seededRandom(3);
    const table = new IdTable();
    const alive = new Map<number, Set<string>>();
    let number = 0;
    for (let round = 0; round < 400; round++) {
      number = (number % numbersMost) + 1;
      table.begin(number);
      const mine = new Set<string>();
      alive.set(number, mine);
      for (let each = 0; each < 200; each++) {
        const id = String(Math.floor(random() * 20_000));
        const isKnown = [...alive.values()].some((ids) => ids.has(id));
        expect(addOnce(table, id, number)).toBe(!isKnown);
        if (!isKnown) mine.add(id);
      }
      for (const oldest of [...alive.keys()].slice(0, Math.max(0, alive.size - 10))) {
        alive.delete(oldest);
        table.end(oldest);
      }
    }
  });

  test("takes no more room for ids that come and go than for those that are there", () => {
    const table = new IdTable();
    let most = 0;
    for (let round = 0; round < 300; round++) {
      const number = (round % numbersMost) + 1;
      table.begin(number);
      for (let each = 0; each < 1_000; each++) addOnce(table, `${round}-${each}`, number);
      if (round >= 10) table.end(((round - 10) % numbersMost) + 1);
      most = Math.max(most, table.bytes);
    }
    expect(most / 11_000).toBeLessThan(27);
  });

  test("remembers five million ids in less than 100 MB", () => {
    const table = new IdTable();
    const random = seededRandom(5);
    const word = (): number => Math.floor(random() * 4_294_967_296) | 0;
    table.begin(1);
    let most = 0;
    for (let each = 1; each <= 5_000_000; each++) {
      hash.set(word(), word(), word());
      table.add(hash, 1, false);
      if (each % 100_000 === 0) most = Math.max(most, table.bytes);
    }
    expect(most).toBeLessThan(100_000_000);
    expect(table.bytes / 5_000_000).toBeLessThan(19);
  }, 60_000);

  test("tells each id that is in no page yet once", () => {
    const table = new IdTable();
    table.begin(1);
    for (let each = 0; each < 10_000; each++) table.add(hash.of(String(each)), 1, each % 2 === 0);
    const told = (): number => {
      let count = 0;
      table.takeUnwritten(() => count++);
      return count;
    };
    expect([told(), told()]).toEqual([5_000, 0]);
  });
});
