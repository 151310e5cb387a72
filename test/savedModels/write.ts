/** Writes every case as a SavedModel to .cache/savedModels, with arguments and results, for check.py. */
import {rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import '@tensorflow/tfjs';
import type * as tf from '@tensorflow/tfjs-core';
import {tensorsOf} from '../../src/tree.js';
import {useBackend} from '../backends.js';
import {cases} from './cases.js';
import {exportCase} from './exported.js';

const root = '.cache/savedModels';

/** A tensor's data in base64, or its strings. */
function plain(tensor: tf.Tensor): {dtype: string; shape: number[]; data: string | string[]} {
  const {dtype, shape} = tensor;
  const data = tensor.dataSync<tf.DataType>();
  if (dtype === 'string') return {dtype, shape, data: data as unknown as string[]};
  const {buffer, byteOffset, byteLength} = data as Float32Array;
  return {dtype, shape, data: Buffer.from(buffer, byteOffset, byteLength).toString('base64')};
}

const named = (names: object, tensors: readonly tf.Tensor[]): object =>
  Object.fromEntries(Object.keys(names).map((name, index) => [name, plain(tensors[index]!)]));

await useBackend('tensorflow');
rmSync(root, {recursive: true, force: true});
const written: object[] = [];
for (const each of cases()) {
  const directory = path.join(root, String(written.length));
  exportCase(each, directory, ({signature, digest, args, results}) => {
    const {name, tolerance} = each;
    const inputs = named(signature.inputs, tensorsOf(args));
    const outputs = named(signature.outputs, tensorsOf(results()));
    written.push({name, tolerance, digest, directory, inputs, outputs});
  });
}
writeFileSync(path.join(root, 'manifest.json'), JSON.stringify(written));
