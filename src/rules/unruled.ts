/**
 * Names among tfjs's kernels that have no rule, and why. A backend of somebody else may implement one of them: vmap refuses it then, with
 * this reason, and derivatives are those that are registered with tfjs.
 */
const noTensor = 'It takes no tensor, so its result is the same for all examples.';
const noKernel = (instead: string): string => `No backend of tfjs implements it; use ${instead}.`;

export const unruled: Readonly<Record<string, string>> = {
  Fill: noTensor,
  FromPixels: noTensor,
  LinSpace: noTensor,
  Range: noTensor,
  Identity: 'Every level passes it on.',
  BroadcastTo: noKernel('tf.broadcastTo, which runs Tile'),
  LogSoftmax: noKernel('tf.logSoftmax, which has its own gradient'),
  LowerBound: noKernel('tf.lowerBound, which runs SearchSorted'),
  UpperBound: noKernel('tf.upperBound, which runs SearchSorted'),
  MatrixBandPart: noKernel('tf.linalg.bandPart, which composes it'),
  Pool: noKernel('tf.pool, which runs MaxPool or AvgPool'),
};
