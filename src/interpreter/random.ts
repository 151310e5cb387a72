import {TensorBuffer, type DataType, type KernelBackend, type Tensor} from '@tensorflow/tfjs-core';
import {engine} from './engine.js';
import type {Level} from './level.js';

/**
 * NOTE [random]
 * The random ops of tfjs call no kernel: they fill a TensorBuffer in JavaScript and make a tensor of it, so they are met in
 * `engine.makeTensor`, by the name of the scope that is open. Each level that runs then says how many draws it wants: none beside the one
 * (all examples share it), or one per example. For the latter the buffer, whose size the op takes from it when it fills it, is made
 * larger when it is assigned: all draws come from the same generator with the same parameters, one after the other, seed or not.
 */
const randomOps: ReadonlySet<string> = new Set([
  'randomGamma__op',
  'randomNormal__op',
  'randomUniform__op',
  'truncatedNormal__op',
]);

/** Fills an array of its own, of the size of the shape, by a function of the caller's: it can't be made to draw more. */
const RAND = 'rand__op';

/** A kernel that draws. */
export const MULTINOMIAL = 'Multinomial';

/** The random op that runs now, as users know it, or null. */
function currentOp(): string | null {
  const name = engine.state.activeScope?.name;
  return name !== undefined && (randomOps.has(name) || name === RAND)
    ? `tf.${name.replace('__op', '')}`
    : null;
}

export type MakeTensor = (
  values: unknown,
  shape: number[],
  dtype?: DataType,
  backend?: KernelBackend,
) => Tensor;

/** The levels that want draws of their own for each example, outermost first. */
export const levelsThatDraw = (running: readonly Level[], op: string): Level[] =>
  running.filter((level) => level.examplesToDraw(op) !== null);

/** `engine.makeTensor` while transforms run. */
export function makeTensorWith(stock: MakeTensor, running: readonly Level[]): MakeTensor {
  return (values, shape, dtype, backend) => {
    const op = currentOp();
    if (op === null) return stock(values, shape, dtype, backend);
    const levels = levelsThatDraw(running, op);
    const sizes = levels.map((level) => level.examplesToDraw(op)!);
    if (levels.length > 0 && op === 'tf.rand') levels.at(-1)!.refuseToDraw(op);
    const drawn = stock(values, [...sizes, ...shape], dtype, backend);
    return levels.reduce((tensor, level) => level.ofExamples(tensor), drawn);
  };
}

let enlarging: readonly Level[] | null = null;

/** Makes buffers of random ops large enough for the draws of all examples, as long as one of the levels that run wants that. */
export function enlargeBuffers(running: readonly Level[]): void {
  const wanted = running.some(({drawsPerExample}) => drawsPerExample);
  if (wanted && enlarging === null) Object.defineProperty(TensorBuffer.prototype, 'values', values);
  if (!wanted && enlarging !== null) {
    delete (TensorBuffer.prototype as unknown as {values?: unknown}).values;
  }
  enlarging = wanted ? running : null;
}

type Numbers = Float32Array | Int32Array | Uint8Array;

/** Catches the first assignment to `buffer.values`, that of the constructor. */
const values: PropertyDescriptor = {
  configurable: true,
  set(this: TensorBuffer<never>, assigned: Numbers) {
    const op = currentOp();
    const count =
      op === null || enlarging === null
        ? 1
        : levelsThatDraw(enlarging, op).reduce(
            (product, level) => product * level.examplesToDraw(op)!,
            1,
          );
    const value =
      count === 1
        ? assigned
        : new (assigned.constructor as new (size: number) => Numbers)(assigned.length * count);
    Object.defineProperty(this, 'values', {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  },
};

/**
 * The seeds that random ops without one took from `Math.random` while a function ran, so that it can be run again with the same draws.
 */
export class Seeds {
  private readonly recorded: number[] = [];

  record<T>(body: () => T): T {
    this.recorded.length = 0;
    const random = Math.random;
    return withRandom(() => {
      const seed = random();
      this.recorded.push(seed);
      return seed;
    }, body);
  }

  replay<T>(body: () => T): T {
    const random = Math.random;
    let next = 0;
    return withRandom(() => this.recorded[next++] ?? random(), body);
  }
}

function withRandom<T>(random: () => number, body: () => T): T {
  const original = Math.random;
  Math.random = random;
  try {
    return body();
  } finally {
    Math.random = original;
  }
}
