import type {NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import type {CustomGradient, EvaluatedGradient} from './custom.js';
import {lower} from './tracer.js';

/** One call of a kernel, with inputs of this level or lower ones. */
export interface KernelCall {
  readonly name: string;
  readonly inputs: NamedTensorMap;
  readonly attrs: object;
}

/** The same for each input of a kernel, be they a list or named; inputs that are missing stay so. */
export function mapInputs<T>(
  inputs: NamedTensorMap,
  f: (input: Tensor) => T,
): Record<string, T> | T[] {
  if (Array.isArray(inputs)) return (inputs as Tensor[]).map(f);
  const mapped: Record<string, T> = {};
  for (const name in inputs) {
    const input = inputs[name];
    if (input != null) mapped[name] = f(input);
  }
  return mapped;
}

let nextLevelId = 0;

/**
 * NOTE [levels]
 * One per running transform, numbered upwards, so a transform inside another has the higher number. A kernel call is handled by
 * the highest level among its inputs; what that level runs on its payloads is handled by the next one, down to tfjs itself.
 * Fresh numbers make equal what nesting makes different: no perturbation confusion.
 */
export abstract class Level {
  readonly id = nextLevelId++;
  private ended = false;
  private readonly kept: Tensor[] = [];

  /**
   * @param transform  the public function that runs, for messages
   * @param letsValuesOut  whether what the function keeps, or assigns to a variable, is there afterwards, as in stock tfjs
   */
  constructor(
    readonly transform: string,
    readonly letsValuesOut = false,
  ) {}

  /** Runs a kernel at least one of whose inputs is a tracer of this level. */
  abstract process(call: KernelCall): Tensor | Tensor[];

  /** Runs a function with a gradient of its own (`tf.customGrad`). See NOTE [custom]. */
  abstract processCustom(call: CustomGradient): Tensor;

  /** Gives a value of this level a gradient of its own. */
  abstract attachGradient(gradient: EvaluatedGradient): Tensor;

  assertActive(): void {
    if (!this.ended) return;
    throw new TransformError(
      `a traced tensor was used after the ${this.transform} that made it had returned. Return it from the function ` +
        `(with hasAux for extra values) instead of storing it outside; a custom gradient gets intermediate values through save().`,
      {code: 'escaped-tracer', transform: this.transform},
    );
  }

  get isActive(): boolean {
    return !this.ended;
  }

  /** Remembers a tracer that the function gave to `tf.keep`: it can't outlive its level, unless as its value. */
  keep(tracer: Tensor): void {
    this.kept.push(tracer);
  }

  end(): void {
    this.ended = true;
    for (const tensor of this.kept) {
      // A tensor that only stood for a tracer is the caller's again. See NOTE [closures].
      const {dataId} = tensor as {readonly dataId: {readonly level?: Level}};
      if (dataId.level !== this || tensor.isDisposed) continue;
      if (!this.letsValuesOut) tensor.dispose();
      else lower(tensor)?.level.keep(tensor);
    }
  }
}
