/** `ε` as people read it. */
export function showEpsilon(epsilon: number): string {
  return Number.isFinite(epsilon) ? epsilon.toFixed(2) : '∞ (no privacy)';
}

export function showPercent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
