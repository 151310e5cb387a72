import type {NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {mapInputs} from '../interpreter/level.js';
import {einsumByProducts} from '../rules/einsum.js';
import {add, div, mul, sub} from '../rules/ops.js';
import {complex, imag, isComplex, real} from '../rules/parts.js';
import {run} from '../rules/rule.js';
import type {KernelName} from '../rules/signatures.js';

/**
 * NOTE [complex kernels]
 * Which kernels of tfjs take complex64 depends on the backend: TensorFlow's nearly all, the others Add, Multiply, Concat and few more, and
 * wasm none. Those named here do on every backend: where one of their inputs is complex they compute by real and imaginary parts, with
 * the kernel that the backend has for real tensors. For real inputs nothing changes.
 *
 * Even where a backend has a kernel for it, cpu and webgl go this way: their Reshape (and what is made of it: ExpandDims, Pack, FFT) gives
 * the parts of its *input* the new shape, and tf.real of that input is wrong from then on.
 */
type Inputs = NamedTensorMap | readonly Tensor[];
export type Form = (inputs: Inputs, attrs: object) => Tensor | Tensor[];

const runKernel = (name: KernelName, inputs: object, attrs: object): Tensor | Tensor[] =>
  run(name, inputs as never, attrs as never) as Tensor | Tensor[];

/** The imaginary part; of a real number 0. Indices and conditions go with both parts as they are. */
const imagOf = (x: Tensor): Tensor =>
  isComplex(x) ? imag(x) : x.dtype === 'float32' ? run('ZerosLike', {x}) : x;
const realOf = (x: Tensor): Tensor => (isComplex(x) ? real(x) : x);

/** A function that is linear with real coefficients: of each part by itself. */
const ofEachPart =
  (name: KernelName, attrsOfImag: (attrs: object) => object = (attrs) => attrs): Form =>
  (inputs, attrs) => {
    const re = runKernel(name, mapInputs(inputs as NamedTensorMap, realOf), attrs);
    const im = runKernel(name, mapInputs(inputs as NamedTensorMap, imagOf), attrsOfImag(attrs));
    return Array.isArray(re)
      ? re.map((part, index) => complex(part, (im as Tensor[])[index]!))
      : complex(re, im as Tensor);
  };

type Product = (a: Tensor, b: Tensor) => Tensor;

/** A function of two tensors that is linear in each. */
function bilinear(a: Tensor, b: Tensor, times: Product): Tensor {
  if (!isComplex(a)) return complex(times(a, real(b)), times(a, imag(b)));
  const [re, im] = [real(a), imag(a)];
  if (!isComplex(b)) return complex(times(re, b), times(im, b));
  const [otherRe, otherIm] = [real(b), imag(b)];
  return complex(
    sub(times(re, otherRe), times(im, otherIm)),
    add(times(re, otherIm), times(im, otherRe)),
  );
}

interface Pair {
  readonly a: Tensor;
  readonly b: Tensor;
}

/** a/b = a·b̄ / |b|², with b divided by the larger of its parts, whose square may be no float32. */
function quotient({a, b}: Pair): Tensor {
  if (!isComplex(b)) return complex(div(real(a), b), div(imag(a), b));
  const [re, im] = [real(b), imag(b)];
  const larger = run('Maximum', {a: run('Abs', {x: re}), b: run('Abs', {x: im})});
  const [x, y] = [div(re, larger), div(im, larger)];
  const norm = mul(larger, add(mul(x, x), mul(y, y)));
  return bilinear(a, complex(div(x, norm), run('Neg', {x: div(y, norm)})), mul);
}

const compareParts =
  (name: 'Equal' | 'NotEqual', joined: 'LogicalAnd' | 'LogicalOr'): Form =>
  (inputs) => {
    const {a, b} = inputs as unknown as Pair;
    return run(joined, {
      a: run(name, {a: realOf(a), b: realOf(b)}),
      b: run(name, {a: imagOf(a), b: imagOf(b)}),
    });
  };

const linear = [
  ...['Add', 'AddN', 'Sub', 'Neg', 'ZerosLike', 'Sum', 'Mean', 'Cumsum', 'UnsortedSegmentSum'],
  ...['Reshape', 'ExpandDims', 'Transpose', 'Concat', 'Pack', 'Unpack', 'SplitV', 'Tile', 'Diag'],
  ...[
    'Slice',
    'StridedSlice',
    'Reverse',
    'MirrorPad',
    'Select',
    'GatherV2',
    'GatherNd',
    'ScatterNd',
  ],
] as const satisfies readonly KernelName[];

/** By kernel, what it computes of complex inputs. See NOTE [complex kernels]. */
export const complexForms: ReadonlyMap<string, Form> = new Map<KernelName, Form>([
  ...linear.map((name): [KernelName, Form] => [name, ofEachPart(name)]),
  ['PadV2', ofEachPart('PadV2', (attrs) => ({...attrs, constantValue: 0}))],
  ['Multiply', (inputs) => bilinear(...operands(inputs), mul)],
  ['RealDiv', (inputs) => quotient(inputs as unknown as Pair)],
  [
    'BatchMatMul',
    (inputs, attrs) =>
      bilinear(...operands(inputs), (a, b) => run('BatchMatMul', {a, b}, attrs as never)),
  ],
  [
    'Einsum',
    (inputs, attrs) =>
      einsumByProducts(inputs as readonly Tensor[], (attrs as {equation: string}).equation),
  ],
  ['Equal', compareParts('Equal', 'LogicalAnd')],
  ['NotEqual', compareParts('NotEqual', 'LogicalOr')],
  [
    'OnesLike',
    (inputs) => {
      const re = real((inputs as {x: Tensor}).x);
      return complex(run('OnesLike', {x: re}), run('ZerosLike', {x: re}));
    },
  ],
  ['Cast', (inputs, attrs) => cast((inputs as {x: Tensor}).x, attrs as {dtype: 'complex64'})],
]);

function operands(inputs: Inputs): [Tensor, Tensor] {
  const {a, b} = inputs as unknown as Pair;
  return [a, b];
}

/** To other dtypes goes the real part. */
function cast(x: Tensor, {dtype}: {readonly dtype: 'complex64'}): Tensor {
  if (isComplex(x)) return dtype === 'complex64' ? x.clone() : run('Cast', {x: real(x)}, {dtype});
  const re = run('Cast', {x}, {dtype: 'float32'});
  return complex(re, run('ZerosLike', {x: re}));
}
