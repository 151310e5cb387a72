export {adam, adamax, adamw} from './adam.js';
export {adadelta, adagrad, rmsprop} from './adaptive.js';
export {momentum, nesterov, sgd} from './descent.js';
export type {Optimizer, Setting} from './optimizer.js';
