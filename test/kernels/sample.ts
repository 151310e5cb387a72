import type * as tf from '@tensorflow/tfjs-core';
import type {PerInput} from '../../src/rules/rule.js';
import type {KernelName, Signatures} from '../../src/rules/signatures.js';
import type {BackendName} from '../backends.js';
import {describeTensor, type HostTensor} from '../support/host.js';
import {evaluate, type Tfjs} from '../support/reference64.js';
import type {Spec} from './spec.js';

/** What a tolerance can be widened for. */
export type Compared = 'primal' | 'batching' | 'derivative' | 'second';

/** A factor on the usual tolerance, and why this row needs it. */
interface Slack {
  readonly slack?: {readonly [C in Compared]?: number};
  readonly reason?: string;
}

export interface SampleOptions extends Slack {
  /** What this row is about, where its shapes and attributes don't say. */
  readonly note?: string;
  /** Inputs of dtype float32 in which no derivative is taken, or all of them. */
  readonly constant?: readonly string[] | 'all';
  /** Backends whose own kernel computes this row wrongly, and how. No check runs there. */
  readonly faulty?: {readonly [B in BackendName]?: string};
  /** Backends where it is left out for another reason. */
  readonly skip?: {readonly [B in BackendName]?: string};
  /** Backends whose own kernel throws for this row, and what. The transforms must throw there as well. */
  readonly refused?: {readonly [B in BackendName]?: string};
  /** Why tfjs's own `tf.grads` can't differentiate this row. */
  readonly stockGradient?: string;
  /** Backends on which the number of kernel calls of the batched form grows with the batch, and why. */
  readonly loops?: {readonly [B in BackendName]?: string};
  /** The same in other words, for a kernel that the cpu backend lacks. */
  readonly reference?: (tfjs: Tfjs, tensors: readonly tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  /** Why the dtype of the output is a matter of the backend. */
  readonly anyDtype?: string;
}

/**
 * For kernels that read their inputs at once. What WebGPU has computed they can read in a browser only, by a canvas, which ends Chromium's
 * WebGPU in software: test/rules/borrowedKernels.test.ts has them read what was not computed.
 */
export const readsAtOnce: SampleOptions['skip'] = {
  webgpu: 'reads values at once, which WebGPU can do in a browser only',
};

/** One row of the table: a call of a kernel, or of an op that has no kernel of its own. */
export interface Sample extends SampleOptions {
  /** The kernel's name; for an op `tf.` and its name. */
  readonly kernel: string;
  readonly label: string;
  readonly names: readonly string[];
  readonly specs: readonly Spec[];
  /** The call as one would write it, for messages. */
  readonly code: string;
  /** Makes the call, on any instance of tfjs, with a tensor for each of `names`. */
  call(tfjs: Tfjs, tensors: readonly tf.Tensor[]): tf.Tensor[];
}

/** A row for a kernel, called as tfjs's ops call it: `tf.engine().runKernel(kernel, inputs, attrs)`. */
export function sample<Name extends KernelName>(
  kernel: Name,
  inputs: PerInput<Signatures[Name], Spec>,
  attrs: Signatures[Name]['attrs'] = {},
  options: SampleOptions = {},
): Sample {
  const isList = Array.isArray(inputs);
  const given = Object.entries<Spec | undefined>(inputs as Record<string, Spec | undefined>);
  const present = given.filter((entry): entry is [string, Spec] => entry[1] !== undefined);
  const names = present.map(([name]) => (isList ? `x${name}` : name));
  const specs = present.map(([, spec]) => spec);
  const absent = given.filter(([, spec]) => spec === undefined).map(([name]) => name);
  const list = isList ? `[${names.join(', ')}]` : `{${names.join(', ')}}`;
  return {
    ...options,
    kernel,
    label: label(names, specs, attrs, options.note),
    names,
    specs,
    code: `tf.engine().runKernel('${kernel}', ${list}, ${show(attrs)})`,
    call(tfjs, tensors) {
      const named = isList
        ? tensors
        : Object.fromEntries([
            ...absent.map((name) => [name, undefined]),
            ...names.map((name, i) => [name, tensors[i]]),
          ]);
      const result = tfjs
        .engine()
        .runKernel<tf.Tensor | tf.Tensor[]>(
          kernel,
          named as unknown as tf.NamedTensorMap,
          attrs as tf.NamedAttrMap,
        );
      return Array.isArray(result) ? result : [result];
    },
  };
}

/** A row for an op that is composed, or has a gradient of its own (`tf.customGrad`). */
export function opSample<Inputs extends Readonly<Record<string, Spec>>>(
  op: string,
  inputs: Inputs,
  f: (tfjs: Tfjs, inputs: {readonly [Name in keyof Inputs]: tf.Tensor}) => tf.Tensor | tf.Tensor[],
  options: SampleOptions = {},
): Sample {
  const names = Object.keys(inputs);
  const specs = Object.values(inputs);
  return {
    ...options,
    kernel: `tf.${op}`,
    label: label(names, specs, {}, options.note),
    names,
    specs,
    code: `(${f.toString()})(tf, {${names.join(', ')}})`,
    call(tfjs, tensors) {
      const named = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
      const result = f(tfjs, named as {readonly [Name in keyof Inputs]: tf.Tensor});
      return Array.isArray(result) ? result : [result];
    },
  };
}

/** The inputs that checks of derivatives differentiate in. */
export function differentiable({specs, names, constant}: Sample): number[] {
  if (constant === 'all') {
    return [];
  }
  return specs.flatMap((spec, i) =>
    (spec.dtype === 'float32' || spec.dtype === 'complex64') &&
    !constant?.includes(names[i] as string)
      ? [i]
      : [],
  );
}

/** The call in double precision. */
export function reference(row: Sample, inputs: readonly HostTensor[]): HostTensor[] {
  return evaluate(inputs, (tf64, tensors) =>
    (row.reference ?? row.call)(tf64, tensors as tf.Tensor[]),
  );
}

function label(
  names: readonly string[],
  specs: readonly Spec[],
  attrs: object,
  note: string | undefined,
): string {
  const inputs = names.map((name, i) => `${name} ${describeTensor(specs[i] as Spec)}`);
  const shown = Object.entries(attrs)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${show(value)}`);
  return [inputs.join(', ') || 'no inputs', shown.join(', '), note].filter(Boolean).join('; ');
}

function show(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(show).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, item]) => `${name}: ${show(item)}`)
      .join(', ')}}`;
  }
  return typeof value === 'string' ? `'${value}'` : String(value);
}

const complexOps = ['Complex', 'tf.spectral.rfft', 'tf.signal.stft'];

/** Whether complex numbers occur in the row: inputs, or what is computed. */
export const isComplex = ({kernel, specs}: Sample): boolean =>
  complexOps.includes(kernel) || specs.some(({dtype}) => dtype === 'complex64');
