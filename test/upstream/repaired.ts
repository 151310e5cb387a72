/** Cases of tfjs-core that assert what is wrong, or missing, in stock tfjs and right with this library. They fail with it imported. */
export const repaired: Readonly<Record<string, string>> = {
  'gradients errors if relevant ops are missing grads':
    'asserts that LogicalAnd has no gradient; it has one, zero, as every mask',
  'avgPool gradient x=[3,3,1] f=[3,3] s=1 p=explicit':
    'asserts a gradient that divides by the whole window where that meets padding; the pool itself does not',
  'depthwiseConv2d gradients throws error on dilations > 1': 'asserts that there is no gradient',
  'mirrorPad grad': 'asserts a gradient without what the mirrored part contributes',
  'mirrorPad gradient with clones': 'asserts a gradient without what the mirrored part contributes',
};
