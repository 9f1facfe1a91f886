/** Groups that are being made: whoever comes for one meanwhile gets the same. */
export class Joining<G> {
  readonly #coming = new Map<string, Promise<G>>();

  join(name: string, make: () => Promise<G>): Promise<G> {
    const coming = this.#coming.get(name) ?? make().finally(() => this.#coming.delete(name));
    this.#coming.set(name, coming);
    return coming;
  }
}
