import {Tensor, backend} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {assertAlive} from '../transforms/arguments.js';
import {
  leavesInOrderOf,
  leavesOf,
  pathOf,
  showPath,
  structureMismatch,
  tensorsOf,
  withTensors,
} from '../tree.js';
import {sameShape} from '../rules/ops.js';

/** A setting of an optimizer: a number, or a scalar tensor, with respect to which one can differentiate, and map. */
export type Setting = number | Tensor;

/**
 * An optimizer as two pure functions. `P` is a tree of float tensors: parameters of any shape in arrays and plain objects.
 * Nothing is changed in place, so that both work in every transform.
 */
export interface Optimizer<S extends object> {
  /** The state before the first step. Tensors that belong to the caller. */
  init<P>(params: P): StateOf<S, P>;
  /**
   * One step: new parameters and new state. The old ones stay as they are, and the caller's.
   * @param grads  a tensor for each parameter, in the same structure
   * @throws TransformError `tree-mismatch`, `disposed-tensor`
   */
  update<P>(
    grads: NoInfer<P>,
    state: StateOf<S, NoInfer<P>>,
    params: P,
  ): [params: P, state: StateOf<S, P>];
}

/** Stands in an optimizer's type for the parts of its state that are trees like the parameters; the others are scalars. */
export interface Slot {
  readonly slot: never;
}

export type StateOf<S, P> = {-readonly [K in keyof S]: S[K] extends Slot ? P : Tensor};

/** How one parameter steps: all values are tensors of its shape, `scalars` are those of the state. */
export interface Rule<Slots extends string, Scalars extends string> {
  /** What is remembered for each parameter, before the first step. */
  readonly slots: Readonly<Record<Slots, (param: Tensor) => Tensor>>;
  /** What is remembered once, before the first step. */
  readonly scalars: Readonly<Record<Scalars, () => Tensor>>;
  step(
    gradient: Tensor,
    slots: Readonly<Record<Slots, Tensor>>,
    param: Tensor,
    scalars: Readonly<Record<Scalars, Tensor>>,
  ): {param: Tensor} & Record<Slots, Tensor>;
  /** The scalars after a step. */
  advance(scalars: Readonly<Record<Scalars, Tensor>>): Record<Scalars, Tensor>;
}

type StateShape<Slots extends string, Scalars extends string> = Record<Slots, Slot> &
  Record<Scalars, Tensor>;

/** Lifts a rule for one parameter to trees of them. */
export function optimizer<Slots extends string, Scalars extends string>(
  name: string,
  rule: Rule<Slots, Scalars>,
): Optimizer<StateShape<Slots, Scalars>> {
  const slotNames = Object.keys(rule.slots) as Slots[];
  const scalarNames = Object.keys(rule.scalars) as Scalars[];
  const caller = `optimizers.${name}`;

  const init = (params: unknown): unknown => {
    assertAlive([params], caller);
    assertFloat(params, caller);
    return scoped(caller, (results) => {
      const tensors = tensorsOf(params);
      const state: Record<string, unknown> = {};
      for (const slot of slotNames)
        state[slot] = withTensors(params, tensors.map(rule.slots[slot]));
      for (const scalar of scalarNames) state[scalar] = rule.scalars[scalar]();
      results.push(...tensorsOf(state));
      return state;
    });
  };

  const update = (grads: unknown, state: Record<string, unknown>, params: unknown): unknown => {
    assertAlive([grads, state, params], caller);
    assertFloat(params, caller);
    const gradients = matching(params, grads, 'gradients', caller);
    const slots = slotNames.map((slot) => matching(params, state?.[slot], `state.${slot}`, caller));
    const scalars = Object.fromEntries(
      scalarNames.map((scalar) => [scalar, scalarOf(state, scalar, caller)]),
    ) as Record<Scalars, Tensor>;
    return scoped(caller, (results) => {
      const steps = tensorsOf(params).map((param, index) => {
        const own = slotNames.map((slot, place) => [slot, slots[place]![index]!]);
        return rule.step(gradients[index]!, Object.fromEntries(own) as never, param, scalars);
      });
      const treeOf = (part: 'param' | Slots): unknown =>
        withTensors(
          params,
          steps.map((step) => (step as Record<string, Tensor>)[part]!),
        );
      const newState: Record<string, unknown> = {};
      for (const slot of slotNames) newState[slot] = treeOf(slot);
      Object.assign(newState, rule.advance(scalars));
      const result = [treeOf('param'), newState];
      results.push(...tensorsOf(result));
      return result;
    });
  };
  return {init, update} as unknown as Optimizer<StateShape<Slots, Scalars>>;
}

/** What tfjs adds to denominators on the backend in use. */
export const backendEpsilon = (): number => backend().epsilon();

function assertFloat(params: unknown, caller: string): void {
  leavesOf(params).forEach((leaf, index) => {
    if (leaf instanceof Tensor && leaf.dtype === 'float32') return;
    throw new TransformError(
      `params${showPath(pathOf(params, index))} is ${describe(leaf)}, but only float32 tensors can be trained.`,
      {code: 'non-float-input', transform: caller},
    );
  });
}

/** The tensors of a tree that must be like the parameters, in their order. */
function matching(params: unknown, tree: unknown, noun: string, caller: string): Tensor[] {
  const refuse = (message: string): never => {
    throw new TransformError(`${message} ${noun} must match the params in structure and shapes.`, {
      code: 'tree-mismatch',
      transform: caller,
    });
  };
  const mismatch = structureMismatch(params, tree);
  if (mismatch !== null) refuse(`the ${noun} don't fit the params: ${mismatch}.`);
  const own = tensorsOf(params);
  return leavesInOrderOf(params, tree).map((leaf, index) => {
    const {shape} = own[index]!;
    if (leaf instanceof Tensor && sameShape(leaf.shape, shape)) return leaf;
    return refuse(
      `${noun}${showPath(pathOf(params, index))} is ${describe(leaf)}, but its parameter is ${describe(own[index])}.`,
    );
  });
}

function scalarOf(state: Record<string, unknown>, name: string, caller: string): Tensor {
  const value = state?.[name];
  if (value instanceof Tensor && value.rank === 0) return value;
  throw new TransformError(
    `state.${name} is ${describe(value)}, but must be a scalar tensor, as init and update give it. States of several models are for vmap.`,
    {code: 'tree-mismatch', transform: caller},
  );
}
