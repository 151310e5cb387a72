import {clone, Tensor, type Variable} from '@tensorflow/tfjs-core';
import {TransformError, describe, showShape} from '../errors.js';
import {withDataOf} from '../interpreter/custom.js';
import {isStockTapeOn, nextTensorId} from '../interpreter/engine.js';
import {scoped} from '../interpreter/scope.js';
import {adopt, alias, recordOf} from '../interpreter/tracer.js';
import {sameShape} from '../rules/ops.js';
import {callSync} from '../transforms/arguments.js';
import {mapLeaves, tensorsOf} from '../tree.js';
import type {Binding, NamedState, State} from './model.js';
import {assertState} from './state.js';

/** What becomes of a value that the model assigns to one of its variables, such as a moving average. */
export type BufferUpdates = 'error' | 'return' | 'discard';

/**
 * NOTE [models]
 * A model reads tensors that it holds. While it runs on others, each of its tensors stands for the one of the same name (see NOTE [closures]).
 * What it assigns to a variable is seen by what it does afterwards, in this call alone. tfjs's own tape would record the model's tensors and
 * not those that they stand for: parameters that aren't traced are refused there.
 *
 * @returns  the output, new tensors of the caller's scope, and the values of the buffers after the call (with `updates: 'return'`)
 */
export function callWith(
  binding: Binding,
  values: State,
  args: unknown[],
  updates: BufferUpdates,
  caller: string,
): {output: unknown; buffers: State} {
  assertState(binding, values, caller);
  const state = binding.state.filter(({name}) => name in values);
  const substitutes = state.map(({name}) => values[name]!);
  if (isStockTapeOn() && substitutes.some((value) => recordOf(value) === null)) {
    throw new TransformError(
      `${binding.title} was called inside tf.grad, tf.variableGrads or optimizer.minimize with parameters that tfjs's own tape can't follow ` +
        `there. Differentiate with grad, and step with optimizers.`,
      {code: 'invalid-argument', transform: caller},
    );
  }
  return scoped(caller, (results) =>
    withDataOf(
      state.map(({tensor}) => tensor),
      substitutes,
      () => {
        const writes = new Writes(binding, updates, caller);
        try {
          const mark = nextTensorId();
          const own = new Set(binding.state.map(({tensor}) => tensor));
          const returned = callSync((...all: unknown[]) => binding.call(all), args, caller);
          // A tensor of the model is its own again afterwards, and an argument the caller's.
          const output = mapLeaves(returned, (leaf) =>
            leaf instanceof Tensor && (leaf.id < mark || own.has(leaf)) ? clone(leaf) : leaf,
          );
          const buffers = updates === 'return' ? writes.buffers() : {};
          results.push(...tensorsOf(output), ...Object.values(buffers));
          return {output, buffers};
        } finally {
          writes.end();
        }
      },
    ),
  );
}

/** What a variable is while its model runs: `assign` is an own property, which shadows that of the class. */
interface Assignable {
  dataId: object;
  assign?: (value: Tensor) => void;
}

/** Takes the assignments to a model's variables during one call. */
class Writes {
  private readonly written = new Map<NamedState, Tensor>();
  private readonly previous = new Map<NamedState, Assignable>();

  constructor(
    private readonly binding: Binding,
    private readonly updates: BufferUpdates,
    private readonly caller: string,
  ) {
    for (const entry of binding.state) {
      const handle = entry.tensor as unknown as Assignable;
      // An own one is that of a call around this one.
      const {dataId} = handle;
      this.previous.set(entry, {
        dataId,
        ...(Object.hasOwn(handle, 'assign') && {assign: handle.assign}),
      });
      handle.assign = (value) => this.write(entry, value);
    }
  }

  /** The buffers' values now. */
  buffers(): State {
    return Object.fromEntries(
      this.binding.state
        .filter(({isParam}) => !isParam)
        .map(({name, tensor}) => [name, alias(tensor)]),
    );
  }

  /** Gives the variables back what they were. */
  end(): void {
    for (const [entry, before] of this.previous) {
      const handle = entry.tensor as unknown as Assignable;
      delete handle.assign;
      Object.assign(handle, before);
    }
    for (const value of this.written.values()) value.dispose();
  }

  private write(entry: NamedState, value: Tensor): void {
    const {name, tensor} = entry;
    const variable = tensor as Variable;
    if (this.updates === 'error') throw this.refuse(entry, value);
    if (!sameShape(value.shape, variable.shape) || value.dtype !== variable.dtype) {
      throw new TransformError(
        `${this.binding.title} assigned ${describe(value)} to '${name}', which is ${variable.dtype} ${showShape(variable.shape)}.`,
        {code: 'parameter-mismatch', transform: this.caller},
      );
    }
    const held = adopt(value);
    this.written.get(entry)?.dispose();
    this.written.set(entry, held);
    (tensor as unknown as Assignable).dataId = held.dataId;
  }

  private refuse({name}: NamedState, value: Tensor): TransformError {
    return new TransformError(
      `${this.binding.title} assigned a new value (${describe(value)}) to '${name}', as batch normalization does with its moving averages ` +
        `in training, but a call changes nothing of the model. Ask for the new buffers with ` +
        `makeFunctionalWithBuffers(model, {bufferUpdates: 'return'}), ignore them with 'discard', call the model without ` +
        `training: true, or, for statistics per example under vmap, replace the layers: replaceBatchNorm(model).`,
      {code: 'buffer-update', transform: this.caller},
    );
  }
}
