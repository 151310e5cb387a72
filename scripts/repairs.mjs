/** Makes docs/repairs.md from the tables of the code. With --check it fails if that is not what is there. */
import {readFileSync, writeFileSync} from 'node:fs';
import process from 'node:process';
import '@tensorflow/tfjs';
import {format, resolveConfig} from 'prettier';
import {repairsPage} from '../test/docs/repairs.js';

const file = 'docs/repairs.md';
const config = await resolveConfig(file);
const page = await format(repairsPage(), {...config, parser: 'markdown'});
if (!process.argv.includes('--check')) {
  writeFileSync(file, page);
} else if (readFileSync(file, 'utf8') !== page) {
  throw new Error(`${file} is stale: npm run docs:repairs`);
}
