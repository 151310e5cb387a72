import type {KernelCall} from './calls.js';
import type {Snapshot} from './snapshot.js';

/** Which inputs are mapped: all, and where there are several each by itself (of a list, the first and the last). */
export function choicesOf({inputs}: KernelCall): string[][] {
  const names = Object.keys(inputs);
  if (names.length === 1) return [names];
  const alone = names.length > 4 ? [names[0]!, names.at(-1)!] : names;
  return [names, ...alone.map((name) => [name])];
}

/**
 * Inputs for another example of a batch, out of those that the test used, so that they remain what the kernel can take: indices stay in their
 * ranges and rows stay together. They are moved along the first dimension; single float numbers are made smaller instead.
 */
export function variantOf(snapshot: Snapshot, example: number): Snapshot {
  const {shape, dtype, values} = snapshot;
  const rows = shape[0] ?? 1;
  if (example === 0 || values.length === 0) return snapshot;
  if (rows === 1) {
    if (dtype !== 'float32') return snapshot;
    return {...snapshot, values: (values as Float32Array).map((value) => value * 0.75 ** example)};
  }
  const shift = (values.length / rows) * (example % rows);
  const parts = [...values.slice(shift), ...values.slice(0, shift)];
  if (dtype === 'string') return {...snapshot, values: parts as readonly Uint8Array[]};
  const moved = values.slice() as Float32Array;
  moved.set(parts as number[]);
  return {...snapshot, values: moved};
}
