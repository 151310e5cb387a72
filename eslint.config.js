import eslint from '@eslint/js';
import {createNodeResolver, importX} from 'eslint-plugin-import-x';
import {defineConfig, globalIgnores} from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// Imports point one way, from the first of these to the last. Files straight in src/ that are not named here (errors, tree,
// types) are for everybody.
const layers = [
  ['index.ts'],
  ['register.ts', 'testing', 'compile', 'models', 'control', 'optimizers', 'random'],
  ['transforms'],
  ['rules'],
  ['interpreter'],
];

const importDirection = layers.slice(1).map((targets, i) => ({
  target: targets.map((name) => `./src/${name}`),
  from: layers.slice(0, i + 1).flatMap((names) => names.map((name) => `./src/${name}`)),
  message: 'Imports point from index.ts to transforms/, rules/ and interpreter/, never back.',
}));

export default defineConfig(
  globalIgnores(['dist/', '.cache/', '.scratch*/']),
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended, importX.flatConfigs.typescript],
    plugins: {'import-x': importX},
    languageOptions: {parserOptions: {projectService: true}},
    settings: {
      'import-x/resolver-next': [createNodeResolver({extensionAlias: {'.js': ['.ts', '.js']}})],
    },
    rules: {
      eqeqeq: ['error', 'always', {null: 'ignore'}],
      'no-console': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', {argsIgnorePattern: '^_'}],
      '@typescript-eslint/consistent-type-imports': ['error', {disallowTypeAnnotations: false}],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', {zones: importDirection}],
    },
  },
  {
    // What runs in a terminal speaks there; chai's `expect(x).to.be.true` is an expression.
    files: ['bench/**', 'demos/**', 'test/**'],
    rules: {'no-console': 'off', '@typescript-eslint/no-unused-expressions': 'off'},
  },
  {
    // Type tests are only compiled: their variables are there for their types.
    files: ['test/types/**'],
    rules: {'@typescript-eslint/no-unused-vars': 'off'},
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {globals: globals.node},
  },
);
