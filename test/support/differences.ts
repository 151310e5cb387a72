import {moved, type HostTensor} from './host.js';

type Call = (inputs: readonly HostTensor[]) => HostTensor[];

/** A direction in the space of the inputs: nothing for an input that is held fixed. */
export type Direction = readonly (HostTensor | undefined)[];

/**
 * Steps for functions that compute in double precision: the rounding error ε/h and the truncation error h² are both near 1e-10,
 * those of the second difference, ε/h² and h², near 1e-8.
 */
const FIRST_STEP = 1e-5;
const SECOND_STEP = 1e-4;

/** Df(x)[u] of every output by a central difference; zero for outputs that are not float. */
export function directionalDerivative(
  f: Call,
  x: readonly HostTensor[],
  u: Direction,
): HostTensor[] {
  const ahead = f(shifted(x, u, FIRST_STEP));
  const behind = f(shifted(x, u, -FIRST_STEP));
  return combined([ahead, behind], ([a, b]) => ((a as number) - (b as number)) / (2 * FIRST_STEP));
}

/** D²f(x)[u, v] of every output; `widening` multiplies the step. */
export function secondDerivative(
  f: Call,
  x: readonly HostTensor[],
  u: Direction,
  v: Direction,
  widening = 1,
): HostTensor[] {
  const h = SECOND_STEP * widening;
  const at = (alongU: number, alongV: number) => f(shifted(shifted(x, u, alongU), v, alongV));
  return combined(
    [at(h, h), at(h, -h), at(-h, h), at(-h, -h)],
    ([pp, pm, mp, mm]) =>
      ((pp as number) - (pm as number) - (mp as number) + (mm as number)) / (4 * h * h),
  );
}

function shifted(x: readonly HostTensor[], u: Direction, step: number): HostTensor[] {
  return x.map((input, i) => {
    const direction = u[i];
    return direction === undefined ? input : moved(input, step, direction);
  });
}

function combined(
  evaluations: readonly (readonly HostTensor[])[],
  f: (values: readonly number[]) => number,
): HostTensor[] {
  return (evaluations[0] ?? []).map((output, place) => ({
    shape: output.shape,
    dtype: derivativeType(output),
    values: Float64Array.from(output.values, (_, i) =>
      output.dtype === 'float32' || output.dtype === 'complex64'
        ? f(evaluations.map((outputs) => outputs[place]?.values[i] as number))
        : 0,
    ),
  }));
}

/** The dtype of a tensor's tangents and cotangents. */
export const derivativeType = ({dtype}: HostTensor): 'float32' | 'complex64' =>
  dtype === 'complex64' ? 'complex64' : 'float32';

/** The sum of tensors of equal shape, in double precision. */
export function sum(parts: readonly HostTensor[]): HostTensor {
  const [first] = parts;
  if (first === undefined) {
    throw new Error('cannot add nothing');
  }
  const values = Float64Array.from(first.values, (_, i) =>
    parts.reduce((total, part) => total + (part.values[i] as number), 0),
  );
  return {shape: first.shape, dtype: derivativeType(first), values};
}
