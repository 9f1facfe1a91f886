/** What is sent. A thousand different ones, made once: making them is not what is measured. */
import { randomFillSync } from "node:crypto";

export const batchRecords = 1_000;

export function byteValues(bytes: number): Uint8Array[] {
  return Array.from({ length: batchRecords }, () => randomFillSync(new Uint8Array(bytes)));
}

export interface Email {
  readonly order: number;
  readonly to: string;
  readonly subject: string;
  readonly paid: boolean;
  readonly total: number;
}

/** 100 bytes each as JSON. */
export function emailValues(): Email[] {
  return Array.from({ length: batchRecords }, (_, index) => ({
    order: 1_000_000 + index,
    to: `customer-${10_000 + index}@example.org`,
    subject: "Your order",
    paid: index % 2 === 0,
    total: 10_000 + index,
  }));
}
