import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {confusionMatrix} from './evaluate.js';
import type {Options} from './options.js';
import {misclassifiedPng} from './picture.js';
import {DELTA, type Results} from './run.js';
import {UserError} from './user-error.js';

/** `ε` as people read it. */
export function showEpsilon(epsilon: number): string {
  return Number.isFinite(epsilon) ? epsilon.toFixed(2) : '∞ (no privacy)';
}

export function showPercent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}

/** The outcome in a few lines. */
export function summary(results: Results): string {
  const {taken, steps, evaluation, speedup} = results;
  const lines = [
    `${taken.steps === steps ? 'Trained' : `Stopped early: trained`} ${taken.steps} of ${steps} steps in ${taken.seconds.toFixed(0)} s on ${results.backend}.`,
    `Test accuracy: ${showPercent(evaluation.accuracy)} of ${evaluation.predictions.length} digits.`,
    `Privacy spent: ε = ${showEpsilon(taken.epsilon)} at δ = ${DELTA}.`,
  ];
  if (speedup !== undefined) {
    const {examples, vmapMs, loopMs, difference} = speedup;
    lines.push(
      `Gradients of ${examples} examples: ${vmapMs.toFixed(1)} ms by vmap(grad(loss)), ${loopMs.toFixed(0)} ms by a loop of tf.grads: ` +
        `${(loopMs / vmapMs).toFixed(0)} times faster, largest difference ${difference.toExponential(0)}.`,
    );
  }
  return lines.join('\n');
}

/** The confusion matrix as text: a row per label, a column per prediction. */
export function confusionTable(matrix: readonly (readonly number[])[]): string {
  const cell = (value: number | string): string => String(value).padStart(5);
  const header = `actual \\ predicted${matrix.map((_, label) => cell(label)).join('')}`;
  const rows = matrix.map(
    (row, label) =>
      String(label).padStart(18) + row.map((count) => cell(count === 0 ? '·' : count)).join(''),
  );
  return [header, ...rows].join('\n');
}

export function makeFolder(path: string): void {
  try {
    mkdirSync(path, {recursive: true});
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`--out: no folder can be made there: ${why}`);
  }
}

/**
 * Writes the results as files: `summary.json`, `confusion-matrix.txt` and `misclassified.png`.
 *
 * @returns  their paths
 */
export function writeResults(options: Options, results: Results): string[] {
  const {evaluation, test, taken, speedup, backend} = results;
  const matrix = confusionMatrix(test.labels, evaluation.predictions);
  const wrong = [...test.labels.keys()].filter(
    (row) => evaluation.predictions[row] !== test.labels[row],
  );
  const {accuracy, loss} = evaluation;
  // JSON has no Infinity.
  const epsilon = Number.isFinite(taken.epsilon) ? taken.epsilon : null;
  const files: Record<string, string | Buffer> = {
    'summary.json':
      JSON.stringify(
        {options, backend, ...taken, epsilon, delta: DELTA, accuracy, loss, speedup},
        null,
        2,
      ) + '\n',
    'confusion-matrix.txt': confusionTable(matrix) + '\n',
    'misclassified.png': misclassifiedPng(test, wrong, evaluation.predictions),
  };
  return Object.entries(files).map(([name, content]) => {
    const path = join(options.out, name);
    writeFileSync(path, content);
    return path;
  });
}
