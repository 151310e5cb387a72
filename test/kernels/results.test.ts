import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {backends} from '../backends.js';
import {resultsOf} from './results.js';

/** Leaves what the table's tests found where scripts/kernel-docs.mjs looks for it, unless only a part of it was asked for. */
after(function () {
  const {KERNEL, ROW, SEED, KERNEL_RESULTS = '.cache/kernels'} = process.env;
  if (KERNEL !== undefined || ROW !== undefined || SEED !== undefined) return;
  const root = this.test!.parent!;
  for (const backend of backends) {
    const results = resultsOf(root, backend);
    if (results === null) continue;
    mkdirSync(KERNEL_RESULTS, {recursive: true});
    writeFileSync(path.join(KERNEL_RESULTS, `${backend}.json`), JSON.stringify(results, null, 1));
  }
});
