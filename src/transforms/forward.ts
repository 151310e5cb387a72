import type {NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {getGradient} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {savedWith, type EvaluatedGradient} from '../interpreter/custom.js';
import {nextTensorId} from '../interpreter/engine.js';
import {attachGradient, detach, run, showStack} from '../interpreter/hook.js';
import {Level, mapInputs, type KernelCall} from '../interpreter/level.js';
import {makeTracer, own, recordAt, TraceRecord} from '../interpreter/tracer.js';
import {refusalOfComplex} from '../rules/complex.js';
import {ruleFor} from '../rules/index.js';
import {add} from '../rules/ops.js';
import {isFloat} from './arguments.js';
import {transposeLinear} from './reverse.js';

/** A value together with its directional derivative. */
class DualRecord extends TraceRecord {
  constructor(
    level: Level,
    readonly primal: Tensor,
    readonly tangent: Tensor,
  ) {
    super(level);
  }

  protected free(): void {
    this.primal.dispose();
    this.tangent.dispose();
  }

  read(): Tensor {
    return this.primal;
  }
}

type Tangents = Record<string, Tensor | undefined>;

/** Forward mode: every tensor of this level carries its tangent. See NOTE [levels], NOTE [forward]. */
export class ForwardLevel extends Level {
  /** A tracer for a primal and its tangent, which it takes over where they were made since `mark`. */
  dual(primal: Tensor, tangent: Tensor, mark: number): Tensor {
    const record = new DualRecord(this, own(primal, mark), own(tangent, mark));
    return makeTracer(record, primal.shape, primal.dtype);
  }

  primalOf(tensor: Tensor): Tensor {
    return recordAt(tensor, this, DualRecord)?.primal ?? tensor;
  }

  /** The tangent of a tensor, or null where it is zero. */
  tangentOf(tensor: Tensor): Tensor | null {
    return recordAt(tensor, this, DualRecord)?.tangent ?? null;
  }

  process({name, inputs, attrs}: KernelCall): Tensor | Tensor[] {
    const mark = nextTensorId();
    const primals = mapInputs(inputs, (input) => this.primalOf(input)) as NamedTensorMap;
    const tangents = mapInputs(inputs, (input) => this.tangentOf(input) ?? undefined) as Tangents;
    const result = run(name, primals, attrs);
    const outputs = Array.isArray(result) ? result : [result];
    const rule = ruleFor(name);
    if (rule?.derivative === 'zero') return result;
    if (!outputs.some(isFloat)) return result;

    const refusal = rule && refusalOfComplex(name, primals);
    if (refusal !== undefined) throw noForwardRule(name, refusal);
    let pushed: (Tensor | null)[];
    if (rule?.linearIn !== undefined) {
      pushed = pushLinear(name, rule.linearIn as readonly string[], primals, tangents, attrs);
    } else if (rule?.jvp !== undefined) {
      pushed = [rule.jvp(primals as never, tangents as never, attrs, result as never)].flat();
    } else {
      pushed = pushByTransposing(name, inputs, primals, tangents, attrs, outputs);
    }
    const traced = outputs.map((output, index) => {
      const tangent = pushed[index];
      return tangent && isFloat(output) ? this.dual(output, tangent, mark) : output;
    });
    return Array.isArray(result) ? traced : traced[0]!;
  }

  protected customInput(tensor: Tensor): Tensor {
    return this.primalOf(tensor);
  }

  detach(tracer: Tensor): Tensor {
    return detach(this.primalOf(tracer));
  }

  /** Where a custom gradient has no forward rule of its own, it is the transpose of its pullback, which is linear in `dy`. */
  attachGradient(gradient: EvaluatedGradient): Tensor[] {
    const {name, inputs, pullback, pushforward} = gradient;
    const below = {
      ...gradient,
      inputs: inputs.map((input) => this.primalOf(input)),
      values: gradient.values.map((value) => this.primalOf(value)),
      saved: gradient.saved.map((tensor) => this.primalOf(tensor)),
    };
    const mark = nextTensorId();
    const values = attachGradient(below);
    const saved = savedWith(values, below);
    const tangents = inputs.map((input) => this.tangentOf(input) ?? undefined);
    const pushed = pushforward
      ? pushforward(tangents, saved, below.inputs)
      : transposeLinear(
          name,
          values,
          (dys) => pullback(dys, saved, below.inputs),
          tangents,
          this.transform,
        );
    return values.map((value, index) => {
      const tangent = pushed[index];
      return tangent && isFloat(value) ? this.dual(value, tangent, mark) : value;
    });
  }
}

/** The kernel itself on each tangent, summed. */
function pushLinear(
  name: string,
  linearIn: readonly string[],
  primals: NamedTensorMap,
  tangents: Tangents,
  attrs: object,
): (Tensor | null)[] {
  let total: Tensor[] | null = null;
  for (const input of linearIn) {
    const tangent = tangents[input];
    if (tangent === undefined) continue;
    const term = [run(name, {...primals, [input]: tangent}, attrs)].flat();
    total = total === null ? term : total.map((sofar, index) => add(sofar, term[index]!));
  }
  return total ?? [];
}

/** For users' kernels that have only the gradient that they registered with tfjs. */
function pushByTransposing(
  name: string,
  inputs: NamedTensorMap,
  primals: NamedTensorMap,
  tangents: Tangents,
  attrs: object,
  outputs: readonly Tensor[],
): (Tensor | null)[] {
  const config = getGradient(name);
  if (config == null) throw noForwardRule(name);
  const names = Object.keys(inputs).filter((input) => tangents[input] !== undefined);
  const saved = [
    ...(config.saveAllInputs ? Object.keys(primals) : (config.inputsToSave ?? [])).map(
      (input) => primals[input]!,
    ),
    ...outputs.filter((_, index) => config.outputsToSave?.[index]),
  ];
  return transposeLinear(
    name,
    outputs,
    (dys) => {
      const thunks = config.gradFunc(dys.length > 1 ? dys : dys[0]!, saved, attrs as never);
      return names.map((input) => thunks[input]!());
    },
    names.map((input) => tangents[input]),
    'jvp',
  );
}

function noForwardRule(kernel: string, refusal?: string): TransformError {
  const {derivative} = (ruleFor(kernel) ?? {}) as {derivative?: {refuse: string}};
  return new TransformError(
    `no forward rule for kernel '${kernel}'${showStack()}. ` +
      (refusal ??
        derivative?.refuse ??
        `Register one with registerJvpRule, or a gradient with tf.registerGradient, or keep it out of what is differentiated.`),
    {code: 'no-forward-rule', transform: 'jvp', kernel},
  );
}
