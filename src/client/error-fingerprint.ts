import { createHash } from "node:crypto";

/** A number behind these words tells errors apart ("status code 404" and "status code 503"); elsewhere it tells messages apart. */
const beforeCode = /\b(?:status(?: code)?|code|http)\W{1,3}$/i;
const code = /^\d{1,5}\W*$/;
/** An apostrophe is no quote. */
const quoted = /"[^"]*"|(?<!\w)'[^']*'(?!\w)|`[^`]*`/g;
const eachWord = /[^\s,;()[\]{}<>]+/g;

/** A text that is longer says the same in its beginning; bounds what one failure costs. */
const textMax = 300;

/**
 * What errors of the same cause have in common: their name, and their message without what changes from one message to the
 * next, which is texts in quotes and words with a digit in them (numbers, addresses, ids, times). Digits stay that are a code
 * ("status code 503"). The stack is no part of it: it changes with every release.
 */
export function fingerprintText(name: string, message: string): string {
  // Nothing in it that could change.
  if (message.length <= textMax && !/[\d"'`]/.test(message)) return `${name}: ${message}`;
  const words = message.slice(0, textMax).replace(quoted, '"…"');
  return `${name}: ${words.replace(eachWord, (word, at: number) => (isPart(words, word, at) ? word : "#"))}`;
}

function isPart(words: string, word: string, at: number): boolean {
  return !/\d/.test(word) || isCode(words, word, at);
}

function isCode(words: string, word: string, at: number): boolean {
  return code.test(word) && beforeCode.test(words.slice(Math.max(0, at - 20), at));
}

/** Short enough to be typed, long enough that two causes of one channel do not meet. */
export function fingerprintOf(name: string, message: string): string {
  return createHash("sha256").update(fingerprintText(name, message)).digest("hex").slice(0, 12);
}
