import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'scripts', '*.config.js', '*.config.ts'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      // A promise nobody waits for is an error nobody sees.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false } },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `const { body: _, ...rest } = it` is how a field is left out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ObjectExpression > SpreadElement > ObjectExpression',
          message:
            'A literal within a literal is not checked for misspelt names: write its fields out.',
        },
      ],
    },
  },
  {
    // Not yet without them.
    files: ['agent', 'cli', 'net', 'secure', 'swarm', 'wire', 'sim', 'hostile'].flatMap((room) => [
      `src/${room}/**/*.ts`,
      `test/${room}/**/*.ts`,
    ]),
    rules: { 'no-restricted-syntax': 'off' },
  },
);
