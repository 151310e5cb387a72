import type {NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {getGradient, ones} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {
  savedWith,
  withDataOf,
  type EvaluatedGradient,
  type SomeTensors,
} from '../interpreter/custom.js';
import {nextTensorId} from '../interpreter/engine.js';
import {
  attachGradient,
  detach,
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
import {zeros} from '../rules/ops.js';
import type {JvpRule, ShapeOnly, VjpRule} from '../rules/rule.js';
import type {Signature} from '../rules/signatures.js';
import {assertCotangent, assertFloatInput, assertTensor, isFloat} from './arguments.js';
import {fromGradConfig} from './gradConfig.js';
import {assertCotangentShape, Tape, TapeNode, TapeRecord, type Pull, type Seed} from './tape.js';

type Thunks = Record<string | number, (() => Tensor) | undefined>;

/** Reverse mode: records every call on tracers of this level on a tape. See NOTE [levels], NOTE [reverse]. */
class ReverseLevel extends Level {
  readonly tape = new Tape();
  /** Whether a dependence on an input has ended in a kernel whose derivatives are all zero. */
  endsInZero = false;

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
    const outputs = Array.isArray(result) ? result : [result];
    if (rule?.derivative === 'zero' || !outputs.some(isFloat)) {
      this.endsInZero = true;
      return result;
    }

    const names = Object.keys(inputs);
    const tensors = Object.values(inputs);
    const parents = tensors.map((input) => (input == null ? null : this.recordOf(input)));
    const refusal = rule && refusalOfComplex(name, primals);
    const vjp =
      refusal !== undefined
        ? null
        : (rule?.vjp ??
          fromGradConfig(getGradient(name), inputs) ??
          fromJvpRule(name, rule?.jvp, inputs));
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
      if (!saved.includes(input)) residuals[input] = {shape: tensor.shape, dtype: tensor.dtype};
      else residuals[input] = Array.isArray(tensor) ? tensor.map(keepAlive) : keepAlive(tensor);
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

  protected customInput(tensor: Tensor): Tensor {
    return this.primalOf(tensor);
  }

  detach(tracer: Tensor): Tensor {
    return detach(this.primalOf(tracer));
  }

  attachGradient(gradient: EvaluatedGradient): Tensor[] {
    const below = {
      ...gradient,
      inputs: gradient.inputs.map((input) => this.primalOf(input)),
      values: gradient.values.map((value) => this.primalOf(value)),
      saved: gradient.saved.map((tensor) => this.primalOf(tensor)),
    };
    const mark = nextTensorId();
    const values = attachGradient(below);
    const parents = gradient.inputs.map((input) => this.recordOf(input));
    const primals = below.inputs.map(adopt);
    const saved = savedWith(values, below).map(adopt);
    const pull: Pull = (dys) => [...below.pullback(dys, saved, primals)];
    return this.record(below.name, values, parents, mark, pull, () => {
      for (const tensor of [...primals, ...saved]) tensor.dispose();
    });
  }
}

function namesToSave(
  {saves}: VjpRule<Signature>,
  names: readonly string[],
  parents: readonly (TapeRecord | null)[],
): readonly string[] {
  if (saves === 'all') return names;
  if (Array.isArray(saves)) return saves as readonly string[];
  const perInput = saves as Readonly<Record<string, readonly string[] | undefined>>;
  return names.flatMap((name, index) => (parents[index] === null ? [] : (perInput[name] ?? [])));
}

/** Kernels whose forward rules are being transposed. */
const transposing = new Set<string>();

/** Transposes a forward rule. One that runs its own kernel on a tangent would have to be transposed for that again, without end. */
function transposeRule(
  kernel: string,
  like: Tensor,
  push: (tangent: Tensor) => Tensor[],
  dys: readonly Tensor[],
): Tensor {
  if (transposing.has(kernel)) {
    throw new TransformError(
      `no reverse rule for kernel '${kernel}'${showStack()}: its forward rule runs '${kernel}' itself on a tangent, and can't be transposed for ` +
        `that. Register a gradient with tf.registerGradient.`,
      {code: 'no-reverse-rule', transform: 'grad', kernel},
    );
  }
  transposing.add(kernel);
  try {
    return transposeLinear(kernel, [like], ([tangent]) => push(tangent!), dys, 'grad')[0]!;
  } finally {
    transposing.delete(kernel);
  }
}

/** The transpose of the forward rule that a user registered, where that is all that is known of a kernel of theirs. */
function fromJvpRule(
  kernel: string,
  jvp: JvpRule<Signature> | undefined,
  inputs: NamedTensorMap,
): VjpRule<Signature> | null {
  if (jvp === undefined) return null;
  const names = Object.keys(inputs);
  const perInput = <T>(values: readonly T[]): unknown =>
    Array.isArray(inputs) ? values : Object.fromEntries(names.map((name, i) => [name, values[i]]));
  return {
    saves: names as never,
    savesOutput: true,
    pullback: (dy, residuals, attrs) => {
      const values = residuals as Record<string, Tensor>;
      const dys = [dy].flat() as Tensor[];
      const primals = perInput(names.map((name) => values[name]));
      const push = (input: string, tangent: Tensor): Tensor[] => {
        const tangents = perInput(names.map((name) => (name === input ? tangent : undefined)));
        const pushed = jvp(primals as never, tangents as never, attrs, values['output'] as never);
        return dys.map(({shape, dtype}, i) => [pushed].flat()[i] ?? zeros(shape, dtype));
      };
      const cotangentOf = (input: string): Tensor =>
        transposeRule(kernel, values[input]!, (tangent) => push(input, tangent), dys);
      return Object.fromEntries(names.map((name) => [name, () => cotangentOf(name)])) as never;
    },
  };
}

/** Refused when the pullback arrives there, not before: a metric in the same function may use such a kernel. */
function noReverseRule(kernel: string, rule: object | undefined): never {
  const {derivative} = (rule ?? {}) as {derivative?: {refuse: string}};
  throw new TransformError(
    `no reverse rule for kernel '${kernel}'${showStack()}. ` +
      (derivative?.refuse ??
        `Register one with tf.registerGradient, or a forward rule with registerJvpRule, which is then transposed, or keep the kernel out of ` +
          `what is differentiated.`),
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

/**
 * Applies the transpose of a linear map: of cotangents to tangents, or the other way round.
 * @param like  tensors of the shapes that the map takes
 * @param map  gives `undefined` for zeros
 * @param duals  one for each tensor that the map gives; `null` or `undefined` is zero
 */
export function transposeLinear(
  name: string,
  like: readonly Tensor[],
  map: (xs: Tensor[]) => SomeTensors,
  duals: readonly (Tensor | null | undefined)[],
  transform: string,
): Tensor[] {
  const origin = like.map(({shape, dtype}) => zeros(shape, dtype));
  let places: number[] = [];
  const linear = reverse(transform, origin, (xs) => {
    const ys = map(xs);
    places = [...ys.keys()].filter((index) => ys[index] != null && duals[index] != null);
    const outputs = places.map((index) => ys[index]!);
    places.forEach((index, i) =>
      assertCotangentShape(name, outputs[i]!, duals[index]!.shape, index, transform),
    );
    return {outputs, extras: []};
  });
  try {
    return linear.pullBack(
      places.map((index) => duals[index]!),
      true,
    );
  } finally {
    linear.free();
  }
}

/** tfjs's `engine.gradients`, which `tf.grad`, `tf.variableGrads` and optimizers call, while transforms run or `install` has routed it here. */
export const stockGradients: StockGradients = (f, inputs, dy, allowNoGradients) => {
  const level = new ReverseLevel('tf.grad', true);
  const xs = [...new Set(inputs)];
  return scoped(level.transform, (results) => {
    try {
      let leaves: TapeRecord[] = [];
      let record: TapeRecord | null = null;
      const [value] = enter(level, () => {
        const tracers = xs.map((x) => level.leaf(x));
        leaves = tracers.map((tracer) => level.recordOf(tracer)!);
        const returned = withDataOf(xs, tracers, f);
        assertTensor(returned, level.transform);
        // The function may hand back one of the tensors that it holds.
        const y = tracers[xs.indexOf(returned)] ?? returned;
        record = level.recordOf(y);
        return [alias(level.primalOf(y))];
      });
      const seed = dy ?? ones([...value!.shape], isFloat(value!) ? value!.dtype : 'float32');
      assertCotangent(seed, value!, level.transform);
      const seeds = record === null ? [] : [{record, cotangent: seed}];
      const grads = level.tape.pullBack(seeds, leaves, true);
      xs.forEach((x, index) => {
        if (grads[index] !== null) assertFloatInput(x, inputs.indexOf(x), level.transform);
      });
      // tfjs has gradients, zeros, of functions that are constant in pieces.
      if (!allowNoGradients && level.endsInZero) {
        xs.forEach((x, index) => {
          if (isFloat(x)) grads[index] ??= zeros(x.shape);
        });
      }
      if (!allowNoGradients && grads.every((grad) => grad === null)) {
        throw new TransformError(
          `Cannot compute gradient of y=f(x) with respect to x: y does not depend on it. Make sure that the f you passed encloses ` +
            `all operations that lead from x to y.`,
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

/** Runs `body` with a level on the stack. See `runAtLevel`. */
export function enter<L extends Level>(level: L, body: (level: L) => Tensor[]): Tensor[] {
  return runAtLevel(level, stockGradients, body);
}

/** The same where some of the results may be missing. */
export function enterSome<L extends Level>(
  level: L,
  body: (level: L) => readonly (Tensor | undefined)[],
): (Tensor | undefined)[] {
  let all: readonly (Tensor | undefined)[] = [];
  enter(level, (entered) => {
    all = body(entered);
    return all.filter((result) => result !== undefined);
  });
  return [...all];
}
