/**
 * Makes docs/kernels.md of what the last run of the table of kernel samples found: one file per backend in .cache/kernels (or in the folder that
 * KERNEL_RESULTS names), which tests leave there. What was not run stays as the document has it. `--check` only compares.
 *
 * A file is `{backend, kernels: {[kernel]: {marks: {vmap, jvp, vjp, second}, remarks: [...]}}}`.
 */
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {root} from './setup.mjs';

const backends = ['cpu', 'wasm', 'tensorflow', 'webgl', 'webgpu'];
const columns = ['vmap', 'jvp', 'vjp', 'second'];
const file = join(root, 'docs/kernels.md');
const unknown = '?';

const introduction = `# Kernels

What the tests found, for every kernel name of tfjs 4.22. Made by \`scripts/kernel-docs.mjs\` from their results; \`npm test\` fails when it is out of date.

Each cell has four marks, for vmap, jvp, vjp and second derivatives (jvp and vjp over each). A mark stands for all rows of the kernel in the table of samples (\`test/kernels/\`): ranks, dtypes,
attributes; vmap over one and two levels, with a batch dimension other than 0 and with some inputs shared; derivatives against finite differences in double precision.
Names of kernels that no backend has, of ops that tfjs composes, have the marks of the op's rows. On cpu, wasm and tensorflow these are all rows; on webgl (in Chromium) and webgpu (Dawn, in Node), both in software, one row of each kernel, without the checks that nest transforms. \`npm run test:full\` runs them all there too.

- ✓ every row is right
- ✘ some row is not
- · nothing to test: no float input, or no input that could be mapped
- – not on this backend: see the remarks
- r refused by the library, with an error that says what to use
- ? not run, or without a row in the table
`;

const emptyModel = () => new Map();

function cellOf(model, kernel, backend) {
  if (!model.has(kernel)) model.set(kernel, new Map());
  const cells = model.get(kernel);
  if (!cells.has(backend)) cells.set(backend, {marks: unknown, remarks: []});
  return cells.get(backend);
}

/** Reads the document back. */
function parse(text) {
  const model = emptyModel();
  for (const line of text.split('\n')) {
    const row = /^\| `(\w+)` \|(.*)\|$/.exec(line);
    if (row) {
      row[2].split('|').forEach((cell, index) => {
        cellOf(model, row[1], backends[index]).marks = cell.trim();
      });
    }
    const remark = /^- `(\w+)` \(([\w, ]+)\): (.*)$/.exec(line);
    if (remark) {
      for (const backend of remark[2].split(', ')) {
        cellOf(model, remark[1], backend).remarks.push(remark[3]);
      }
    }
  }
  return model;
}

function addResults(model, {backend, kernels}) {
  for (const [kernel, {marks, remarks}] of Object.entries(kernels)) {
    const cell = cellOf(model, kernel, backend);
    cell.marks = columns.map((column) => marks[column]).join(' ');
    cell.remarks = remarks.map((remark) => remark.replace(/\s+/g, ' '));
  }
}

function render(model) {
  const kernels = [...model.keys()].sort();
  const counts = columns.map((column, index) => {
    const cells = backends.map((backend) => {
      const passed = kernels.filter(
        (kernel) => cellOf(model, kernel, backend).marks.split(' ')[index] === '✓',
      );
      return passed.length;
    });
    return `| ${column} | ${cells.join(' | ')} |`;
  });
  const rows = kernels.map((kernel) => {
    const cells = backends.map((backend) => cellOf(model, kernel, backend).marks);
    return `| \`${kernel}\` | ${cells.join(' | ')} |`;
  });
  const head = (first) =>
    `| ${first} | ${backends.join(' | ')} |\n|${' --- |'.repeat(backends.length + 1)}`;
  return [
    introduction,
    '## Kernels with ✓\n',
    head(`of ${kernels.length}`),
    ...counts,
    '\n## Every kernel\n',
    head('kernel'),
    ...rows,
    '\n## Remarks\n',
    ...kernels.flatMap((kernel) => remarksOf(model, kernel)),
    '',
  ].join('\n');
}

/** A remark that holds on several backends is there once. */
function remarksOf(model, kernel) {
  const where = new Map();
  for (const backend of backends) {
    for (const remark of cellOf(model, kernel, backend).remarks) {
      where.set(remark, [...(where.get(remark) ?? []), backend]);
    }
  }
  return [...where].map(([remark, names]) => `- \`${kernel}\` (${names.join(', ')}): ${remark}`);
}

const committed = existsSync(file) ? readFileSync(file, 'utf8') : '';
const model = parse(committed);
const folder = process.env.KERNEL_RESULTS ?? join(root, '.cache/kernels');
const results = existsSync(folder)
  ? readdirSync(folder).filter((name) => name.endsWith('.json'))
  : [];
for (const name of results) addResults(model, JSON.parse(readFileSync(join(folder, name), 'utf8')));
const text = render(model);

if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
  console.log(
    `docs/kernels.md: ${model.size} kernels; new results of ${results.join(', ') || 'no backend'}`,
  );
} else if (text !== committed) {
  const [before, after] = [committed, text].map((lines) => new Set(lines.split('\n')));
  for (const line of before) if (!after.has(line)) console.log(`- ${line}`);
  for (const line of after) if (!before.has(line)) console.log(`+ ${line}`);
  console.log(
    '\ndocs/kernels.md is out of date. Run `node scripts/kernel-docs.mjs` after the tests, and commit it.',
  );
  process.exitCode = 1;
}
