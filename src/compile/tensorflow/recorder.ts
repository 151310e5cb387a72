import {getKernel, ones, tensor, util, zeros, type Tensor} from '@tensorflow/tfjs-core';
import {runStock} from '../../interpreter/engine.js';
import {scoped} from '../../interpreter/scope.js';
import {attrsKey} from '../attributes.js';
import {identityOf} from '../cache.js';
import {execute} from '../execute.js';
import {listOf, mapPerInput, showSpec, type KernelNode, type Value} from '../graph.js';
import {
  BACKEND,
  type Binding,
  type BindingAttr,
  type BindingValues,
  type NodeBackend,
  type TensorMetadata,
} from './backend.js';
import {TYPES, type AttrValue, type TensorData} from './graphDef.js';

/** Where a tensor comes from in a recording. */
export type Source =
  | {readonly kind: 'input'; readonly index: number}
  | {readonly kind: 'op'; readonly op: number; readonly output: number}
  | {readonly kind: 'constant'; readonly data: TensorData};

export interface RecordedOp {
  /** TensorFlow's name. */
  readonly op: string;
  readonly attrs: Readonly<Record<string, AttrValue>>;
  readonly inputs: readonly Source[];
}

/** The ops of TensorFlow that a kernel call of tfjs consists of, in order. */
export interface Recording {
  readonly ops: readonly RecordedOp[];
  readonly outputs: readonly Source[];
}

/** Makes a tensor to run a kernel on. */
type ExampleOf = (value: Value) => Tensor;

const zerosOf: ExampleOf = ({shape, dtype, size}) =>
  dtype === 'string'
    ? tensor(new Array<string>(size).fill(''), [...shape], dtype)
    : zeros([...shape], dtype);

const onesOf: ExampleOf = (value) =>
  value.dtype === 'string' ? zerosOf(value) : ones([...value.shape], value.dtype);

/** Integers that differ, for indices that must not come twice: their place along the first dimension. */
const placesOf: ExampleOf = (value) => {
  const {shape, dtype, size} = value;
  if (dtype !== 'int32') return zerosOf(value);
  const places = Int32Array.from({length: size}, (_, i) =>
    Math.floor((i * (shape[0] ?? 1)) / size),
  );
  return tensor(places, [...shape], dtype);
};

/** Some constants are attributes by another name. */
const constantOrZeros: ExampleOf = (value) =>
  value.node.kind === 'constant' ? value.node.tensor : zerosOf(value);

/** The same calls come again and again: what was recorded is kept, but not where it depends on the numbers of a constant. */
const recordings = new Map<string, Recording>();
const MOST_RECORDINGS = 1024;

/**
 * NOTE [recording]
 * Which ops of TensorFlow a kernel consists of is found out by running it once, on example tensors, while tfjs-node's binding takes notes. So
 * the kernels of tfjs-node, with what this library has repaired and added, are the one place that says how a kernel of tfjs is computed by
 * TensorFlow, and recorded ops compute what eager calls compute.
 *
 * What the kernel makes besides (axes, shapes) is a constant of the recording. That is right as long as it depends on shapes and
 * attributes alone. A kernel that reads a value of an example, or fails on all examples, can't be recorded.
 *
 * @throws Error  that says why it can't
 */
