import type { Driver } from "./driver.js";
import type { Millrace } from "./client/millrace.js";
import type { OpenOptions } from "./client/open-options.js";

/** Opens a broker. */
export function open(where: string | Driver, options: OpenOptions = {}): Promise<Millrace> {
  return Promise.reject(new Error(`cannot open a ${typeof where} with ${Object.keys(options).length} options`));
}
