import {util} from '@tensorflow/tfjs-core';
import {sameShape} from '../../rules/ops.js';
import {sameSpec, type Graph, type Value} from '../graph.js';
import {binaryKernels} from '../kinds.js';
import {firstOf, madeBy, rewrite, type Call, type Rewrite, type Rewrites} from './rewriting.js';

/**
 * Moves of elements that need not be made: reshapes of reshapes, transposes of transposes and of dimensions of size 1, reductions along
 * dimensions of size 1, slices of everything, casts to the same dtype, copies that an arithmetic kernel would make by broadcasting.
 */
export const layoutSimplification = (graph: Graph): Graph => rewrite(graph, rules);

/** A reshape to the shape of the call's result, of what `x` is a reshape of. */
function reshaped(x: Value, call: Call): Value {
  const origin = madeBy(x, 'Reshape')?.inputs['x'] ?? x;
  if (sameSpec(origin, call.output)) return origin;
  return call.emit('Reshape', {x: origin}, {shape: [...call.output.shape]});
}

const reshape: Rewrite = (call) => {
  const x = call.inputs['x']!;
  return sameSpec(x, call.output) || madeBy(x, 'Reshape') !== null ? reshaped(x, call) : null;
};

const asReshape =
  (input: string): Rewrite =>
  (call) =>
    reshaped(call.inputs[input]!, call);

const transpose: Rewrite = (call) => {
  const x = call.inputs['x']!;
  const perm = call.attrs['perm'] as readonly number[];
  const moving = perm.filter((axis) => x.shape[axis] !== 1);
  if (moving.every((axis, index) => index === 0 || axis > moving[index - 1]!)) {
    return reshaped(x, call);
  }
  const before = madeBy(x, 'Transpose');
  if (before === null) return null;
  const first = before.attrs['perm'] as readonly number[];
  return call.emit('Transpose', {x: before.inputs['x']!}, {perm: perm.map((axis) => first[axis]!)});
};

/** The input where the result has its shape and dtype, and so is the same. */
const unlessItChanges: Rewrite = ({list, output}) => (sameSpec(list[0]!, output) ? list[0]! : null);

/** A reduction of single elements. */
const reduction =
  (axisAttr: string): Rewrite =>
  (call) => {
    const x = call.inputs['x']!;
    if (x.dtype !== 'float32' || call.output.dtype !== 'float32') return null;
    const axes = util.parseAxisParam((call.attrs[axisAttr] ?? null) as number[], [...x.shape]);
    return axes.every((axis) => x.shape[axis] === 1) ? reshaped(x, call) : null;
  };

/**
 * Repeating before a kernel that broadcasts at full speed is for nothing, where the other side has all of the result's dimensions. Up to
 * rank 5, see NOTE [broadcasting].
 */
const withoutTile =
  (kernel: string): Rewrite =>
  ({inputs, output, emit}) => {
    const {a, b} = inputs as {a: Value; b: Value};
    if (output.shape.length > 5) return null;
    const [left, right] = [beforeTile(a), beforeTile(b)];
    if (left !== null && sameShape(b.shape, output.shape)) return emit(kernel, {a: left, b});
    if (right !== null && sameShape(a.shape, output.shape)) return emit(kernel, {a, b: right});
    return null;
  };

/** Nor is a dimension of size 1 in front, which broadcasting adds by itself. */
const withoutLeadingOnes =
  (kernel: string): Rewrite =>
  ({inputs, output, emit}) => {
    const {a, b} = inputs as {a: Value; b: Value};
    const [left, right] = [withoutOnes(a), withoutOnes(b)];
    if (left !== null && sameShape(b.shape, output.shape)) return emit(kernel, {a: left, b});
    if (right !== null && sameShape(a.shape, output.shape)) return emit(kernel, {a, b: right});
    return null;
  };

/** What a value is a reshape of, if that broadcasts to the same. */
function withoutOnes(value: Value): Value | null {
  const x = madeBy(value, 'Reshape')?.inputs['x'];
  if (x === undefined) return null;
  const added = value.shape.length - x.shape.length;
  const [front, rest] = [value.shape.slice(0, added), value.shape.slice(added)];
  return added > 0 && front.every((size) => size === 1) && sameShape(rest, x.shape) ? x : null;
}

/** What a value repeats along dimensions of size 1, or null. */
function beforeTile(value: Value): Value | null {
  const tile = madeBy(value, 'Tile');
  const x = tile?.inputs['x'];
  if (x === undefined || x.shape.length !== value.shape.length) return null;
  return x.shape.every((size, axis) => size === 1 || size === value.shape[axis]) ? x : null;
}

/** Kernels that broadcast at full speed on every backend. */
const fast: readonly string[] = ['Add', 'Multiply', 'RealDiv', 'SquaredDifference', 'Sub'];

const rules: Rewrites = {
  ...Object.fromEntries([...binaryKernels].map((kernel) => [kernel, withoutLeadingOnes(kernel)])),
  ...Object.fromEntries(
    fast.map((kernel) => [kernel, firstOf(withoutTile(kernel), withoutLeadingOnes(kernel))]),
  ),
  Cast: unlessItChanges,
  Concat: ({list}) => (list.length === 1 ? list[0]! : null),
  ExpandDims: asReshape('input'),
  Identity: ({inputs: {x}}) => x!,
  Max: reduction('reductionIndices'),
  Mean: reduction('axis'),
  Min: reduction('axis'),
  Pack: (call) => (call.list.length === 1 ? reshaped(call.list[0]!, call) : null),
  PadV2: unlessItChanges,
  Reshape: reshape,
  Slice: unlessItChanges,
  Sum: reduction('axis'),
  Tile: unlessItChanges,
  Transpose: transpose,
};
