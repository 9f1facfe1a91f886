import { expect, test } from "vitest";
import { SettledPages } from "../../src/engine/settled-pages.js";

test("a page that was handed out to be written does not change with what is settled later, also after a restart", () => {
  const before = new SettledPages(0);
  before.settle(5);
  const [stored] = before.takeChangedPages();
  const after = new SettledPages(0);
  // From a file a page comes as a Buffer, whose slices are views.
  after.restorePage(0, Buffer.from(stored?.bytes as Uint8Array));
  after.settle(7);
  const handedOut = after.takeChangedPages()[0]?.bytes as Uint8Array;
  const asHandedOut = Uint8Array.from(handedOut);
  after.settle(9);
  expect(handedOut).toEqual(asHandedOut);
});
