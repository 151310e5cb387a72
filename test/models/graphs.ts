import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';

/** Nodes and weights of a graph, as the converter of TensorFlow.js writes them. */
export class GraphBuilder {
  private readonly nodes: object[] = [];
  private readonly functions: object[] = [];
  private readonly weights: tf.io.WeightsManifestEntry[] = [];
  private readonly data: ArrayBuffer[] = [];

  input(name: string, shape: readonly number[], dtype = 'DT_FLOAT'): string {
    const dim = shape.map((size) => ({size: String(size)}));
    return this.node(name, 'Placeholder', [], {dtype: {type: dtype}, shape: {shape: {dim}}});
  }

  weight(name: string, shape: number[], values: readonly number[]): string {
    return this.constant(name, 'float32', shape, Float32Array.from(values));
  }

  integers(name: string, shape: number[], values: readonly number[]): string {
    return this.constant(name, 'int32', shape, Int32Array.from(values));
  }

  node(name: string, op: string, input: readonly string[], attr: object = {}): string {
    this.nodes.push({name, op, input, attr: {T: {type: 'DT_FLOAT'}, ...attr}});
    return name;
  }

  /** A function of the library, as If and While call them. */
  define(
    name: string,
    inputs: readonly string[],
    outputs: Readonly<Record<string, string>>,
    nodeDef: readonly object[],
  ): string {
    const signature = {
      name,
      inputArg: inputs.map((input) => ({name: input, type: 'DT_FLOAT'})),
      outputArg: Object.keys(outputs).map((output) => ({name: output, type: 'DT_FLOAT'})),
    };
    this.functions.push({signature, nodeDef, ret: outputs});
    return name;
  }

  /** A constant of a function. As tfjs has them, all constants of a model are told apart by their names. */
  constantOf(nodeDef: object[], name: string, value: number): string {
    this.integers(name, [], [value]);
    nodeDef.push(this.nodes.pop()!);
    return name;
  }

  build(): tf.GraphModel<tf.io.IOHandlerSync> {
    return tf.loadGraphModelSync(
      tf.io.fromMemorySync({
        format: 'graph-model',
        modelTopology: {
          node: this.nodes,
          library: {function: this.functions},
          versions: {producer: 1},
        },
        weightSpecs: this.weights,
        weightData: tf.io.concatenateArrayBuffers(this.data),
      }),
    );
  }

  private constant(
    name: string,
    dtype: 'float32' | 'int32',
    shape: number[],
    values: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
  ): string {
    this.weights.push({name, shape, dtype});
    this.data.push(values.buffer);
    return this.node(name, 'Const', [], {
      dtype: {type: dtype === 'float32' ? 'DT_FLOAT' : 'DT_INT32'},
    });
  }
}

/** A test of a model, which must be as it was before; tensors that the test makes are freed. */
export const withModel =
  (
    make: () => tf.GraphModel<tf.io.IOHandlerSync>,
    body: (model: tf.GraphModel) => void | Promise<void>,
  ) =>
  async (): Promise<void> => {
    const model = make();
    const before = tf.memory().numTensors;
    tf.engine().startScope();
    try {
      await body(model as unknown as tf.GraphModel);
    } finally {
      tf.engine().endScope();
    }
    expect(tf.memory().numTensors).to.equal(before);
    model.dispose();
  };
