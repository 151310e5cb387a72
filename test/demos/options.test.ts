import {expect} from 'chai';
import * as options from '../../demos/common/options.js';
import {UserError} from '../../demos/common/user-error.js';
import {demo} from '../../demos/dp-mnist/demo.js';

const specs = {...demo.options, ...options.commonOptions(demo.name)};
const defaults = options.initialValues(specs);
const help = options.helpText(demo.about, demo.usage!, specs);
const parseOptions = (args: readonly string[]) => options.parseOptions(specs, args);

describe('demos › options', () => {
  it('have defaults', () => {
    expect(parseOptions([])).to.deep.equal(defaults);
  });

  it('are read from the command line', () => {
    const args =
      '--epochs 0.5 --batch=64 --noise 0 --clip 0.1 --lr 3 --model mlp --backend wasm --seed x --out dir';
    expect(parseOptions(args.split(' '))).to.deep.equal({
      epochs: 0.5,
      batch: 64,
      noise: 0,
      clip: 0.1,
      lr: 3,
      model: 'mlp',
      backend: 'wasm',
      seed: 'x',
      out: 'dir',
    });
  });

  it('are all described by the help', () => {
    expect(parseOptions(['--help'])).to.equal('help');
    for (const name of [...Object.keys(defaults), 'help']) expect(help).to.contain(`--${name} `);
  });

  for (const [args, message] of [
    [['--epochs', 'many'], "--epochs must be a number above 0, but is 'many'"],
    [['--epochs', '0'], "--epochs must be a number above 0, but is '0'"],
    [['--epochs', 'Infinity'], "--epochs must be a number above 0, but is 'Infinity'"],
    [['--clip', ''], "--clip must be a number above 0, but is ''"],
    [['--lr=-1'], "--lr must be a number above 0, but is '-1'"],
    [['--noise=-1'], "--noise must be a number 0 or more, but is '-1'"],
    [['--batch', '1.5'], '--batch must be an integer from 1 to 9000'],
    [['--batch', '9001'], '--batch must be an integer from 1 to 9000'],
    [['--model', 'rnn'], "--model must be one of cnn, mlp, but is 'rnn'"],
    [
      ['--backend', 'webgl'],
      "--backend must be one of auto, tensorflow, wasm, cpu, but is 'webgl'",
    ],
    [['--epoch', '3'], '--epoch'],
    [['--seed'], '--seed'],
    [['mlp'], 'mlp'],
  ] as const) {
    it(`are refused with a clear message: ${args.join(' ')}`, () => {
      expect(() => parseOptions(args)).to.throw(UserError, message);
    });
  }
});
