import type {BackendName} from '../../backends.js';
import {describeTensor} from '../../support/host.js';
import type {Sample} from '../sample.js';
import {seed} from './check.js';

/** Adds to an error what it takes to see it again. */
export async function inContext(
  row: Sample,
  backend: BackendName,
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
  } catch (error) {
    throw new Error(`${messageOf(error)}\n${reproduction(row, backend)}`, {cause: error});
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.message}` : String(error);
}

function reproduction(row: Sample, backend: BackendName): string {
  const {kernel, label, names, specs, code} = row;
  const inputs = specs.map((spec, i) => `${names[i]} ${describeTensor(spec)}`).join(', ');
  return [
    '',
    `    // on ${backend}: ${inputs || 'no inputs'}`,
    `    const f = (${names.join(', ')}) => ${code};`,
    `    ROW=${JSON.stringify(label)} SEED=${seed} npm run test:one -- --kernel ${kernel} --backend ${backend}`,
  ].join('\n');
}
