import {expect} from 'chai';
import {
  extractGraph,
  fusingCompiler,
  Interpreter,
  type Graph,
  type KernelNode,
  type SegmentGenerator,
} from '../../src/compile/index.js';
import {tensorsOf} from '../../src/tree.js';
import {describeBackends} from '../backends.js';
import {Random} from '../support/random.js';
import {programs} from './programs.js';
import {captured, expectClose, tidied} from './support.js';

/** Runs segments of a graph as graphs of their own, and counts them. */
class Segments {
  made = 0;
  freed = 0;
  readonly generator: SegmentGenerator;

  constructor(graph: Graph, backend: string, takes: (node: KernelNode) => boolean) {
    this.generator = {
      name: 'segments',
      backend,
      unavailable: () => null,
      takes,
      compileSegment: ({nodes, inputs, outputs}) => {
        expect(nodes.every(takes)).to.equal(true);
        const part = extractGraph(graph, inputs, outputs);
        const interpreter = new Interpreter(part);
        this.made++;
        return {
          listing: nodes.map(({name}) => name).join(),
          run: (tensors) => interpreter.run(tensors),
          dispose: () => {
            this.freed++;
            part.dispose();
          },
        };
      },
    };
  }
}

describeBackends('segments', (backend) => {
  for (const program of programs) {
    it(
      `of ${program.name} give together what the graph gives, whatever is taken`,
      tidied((own) => {
        const {graph, args, expected} = captured(program);
        own(graph);
        const inputs = tensorsOf(args);
        for (const share of [0, 0.5, 0.9, 1]) {
          const random = new Random(`${program.name} ${share}`);
          const taken = new Set(graph.graph.kernels.filter(() => random.next() < share));
          const segments = new Segments(graph.graph, backend, (node) => taken.has(node));
          const compiled = fusingCompiler({generators: [segments.generator]})(graph.graph);
          const {steps} = compiled.lowered;
          expectClose(compiled(inputs), expected, program.tolerance);
          const left = steps.filter(({code}) => code === null);
          expect(left).to.have.length(graph.graph.kernels.length - taken.size);
          expect(steps.flatMap(({kernels}) => kernels)).to.have.length(graph.graph.kernels.length);
          if (share === 1) expect(steps).to.have.length(1);
          compiled.dispose();
          expect(segments.freed).to.equal(segments.made);
        }
      }),
    );
  }

  it(
    'that were compiled are freed when another one fails',
    tidied((own) => {
      const {graph} = captured(programs[3]!);
      own(graph);
      const others = graph.graph.kernels.filter((_, index) => index % 5 === 4);
      const segments = new Segments(graph.graph, backend, (node) => !others.includes(node));
      const {generator} = segments;
      const compileSegment: SegmentGenerator['compileSegment'] = (segment) => {
        if (segments.made === 2) throw new Error('no code');
        return generator.compileSegment(segment);
      };
      const compiler = fusingCompiler({generators: [{...generator, compileSegment}]});
      expect(() => compiler(graph.graph)).to.throw('no code');
      expect([segments.made, segments.freed]).to.deep.equal([2, 2]);
    }),
  );
});
