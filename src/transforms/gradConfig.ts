import type {GradConfig, NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import type {VjpRule} from '../rules/rule.js';
import type {Signature} from '../rules/signatures.js';

/** The reverse rule that a user registered with tfjs for a kernel of their own. */
export function fromGradConfig(
  config: GradConfig | null,
  inputs: NamedTensorMap,
): VjpRule<Signature> | null {
  if (config == null) return null;
  const saves = config.saveAllInputs ? Object.keys(inputs) : (config.inputsToSave ?? []);
  const outputsToSave = config.outputsToSave ?? [];
  return {
    saves: saves as never,
    savesOutput: outputsToSave.some(Boolean),
    pullback: (dy, residuals, attrs) => {
      const values = residuals as Record<string, Tensor | Tensor[]>;
      const outputs = ([values['output'] ?? []].flat() as Tensor[]).filter(
        (_, index) => outputsToSave[index],
      );
      const inputValues = saves.map((name) => values[name] as Tensor);
      return config.gradFunc(dy as Tensor, [...inputValues, ...outputs], attrs as never) as never;
    },
  };
}
