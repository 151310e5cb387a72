import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {withDataOf, type EvaluatedGradient} from '../interpreter/custom.js';
import {engine, nextTensorId} from '../interpreter/engine.js';
import {detach, showStack} from '../interpreter/hook.js';
import {Level, mapInputs, type KernelCall} from '../interpreter/level.js';
import {makeTracer, own, recordAt, TraceRecord} from '../interpreter/tracer.js';
import {outputTensors, callSync} from '../transforms/arguments.js';
import {enter} from '../transforms/reverse.js';
import {tensorsOf, withTensors} from '../tree.js';
import {normalizeAttrs} from './attributes.js';
import {noteNumbers} from './constants.js';
import {execute} from './execute.js';
import {Graph, listOf, sameSpec, STOP_GRADIENT, type Value} from './graph.js';
import {Structure} from './structure.js';

/** A tensor of the graph: its value there, and what it is for the example arguments. */
class CaptureRecord extends TraceRecord {
  private known: Value | null = null;

  constructor(
    level: CaptureLevel,
    readonly payload: Tensor,
    /** Gives the value when it is first used: only variables that are used enter the graph. */
    private readonly find: () => Value,
  ) {
    super(level);
  }

  get value(): Value {
    return (this.known ??= this.find());
  }

  protected free(): void {
    this.payload.dispose();
  }

  read(): never {
    const {transform} = this.level;
    throw new TransformError(
      `the value of a captured tensor was read (dataSync, arraySync, data, print, if…)${showStack()}. The graph would hold the number of this ` +
        `one call for all others. Choose with tf.where, compute with tensors, or pass what decides as an argument that is no tensor.`,
      {code: 'value-read', transform},
    );
  }
}

/** Kernels the shape of whose output depends on values: a graph would hold the shape of one call for all others. */
const valueDependent: ReadonlySet<string> = new Set([
  'NonMaxSuppressionV3',
  'NonMaxSuppressionV4',
  'NonMaxSuppressionV5',
  'RaggedGather',
  'RaggedRange',
  'RaggedTensorToTensor',
  'SparseFillEmptyRows',
  'SparseReshape',
  'SparseSegmentMean',
  'SparseSegmentSum',
  'StringNGrams',
  'StringSplit',
  'Unique',
]);

/**
 * NOTE [capture]
 * Runs the function on example arguments and puts every kernel call on tensors that depend on them into a graph. As it is the level of the
 * outermost transform, what reaches it is what transforms inside have made of the function: plain kernel calls.
 *
 * Kernels whose inputs do not depend on the arguments run once, now: their results are constants of the graph, as are the tensors that
 * the function holds in closures. `tf.Variable`s are no constants: while the function runs, each stands for a value of the graph (see
 * NOTE [closures]), which has the variable's current value whenever the graph runs.
 */
class CaptureLevel extends Level {
  readonly graph = new Graph();
  private readonly lifted = new Map<object, Value[]>();

  override get differentiates(): boolean {
    return false;
  }

  override get hidesValues(): boolean {
    return true;
  }

  /** A tracer for an argument. */
  input(example: Tensor, name: string): Tensor {
    const value = this.graph.addInput(example, name);
    return this.wrap(example, Infinity, () => value);
  }

  /** The value in the graph of a tensor that the function gave: tensors that do not depend on the arguments become constants. */
  graphValue(tensor: Tensor): Value {
    return recordAt(tensor, this, CaptureRecord)?.value ?? this.lift(tensor);
  }

  process({name, inputs, attrs}: KernelCall): Tensor | Tensor[] {
    if (valueDependent.has(name)) throw valueDependentShape(name, this.transform);
    const plainAttrs = normalizeAttrs(name, attrs);
    const payloads = mapInputs(inputs, (input) => this.payloadOf(input));
    for (const input of listOf(inputs)) if (input != null) noteNumbers(input);
    const mark = nextTensorId();
    const result = execute(name, payloads, plainAttrs);
    const outputs = [result].flat();
    const values = this.graph.addKernel({
      kernel: name,
      inputs: mapInputs(inputs, (input) => this.graphValue(input)),
      attrs: plainAttrs,
      outputs,
      givesList: Array.isArray(result),
    });
    const tracers = outputs.map((output, index) => this.wrap(output, mark, () => values[index]!));
    return Array.isArray(result) ? tracers : tracers[0]!;
  }

