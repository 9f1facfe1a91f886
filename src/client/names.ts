/** The ending of a dead-letter queue's name. */
export const deadEnding = ".dead";

const nameLengthMax = 249;
const namePattern = /^[A-Za-z0-9._-]+$/;

/**
 * Checks the name of a channel that a user declares.
 * @throws TypeError that shows the name and says what a name may be.
 */
export function checkChannelName(name: unknown, what: string): asserts name is string {
  checkName(name, what);
  if (name.endsWith(deadEnding)) {
    throw new TypeError(
      `${what}: names ending in "${deadEnding}" are kept for dead letters; look at those of a channel with admin.dead(channel)`,
    );
  }
}

/** Checks the name of anything that is stored: a channel or a group. */
export function checkName(name: unknown, what: string): asserts name is string {
  if (typeof name !== "string")
    throw new TypeError(`${what}: the name must be a string, not ${name === null ? "null" : typeof name}`);
  if (name.length > nameLengthMax)
    throw new TypeError(`${what}: the name has ${name.length} characters, over the ${nameLengthMax} it may have`);
  if (!namePattern.test(name) || name === "." || name === "..") {
    throw new TypeError(
      `${what}: ${JSON.stringify(name)} is not a name; use 1 to ${nameLengthMax} letters, digits, ".", "_" and "-"`,
    );
  }
}

/** Where messages go that cannot be handled: of a queue "<channel>.dead", of a group "<channel>.<group>.dead". */
export function deadLetterName(channel: string, group: string): string {
  return group === "" ? channel + deadEnding : `${channel}.${group}${deadEnding}`;
}

/** Checks that a group's dead letters can have a name too. */
export function checkGroupName(group: unknown, channel: string, what: string): asserts group is string {
  checkName(group, `${what}: group`);
  checkName(deadLetterName(channel, group), `${what}: the dead letters of group "${group}"`);
}
