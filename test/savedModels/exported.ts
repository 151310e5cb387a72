import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import {exportSavedModel, type SavedModelSignature} from '../../src/compile/index.js';
import {isRefused, type Case} from './cases.js';

/** A model that was written. */
export interface Exported {
  readonly signature: SavedModelSignature;
  /** Of the file. */
  readonly digest: string;
  readonly args: unknown[];
  /** Gives what tfjs gives. */
  readonly results: () => unknown;
}

/** Exports a case and hands it on, in a scope of its own; what no graph can hold is left out. */
export function exportCase({name, make}: Case, directory: string, use: (model: Exported) => void) {
  tf.engine().startScope(name);
  try {
    const {f, args} = make();
    const signature = exportSavedModel(f, args, directory);
    const file = readFileSync(path.join(directory, 'saved_model.pb'));
    const digest = createHash('sha256').update(file).digest('hex').slice(0, 16);
    use({signature, digest, args, results: () => f(...args)});
  } catch (error) {
    if (!isRefused(error)) throw error;
  } finally {
    tf.engine().endScope();
  }
}
