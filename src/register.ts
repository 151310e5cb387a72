import {
  getGradient,
  registerGradient,
  tensor1d,
  type GradConfig,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {releasingTape} from './interpreter/engine.js';
import {extendAllKernels} from './kernels/complex.js';
import {extendBackends} from './kernels/extend.js';
import {wrongGradients} from './kernels/gradients.js';
import {gradientsAsInStock} from './kernels/stockTape.js';
import {hasManyOutputs, inputNames, listInputs} from './rules/inputs.js';
import {rules} from './rules/index.js';
import {zeros} from './rules/ops.js';
import type {Rule, VjpRule} from './rules/rule.js';
import type {KernelName, Signature} from './rules/signatures.js';

/**
 * NOTE [registration]
 * The one module with side effects: it gives tfjs's own registries what they lack, so that stock `tf.grad` gains it too. Stock
 * gradients that are right stay; see `wrongGradients` for those that are replaced.
 */

/** More outputs than any kernel whose rule saves them has. */
const MANY = 8;

/** A reverse rule in the form that tfjs's own tape takes: what is saved comes back as one list, inputs first. */
function toGradConfig(kernel: KernelName, vjp: VjpRule<Signature>): Omit<GradConfig, 'kernelName'> {
  const names: readonly string[] | null = inputNames[kernel];
  const isList = hasManyOutputs(kernel);
  return {
    ...(names === null ? {saveAllInputs: true} : {inputsToSave: namesToSave(names)}),
    // tfjs keeps those of the outputs that have `true` here.
    outputsToSave: vjp.savesOutput ? new Array<boolean>(isList ? MANY : 1).fill(true) : [],
    gradFunc: (dy, flat, attrs) => {
      const saved = names === null ? flat : withList(flat, names, listInputs[kernel]);
      const inputs = names === null ? saved : saved.slice(0, names.length);
      const present = (names ?? []).map((name, index) => [name, inputs[index]!] as const);
      const named = Object.fromEntries(present.filter(([, input]) => !standsForNothing(input)));
      const outputs = saved.slice(inputs.length);
      const residuals = names === null ? inputs : {...named, output: isList ? outputs : outputs[0]};
      // tfjs gives the only cotangent of a list of one by itself.
      const dys = isList && !Array.isArray(dy) ? [dy] : dy;
      return releasingTape(() => {
        const cotangents = vjp.pullback(
          dys as Tensor,
          residuals as never,
          attrs,
        ) as unknown as Thunks;
        return {
          ...zeroCotangents(named),
          ...mapValues(cotangents, (thunk) => () => releasingTape(thunk)),
        };
      });
    },
  };
}

/**
 * tfjs's tape asks for a cotangent wherever an input depends on x, of masks and indices that were computed from it too, such as
 * `where(greater(x, 0), …)` and `gather(x, argMax(x))`. Reverse rules are full of them.
 */
const zeroCotangents = (inputs: Readonly<Record<string, Tensor>>): Thunks =>
  mapValues(
    inputs,
    ({shape}) =>
      () =>
        zeros(shape),
  );

type Thunks = Record<string, () => Tensor>;

const mapValues = <T, R>(
  values: Readonly<Record<string, T>>,
  f: (value: T) => R,
): Record<string, R> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, f(value)]));

/**
 * Names of inputs to save, of which a call may leave some out. tfjs maps these names to the tensors of the call, and can't save one that
 * isn't there: something else takes its place.
 */
const namesToSave = (names: readonly string[]): string[] =>
  Object.assign([...names], {
    map: (inputOf: (name: string) => Tensor | undefined) =>
      names.flatMap((name) => inputOf(name) ?? nothing()),
  }) as string[];

/** What was saved, with the tensors of an input that is a list in one. Kernels that have one save no outputs. */
function withList(
  saved: readonly Tensor[],
  names: readonly string[],
  list: string | undefined,
): Tensor[] {
  if (list === undefined) return [...saved];
  const first = names.indexOf(list);
  const after = saved.length - (names.length - first - 1);
  const tensors = saved.slice(first, after) as unknown as Tensor;
  return [...saved.slice(0, first), tensors, ...saved.slice(after)];
}

const nothing = (): Tensor => tensor1d([], 'bool');

const standsForNothing = ({size, dtype}: Tensor): boolean => size === 0 && dtype === 'bool';

/** The gradient of a piecewise constant kernel. */
function zeroGradConfig(kernel: KernelName): Omit<GradConfig, 'kernelName'> {
  const names: readonly string[] = inputNames[kernel] ?? [];
  return {
    inputsToSave: [...names],
    gradFunc: (_dy, saved) =>
      zeroCotangents(Object.fromEntries(names.map((name, index) => [name, saved[index]!]))),
  };
}

function registerGradients(): void {
  for (const [kernel, rule] of Object.entries(rules) as [KernelName, Rule<Signature>][]) {
    if (getGradient(kernel) != null && !(kernel in wrongGradients)) continue;
    if ('vjp' in rule) {
      registerGradient({kernelName: kernel, ...toGradConfig(kernel, rule.vjp)});
    } else if ('derivative' in rule && rule.derivative === 'zero') {
      registerGradient({kernelName: kernel, ...zeroGradConfig(kernel)});
    }
  }
  for (const gradient of gradientsAsInStock) registerGradient(gradient);
  if (getGradient('Identity') == null) {
    registerGradient({
      kernelName: 'Identity',
      gradFunc: (dy: Tensor | Tensor[]) => ({x: () => dy as Tensor}),
    });
  }
}

function register(): void {
  registerGradients();
  extendBackends();
  extendAllKernels();
}

register();
// Once more when all modules that are imported together have run: tfjs registers its own when it loads, be it after this.
void Promise.resolve().then(register);
