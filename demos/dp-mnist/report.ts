import {showComparison} from '../common/timing.js';
import type {Options} from './demo.js';
import {confusionMatrix} from './evaluate.js';
import {misclassifiedPng} from './picture.js';
import {DELTA, type Results} from './run.js';
import {showEpsilon, showPercent} from './show.js';
import type {Speedup} from './speedup.js';

function showSpeedup({examples, ...comparison}: Speedup): string {
  return showComparison(
    `Gradients of ${examples} examples`,
    'vmap(grad(loss))',
    'a loop of tf.grads',
    comparison,
  );
}

/** The outcome in a few lines. */
export function summary({taken, steps, evaluation, test, backend, speedup}: Results): string[] {
  const matrix = confusionMatrix(test.labels, evaluation.predictions);
  return [
    `${taken.steps === steps ? 'Trained' : `Stopped early: trained`} ${taken.steps} of ${steps} steps in ${taken.seconds.toFixed(0)} s on ${backend}.`,
    `Test accuracy: ${showPercent(evaluation.accuracy)} of ${evaluation.predictions.length} digits.`,
    `Privacy spent: ε = ${showEpsilon(taken.epsilon)} at δ = ${DELTA}.`,
    ...(speedup === undefined ? [] : [showSpeedup(speedup)]),
    '',
    confusionTable(matrix),
  ];
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

/** The results as files: `summary.json`, `confusion-matrix.txt` and `misclassified.png`. */
export function filesOf(options: Options, results: Results): Record<string, string | Buffer> {
  const {evaluation, test, taken, speedup} = results;
  const matrix = confusionMatrix(test.labels, evaluation.predictions);
  const wrong = [...test.labels.keys()].filter(
    (row) => evaluation.predictions[row] !== test.labels[row],
  );
  const {accuracy, loss} = evaluation;
  // JSON has no Infinity.
  const epsilon = Number.isFinite(taken.epsilon) ? taken.epsilon : null;
  const {backend} = options;
  return {
    'summary.json':
      JSON.stringify(
        {options, backend, ...taken, epsilon, delta: DELTA, accuracy, loss, speedup},
        null,
        2,
      ) + '\n',
    'confusion-matrix.txt': confusionTable(matrix) + '\n',
    'misclassified.png': misclassifiedPng(test, wrong, evaluation.predictions),
  };
}
