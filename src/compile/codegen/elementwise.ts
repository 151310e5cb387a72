import type {DataType} from '@tensorflow/tfjs-core';
import {sameShape} from '../../rules/ops.js';
import {listOf, type KernelNode, type Value} from '../graph.js';
import {reducedDims} from '../layout.js';

/** What generators need to know of a kernel that computes each element of its output from one element of each input. */
export interface Elementwise {
  /** The names of its inputs, in the order in which code takes them. */
  readonly inputs: readonly string[] | 'list';
  /** The dtypes and shapes for which tfjs's kernel does what its name says, on every backend. */
  readonly accepts: (inputs: readonly Value[], output: Value) => boolean;
  /** Whether computing it again is as cheap as loading it. */
  readonly isCheap: boolean;
}

const allAre =
  (...dtypes: readonly DataType[]) =>
  (inputs: readonly Value[], output: Value): boolean =>
    dtypes.includes(inputs[0]!.dtype) &&
    [...inputs, output].every(({dtype}) => dtype === inputs[0]!.dtype);

const isFloat = allAre('float32');

const kernel = (
  inputs: Elementwise['inputs'],
  accepts: Elementwise['accepts'],
  isCheap = true,
): Elementwise => ({inputs, accepts, isCheap});

const cheap = kernel(['x'], isFloat);
const dear = kernel(['x'], isFloat, false);
const binary = kernel(['a', 'b'], isFloat);
const arithmetic = kernel(['a', 'b'], allAre('float32', 'int32'));
const comparison = kernel(
  ['a', 'b'],
  ([a, b], {dtype}) =>
    dtype === 'bool' && a!.dtype === b!.dtype && ['float32', 'int32'].includes(a!.dtype),
);
const logical = kernel(['a', 'b'], allAre('bool'));
const test = kernel(['x'], ([x], {dtype}) => x!.dtype === 'float32' && dtype === 'bool');
const filled = kernel(['x'], allAre('float32', 'int32'));

/** Conversions that tfjs makes value by value; those from floats to integers and booleans wrap around in its own way, and stay there. */
const CASTS: ReadonlySet<string> = new Set([
  'float32 float32',
  'int32 int32',
  'bool bool',
  'bool float32',
  'bool int32',
  'int32 float32',
]);

const table = {
  Abs: cheap,
  Acos: dear,
  Acosh: dear,
  Add: arithmetic,
  AddN: kernel(
    'list',
    (inputs, output) =>
      isFloat(inputs, output) && inputs.every(({shape}) => sameShape(shape, output.shape)),
  ),
  Asin: dear,
  Asinh: dear,
  Atan: dear,
  Atan2: kernel(['a', 'b'], isFloat, false),
  Atanh: dear,
  Cast: kernel(['x'], ([x], {dtype}) => CASTS.has(`${x!.dtype} ${dtype}`)),
  Ceil: cheap,
  ClipByValue: cheap,
  Cos: dear,
  Cosh: dear,
  Elu: dear,
  EluGrad: kernel(['dy', 'y'], isFloat),
  Equal: comparison,
  Erf: dear,
  Exp: dear,
  Expm1: dear,
  Floor: cheap,
  Greater: comparison,
  GreaterEqual: comparison,
  IsFinite: test,
  IsInf: test,
  IsNan: test,
  LeakyRelu: cheap,
  Less: comparison,
  LessEqual: comparison,
  Log: dear,
  Log1p: dear,
  LogicalAnd: logical,
  LogicalNot: kernel(['x'], allAre('bool')),
  LogicalOr: logical,
  LogicalXor: logical,
  Maximum: arithmetic,
  Minimum: arithmetic,
  Multiply: arithmetic,
  Neg: cheap,
  NotEqual: comparison,
  OnesLike: filled,
  Pow: kernel(['a', 'b'], isFloat, false),
  Prelu: kernel(['x', 'alpha'], isFloat),
  RealDiv: binary,
  Reciprocal: cheap,
  Relu: cheap,
  Relu6: cheap,
  Round: cheap,
  Rsqrt: dear,
  Select: kernel(
    ['condition', 't', 'e'],
    ([condition, t, e], output) =>
      condition!.dtype === 'bool' &&
      [condition!, t!, e!].every(({shape}) => sameShape(shape, output.shape)) &&
      allAre('float32', 'int32', 'bool')([t!, e!], output),
  ),
  Selu: dear,
  Sigmoid: dear,
  Sign: cheap,
  Sin: dear,
  Sinh: dear,
  Softplus: dear,
  Sqrt: cheap,
  Square: cheap,
  SquaredDifference: binary,
  Step: cheap,
  Sub: arithmetic,
  Tan: dear,
  // Of what is repeated along dimensions of size 1 each element is the element of the row.
  Tile: kernel(
    ['x'],
    ([x], output) =>
      allAre('float32', 'int32', 'bool')([x!], output) &&
      x!.shape.length === output.shape.length &&
      x!.shape.every((size, dim) => size === 1 || size === output.shape[dim]),
  ),
  Tanh: dear,
  ZerosLike: filled,
} as const satisfies Readonly<Record<string, Elementwise>>;

/** The name of a kernel for which each generator has code. */
export type ElementwiseKernel = keyof typeof table;

/** Kernels for which code can be generated. */
export const elementwise: Readonly<Record<string, Elementwise>> = table;

const reductionKernels = ['Max', 'Mean', 'Min', 'Prod', 'Sum'] as const;

export type ReductionKernel = (typeof reductionKernels)[number];

/** Kernels that put elements of float32 together along axes, for which code can be generated. */
export const reductions: ReadonlySet<string> = new Set(reductionKernels);

/** Beyond it, and its negative, softplus is one of its limits in float32: as in tfjs's own kernels. */
export const SOFTPLUS_THRESHOLD = Math.log(1.1920928955078125e-7) + 2;

/** The inputs of a node in the order in which its code takes them. */
export function orderedInputs({kernel, inputs}: KernelNode): readonly Value[] {
  const names = elementwise[kernel]?.inputs;
  if (names === undefined || names === 'list') return listOf(inputs);
  return names.map((name) => (inputs as Readonly<Record<string, Value>>)[name]!);
}

/** The dtype in which a node computes. */
export const dtypeOf = (node: KernelNode): DataType =>
  orderedInputs(node)[node.kernel === 'Select' ? 1 : 0]!.dtype;

/** How many elements go into one of a reduction's results. */
export function reducedSize(node: KernelNode): number {
  const {shape} = listOf(node.inputs)[0]!;
  return reducedDims(node).reduce((product, dim) => product * shape[dim]!, 1);
}
