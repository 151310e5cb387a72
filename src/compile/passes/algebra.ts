import {sameShape} from '../../rules/ops.js';
import {uniformNumber} from '../constants.js';
import {sameSpec, type Graph, type TensorSpec, type Value} from '../graph.js';
import {binaryKernels} from '../kinds.js';
import {firstOf, madeBy, rewrite, type Call, type Rewrite, type Rewrites} from './rewriting.js';

/**
 * Arithmetic that need not be done: `x + 0`, `x·1`, `x / 1`, `x¹`, `-(-x)`, `a + (-b)`, `(-a)·(-b)`, …
 *
 * Only what gives the same number for every x, NaN and infinities included: `x·0` stays. (`x + 0` becomes x, which for the zero with a minus
 * sign is that zero.)
 */
export const algebraicSimplification = (graph: Graph): Graph => rewrite(graph, rules);

/** The value itself where it is the result of the call: it need not be broadcast, nor change its dtype. */
const itself = (value: Value, {output}: Call): Value | null =>
  sameSpec(value, output) ? value : null;

const negated = (value: Value): Value | undefined => madeBy(value, 'Neg')?.inputs['x'];

/** Whether a value is a constant all of whose elements are `number`. */
const is = (value: Value, number: number): boolean => uniformNumber(value) === number;

const add: Rewrite = (call) => {
  const {a, b} = call.inputs as {a: Value; b: Value};
  if (is(b, 0)) return itself(a, call);
  if (is(a, 0)) return itself(b, call);
  const [minusA, minusB] = [negated(a), negated(b)];
  if (minusB !== undefined) return call.emit('Sub', {a, b: minusB});
  if (minusA !== undefined) return call.emit('Sub', {a: b, b: minusA});
  return null;
};

const sub: Rewrite = (call) => {
  const {a, b} = call.inputs as {a: Value; b: Value};
  if (is(b, 0)) return itself(a, call);
  const minusB = negated(b);
  return minusB === undefined ? null : call.emit('Add', {a, b: minusB});
};

const multiply: Rewrite = (call) => {
  const {a, b} = call.inputs as {a: Value; b: Value};
  for (const [factor, other] of [
    [a, b],
    [b, a],
  ] as const) {
    if (is(factor, 1)) return itself(other, call);
    if (is(factor, -1) && sameSpec(other, call.output)) return call.emit('Neg', {x: other});
  }
  const [minusA, minusB] = [negated(a), negated(b)];
  if (minusA !== undefined && minusB !== undefined) {
    return call.emit('Multiply', {a: minusA, b: minusB});
  }
  return timesNumber(call, a, b) ?? timesNumber(call, b, a);
};

/** Products with a number: of what was negated, and of what is never NaN or infinite with zero. */
function timesNumber({output, emit, fill}: Call, x: Value, factor: Value): Value | null {
  const number = uniformNumber(factor);
  if (number === null || factor.dtype !== 'float32') return null;
  if (Object.is(number, 0) && isZeroOrOne(x) && sizeOf(output) <= MOST_FILLED)
    return fill(0, output);
  const minusX = negated(x);
  return minusX === undefined ? null : emit('Multiply', {a: minusX, b: fill(-number, factor)});
}

/** A constant of more elements takes longer to read than what it replaces takes to compute. */
const MOST_FILLED = 4096;

const sizeOf = ({shape}: TensorSpec): number => shape.reduce((product, size) => product * size, 1);

/** Whether a value is a bool as a number. */
const isZeroOrOne = (value: Value): boolean => madeBy(value, 'Cast')?.inputs['x']?.dtype === 'bool';

/** A constant with one number as a scalar, where the other side has the shape of the result. */
const withScalars =
  (kernel: string): Rewrite =>
  ({inputs, output, emit, fill}) => {
    const {a, b} = inputs as {a: Value; b: Value};
    const asScalar = (constant: Value, other: Value): Value | null => {
      if (constant.shape.length === 0 || !sameShape(other.shape, output.shape)) return null;
      const number = uniformNumber(constant);
      return number === null ? null : fill(number, {shape: [], dtype: constant.dtype});
    };
    const right = asScalar(b, a);
    if (right !== null) return emit(kernel, {a, b: right});
    const left = asScalar(a, b);
    return left === null ? null : emit(kernel, {a: left, b});
  };

const divide: Rewrite = (call) => {
  const {a, b} = call.inputs as {a: Value; b: Value};
  return is(b, 1) ? itself(a, call) : null;
};

const power: Rewrite = (call) => {
  const {a, b} = call.inputs as {a: Value; b: Value};
  if (!sameSpec(a, call.output)) return null;
  if (is(b, 1)) return a;
  return is(b, 2) ? call.emit('Square', {x: a}) : null;
};

/** Kernels that give the same for `x` and `-x`. */
const even =
  (kernel: string): Rewrite =>
  ({inputs: {x}, emit}) => {
    const minusX = negated(x!);
    return minusX === undefined ? null : emit(kernel, {x: minusX});
  };

/** Kernels that do nothing the second time. */
const idempotent =
  (kernel: string): Rewrite =>
  ({inputs: {x}}) =>
    madeBy(x!, kernel) === null ? null : x!;

const binary: Rewrites = Object.fromEntries(
  [...binaryKernels].map((kernel) => [kernel, withScalars(kernel)]),
);

const rules: Rewrites = {
  ...binary,
  Abs: firstOf(idempotent('Abs'), even('Abs')),
  Add: firstOf(add, withScalars('Add')),
  Ceil: idempotent('Ceil'),
  Cos: even('Cos'),
  Floor: idempotent('Floor'),
  Multiply: firstOf(multiply, withScalars('Multiply')),
  Neg: ({inputs: {x}, emit}) => {
    const minusX = negated(x!);
    if (minusX !== undefined) return minusX;
    const difference = madeBy(x!, 'Sub');
    // Zeros of the other sign apart, -(a - b) is b - a.
    return difference === null
      ? null
      : emit('Sub', {a: difference.inputs['b']!, b: difference.inputs['a']!});
  },
  Pow: firstOf(power, withScalars('Pow')),
  RealDiv: firstOf(divide, withScalars('RealDiv')),
  Relu: idempotent('Relu'),
  Round: idempotent('Round'),
  Square: even('Square'),
  StopGradient: idempotent('StopGradient'),
  Sub: firstOf(sub, withScalars('Sub')),
};
