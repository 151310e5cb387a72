import type {Tensor} from '@tensorflow/tfjs-core';
import {runBroadcasting, type BinaryName} from './broadcast.js';
import {alignRanks, broadcastTo, unbroadcast} from './dims.js';
import {add} from './ops.js';
import {conjugating, matching} from './parts.js';
import {run} from './rule.js';
import type {BatchedInput, RuleOf} from './rule.js';
import type {KernelName, Signatures} from './signatures.js';

/** Kernels of one tensor `x`, element by element. */
export type UnaryName = {
  [Name in KernelName]: Signatures[Name] extends {required: 'x'; optional: never; output: 'one'}
    ? 'x' extends Signatures[Name]['required']
      ? Name
      : never
    : never;
}[KernelName];

/** Element by element a batch is just more elements. */
const elementwiseBatch =
  <Name extends UnaryName>(name: Name) =>
  ({x}: {readonly x: BatchedInput}, attrs: Signatures[Name]['attrs']): Tensor =>
    run(name, {x: x.value} as never, attrs) as Tensor;

/**
 * An elementwise function by its derivative. The Jacobian is diagonal, so one formula serves both modes: `times(t, z, attrs)` is the
 * derivative times `t`, where `z` is the input or the output, whichever `from` says; only that is kept for the reverse pass.
 */
export function unary<Name extends UnaryName>(
  name: Name,
  from: 'input' | 'output',
  times: (t: Tensor, z: Tensor, attrs: Signatures[Name]['attrs']) => Tensor,
): RuleOf<Name> {
  type Attrs = Signatures[Name]['attrs'];
  const rule = {
    batch: elementwiseBatch(name),
    jvp: ({x}: {x: Tensor}, tangents: {x: Tensor}, attrs: Attrs, output: Tensor) =>
      times(tangents.x, from === 'input' ? x : output, attrs),
    vjp: {
      saves: from === 'input' ? ['x'] : [],
      savesOutput: from === 'output',
      pullback: (dy: Tensor, residuals: {x: Tensor; output: Tensor}, attrs: Attrs) => ({
        x: () =>
          conjugating(
            (t) => times(t, from === 'input' ? residuals.x : residuals.output, attrs),
            dy,
          ),
      }),
    },
  };
  return rule as unknown as RuleOf<Name>;
}

/** An elementwise function that is linear: `times` gives it of a tangent or a cotangent, and it is its own transpose. */
export function linearUnary<Name extends UnaryName>(name: Name): RuleOf<Name> {
  type Attrs = Signatures[Name]['attrs'];
  const rule = {
    batch: elementwiseBatch(name),
    linearIn: ['x'],
    vjp: {
      saves: [],
      savesOutput: false,
      pullback: (dy: Tensor, _residuals: unknown, attrs: Attrs) => ({
        x: () => run(name, {x: dy} as never, attrs) as Tensor,
      }),
    },
  };
  return rule as unknown as RuleOf<Name>;
}

/** An elementwise function that gives integers or booleans, or is constant in pieces. */
export function stepUnary<Name extends UnaryName>(name: Name): RuleOf<Name> {
  return {batch: elementwiseBatch(name), derivative: 'zero'} as unknown as RuleOf<Name>;
}

interface BinaryResiduals {
  readonly a: Tensor;
  readonly b: Tensor;
}

/** A partial derivative times `t`, and the inputs whose values it takes. */
export interface Partial {
  readonly takes: readonly ('a' | 'b')[];
  readonly times: (t: Tensor, inputs: BinaryResiduals) => Tensor;
}

/** A partial derivative: `partial(['b'], (t, {b}) => mul(t, b))`. Only inputs that it names may be read. */
export const partial = <const Name extends 'a' | 'b' = never>(
  takes: readonly Name[],
  times: (t: Tensor, inputs: Pick<BinaryResiduals, Name>) => Tensor,
): Partial => ({takes, times});

const broadcastingBatch =
  <Name extends BinaryName>(name: Name) =>
  ({a, b}: {readonly a: BatchedInput; readonly b: BatchedInput}): Tensor => {
    const [first, second] = alignRanks([a, b]);
    return runBroadcasting(name, first!, second!);
  };

/** An elementwise function of two tensors by its partial derivatives. */
export function binary<Name extends BinaryName>(
  name: Name,
  partials: {readonly a: Partial; readonly b: Partial},
): RuleOf<Name> {
  const vjp = {
    saves: {a: partials.a.takes, b: partials.b.takes},
    savesOutput: false,
    pullback: (dy: Tensor, residuals: BinaryResiduals) => ({
      a: () => cotangentOf('a', dy, residuals),
      b: () => cotangentOf('b', dy, residuals),
    }),
  };
  const cotangentOf = (name: 'a' | 'b', dy: Tensor, residuals: BinaryResiduals): Tensor => {
    const {times} = partials[name];
    const ct = conjugating((t) => times(t, residuals), dy);
    return matching(unbroadcast(ct, residuals[name].shape), residuals[name]);
  };
  const rule = {
    batch: broadcastingBatch(name),
    jvp: (
      primals: BinaryResiduals,
      tangents: {a?: Tensor; b?: Tensor},
      _attrs: object,
      output: Tensor,
    ) => {
      const terms: Tensor[] = [];
      if (tangents.a) terms.push(partials.a.times(tangents.a, primals));
      if (tangents.b) terms.push(partials.b.times(tangents.b, primals));
      return broadcastTo(matching(terms.reduce(add), output), output.shape);
    },
    vjp,
  };
  return rule as unknown as RuleOf<Name>;
}

/** A comparison, a logical or an integer function of two tensors. */
export function stepBinary<Name extends BinaryName>(name: Name): RuleOf<Name> {
  return {batch: broadcastingBatch(name), derivative: 'zero'} as unknown as RuleOf<Name>;
}
