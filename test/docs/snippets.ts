import {readFileSync} from 'node:fs';
import ts from 'typescript';

/** A piece of code in the documentation, whose lines with `// => value` say what the expression before them gives. */
export interface Snippet {
  readonly place: string;
  readonly code: string;
}

/** The `@example` blocks of a source file's docstrings. */
export function docstringExamples(file: string): Snippet[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/\/\*\*(?:[^*]|\*(?!\/))*\*\//g)].flatMap((comment) => {
    const lines = comment[0]
      .slice(3, -2)
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''));
    const start = lines.findIndex((line) => line.startsWith('@example'));
    if (start < 0) return [];
    const rest = lines.slice(start + 1);
    const end = rest.findIndex((line) => line.startsWith('@'));
    const first = lines[start]!.slice('@example'.length);
    const code = [first, ...(end < 0 ? rest : rest.slice(0, end))].join('\n');
    return [{place: `${file}:${lineOf(text, comment.index)}`, code}];
  });
}

/** The ```ts blocks of a Markdown file that say what they give. */
export function markdownExamples(file: string): Snippet[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/```ts\n(.*?)```/gs)]
    .filter(([, code]) => code!.includes('// =>'))
    .map((match) => ({place: `${file}:${lineOf(text, match.index)}`, code: match[1]!}));
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

export interface Expectation {
  readonly expression: string;
  readonly value: unknown;
  readonly expected: string;
}

/**
 * Runs a snippet. Imports are left out: the names that they would bring come from `scope`.
 * @returns  what each expression with a `// =>` gave, and what it should give
 */
export async function runSnippet(
  {code}: Snippet,
  scope: Readonly<Record<string, unknown>>,
): Promise<Expectation[]> {
  const source = ts.createSourceFile('snippet.ts', code, ts.ScriptTarget.ES2022, true);
  const statements = source.statements.filter((statement) => !ts.isImportDeclaration(statement));
  const body = statements.map((statement) => {
    const text = statement.getText();
    const [, expected] = /^\s*\/\/ => (.*)$/.exec(lineAfter(code, statement.end)) ?? [];
    if (expected === undefined || !ts.isExpressionStatement(statement)) return text;
    const expression = statement.expression.getText();
    return `given.push({expression: ${JSON.stringify(expression)}, value: (${expression}), expected: ${JSON.stringify(expected)}});`;
  });
  const {outputText} = ts.transpileModule(
    `async function snippet() { const given = []; ${body.join('\n')}\nreturn given; }`,
    {compilerOptions: {target: ts.ScriptTarget.ES2022}},
  );
  const run = new Function(...Object.keys(scope), `${outputText}\nreturn snippet();`) as (
    ...values: unknown[]
  ) => Promise<Expectation[]>;
  return run(...Object.values(scope));
}

const lineAfter = (code: string, position: number): string =>
  code.slice(position).split('\n', 1)[0]!;
