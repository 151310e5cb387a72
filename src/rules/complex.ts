import type {Tensor} from '@tensorflow/tfjs-core';
import {logicalShape, materialize} from './dims.js';
import {add, cast, div, equal, mul, reshape, scalar, scale, zeros} from './ops.js';
import {complex, imag, isComplex, real} from './parts.js';
import {family, run, saving, savingOutput, type BatchedInput} from './rule.js';
import type {KernelName} from './signatures.js';

/** The kernels take rows; everything before the last dimension is rows. */
const transformRows = (name: 'FFT' | 'IFFT', z: Tensor): Tensor => {
  const n = z.shape.at(-1)!;
  if (z.size === 0) return z;
  return reshape(run(name, {input: reshape(z, [z.size / n, n])}), z.shape);
};

function batchTransform(name: 'FFT' | 'IFFT') {
  return ({input}: {readonly input: BatchedInput}): Tensor => {
    const shape = logicalShape(input);
    if (shape.length === 0) throw new Error(`${name} of a scalar`);
    return transformRows(name, input.value);
  };
}

/** 1 where an element is 0, and 0 elsewhere. */
const isZero = (x: Tensor): Tensor => cast(equal(x, scalar(0)), 'float32');

/** What |z| is divided by: 1 instead of 0. */
const magnitude = (y: Tensor): Tensor => add(y, isZero(y));

/** Kernels whose forward and reverse rules are right for complex inputs. See NOTE [complex]. */
const differentiable: ReadonlySet<string> = new Set<KernelName>([
  ...(['Complex', 'Real', 'Imag', 'ComplexAbs', 'FFT', 'IFFT', 'Cast', 'Identity'] as const),
  ...(['Add', 'AddN', 'Sub', 'Neg', 'Multiply', 'RealDiv', 'BatchMatMul', 'Einsum'] as const),
  ...(['Sum', 'Mean', 'Cumsum', 'UnsortedSegmentSum', 'Select', 'Diag', 'Tile'] as const),
  ...(['Reshape', 'ExpandDims', 'Transpose', 'Concat', 'Pack', 'Unpack', 'SplitV'] as const),
  ...(['Slice', 'StridedSlice', 'Reverse', 'PadV2', 'MirrorPad'] as const),
  ...(['GatherV2', 'GatherNd', 'ScatterNd'] as const),
]);

/** Says why a call can't be differentiated, of one whose formulas are those of real numbers; undefined for any other. */
export function refusalOfComplex(kernel: string, inputs: object): string | undefined {
  const isCall = (Object.values(inputs) as (Tensor | undefined)[]).some(
    (input) => input != null && isComplex(input),
  );
  return !isCall || differentiable.has(kernel)
    ? undefined
    : `Its derivative for complex64 inputs is not known here. Write it with kernels that have one (arithmetic, matMul, einsum, sums, ` +
        `tf.complex, tf.real, tf.imag, tf.abs, fft), on real and imaginary parts where need be.`;
}

/** Complex numbers, their parts and their Fourier transforms. See NOTE [complex]. */
export const complexNumbers = family({
  Complex: {
    batch: ({real: re, imag: im}, _attrs, size) => {
      if (re.mapped === im.mapped) return complex(re.value, im.value);
      return complex(materialize(re, size), materialize(im, size));
    },
    jvp: ({real: re}, tangents) =>
      complex(tangents.real ?? zeros(re.shape), tangents.imag ?? zeros(re.shape)),
    vjp: saving([], (dy) => ({real: () => real(dy), imag: () => imag(dy)})),
  },
  Real: {
    batch: ({input}) => real(input.value),
    linearIn: ['input'],
    vjp: saving([], (dy) => ({input: () => complex(dy, zeros(dy.shape))})),
  },
  Imag: {
    batch: ({input}) => imag(input.value),
    linearIn: ['input'],
    vjp: saving([], (dy) => ({input: () => complex(zeros(dy.shape), dy)})),
  },
  // The derivative at 0 is 0, as in PyTorch.
  ComplexAbs: {
    batch: ({x}) => run('ComplexAbs', {x: x.value}),
    jvp: ({x: z}, {x: t}, _attrs, y) =>
      div(add(mul(real(z), real(t!)), mul(imag(z), imag(t!))), magnitude(y)),
    vjp: savingOutput(['x'], (dy, {x: z, output}) => ({
      x: () => {
        const share = div(dy, magnitude(output));
        return complex(mul(share, real(z)), mul(share, imag(z)));
      },
    })),
  },
  // The matrix of FFT is symmetric, and that of IFFT is its conjugate divided by n.
  FFT: {
    batch: batchTransform('FFT'),
    linearIn: ['input'],
    vjp: saving([], (dy) => ({
      input: () => scale(transformRows('IFFT', dy), dy.shape.at(-1)!),
    })),
  },
  IFFT: {
    batch: batchTransform('IFFT'),
    linearIn: ['input'],
    vjp: saving([], (dy) => ({
      input: () => scale(transformRows('FFT', dy), 1 / dy.shape.at(-1)!),
    })),
  },
});
