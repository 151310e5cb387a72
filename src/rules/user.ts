import {Tensor, tidy} from '@tensorflow/tfjs-core';
import {TransformError, describe, showShape} from '../errors.js';
import {builtInRule, userRules, type KnownRule} from './index.js';
import {sameShape} from './ops.js';
import type {BatchedInput} from './rule.js';

/** One value per input of a kernel: by name, or a list for a kernel that takes a list. */
export type KernelInputs<T> = {readonly [name: string]: T | undefined} | readonly T[];

type Named<T> = {readonly [name: string]: T | undefined};
type AnyAttrs = {readonly [name: string]: unknown};

export interface RegisterOptions {
  /** Replaces the library's own rule of a kernel of tfjs. Default: that is refused. */
  readonly override?: boolean;
}

/** The parts of a rule that users can give. Reverse rules are tfjs's: `tf.registerGradient`. */
interface UserParts {
  readonly batch?: KnownRule['batch'];
  readonly jvp?: KnownRule['jvp'];
}

const registered = new Map<string, UserParts>();

/**
 * Says how a kernel batches, so that `vmap` can run it: beside tfjs's `registerKernel` and `registerGradient`. It counts on every backend and
 * at every level, and may be registered before the kernel. Registering again replaces the earlier rule.
 *
 * @param kernelName  as in `tf.registerKernel`. The library's own rules are only replaced with `override: true`
 * @param rule  gets the kernel's inputs, at least one of them mapped: `{value, mapped}`, where a mapped value is `[B, …]`, batch dimension in
 *   front; the attributes of the call, which are those of one example; and B. Gives the output, or the list of outputs, of all
 *   examples at once, `[B, …]`. It may use all of tfjs, but not read values, and is run in a tidy scope
 * @throws TransformError `invalid-argument`, `not-a-function`; when it is used, `kernel-failed` where the result has no batch dimension
 * @example
 * tf.registerKernel({
 *   kernelName: 'Cube', backendName: 'cpu',
 *   kernelFunc: ({inputs}) => tf.tidy(() => tf.pow(inputs.x, 3)),
 * });
 * registerBatchingRule('Cube', ({x}: {x: BatchedInput}) => tf.engine().runKernel('Cube', {x: x.value}));
 * vmap((x) => tf.engine().runKernel('Cube', {x}).sum())(tf.tensor2d([[1, 2], [0, 3]]))  // => [9, 27]
 * unregisterBatchingRule('Cube');
 */
export function registerBatchingRule<
  Inputs extends KernelInputs<BatchedInput> = Named<BatchedInput>,
  Attrs extends object = AnyAttrs,
>(
  kernelName: string,
  rule: (inputs: Inputs, attrs: Attrs, size: number) => Tensor | Tensor[],
  options: RegisterOptions = {},
): void {
  assertRule('registerBatchingRule', kernelName, rule, options, 'batch');
  const batch = (inputs: unknown, attrs: object, size: number): Tensor | Tensor[] => {
    const outputs = tidy(() => rule(inputs as Inputs, attrs as Attrs, size));
    for (const output of Array.isArray(outputs) ? outputs : [outputs]) {
      if (output instanceof Tensor && output.rank > 0 && output.shape[0] === size) continue;
      throw failed(
        kernelName,
        `the batching rule of '${kernelName}' gave ${describe(output)}. Each output must be a tensor whose first dimension is the batch, of size ${size}.`,
        'vmap',
      );
    }
    return outputs;
  };
  change(kernelName, {batch: batch as KnownRule['batch']});
}

/**
 * Gives a kernel a forward rule (directional derivatives). `jvp`, `jacfwd` and `hessian` take it; `grad` and all of reverse mode too, transposed,
 * where the kernel has no gradient (`tf.registerGradient`). Registering again replaces the earlier rule.
 *
 * @param kernelName  as in `tf.registerKernel`. The library's own rules are only replaced with `override: true`
 * @param rule  gets the inputs, their tangents (`undefined` where zero; at least one is not), the attributes and the output or list of
 *   outputs. Gives the tangent of each output, of its shape (`null`: zero). Must be linear in the tangents, and made of ops that have
 *   derivatives themselves: then it holds to any order. It is run in a tidy scope
 * @throws TransformError `invalid-argument`, `not-a-function`; when it is used, `kernel-failed` where a tangent has another shape than its output
 * @example
 * tf.registerKernel({
 *   kernelName: 'Cube', backendName: 'cpu',
 *   kernelFunc: ({inputs}) => tf.tidy(() => tf.pow(inputs.x, 3)),
 * });
 * registerJvpRule('Cube', ({x}: {x: tf.Tensor}, {x: t}) => tf.mul(t, tf.mul(3, tf.square(x))));
 * grad((x) => tf.engine().runKernel('Cube', {x}))(tf.scalar(2))  // => 12
 * unregisterJvpRule('Cube');
 */