  detach(tracer: Tensor): Tensor {
    const payload = this.payloadOf(tracer);
    const mark = nextTensorId();
    const detached = detach(payload);
    const [value] = this.graph.addKernel({
      kernel: STOP_GRADIENT,
      inputs: {x: this.graphValue(tracer)},
      attrs: {},
      outputs: [payload],
    });
    return this.wrap(detached, mark, () => value!);
  }

  /** What is captured is what the function computes: a derivative of its own serves transforms that run inside. */
  attachGradient({values}: EvaluatedGradient): Tensor[] {
    return [...values];
  }

  protected customInput(tensor: Tensor): Tensor {
    return tensor;
  }

  override examplesToDraw(op: string): never {
    throw new TransformError(
      `${op} was called${showStack()}: the graph would hold the numbers drawn now, and give the same in every call. Draw outside and pass the ` +
        `draws as an argument.`,
      {code: 'randomness', transform: this.transform},
    );
  }

  override refuseEffect(effect: string): void {
    throw new TransformError(
      `${effect}${showStack()} while a graph is captured, which holds what is computed, and no effects. Return the new value from the function ` +
        `and assign it outside; of a model, take new buffers with makeFunctionalWithBuffers(model, {bufferUpdates: 'return'}).`,
      {code: 'side-effect', transform: this.transform},
    );
  }

  /** Runs `body` while every variable stands for a value of the graph. */
  withVariables<T>(body: () => T): T {
    const variables = Object.values(engine.registeredVariables);
    const tracers = variables.map((variable) => {
      const find = (): Value => this.graph.addVariable(variable);
      return this.wrap(variable, Infinity, find);
    });
    return withDataOf(variables, tracers, body);
  }

  private payloadOf(tensor: Tensor): Tensor {
    return recordAt(tensor, this, CaptureRecord)?.payload ?? tensor;
  }

  private wrap(payload: Tensor, mark: number, find: () => Value): Tensor {
    const owned = own(payload, mark);
    return makeTracer(new CaptureRecord(this, owned, find), owned.shape, owned.dtype);
  }

  /** A constant for a tensor that does not depend on the arguments, one for all tensors with the same data. */
  private lift(tensor: Tensor): Value {
    const {dataId} = tensor;
    const same = this.lifted.get(dataId) ?? [];
    const known = same.find((value) => sameSpec(value, tensor));
    if (known !== undefined) return known;
    const value = this.graph.addConstant(tensor);
    this.lifted.set(dataId, [...same, value]);
    return value;
  }
}

function valueDependentShape(kernel: string, transform: string): TransformError {
  return new TransformError(
    `the shape of what kernel '${kernel}' gives depends on values${showStack()}: the graph would hold the shape of this one call for all others. ` +
      `Call it outside, or use a masked or fixed-size form.`,
    {code: 'value-dependent-shape', transform, kernel},
  );
}

/** A captured function: its graph, whose inputs and outputs are the tensors of trees of these forms. */
export interface Captured {
  readonly graph: Graph;
  readonly inputs: Structure;
  readonly outputs: Structure;
}

/** Captures what `f` computes for arguments like these. See NOTE [capture]. */
export function capture(
  f: (...args: unknown[]) => unknown,
  args: readonly unknown[],
  transform: string,
): Captured {
  const level = new CaptureLevel(transform);
  const inputs = Structure.of(args);
  let outputs: Structure;
  try {
    enter(level, () => {
      const names = inputs.names((position) => `x${position}`);
      const tracers = tensorsOf(args).map((tensor, index) => level.input(tensor, names[index]!));
      const given = withTensors([...args], tracers);
      const returned = level.withVariables(() => {
        const result = callSync(f, given, transform);
        const tensors = outputTensors(result, transform);
        level.graph.setOutputs(tensors.map((tensor) => level.graphValue(tensor)));
        return result;
      });
      outputs = Structure.of(returned);
      return [];
    });
    return {graph: level.graph, inputs, outputs: outputs!};
  } catch (error) {
    level.graph.dispose();
    throw error;
  }
}
