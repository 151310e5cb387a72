import type {Tensor} from '@tensorflow/tfjs-core';

/** Tensors by name. */
export type Parameters = Record<string, Tensor>;

export function mapParameters(
  parameters: Parameters,
  f: (value: Tensor, name: string) => Tensor,
): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, f(value, name)]),
  );
}

export const sizeOf = (parameters: Parameters): number =>
  Object.values(parameters).reduce((sum, {size}) => sum + size, 0);
