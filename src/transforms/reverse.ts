import type {GradConfig, NamedTensorMap} from '@tensorflow/tfjs-core';
import {getGradient, ones, Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {
  savedWith,
  withDataOf,
  type CustomGradient,
  type EvaluatedGradient,
} from '../interpreter/custom.js';
import {nextTensorId} from '../interpreter/engine.js';
import {
  attachGradient,
  run,
  runAtLevel,
  showStack,
  type StockGradients,
} from '../interpreter/hook.js';
import {Level, mapInputs, type KernelCall} from '../interpreter/level.js';
import {scoped} from '../interpreter/scope.js';
import {adopt, alias, makeTracer, own, recordAt} from '../interpreter/tracer.js';
import {refusalOfComplex} from '../rules/complex.js';
import {ruleFor} from '../rules/index.js';
import {sameShape, zeros} from '../rules/ops.js';
import type {ShapeOnly, VjpRule} from '../rules/rule.js';
import type {Signature} from '../rules/signatures.js';
import {isFloat} from './arguments.js';
import {Tape, TapeNode, TapeRecord, type Pull, type Seed} from './tape.js';

type AnyVjpRule = VjpRule<Signature>;
type Thunks = Record<string | number, (() => Tensor) | undefined>;

/** Reverse mode: records every call on tracers of this level on a tape. See NOTE [levels], NOTE [reverse]. */
class ReverseLevel extends Level {
  readonly tape = new Tape();

  /** A tracer for an input of the differentiated function. */
  leaf(value: Tensor): Tensor {
    const primal = adopt(value);
    const node = new TapeNode('input', [], () => [], null);
    this.tape.push(node);
    return makeTracer(new TapeRecord(this, primal, node, 0), primal.shape, primal.dtype);
  }

  /** The record of a tensor that depends on the leaves, or null. */
  recordOf(tensor: Tensor): TapeRecord | null {
    return recordAt(tensor, this, TapeRecord);
  }

  /** The tensor of a lower level with the same value. */
  primalOf(tensor: Tensor): Tensor {
    return this.recordOf(tensor)?.primal ?? tensor;
  }

  process({name, inputs, attrs}: KernelCall): Tensor | Tensor[] {
    const mark = nextTensorId();
    const primals = mapInputs(inputs, (input) => this.primalOf(input));
    const result = run(name, primals, attrs);
    const rule = ruleFor(name);
    if (rule !== undefined && 'derivative' in rule && rule.derivative === 'zero') return result;
    const outputs = Array.isArray(result) ? result : [result];
    if (!outputs.some(isFloat)) return result;

    const names = Object.keys(inputs);
    const tensors = Object.values(inputs);
    const parents = tensors.map((input) => (input == null ? null : this.recordOf(input)));
    const refusal = rule && refusalOfComplex(name, primals);
    const vjp =
      refusal !== undefined
        ? null
        : rule !== undefined && 'vjp' in rule
          ? rule.vjp
          : fromGradConfig(getGradient(name), inputs);
    if (vjp === null) {
      const refuse = (): never =>
        noReverseRule(name, refusal ? {derivative: {refuse: refusal}} : rule);
      const traced = this.record(name, outputs, parents, mark, refuse, null);
      return Array.isArray(result) ? traced : traced[0]!;
    }

    const held: TapeRecord[] = [];
    const adopted: Tensor[] = [];
    const keepAlive = (tensor: Tensor): Tensor => {
      const record = this.recordOf(tensor);
      if (record === null) {
        const copy = adopt(tensor);
        adopted.push(copy);
        return copy;
      }
      record.hold();
      held.push(record);
      return record.primal;
    };
    const saved = namesToSave(vjp, names, parents);
    const residuals: Record<string, Tensor | Tensor[] | ShapeOnly> = {};
    names.forEach((input, index) => {
      const tensor = tensors[index];
      if (tensor == null) return;
      residuals[input] = saved.includes(input)
        ? keepAlive(tensor)
        : {shape: tensor.shape, dtype: tensor.dtype};
    });
    const isList = Array.isArray(inputs);
    const pull: Pull = (dys) => {
      const dy = Array.isArray(result) ? dys : dys[0]!;
      const thunks = vjp.pullback(
        dy as never,
        (isList && !vjp.savesOutput ? Object.values(residuals) : residuals) as never,
        attrs,
      ) as unknown as Thunks;
      return parents.map((parent, index) =>
        parent === null ? undefined : thunks[names[index]!]?.(),
      );
    };
    const traced = this.record(name, outputs, parents, mark, pull, () => {
      for (const record of held) record.release();
      for (const tensor of adopted) tensor.dispose();
    });
    if (vjp.savesOutput) {
      const kept = traced.map(keepAlive);
      residuals['output'] = Array.isArray(result) ? kept : kept[0]!;
    }
    return Array.isArray(result) ? traced : traced[0]!;
  }

  /** Puts a call on the tape. Its float outputs become tracers, the others stay what they are. */
  private record(
    name: string,
    outputs: readonly Tensor[],
    parents: (TapeRecord | null)[],
    mark: number,
    pull: Pull,
    release: (() => void) | null,
  ): Tensor[] {
    const node = new TapeNode(name, parents, pull, release);
    node.outputs = outputs.map(({shape, dtype}) => ({shape, dtype}));
    this.tape.push(node);
    return outputs.map((output, index) => {
      if (!isFloat(output)) return output;
      const primal = own(output, mark);
      return makeTracer(new TapeRecord(this, primal, node, index), primal.shape, primal.dtype);
    });
  }

  processCustom(call: CustomGradient): Tensor {
    const primals = call.inputs.map((input) => this.primalOf(input));
    const saved: Tensor[] = [];
    try {
      // A tidy scope of the function may end before they are put on the tape.
      const value = call.forward(primals, (tensors) => saved.push(...tensors.map(adopt)));
      return this.recordCustom(call, {...call, inputs: primals, value, saved});
    } finally {
      for (const tensor of saved) tensor.dispose();
    }
  }

  attachGradient(gradient: EvaluatedGradient): Tensor {
    return this.recordCustom(gradient, {
      ...gradient,
      inputs: gradient.inputs.map((input) => this.primalOf(input)),
      value: this.primalOf(gradient.value),
      saved: gradient.saved.map((tensor) => this.primalOf(tensor)),
    });
  }

  /** @param below  the same one level lower */
  private recordCustom(
    {inputs}: {readonly inputs: readonly Tensor[]},
    below: EvaluatedGradient,
  ): Tensor {
    const mark = nextTensorId();
    const value = attachGradient(below);
    const parents = inputs.map((input) => this.recordOf(input));
    const primals = below.inputs.map(adopt);
    const saved = savedWith(value, below).map(adopt);
    const pull: Pull = ([dy]) => below.pullback(dy!, saved, primals);
    return this.record('customGrad', [value], parents, mark, pull, () => {
      for (const tensor of [...primals, ...saved]) tensor.dispose();
    })[0]!;
  }
}

function namesToSave(
  {saves}: AnyVjpRule,
  names: readonly string[],
  parents: readonly (TapeRecord | null)[],
): readonly string[] {
  if (saves === 'all') return names;
  if (Array.isArray(saves)) return saves as readonly string[];
  const perInput = saves as Readonly<Record<string, readonly string[] | undefined>>;
  return names.flatMap((name, index) => (parents[index] === null ? [] : (perInput[name] ?? [])));
}

/** The reverse rule that a user registered with tfjs for a kernel of their own. */
function fromGradConfig(config: GradConfig | null, inputs: NamedTensorMap): AnyVjpRule | null {
  if (config == null) return null;
  const saves = config.saveAllInputs ? Object.keys(inputs) : (config.inputsToSave ?? []);
  const outputsToSave = config.outputsToSave ?? [];
  return {
    saves: saves as never,
    savesOutput: outputsToSave.some(Boolean),
    pullback: (dy, residuals, attrs) => {
      const values = residuals as Record<string, Tensor | Tensor[]>;
      const outputs = ([values['output'] ?? []].flat() as Tensor[]).filter(
        (_, index) => outputsToSave[index],
      );
      const inputValues = saves.map((name) => values[name] as Tensor);
      return config.gradFunc(dy as Tensor, [...inputValues, ...outputs], attrs as never) as never;
    },
  };
}

/** Refused when the pullback arrives there, not before: a metric in the same function may use such a kernel. */
function noReverseRule(kernel: string, rule: object | undefined): never {
  const {derivative} = (rule ?? {}) as {derivative?: {refuse: string}};
  throw new TransformError(
    `no reverse rule for kernel '${kernel}'${showStack()}. ` +
      (derivative?.refuse ??
        `Register one with tf.registerGradient, or keep the kernel out of what is differentiated.`),
    {code: 'no-reverse-rule', transform: 'grad', kernel},
  );
}

/** What is left of a differentiated function when it has returned: its outputs, and the way back. */
export interface Linearized {
  /** The results, tensors of the caller's scope. */
  readonly outputs: Tensor[];
  /** Pulls one cotangent per output back to one per input; zeros where nothing depends on it. */
  pullBack(cotangents: readonly (Tensor | null)[], freeing: boolean): Tensor[];
  free(): void;
}

/**
 * Runs a function of tensors in reverse mode.
 * @param f  gets tracers for `inputs`; gives the tensors to differentiate, and others that are only handed out
 */
export function reverse(
  transform: string,
  inputs: readonly Tensor[],
  f: (tracers: Tensor[]) => {outputs: Tensor[]; extras: Tensor[]},
): Linearized & {extras: Tensor[]} {
  const level = new ReverseLevel(transform);
  const {tape} = level;
  const specs = inputs.map(({shape, dtype}) => ({shape, dtype}));
  let leaves: TapeRecord[] = [];
  let records: (TapeRecord | null)[] = [];
  let count = 0;
  try {
    const results = enter(level, () => {
      const tracers = inputs.map((input) => level.leaf(input));
      leaves = tracers.map((tracer) => level.recordOf(tracer)!);
      const {outputs, extras} = f(tracers);
      records = outputs.map((output) => level.recordOf(output));
      count = outputs.length;
      tape.prune(records.filter((record) => record !== null));
      return [...outputs, ...extras].map((tensor) => alias(level.primalOf(tensor)));
    });
    return {
      outputs: results.slice(0, count),
      extras: results.slice(count),
      pullBack: (cotangents, freeing) => {
        const seeds: Seed[] = [];
        records.forEach((record, index) => {
          const cotangent = cotangents[index];
          if (record !== null && cotangent) seeds.push({record, cotangent});
        });
        const pulled = tape.pullBack(seeds, leaves, freeing);
        return pulled.map((cotangent, index) => {
          const {shape, dtype} = specs[index]!;
          return cotangent ?? zeros(shape, dtype);
        });
      },
      free: () => tape.free(),
    };
  } catch (error) {
    tape.free();
    throw error;
  }
}

/** tfjs's `engine.gradients`, which `tf.grad`, `tf.variableGrads` and optimizers call, while transforms run. */
const stockGradients: StockGradients = (f, inputs, dy, allowNoGradients) => {
  const level = new ReverseLevel('tf.grad');
  const xs = [...new Set(inputs)];
  return scoped(level.transform, (results) => {
    try {
      let leaves: TapeRecord[] = [];
      let record: TapeRecord | null = null;
      const [value] = enter(level, () => {
        const tracers = xs.map((x) => level.leaf(x));
        leaves = tracers.map((tracer) => level.recordOf(tracer)!);
        const returned = withDataOf(xs, tracers, f);
        assertTensor(returned, level);
        // The function may hand back one of the tensors that it holds.
        const y = tracers[xs.indexOf(returned)] ?? returned;
        record = level.recordOf(y);
        return [alias(level.primalOf(y))];
      });
      const seed = dy ?? ones([...value!.shape], isFloat(value!) ? value!.dtype : 'float32');
      assertCotangent(seed, value!, level);
      const seeds = record === null ? [] : [{record, cotangent: seed}];
      const grads = level.tape.pullBack(seeds, leaves, true);
      xs.forEach((x, index) => {
        if (grads[index] !== null) assertFloatInput(x, inputs.indexOf(x), level);
      });
      if (!allowNoGradients && grads.every((grad) => grad === null)) {
        throw new TransformError(
          `the result does not depend on any of the inputs. Make sure that the function passed in encloses all operations that ` +
            `lead from x to y.`,
          {code: 'no-tensors', transform: level.transform},
        );
      }
      results.push(value!, ...grads.filter((grad) => grad !== null));
      return {value: value!, grads: inputs.map((x) => grads[xs.indexOf(x)] ?? undefined)};
    } finally {
      level.tape.free();
    }
  });
};

function assertTensor(y: unknown, {transform}: Level): void {
  if (y instanceof Tensor) return;
  throw new TransformError(`the function must return a tensor, but returned ${describe(y)}.`, {
    code: 'non-tensor-output',
    transform,
  });
}

/** The cotangents of integers are integers themselves: they would be cut off. */
function assertFloatInput(x: Tensor, index: number, {transform}: Level): void {
  if (isFloat(x)) return;
  throw new TransformError(
    `input ${index} is ${describe(x)}, with respect to which no derivative can be taken. Cast it (tf.cast(x, 'float32')) before.`,
    {code: 'non-float-input', transform},
  );
}

function assertCotangent(dy: Tensor, y: Tensor, {transform}: Level): void {
  if (sameShape(dy.shape, y.shape)) return;
  throw new TransformError(
    `dy is ${describe(dy)}, but the function returned ${describe(y)}. They must have the same shape.`,
    {code: 'tree-mismatch', transform},
  );
}

/** Runs `body` with a level on the stack. See `runAtLevel`. */
export function enter<L extends Level>(level: L, body: (level: L) => Tensor[]): Tensor[] {
  return runAtLevel(level, stockGradients, body);
}
