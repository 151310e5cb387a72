import * as tf from '@tensorflow/tfjs';
import {stockGradients} from '../common/layers.js';
import {compareWithLoop, showComparison} from '../common/timing.js';
import {crossEntropy, ensembleOf} from './model.js';

/** All models at once against one after the other: what they predict, and the gradients from which they learn. */
export function measureSpeedups(
  models: readonly tf.Sequential[],
  sameBatch: boolean,
  images: tf.Tensor,
  labels: tf.Tensor,
  backend: string,
): string[] {
  const {start, predict, gradients} = ensembleOf(models, sameBatch);
  const own = (batch: tf.Tensor): tf.Tensor[] =>
    sameBatch ? models.map(() => batch) : tf.unstack(batch);
  const [ownImages, ownLabels] = [own(images), own(labels)];
  const [shared] = ownImages;
  const predictions = compareWithLoop(
    () => [predict(start.parameters, shared!)],
    () => [tf.stack(models.map((model) => model.apply(shared!) as tf.Tensor))],
  );
  const training = compareWithLoop(
    () => Object.values(gradients(start.parameters, images, labels)),
    () => {
      const each = models.map((model, index) =>
        stockGradients(model, () =>
          crossEntropy(model.apply(ownImages[index]!) as tf.Tensor, ownLabels[index]!),
        ),
      );
      return each[0]!.map((_, leaf) => tf.stack(each.map((gradient) => gradient[leaf]!)));
    },
  );
  const count = models.length;
  return [
    showComparison(
      `Predictions of ${count} networks on ${backend}`,
      'vmap(network)',
      'a loop of model.apply',
      predictions,
    ),
    showComparison(
      `Gradients of ${count} networks on ${backend}`,
      'vmap(grad(loss))',
      'a loop of tf.variableGrads',
      training,
    ),
  ];
}
