import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import type {CustomGradient, EvaluatedGradient} from '../interpreter/custom.js';
import {nextTensorId} from '../interpreter/engine.js';
import {attachGradient, showStack} from '../interpreter/hook.js';
import {Level, mapInputs, type KernelCall} from '../interpreter/level.js';
import {adopt, alias, makeTracer, own, recordAt, TraceRecord} from '../interpreter/tracer.js';
import {repeat} from '../rules/dims.js';
import {ruleFor} from '../rules/index.js';
import {scale, sum} from '../rules/ops.js';
import type {BatchedInput} from '../rules/rule.js';
import {unruled} from '../rules/unruled.js';
import {enter} from './reverse.js';

/** A mapped tensor. `value` is `[B, ...shape]`, where `shape` is the tracer's own, per-example shape. */
class BatchRecord extends TraceRecord {
  constructor(
    level: BatchingLevel,
    readonly value: Tensor,
  ) {
    super(level);
  }

  protected free(): void {
    this.value.dispose();
  }

  read(): never {
    throw new TransformError(
      `the value of a mapped tensor was read (dataSync, arraySync, data, print…)${showStack()}. Inside vmap it has one value per example, so ` +
        `code can't branch on it. Choose with tf.where, compute with tensors, or read after vmap has returned.`,
      {code: 'value-read', transform: 'vmap'},
    );
  }
}

/** vmap: every tensor of this level stands for a batch of `size` tensors. See NOTE [levels], NOTE [batching]. */
export class BatchingLevel extends Level {
  constructor(readonly size: number) {
    super('vmap');
  }

  /** A tracer for a value whose batch dimension is in front; takes the value over, see NOTE [ownership]. */
  wrap(value: Tensor, mark: number): Tensor {
    const owned = own(value, mark);
    return makeTracer(new BatchRecord(this, owned), owned.shape.slice(1), owned.dtype);
  }

  /** A tensor as the rules see it. */
  unwrap(tensor: Tensor): BatchedInput {
    const record = recordAt(tensor, this, BatchRecord);
    return record === null ? {value: tensor, mapped: false} : {value: record.value, mapped: true};
  }

  process({name, inputs, attrs}: KernelCall): Tensor | Tensor[] {
    const rule = ruleFor(name);
    if (rule === undefined) throw noBatchingRule(name);
    if (typeof rule.batch !== 'function') throw noBatchingRule(name, rule.batch.refuse);
    const mark = nextTensorId();
    const outputs = rule.batch(
      mapInputs(inputs, (input) => this.unwrap(input)) as never,
      attrs,
      this.size,
    ) as Tensor | Tensor[];
    return Array.isArray(outputs)
      ? outputs.map((output) => this.wrap(output, mark))
      : this.wrap(outputs, mark);
  }

  processCustom(call: CustomGradient): Tensor {
    const saved: Tensor[] = [];
    try {
      // A tidy scope of the function may end before they are passed on.
      const value = call.forward(call.inputs, (tensors) => saved.push(...tensors.map(adopt)));
      return this.attachGradient({...call, value, saved});
    } finally {
      for (const tensor of saved) tensor.dispose();
    }
  }

  /** The batched form of a custom gradient is a custom gradient of batches: its pullback runs under vmap, later. */
  attachGradient(gradient: EvaluatedGradient): Tensor {
    const mark = nextTensorId();
    const inputs = gradient.inputs.map((input) => this.unwrap(input));
    const saved = gradient.saved.map((tensor) => this.unwrap(tensor));
    const {size} = this;
    const value = attachGradient({
      inputs: inputs.map((input) => input.value),
      value: this.materialize(gradient.value),
      saved: saved.map((tensor) => tensor.value),
      pullback: (dy, savedValues, inputValues) =>
        enter(new BatchingLevel(size), (level) => {
          const cotangents = gradient.pullback(
            level.adopt(dy),
            level.rewrap(savedValues, saved),
            level.rewrap(inputValues, inputs),
          );
          return cotangents.map((cotangent, index) =>
            inputs[index]!.mapped ? alias(level.materialize(cotangent)) : level.total(cotangent),
          );
        }),
    });
    return this.wrap(value, mark);
  }

  /** A tracer for a value that stays the caller's. */
  adopt(value: Tensor): Tensor {
    return this.wrap(value, Infinity);
  }

  private rewrap(values: readonly Tensor[], like: readonly BatchedInput[]): Tensor[] {
    return values.map((value, index) => (like[index]!.mapped ? this.adopt(value) : value));
  }

  /** The values of all examples, `[B, ...]`: of a mapped tensor, or a copy per example of another. */
  materialize(tensor: Tensor): Tensor {
    const {value, mapped} = this.unwrap(tensor);
    return mapped ? value : repeat(value, this.size);
  }

  /** The sum over the examples. */
  private total(tensor: Tensor): Tensor {
    const {value, mapped} = this.unwrap(tensor);
    return mapped ? sum(value, [0]) : scale(value, this.size);
  }
}

function noBatchingRule(kernel: string, reason?: string): TransformError {
  const why =
    reason ??
    unruled[kernel] ??
    'The library does not know this kernel: give it a rule, or call it outside vmap, one example at a time.';
  return new TransformError(`no batching rule for kernel '${kernel}'${showStack()}. ${why}`, {
    code: 'no-batching-rule',
    transform: 'vmap',
    kernel,
  });
}