export function recordKernel(backend: NodeBackend, node: KernelNode): Recording {
  const key = keyOf(node);
  const known = recordings.get(key);
  if (known !== undefined) return known;
  let failure: unknown;
  // Division of integers fails on zeros, an index on ones.
  for (const exampleOf of [zerosOf, onesOf, placesOf, constantOrZeros]) {
    try {
      const recording = recordOn(backend, node, exampleOf);
      if (exampleOf !== constantOrZeros) remember(key, recording);
      return recording;
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

const keyOf = ({kernel, inputs, attrs}: KernelNode): string =>
  [
    kernel,
    identityOf(getKernel(kernel, BACKEND)),
    ...Object.entries(inputs).map(([name, value]) => `${name}: ${showSpec(value as Value)}`),
    attrsKey(attrs),
  ].join();

function remember(key: string, recording: Recording): void {
  if (recordings.size >= MOST_RECORDINGS) recordings.clear();
  recordings.set(key, recording);
}

function recordOn(backend: NodeBackend, node: KernelNode, exampleOf: ExampleOf): Recording {
  let recording: Recording;
  untaped(() =>
    scoped('record', () => {
      const values = listOf(node.inputs);
      const examples = values.map(exampleOf);
      const notes = new Notes(backend.binding);
      backend.getInputTensorIds(examples).forEach((id, index) => {
        const {shape, dtype, node: by} = values[index]!;
        const isConstant = by.kind === 'constant' && by.tensor === examples[index];
        notes.know(id, {
          type: TYPES[dtype],
          shape,
          source: {kind: 'input', index},
          isReadable: isConstant || checksOnly.has(node.kernel),
        });
      });
      let next = 0;
      const inputs = mapPerInput(node.inputs, () => examples[next++]!);
      const ids = notes.during(backend, () =>
        backend.getInputTensorIds([execute(node.kernel, inputs, node.attrs)].flat()),
      );
      const outputs = ids.map((id) => notes.of(id));
      node.outputs.forEach((value, index) => assertSpec(value, outputs[index]!));
      recording = {ops: notes.ops, outputs: outputs.map(({source}) => source)};
    }),
  );
  return recording!;
}

/** Kernels of tfjs-node that read a value to check it only: TensorFlow checks it, too. */
const checksOnly: ReadonlySet<string> = new Set(['GatherV2']);

/**
 * Type attributes that tfjs-node leaves out, or states wrongly, as eager calls go by the inputs: the number of the input whose type each is.
 */
const typesOf: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ExpandDims: {T: 0, Tdim: 1},
  Mean: {T: 0, Tidx: 1},
};

/** tfjs-node takes integers of 64 bits for those of 32. */
function assertSpec(value: Value, {type, shape}: Noted): void {
  if (type === TYPES[value.dtype] && util.arraysEqual([...shape], [...value.shape])) return;
  throw new Error(
    `TensorFlow gives the type ${type} and the shape [${shape.join(', ')}] for ${showSpec(value)}`,
  );
}

/** A tensor in TensorFlow, and where it comes from. */
interface Noted {
  readonly type: number;
  readonly shape: readonly number[];
  readonly source: Source;
  /** Whether a kernel may read its value: it is the same in every call, or it doesn't matter. */
  readonly isReadable: boolean;
}

/** What happens at the binding while one kernel runs. */
class Notes {
  readonly ops: RecordedOp[] = [];
  private readonly known = new Map<number, Noted>();

  constructor(private readonly binding: Binding) {}

  know(id: number, noted: Noted): void {
    this.known.set(id, noted);
  }

  of(id: number): Noted {
    const noted = this.known.get(id);
    if (noted === undefined) throw new Error('it takes a tensor that was made elsewhere');
    return noted;
  }

  /** Runs `body` with a binding that takes notes. */
  during<T>(backend: NodeBackend, body: () => T): T {
    const {binding} = this;
    backend.binding = Object.create(binding, {
      executeOp: {value: this.executeOp.bind(this)},
      createTensor: {value: this.createTensor.bind(this)},
      tensorDataSync: {value: this.read.bind(this)},
    }) as Binding;
    try {
      return body();
    } finally {
      backend.binding = binding;
    }
  }

  private executeOp(
    op: string,
    attrs: readonly BindingAttr[],
    inputs: readonly number[],
    numOutputs: number,
  ): TensorMetadata[] {
    const results = this.binding.executeOp(op, attrs, inputs, numOutputs);
    const index = this.ops.length;
    const given = inputs.map((id) => this.of(id));
    const inferred = Object.entries(typesOf[op] ?? {}).map(
      ([name, input]) => [name, {kind: 'type', value: given[input]!.type}] as const,
    );
    this.ops.push({
      op,
      attrs: Object.fromEntries([
        ...attrs.map((attr) => [attr.name, attrValue(attr, this.binding)] as const),
        ...inferred,
      ]),
      inputs: given.map(({source}) => source),
    });
    results.forEach(({id, dtype, shape}, output) => {
      this.know(id, {
        type: dtype,
        shape,
        source: {kind: 'op', op: index, output},
        isReadable: false,
      });
    });
    return results;
  }

  private createTensor(shape: readonly number[], type: number, values: BindingValues): number {
    const id = this.binding.createTensor(shape, type, values);
    const data: TensorData = {type, shape: [...shape], values: bytesOf(values)};
    this.know(id, {type, shape, source: {kind: 'constant', data}, isReadable: true});
    return id;
  }

  private read(id: number): BindingValues {
    if (!this.of(id).isReadable) throw new Error('it reads a value of its inputs');
    return this.binding.tensorDataSync(id);
  }
}

function attrValue({name, type, value}: BindingAttr, binding: Binding): AttrValue {
  switch (type) {
    case binding.TF_ATTR_STRING:
      return {kind: 'string', value: value as string};
    case binding.TF_ATTR_INT:
      return {kind: 'int', value: value as number};
    case binding.TF_ATTR_FLOAT:
      return {kind: 'float', value: value as number};
    case binding.TF_ATTR_BOOL:
      return {kind: 'bool', value: value as boolean};
    case binding.TF_ATTR_TYPE:
      return {kind: 'type', value: value as number};
    case binding.TF_ATTR_SHAPE:
      return {kind: 'shape', value: value as readonly number[]};
    default:
      throw new Error(`the attribute '${name}' is of an unknown kind`);
  }
}

/** The data of a tensor in TensorFlow's order of bytes. */
export const bytesOf = (values: BindingValues): TensorData['values'] =>
  ArrayBuffer.isView(values)
    ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice()
    : values;

/** Runs `body` unnoticed by tfjs's own tape. */
function untaped(body: () => void): void {
  const forwardFunc = (): Tensor[] => {
    body();
    return [];
  };
  runStock({inputs: {}, forwardFunc, backwardsFunc: () => ({})});
}