export function registerJvpRule<
  Primals extends KernelInputs<Tensor> = Named<Tensor>,
  Attrs extends object = AnyAttrs,
  Output extends Tensor | Tensor[] = Tensor,
>(
  kernelName: string,
  rule: (
    primals: Primals,
    tangents: Partial<Primals>,
    attrs: Attrs,
    output: Output,
  ) => Tensor | null | (Tensor | null)[],
  options: RegisterOptions = {},
): void {
  assertRule('registerJvpRule', kernelName, rule, options, 'jvp');
  const jvp = (
    primals: unknown,
    tangents: unknown,
    attrs: object,
    output: Tensor | Tensor[],
  ): (Tensor | null)[] => {
    const result = tidy(() => {
      // A list of results, some of them null, is a container as tidy takes it.
      const pushed = rule(primals as Primals, tangents as never, attrs as Attrs, output as Output);
      return pushed as Tensor | Tensor[];
    }) as Tensor | null | (Tensor | null)[];
    const pushed = Array.isArray(result) ? result : [result];
    const outputs = Array.isArray(output) ? output : [output];
    outputs.forEach(({shape}, index) => {
      const tangent = pushed[index];
      if (tangent === null) return;
      if (tangent instanceof Tensor && sameShape(tangent.shape, shape)) return;
      throw failed(
        kernelName,
        `the forward rule of '${kernelName}' gave ${describe(tangent)} for output ${index}, whose shape is ${showShape(shape)}. A tangent is a tensor of the shape of its output, or null for zero.`,
        'jvp',
      );
    });
    return pushed;
  };
  change(kernelName, {jvp: jvp as unknown as KnownRule['jvp']});
}

/**
 * Takes back `registerBatchingRule`; a rule of the library's own that it replaced is there again.
 * @throws TransformError `invalid-argument` if there is none
 */
export function unregisterBatchingRule(kernelName: string): void {
  assertRegistered('unregisterBatchingRule', kernelName, 'batch');
  change(kernelName, {batch: undefined});
}

/**
 * Takes back `registerJvpRule`; a rule of the library's own that it replaced is there again.
 * @throws TransformError `invalid-argument` if there is none
 */
export function unregisterJvpRule(kernelName: string): void {
  assertRegistered('unregisterJvpRule', kernelName, 'jvp');
  change(kernelName, {jvp: undefined});
}

/** Puts the parts that the user gave over those of the library. A forward rule replaces whatever else says how tangents pass. */
function change(kernelName: string, parts: UserParts): void {
  const {batch, jvp} = {...registered.get(kernelName), ...parts};
  if (batch === undefined && jvp === undefined) {
    registered.delete(kernelName);
    userRules.delete(kernelName);
    return;
  }
  const builtIn = builtInRule(kernelName);
  registered.set(kernelName, {batch, jvp});
  userRules.set(kernelName, {
    ...builtIn,
    ...(batch && {batch}),
    ...(jvp && {jvp, linearIn: undefined, derivative: undefined}),
  });
}

function assertRule(
  transform: string,
  kernelName: unknown,
  rule: unknown,
  {override = false}: RegisterOptions,
  part: 'batch' | 'jvp',
): void {
  const refuse = (message: string): never => {
    throw new TransformError(message, {code: 'invalid-argument', transform});
  };
  if (typeof kernelName !== 'string' || kernelName === '') {
    return refuse(`expected the name of a kernel, but got ${describe(kernelName)}.`);
  }
  if (typeof rule !== 'function') {
    throw new TransformError(
      `expected a function as the rule of '${kernelName}', but got ${describe(rule)}.`,
      {code: 'not-a-function', transform},
    );
  }
  if (kernelName === 'Identity') {
    refuse(`'Identity' has no rule that could be replaced: every transform passes it by.`);
  }
  if (builtInRule(kernelName) !== undefined && !override) {
    refuse(
      `the library has a rule of its own for '${kernelName}'. Give your kernel another name, or replace that ` +
        `${part === 'batch' ? 'batching' : 'forward'} rule with {override: true}.`,
    );
  }
}

function assertRegistered(transform: string, kernelName: string, part: 'batch' | 'jvp'): void {
  if (registered.get(kernelName)?.[part] !== undefined) return;
  throw new TransformError(`no such rule is registered for kernel '${kernelName}'.`, {
    code: 'invalid-argument',
    transform,
  });
}

const failed = (kernel: string, message: string, transform: string): TransformError =>
  new TransformError(message, {code: 'kernel-failed', transform, kernel});
