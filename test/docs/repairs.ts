import * as tfjs from '@tensorflow/tfjs-core';
import {borrowed} from '../../src/kernels/borrowed.js';
import {wrongGradients} from '../../src/kernels/gradients.js';
import {missing} from '../../src/kernels/missing.js';
import {repairs} from '../../src/kernels/repairs/index.js';
import {rules} from '../../src/rules/index.js';

const backendNames = ['cpu', 'wasm', 'webgl', 'webgpu', 'tensorflow'];

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const byBackend = (names: Iterable<string>): string => {
  const set = new Set(names);
  return backendNames.filter((name) => set.has(name)).join(', ');
};

interface Entry {
  readonly kernel: string;
  readonly wrong: string;
  readonly instead: string;
  readonly backends: Set<string>;
}

/** The same repair on several backends, or of several kernels, is one row. */
function kernelRows(): string[][] {
  const entries = new Map<string, Entry>();
  for (const [backend, kernels] of Object.entries(repairs)) {
    for (const [kernel, list] of Object.entries(kernels)) {
      for (const {wrong, instead} of list) {
        const key = [kernel, wrong, instead].join('|');
        const entry = entries.get(key) ?? {kernel, wrong, instead, backends: new Set<string>()};
        entry.backends.add(backend);
        entries.set(key, entry);
      }
    }
  }
  const rows = new Map<string, string[]>();
  for (const {kernel, wrong, instead, backends} of entries.values()) {
    const rest = [byBackend(backends), wrong, instead];
    const key = rest.join('|');
    const [kernels] = rows.get(key) ?? [];
    rows.set(key, [[...(kernels?.split(', ') ?? []), kernel].sort().join(', '), ...rest]);
  }
  return [...rows.values()].sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0));
}

const missingRows = (): string[][] =>
  Object.entries(missing).map(([backend, kernels]) => [
    backend,
    Object.keys(kernels).sort().join(', '),
  ]);

const borrowedRows = (): string[][] =>
  Object.entries(borrowed).map(([backend, kernels]) => [backend, kernels.join(', ')]);

/** What importing the library gives `tf.grad`: kernels with a reverse rule, to which tfjs has no gradient. */
function addedGradients(hasStockGradient: (kernel: string) => boolean): string[] {
  return Object.entries(rules)
    .filter(([kernel, rule]) => 'vjp' in rule && !hasStockGradient(kernel))
    .map(([kernel]) => kernel)
    .sort();
}

/** What is known to be wrong and stays so, and why. */
const remaining: readonly (readonly [
  kernels: string,
  backends: string,
  what: string,
  why: string,
])[] = [
  [
    'ClipByValue, Relu6, Maximum, Minimum',
    'wasm',
    'NaN becomes a bound, and the larger of 0 and NaN is 0',
    'that a tensor holds a NaN shows only in its values',
  ],
  ['Sign', 'tensorflow', 'Sign(NaN) is NaN, elsewhere 0', 'shows only in the values'],
  ['Unique', 'tensorflow', 'each NaN counts as another value', 'shows only in the values'],
  [
    'FloorDiv',
    'cpu',
    'gives int32 for float32 inputs, the other backends float32',
    'the numbers are right',
  ],
  [
    'FloorDiv, Mod',
    'wasm, tensorflow',
    'integers divided by zero: whatever comes, or an error',
    'has no right answer',
  ],
  ['Pow', 'tensorflow', 'throws for negative powers of integers', 'shows only in the values'],
  [
    'Cast',
    'cpu, wasm, tensorflow',
    'floats that are no int32 become different integers',
    'has no right answer',
  ],
  [
    'MaxPool, AvgPool',
    'cpu, webgl, webgpu',
    'with windows of one cell, give the input back wherever that has the right shape, even with strides and padding',
    "tfjs-core's own tests ask for it; the gradients agree with it",
  ],
  [
    'StaticRegexReplace',
    'tensorflow',
    'groups in the replacement are `\\1`, elsewhere `$1`',
    'as TensorFlow has it',
  ],
  [
    'fused.conv2d, fused.depthwiseConv2d',
    'all',
    "tf.grad through a linear activation throws with dilations: the op's own gradient refuses them",
    'no kernel is asked. `install()` and the transforms of the library are right',
  ],
  [
    'second derivatives by nested tf.grad',
    'all',
    "tfjs's tape cuts off saved outputs, so that some are silently wrong",
    'not a matter of kernels. `install()` and the transforms of the library are right',
  ],
];

/** The text of docs/repairs.md. */
export function repairsPage(
  hasStockGradient: (kernel: string) => boolean = (kernel) => tfjs.getGradient(kernel) != null,
): string {
  const added = addedGradients(hasStockGradient);
  return `# What importing this library repairs in tfjs

<!-- Made from the tables in src/kernels/ by \`npm run docs:repairs\`. -->

Importing \`tfjs-functorch\` extends tfjs's own registries, for all code on the page. It never takes the place of what is right: a repaired
kernel looks at shapes, dtypes and attributes, and only calls that the backend's own kernel gets wrong, or refuses, or takes many times too long for
(products and gathers on wasm), are computed in another way. All of this is as of tfjs 4.22, and each line is tested.

## Kernels

${table(['kernel', 'backend', 'what is wrong with its own', 'what is computed instead'], kernelRows())}

## Kernels that a backend lacks

Composed of kernels that it has:

${table(['backend', 'kernels'], missingRows())}

Borrowed from the cpu backend, where that is loaded (\`@tensorflow/tfjs\` and tfjs-node bring it along): tfjs computes these in JavaScript wherever it has them. The inputs are read at once, which WebGPU can do in a browser only.

${table(['backend', 'kernels'], borrowedRows())}

## Gradients of stock \`tf.grad\` that are replaced

${table(
  ['kernel', "what tfjs's own does"],
  Object.entries(wrongGradients).map(([kernel, why]) => [kernel, why]),
)}

## Gradients that stock \`tf.grad\` gains

tfjs has none for these ${added.length} kernels: ${added.join(', ')}.

Masks and indices get gradients of zeros, where tfjs throws because it has none.

When one of these gradients throws, what tfjs's tape has saved is released; tfjs itself leaves that in memory.

## What stays wrong

${table(['kernel or op', 'backend', 'what', 'why'], remaining)}
`;
}
