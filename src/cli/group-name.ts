/** The one group of a queue has no name. In JSON it is null, in a table it is named after what it is. */
export function viewGroup(name: string): string | null {
  return name === "" ? null : name;
}

export function groupLabel(name: string): string {
  return name === "" ? "(the queue)" : name;
}
