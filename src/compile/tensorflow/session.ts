import type {Tensor} from '@tensorflow/tfjs-core';
import type {NodeBackend} from './backend.js';
import {inTemporaryDirectory, writeFile} from './files.js';
import {MODEL_FILE, savedModel, type OpNode} from './graphDef.js';

/** A graph that TensorFlow has loaded, optimises when it first runs, and runs as a whole. */
export class Session {
  private readonly id: number;
  private readonly inputs: string;
  private readonly outputs: string;

  /**
   * @param inputs  names of the placeholders
   * @param outputs  names of nodes whose first outputs are the results, each once
   */
  constructor(
    private readonly backend: NodeBackend,
    nodes: readonly OpNode[],
    inputs: readonly string[],
    outputs: readonly string[],
  ) {
    this.inputs = inputs.map((name) => `${name}:0`).join();
    this.outputs = outputs.map((name) => `${name}:0`).join();
    this.id = inTemporaryDirectory((directory) => {
      writeFile(directory, MODEL_FILE, savedModel(nodes, null));
      return backend.binding.loadSavedModel(directory, 'serve');
    });
  }

  /** New tensors of the open scope, one for each output. */
  run(inputs: readonly Tensor[]): Tensor[] {
    const {backend} = this;
    const ids = backend.getInputTensorIds(inputs);
    return backend.binding
      .runSavedModel(this.id, ids, this.inputs, this.outputs)
      .map((metadata) => backend.createOutputTensor(metadata));
  }

  dispose(): void {
    this.backend.binding.deleteSavedModel(this.id);
  }
}
