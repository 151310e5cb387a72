import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {makeTracer, TraceRecord} from '../interpreter/tracer.js';
import {Level} from '../interpreter/level.js';
import {
  leavesInOrderOf,
  pathOf,
  showArgument,
  showPath,
  structureMismatch,
  tensorsOf,
  withTensors,
} from '../tree.js';
import type {Gradient} from '../types.js';
import {
  assertAlive,
  assertFunction,
  callSync,
  differentiableTensors,
  isFloat,
  outputTensors,
} from './arguments.js';
import {reverse, type Linearized} from './reverse.js';
import {sameShape} from '../rules/ops.js';

/** The transposed derivative of a function at a point: gives `Jᵀ·cotangents`, one entry per primal. May be called many times. */
export interface Pullback<A extends unknown[], R> {
  /**
   * @param cotangents  a tensor for each output tensor, of its shape and dtype, in the structure of the output
   * @returns  one entry per primal, each in the primal's structure
   * @throws TransformError `tree-mismatch`
   */
  (cotangents: Gradient<R>): {[K in keyof A]: Gradient<A[K]>};
  /** Frees what the pullback keeps. tfjs does so by itself at the end of the tidy scope in which `vjp` was called. */
  dispose(): void;
}

export interface AuxOption<HasAux extends boolean> {
  /** The function returns `[output, aux]`; `aux` (tensors and any other values) is handed out undifferentiated. */
  readonly hasAux?: HasAux;
}

/**
 * The value of a function and its pullback (vector-Jacobian product), by reverse mode. For complex tensors the pullback multiplies by the
 * conjugate transpose: where f is holomorphic, the cotangent of z is `conj(f'(z))·cotangent` (PyTorch's convention).
 *
 * @param f  a function of float tensors or trees of them; all its outputs are float tensors or trees of them
 * @param primals  the arguments of `f`, as an array: the point at which to differentiate
 * @returns  `[output, pullback]`, with `hasAux` `[output, pullback, aux]`
 * @throws TransformError `non-float-input`, `no-tensors`, `non-tensor-output`, `no-reverse-rule` (when the pullback is called),
 *   `async-function`, `disposed-tensor`, `escaped-tracer`
 * @example
 * const [y, pullback] = vjp(tf.sin, [tf.scalar(0)]);
 * pullback(tf.scalar(5))  // => [5]
 */
export function vjp<A extends unknown[], R>(
  f: (...args: A) => R,
  primals: readonly [...A],
  options?: AuxOption<false>,
): [output: R, pullback: Pullback<A, R>];
export function vjp<A extends unknown[], R, Aux>(
  f: (...args: A) => readonly [R, Aux],
  primals: readonly [...A],
  options: AuxOption<true>,
): [output: R, pullback: Pullback<A, R>, aux: Aux];
export function vjp(
  f: (...args: never[]) => unknown,
  primals: readonly unknown[],
  {hasAux = false}: AuxOption<boolean> = {},
): unknown[] {
  assertFunction(f, 'vjp');
  assertPrimals(primals, 'vjp');
  const {output, aux, linear} = linearizeAt('vjp', f as never, primals, hasAux);
  const pullback = makePullback(output, primals, linear);
  return hasAux ? [output, pullback, aux] : [output, pullback];
}

/** Refuses anything but an array of arguments. */
export function assertPrimals(primals: unknown, transform: string): void {
  if (Array.isArray(primals)) return;
  throw new TransformError(
    `primals must be an array with the function's arguments, but is ${describe(primals)}. Write ${transform}(f, [x]).`,
    {code: 'invalid-argument', transform},
  );
}

/** Splits what a `hasAux` function returned. */
export function splitAux(
  returned: unknown,
  hasAux: boolean,
  transform: string,
): {output: unknown; aux: unknown} {
  if (!hasAux) return {output: returned, aux: undefined};
  if (Array.isArray(returned) && returned.length === 2) {
    return {output: returned[0] as unknown, aux: returned[1] as unknown};
  }
  throw new TransformError(
    `with hasAux the function must return [output, aux], but it returned ${describe(returned)}.`,
    {code: 'non-tensor-output', transform},
  );
}

/** Runs `f` on tracers for all tensors of `args` in reverse mode. `check` may refuse outputs. */
export function linearizeAt(
  transform: string,
  f: (...args: unknown[]) => unknown,
  args: readonly unknown[],
  hasAux: boolean,
  check: (outputs: Tensor[], output: unknown) => void = assertFloatOutputs(transform),
  positions?: readonly number[],
): {output: unknown; aux: unknown; linear: Linearized} {
  assertAlive(args, transform);
  const inputs = differentiableTensors(args, transform, positions);
  let output: unknown;
  let aux: unknown;
  const linear = reverse(transform, inputs, (tracers) => {
    const returned = callSync(f, [...withTensors(args, tracers)], transform);
    ({output, aux} = splitAux(returned, hasAux, transform));
    const outputs = outputTensors(output, transform);
    check(outputs, output);
    return {outputs, extras: tensorsOf(aux)};
  });
  return {
    output: withTensors(output, linear.outputs),
    aux: withTensors(aux, linear.extras),
    linear,
  };
}

