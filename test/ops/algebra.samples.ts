import {opSample, type Sample} from '../kernels/sample.js';
import {f32} from '../kernels/spec.js';

export const algebra: readonly Sample[] = [
  opSample('matMul', {a: f32(3, 5), b: f32(4, 5)}, (tf, {a, b}) => tf.matMul(a, b, false, true)),
  opSample('matMul', {a: f32(2, 3, 5), b: f32(5, 4)}, (tf, {a, b}) => tf.matMul(a, b), {
    note: 'broadcast',
  }),
  opSample('dot', {a: f32(5), b: f32(5)}, (tf, {a, b}) => tf.dot(a, b)),
  opSample('dot', {a: f32(3, 5), b: f32(5)}, (tf, {a, b}) => tf.dot(a, b)),
  opSample('outerProduct', {a: f32(3), b: f32(5)}, (tf, {a, b}) =>
    tf.outerProduct(a as never, b as never),
  ),
  opSample('einsum', {a: f32(3, 5), b: f32(5, 4)}, (tf, {a, b}) => tf.einsum('ij,jk->ki', a, b)),
  opSample('einsum', {a: f32(3), b: f32(5)}, (tf, {a, b}) => tf.einsum('i,j->ij', a, b)),
  opSample('transpose', {x: f32(2, 3, 5)}, (tf, {x}) => tf.transpose(x)),
  opSample('linalg.bandPart', {x: f32(5, 4)}, (tf, {x}) => tf.linalg.bandPart(x, 1, 2)),
  opSample('linalg.bandPart', {x: f32(2, 3, 4)}, (tf, {x}) => tf.linalg.bandPart(x, -1, 0), {
    note: 'lower triangles',
  }),
  opSample('linalg.gramSchmidt', {x: f32(3, 5)}, (tf, {x}) => tf.linalg.gramSchmidt(x as never), {
    slack: {derivative: 10, second: 100},
    reason: 'divides by norms of differences',
  }),
  opSample('linalg.qr', {x: f32(4, 3)}, (tf, {x}) => tf.linalg.qr(x), {
    slack: {derivative: 10, second: 100},
    reason: 'divides by norms of differences',
  }),
  opSample('linalg.qr', {x: f32(2, 3, 3)}, (tf, {x}) => tf.linalg.qr(x), {
    slack: {derivative: 10, second: 100},
    reason: 'divides by norms of differences',
    note: 'of a batch',
  }),
  opSample('eye', {x: f32(3, 4)}, (tf, {x}) => tf.matMul(x, tf.eye(4, 5))),
  opSample('diag', {x: f32(5)}, (tf, {x}) => tf.diag(x)),
  opSample('meshgrid', {x: f32(3), y: f32(5)}, (tf, {x, y}) => tf.meshgrid(x as never, y as never)),
  opSample('spread', {x: f32(3, 1, 5)}, (tf, {x}) => tf.broadcastTo(x, [2, 3, 4, 5])),
];
