import {routeGradients} from '../interpreter/hook.js';
import {stockGradients} from './reverse.js';

/**
 * Routes stock `tf.grad`, `tf.grads`, `tf.valueAndGrad(s)`, `tf.variableGrads` and optimizers through this library, so that plain tfjs
 * code is right to any order. (Stock tfjs loses a part of the second derivative wherever a gradient uses its kernel's output.) Without it they
 * are routed only while a transform runs.
 *
 * What the function gives to `tf.keep` or assigns to a variable is there afterwards, as ever. What differs from stock tfjs: errors are
 * `TransformError`s; no derivative passes through integer tensors; a variable can't be assigned while it is being differentiated.
 * Calling it twice is calling it once. Called by a function that a transform runs, it holds from when that has returned.
 * @example
 * const secondDerivative = tf.grad(tf.grad((x) => x.mul(x.exp())));
 * install();
 * secondDerivative(tf.scalar(0.5))  // => 4.1218
 * uninstall();
 */
export const install = (): void => routeGradients(stockGradients, true);

/** Takes `install()` back: while no transform runs the engine is as tfjs made it. */
export const uninstall = (): void => routeGradients(stockGradients, false);
