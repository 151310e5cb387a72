import * as tf from '@tensorflow/tfjs';
import {Random} from '../support/random.js';

const SIZES = [3, 4, 5];

/** Values between -1 and 1 whatever goes in, so that no random program explodes. */
const unary: readonly ((x: tf.Tensor) => tf.Tensor)[] = [
  tf.sin,
  tf.tanh,
  (x) => tf.mul(x, 0.5),
  (x) => tf.sqrt(tf.add(tf.square(x), 0.25)),
  (x) => tf.where(tf.greater(x, 0), x, tf.mul(x, x)),
  (x) => tf.cast(tf.less(x, 0.1), 'float32'),
];

const binary: readonly ((a: tf.Tensor, b: tf.Tensor) => tf.Tensor)[] = [
  (a, b) => tf.mul(a, b),
  (a, b) => tf.sin(tf.sub(a, b)),
  (a, b) => tf.maximum(a, b),
  (a, b) => tf.div(a, tf.add(1, tf.square(b))),
];

/** A random program of elementwise kernels, broadcasts, reductions, reshapes and transposes. */
function programOf(random: Random, kernels: number): (inputs: tf.Tensor[]) => tf.Tensor[] {
  const seed = random.integer(0, 2 ** 30);
  return (inputs) => {
    const draw = new Random(String(seed));
    const values = [...inputs];
    const broadcasts = (a: tf.Tensor, b: tf.Tensor): boolean => {
      const rank = Math.min(a.rank, b.rank);
      return Array.from({length: rank}, (_, i) => [a.shape.at(-1 - i)!, b.shape.at(-1 - i)!]).every(
        ([x, y]) => x === y || x === 1 || y === 1,
      );
    };
    for (let i = 0; i < kernels; i++) {
      const x = draw.pick(values);
      const partners = values.filter((y) => broadcasts(x, y));
      const kind = draw.next();
      if (kind < 0.35) {
        values.push(draw.pick(unary)(x));
      } else if (kind < 0.7) {
        values.push(draw.pick(binary)(x, draw.pick(partners)));
      } else if (kind < 0.9) {
        const axes = x.shape.map((_, dim) => dim).filter(() => draw.next() < 0.5);
        const reduce = draw.pick([tf.sum, tf.mean, tf.max, tf.min]);
        values.push(tf.sin(reduce(x, axes.length > 0 ? axes : undefined, draw.next() < 0.6)));
      } else if (kind < 0.95) {
        values.push(tf.expandDims(x, draw.integer(0, x.rank + 1)));
      } else {
        values.push(tf.transpose(x));
      }
      if (values.at(-1)!.rank > 4) values.pop();
    }
    const made = values.slice(inputs.length);
    return made.filter((_, index) => index === made.length - 1 || draw.next() < 0.25);
  };
}

/** A random function, and inputs for it, in the open scope. */
export function randomProgram(
  random: Random,
  kernels: number,
): {f: (inputs: tf.Tensor[]) => tf.Tensor[]; inputs: tf.Tensor[]} {
  const [a, b, c] = SIZES.map((size) => (random.next() < 0.2 ? 1 : size));
  const inputs = [[a!, b!, c!], [b!, c!], [a!, 1, c!], [c!], []].map((shape) =>
    tf.tensor(
      Array.from({length: shape.reduce((x, y) => x * y, 1)}, () => random.uniform(-1, 1)),
      shape,
    ),
  );
  return {f: programOf(random, kernels), inputs};
}
