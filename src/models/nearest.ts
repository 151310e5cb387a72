/** The name that is most like the given one, or null where none is. */
export function nearest(name: string, names: readonly string[]): string | null {
  let best: {name: string; distance: number} | null = null;
  for (const candidate of names) {
    const distance = editDistance(name, candidate);
    if (best === null || distance < best.distance) best = {name: candidate, distance};
  }
  return best !== null && best.distance <= Math.max(name.length, best.name.length) / 2
    ? best.name
    : null;
}

/** How many letters must be inserted, removed or replaced (Levenshtein's distance). */
function editDistance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, column) => column);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = row[j]! + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
