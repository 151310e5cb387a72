import type {NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import type {CustomGradient, EvaluatedGradient} from './custom.js';
import {adopt, lower, recordOf, type TraceRecord} from './tracer.js';

/** One call of a kernel, with inputs of this level or lower ones. */
export interface KernelCall {
  readonly name: string;
  readonly inputs: NamedTensorMap;
  readonly attrs: object;
}

/**
 * The same for each input of a kernel, be they a list or named; inputs that are missing stay so. One that is named can be a list itself (the
 * row splits of ragged tensors): tfjs's types don't say so.
 */
export function mapInputs<T>(
  inputs: NamedTensorMap,
  f: (input: Tensor) => T,
): Record<string, T> | T[] {
  if (Array.isArray(inputs)) return (inputs as Tensor[]).map(f);
  const mapped: Record<string, T> = {};
  for (const name in inputs) {
    const input = inputs[name];
    if (input == null) continue;
    mapped[name] = Array.isArray(input) ? ((input as Tensor[]).map(f) as T) : f(input);
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

  /** Gives values of this level derivatives of their own. */
  abstract attachGradient(gradient: EvaluatedGradient): Tensor[];

  /** The value of a tracer of this level without its derivatives, as `stopGradient` gives it. */
  abstract detach(tracer: Tensor): Tensor;

  /** The tensor of a lower level with what is known of a tracer's value: of a mapped one the values of all examples. See NOTE [peeling]. */
  below(tracer: Tensor): Tensor {
    return (tracer.dataId as TraceRecord).read();
  }

  /** What the function of a custom gradient computes with in place of an input: the tensor itself, or one of a lower level. */
  protected abstract customInput(tensor: Tensor): Tensor;

  /** Runs a function with derivatives of its own (`tf.customGrad`, `customVjp`, …) and gives its values. See NOTE [custom]. */
  processCustom(call: CustomGradient): Tensor[] {
    const inputs = call.inputs.map((input) => this.customInput(input));
    const mayUse = inputs.flatMap((input) => recordOf(input)?.level ?? []);
    const saved: Tensor[] = [];
    try {
      const values = call.forward(inputs, (tensors) => {
        // A tidy scope of the function may end before they are passed on.
        saved.push(...tensors.map((tensor) => adopt(this.closed(tensor, mayUse, call))));
      });
      return this.attachGradient({
        ...call,
        values: values.map((value) => this.closed(value, mayUse, call)),
        saved,
      });
    } finally {
      for (const tensor of saved) tensor.dispose();
    }
  }

  /** What the function of a custom gradient gave, made independent of traced tensors that are not among its inputs. */
  private closed(
    tensor: Tensor,
    mayUse: readonly Level[],
    {name, closedOver}: Pick<CustomGradient, 'name' | 'closedOver'>,
  ): Tensor {
    const level = recordOf(tensor)?.level;
    if (level === undefined || level.id < this.id || mayUse.includes(level)) return tensor;
    const constant = closedOver === 'constant' ? level.detach(tensor) : tensor;
    if (recordOf(constant)?.level !== level)
      return this.closed(constant, mayUse, {name, closedOver});
    throw new TransformError(
      `the function given to ${name} uses a tensor traced by ${level.transform} that is not one of its arguments: its derivative would be ` +
        `lost. Pass the tensor as an argument (in an array or a plain object, if there are many).`,
      {code: 'closed-over-tracer', transform: level.transform},
    );
  }

  assertActive(): void {
    if (!this.ended) return;
    throw new TransformError(
      `a traced tensor was used after the ${this.transform} that made it had returned. Return it from the function ` +
        `(with hasAux for extra values) instead of storing it outside; a custom gradient gets intermediate values through save().`,
      {code: 'escaped-tracer', transform: this.transform},
    );
  }

  /** Whether the transform takes derivatives of what runs. */
  get differentiates(): boolean {
    return true;
  }

  /** Whether no value of this level is known while the function runs, since it is to hold for all. */
  get hidesValues(): boolean {
    return false;
  }

  /** Whether random ops draw for each example of this level. See NOTE [random]. */
  get drawsPerExample(): boolean {
    return false;
  }

  /** How many examples a random op is to draw for; null where one draw serves all. Throws where neither is allowed. */
  examplesToDraw(_op: string): number | null {
    return null;
  }

  /** A tracer for the draws of all examples, whose first dimension is that of this level. */
  ofExamples(draws: Tensor): Tensor {
    return draws;
  }

  /** Throws: the op can't draw for each example. */
  refuseToDraw(op: string): never {
    throw new Error(`${op} does not draw for each example`);
  }

  /** Throws where what the function does besides computing would be lost: a graph of its kernels doesn't hold it. */
  refuseEffect(_effect: string): void {}

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
