import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import type {EvaluatedGradient} from '../interpreter/custom.js';
import {nextTensorId} from '../interpreter/engine.js';
import {attachGradient, detach, showStack} from '../interpreter/hook.js';
import {Level, mapInputs, type KernelCall} from '../interpreter/level.js';
import {alias, makeTracer, own, recordAt, TraceRecord} from '../interpreter/tracer.js';
import {repeat} from '../rules/dims.js';
import {ruleFor} from '../rules/index.js';
import {scale, sum} from '../rules/ops.js';
import type {BatchedInput} from '../rules/rule.js';
import {unruled} from '../rules/unruled.js';
import {enterSome} from './reverse.js';

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

/** What random ops do under vmap: nothing ('error'), draw once for all examples, or once for each. */
export type Randomness = 'error' | 'same' | 'different';

/** vmap: every tensor of this level stands for a batch of `size` tensors. See NOTE [levels], NOTE [batching]. */
export class BatchingLevel extends Level {
  constructor(
    readonly size: number,
    readonly randomness: Randomness,
  ) {
    super('vmap');
  }

  override get differentiates(): boolean {
    return false;
  }

  override get drawsPerExample(): boolean {
    return this.randomness === 'different';
  }

  override examplesToDraw(op: string): number | null {
    if (this.randomness === 'error') {
      throw new TransformError(
        `${op} was called${showStack()}, and it is not said whether all examples shall get the same random numbers, or each its own. Pass ` +
          `{randomness: 'different'} (a dropout mask per example) or {randomness: 'same'} to vmap, or draw outside and map over the draws.`,
        {code: 'randomness', transform: 'vmap'},
      );
    }
    return this.randomness === 'same' ? null : this.size;
  }

  override ofExamples(draws: Tensor): Tensor {
    return this.wrap(draws, draws.id);
  }

  override refuseToDraw(op: string): never {
    throw new TransformError(
      `${op} can't draw for each example${showStack()}: the function that it is given fills one tensor. Use tf.randomUniform or ` +
        `tf.randomNormal, {randomness: 'same'}, or draw outside and map over the draws.`,
      {code: 'randomness', transform: 'vmap'},
    );
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

  override below(tracer: Tensor): Tensor {
    return this.unwrap(tracer).value;
  }

  process({name, inputs, attrs}: KernelCall): Tensor | Tensor[] {
    const rule = ruleFor(name);
    if (rule?.batch === undefined) throw noBatchingRule(name);
    if (typeof rule.batch !== 'function') throw noBatchingRule(name, rule.batch.refuse);
    if (name === 'Multinomial' && this.randomness === 'same') throw sameMultinomial();
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

  protected customInput(tensor: Tensor): Tensor {
    return tensor;
  }

  detach(tracer: Tensor): Tensor {
    const mark = nextTensorId();
    return this.wrap(detach(this.unwrap(tracer).value), mark);
  }

  /** The batched form of a custom gradient is a custom gradient of batches: its derivatives are computed under vmap, later. */
  attachGradient(gradient: EvaluatedGradient): Tensor[] {
    const mark = nextTensorId();
    const inputs = gradient.inputs.map((input) => this.unwrap(input));
    const saved = gradient.saved.map((tensor) => this.unwrap(tensor));
    const {size, randomness} = this;
    const {name, pullback, pushforward} = gradient;
    const values = attachGradient({
      name,
      inputs: inputs.map((input) => input.value),
      values: gradient.values.map((value) => this.materialize(value)),
      saved: saved.map((tensor) => tensor.value),
      pullback: (dys, savedValues, inputValues) =>
        enterSome(new BatchingLevel(size, randomness), (level) => {
          const cotangents = pullback(
            dys.map((dy) => level.adopt(dy)),
            level.rewrap(savedValues, saved),
            level.rewrap(inputValues, inputs),
          );
          return cotangents.map(
            (cotangent, index) =>
              cotangent &&
              (inputs[index]!.mapped
                ? alias(level.materialize(cotangent))
                : level.total(cotangent)),
          );
        }),
      ...(pushforward && {
        pushforward: (tangents, savedValues, inputValues) =>
          enterSome(new BatchingLevel(size, randomness), (level) => {
            const pushed = pushforward(
              tangents.map((tangent, index) =>
                tangent && inputs[index]!.mapped ? level.adopt(tangent) : tangent,
              ),
              level.rewrap(savedValues, saved),
              level.rewrap(inputValues, inputs),
            );
            return pushed.map((tangent) => tangent && alias(level.materialize(tangent)));
          }),
      }),
    });
    return values.map((value) => this.wrap(value, mark));
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

function sameMultinomial(): TransformError {
  return new TransformError(
    `tf.multinomial of logits that differ from example to example can't draw the same for all${showStack()}. Pass {randomness: 'different'} ` +
      `to vmap, or add Gumbel noise drawn outside to the logits and take tf.argMax.`,
    {code: 'randomness', transform: 'vmap', kernel: 'Multinomial'},
  );
}

function noBatchingRule(kernel: string, reason?: string): TransformError {
  const why =
    reason ??
    unruled[kernel] ??
    'The library does not know this kernel: give it a rule (registerBatchingRule), or call it outside vmap, one example at a time.';
  return new TransformError(`no batching rule for kernel '${kernel}'${showStack()}. ${why}`, {
    code: 'no-batching-rule',
    transform: 'vmap',
    kernel,
  });
}
