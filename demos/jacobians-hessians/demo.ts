import * as tf from '@tensorflow/tfjs-core';
import seedrandom from 'seedrandom';
import {integer} from '../common/options.js';
import {drawSvg} from '../common/plot.js';
import type {Demo} from '../common/program.js';
import {showComparison} from '../common/timing.js';
import {contests, type Contest} from './contests.js';

const options = {
  size: integer(16, 'inputs of the layer'),
  batch: integer(64, 'examples in a batch'),
  rounds: integer(3, 'how often each way is timed; the median counts'),
};

export const demo: Demo<typeof options> = {
  name: 'jacobians-hessians',
  about: 'Computes Jacobians, Hessians and their products of a dense layer, at once and in loops.',
  options,
  async run({size, batch, rounds, seed, backend}, progress) {
    tf.engine().startScope(this.name);
    try {
      const rows = contests(size, batch, rounds, seedrandom(seed));
      progress.start(rows.length, `Timing derivatives on ${backend}.`);
      const results: Contest[] = [];
      for (const row of rows) {
        const result = row();
        results.push(result);
        if (!(await progress.step(result.what))) break;
      }
      return {
        summary: results.map(({what, ours, loop, comparison}) =>
          showComparison(what, ours, loop, comparison),
        ),
        files: {'jacobians-hessians.svg': await draw(results)},
      };
    } finally {
      tf.engine().endScope();
    }
  },
};

function draw(results: readonly Contest[]): Promise<string> {
  const times = results.flatMap(({what, ours, comparison: {batchedMs, loopMs}}) => {
    const label = `${what}: ${ours}`;
    return [
      {label, way: 'at once', ms: batchedMs},
      {label, way: 'the other way', ms: loopMs},
    ];
  });
  return drawSvg({
    data: {values: times},
    width: 320,
    height: {step: 24},
    encoding: {
      y: {field: 'label', type: 'nominal', title: null, sort: null, axis: {labelLimit: 400}},
      x: {field: 'ms', type: 'quantitative', title: 'milliseconds', scale: {type: 'log'}},
    },
    layer: [
      {mark: {type: 'line', color: '#ccc'}, encoding: {detail: {field: 'label'}}},
      {
        mark: {type: 'point', filled: true, opacity: 1, size: 60},
        encoding: {color: {field: 'way', type: 'nominal', title: null}},
      },
    ],
  });
}
