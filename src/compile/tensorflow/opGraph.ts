import {util, type Tensor} from '@tensorflow/tfjs-core';
import {listOf, type KernelNode, type Value} from '../graph.js';
import type {NodeBackend} from './backend.js';
import {TYPES, type AttrValue, type OpNode, type TensorData} from './graphDef.js';
import {bytesOf, type Recording, type Source} from './recorder.js';

/** A graph of TensorFlow's ops, built from recorded kernel calls. */
export class OpGraph {
  private readonly list: OpNode[] = [];
  private readonly names = new Set<string>();
  private readonly constants = new Map<string, string>();
  /** Where values of tfjs's graph are: `node`, or `node:1`. */
  private readonly sources = new Map<Value, string>();

  constructor(private readonly backend: NodeBackend) {}

  /** In an order in which they can run. */
  get nodes(): readonly OpNode[] {
    return this.list;
  }

  /**
   * Appends an argument, which stands for the value.
   * @returns  the name of its node
   */
  addInput(value: Value, name: string): string {
    const node = this.add(name, 'Placeholder', [], {
      dtype: {kind: 'type', value: TYPES[value.dtype]},
      shape: {kind: 'shape', value: value.shape},
    });
    this.sources.set(value, node);
    return node;
  }

  /** Appends the data that a tensor has now, which stand for the value. */
  addConstant(value: Value, tensor: Tensor): void {
    const [id] = this.backend.getInputTensorIds([tensor]);
    const values = bytesOf(this.backend.binding.tensorDataSync(id!));
    const data = {type: TYPES[value.dtype], shape: value.shape, values};
    this.sources.set(value, this.constant(data));
  }

  /** Appends the ops of a kernel call. */
  addKernel(node: KernelNode, {ops, outputs}: Recording): void {
    const inputs = listOf(node.inputs).map((value) => this.sourceOf(value));
    const names: string[] = [];
    const nameOf = (source: Source): string => {
      switch (source.kind) {
        case 'input':
          return inputs[source.index]!;
        case 'constant':
          return this.constant(source.data);
        case 'op':
          return port(names[source.op]!, source.output);
      }
    };
    for (const {op, inputs, attrs} of ops) {
      names.push(this.add(`${node.name}/${op}`, op, inputs.map(nameOf), attrs));
    }
    node.outputs.forEach((value, index) => this.sources.set(value, nameOf(outputs[index]!)));
  }

  /**
   * Appends a result, under this name.
   * @returns  the name of its node
   */
  addOutput(value: Value, name: string): string {
    const T = {kind: 'type', value: TYPES[value.dtype]} as const;
    return this.add(name, 'Identity', [this.sourceOf(value)], {T});
  }

  private sourceOf(value: Value): string {
    if (!this.sources.has(value) && value.node.kind === 'constant') {
      this.addConstant(value, value.node.tensor);
    }
    const source = this.sources.get(value);
    util.assert(source !== undefined, () => `'${value.name}' is not in the graph`);
    return source!;
  }

  private add(
    wanted: string,
    op: string,
    inputs: readonly string[],
    attrs: Readonly<Record<string, AttrValue>>,
  ): string {
    const base = wanted.replace(/[^A-Za-z0-9_./]/g, '_').replace(/^(?=[_/])/, '.');
    let name = base;
    for (let count = 1; this.names.has(name); count++) name = `${base}_${count}`;
    this.names.add(name);
    this.list.push({name, op, inputs, attrs});
    return name;
  }

  /** Small ones that are equal share a node. */
  private constant(data: TensorData): string {
    const key = keyOf(data);
    const known = key === null ? undefined : this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.add('Const', 'Const', [], {
      dtype: {kind: 'type', value: data.type},
      value: {kind: 'tensor', value: data},
    });
    if (key !== null) this.constants.set(key, name);
    return name;
  }
}

const port = (name: string, output: number): string => (output === 0 ? name : `${name}:${output}`);

/** Axes, shapes and numbers have no more bytes than this. */
const SMALL = 64;

function keyOf({type, shape, values}: TensorData): string | null {
  return values instanceof Uint8Array && values.length <= SMALL
    ? `${type} [${shape.join()}] ${values.join()}`
    : null;
}
