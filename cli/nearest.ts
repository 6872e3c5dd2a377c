/** The one of the names that a word is most likely to mean; undefined where none is near. */
export function nearest(
  word: string,
  names: readonly string[],
  most = Math.max(1, Math.floor(word.length / 4)),
): string | undefined {
  const [best] = names
    .map((name) => ({ name, edits: editsBetween(word, name) }))
    .filter(({ name, edits }) => edits <= most || (word.length > 2 && name.startsWith(word)))
    .sort((a, b) => a.edits - b.edits);
  return best?.name;
}

/** How many letters have to be put in, left out or replaced (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