export const assertFloatOutputs =
  (transform: string) =>
  (outputs: Tensor[], output: unknown): void => {
    outputs.forEach((tensor, index) => {
      if (isFloat(tensor)) return;
      const where = `output${showPath(pathOf(output, index))}`;
      throw new TransformError(
        `${where} is ${describe(tensor)}, through which no derivative passes. Return it with hasAux: true beside the float outputs.`,
        {code: 'non-float-input', transform},
      );
    });
  };

/** Its payload is the tape: the tensor that it belongs to is a handle by which tidy scopes own residuals. */
class ResidualsRecord extends TraceRecord {
  constructor(
    level: Level,
    private readonly linear: Linearized,
  ) {
    super(level);
  }

  protected free(): void {
    this.linear.free();
  }

  read(): never {
    throw new Error('residuals have no value');
  }
}

class ResidualsLevel extends Level {
  process(): never {
    throw new Error('residuals take no part in computations');
  }

  attachGradient(): never {
    return this.process();
  }

  detach(): never {
    return this.process();
  }

  protected customInput(): never {
    return this.process();
  }
}

function makePullback(
  output: unknown,
  primals: readonly unknown[],
  linear: Linearized,
): Pullback<unknown[], unknown> {
  const like = mapToSpecs(output);
  const held = heldByScope('vjp', 'pullback', linear);
  const structure = primals.slice();
  const pullback = (cotangents: unknown): never => {
    held.assertAlive();
    const seeds = matchTree(cotangents, like, output, 'vjp', 'cotangent', 'output');
    return withTensors(structure, linear.pullBack(seeds, false)) as never;
  };
  return Object.assign(pullback, {dispose: held.dispose});
}

/** Makes what a derivative keeps belong to the tidy scope that is open, as tensors do. */
export function heldByScope(
  transform: string,
  noun: 'pullback' | 'pushforward',
  linear: Linearized,
): {assertAlive: () => void; dispose: () => void} {
  const level = new ResidualsLevel(transform);
  const handle = makeTracer(new ResidualsRecord(level, linear), [0], 'float32');
  return {
    assertAlive() {
      if (!handle.isDisposed) return;
      throw new TransformError(
        `the ${noun} was called after it was disposed: what it keeps belongs to the tidy scope in which ${transform} was called, and is ` +
          `freed with it. Call it inside that scope, or call ${transform} outside.`,
        {code: 'disposed-tensor', transform},
      );
    },
    dispose: () => handle.dispose(),
  };
}

interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: string;
}

const mapToSpecs = (tree: unknown): TensorSpec[] =>
  tensorsOf(tree).map(({shape, dtype}) => ({shape, dtype}));

/**
 * The tensors of a tree that must have the structure, shapes and dtypes of another (tangents of primals, cotangents of outputs).
 * @throws TransformError `tree-mismatch`
 */
export function matchTree(
  tree: unknown,
  specs: readonly TensorSpec[],
  like: unknown,
  transform: string,
  noun: 'tangent' | 'cotangent',
  ofNoun: 'primal' | 'output',
): Tensor[] {
  const refuse = (message: string): never => {
    throw new TransformError(
      `${message} ${noun[0]!.toUpperCase()}${noun.slice(1)}s must match the ${ofNoun}s in structure, shape and dtype.`,
      {code: 'tree-mismatch', transform},
    );
  };
  const mismatch = structureMismatch(like, tree);
  if (mismatch !== null) refuse(`the ${noun}s don't fit the ${ofNoun}s: ${mismatch}.`);
  const leaves = leavesInOrderOf(like, tree);
  const places = leavesInOrderOf(like, like);
  let next = 0;
  return leaves.flatMap((leaf, index) => {
    if (!(places[index] instanceof Tensor)) return [];
    const {shape, dtype} = specs[next++]!;
    const where = (): string => {
      const path = pathOf(like, index);
      return ofNoun === 'primal' ? showArgument(path, noun) : noun + showPath(path);
    };
    if (!(leaf instanceof Tensor)) {
      return refuse(
        `${where()} is ${describe(leaf)}, but must be a ${dtype} tensor [${shape.join(', ')}].`,
      );
    }
    if (leaf.isDisposed) return refuse(`${where()} (${describe(leaf)}) is disposed.`);
    if (!sameShape(leaf.shape, shape) || leaf.dtype !== dtype) {
      return refuse(
        `${where()} is ${describe(leaf)}, but its ${ofNoun} is ${dtype} [${shape.join(', ')}].`,
      );
    }
    return [leaf];
  });
}
