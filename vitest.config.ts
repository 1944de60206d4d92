import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Of a quarter of a minute and more: begun first, so that no run ends with waiting for one of them. */
const LONG =
  /\.long\.test\.ts$|test\/(swarm\/engine\/alarms|query\/(limits|reduce|runner)|cli\/(identity|operator|keys)|hub\/(hub|queue\/action))\.test\.ts$/;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = (file: TestSpecification): boolean => LONG.test(file.moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: [
      // Workers and child processes are started from dist, in tests too, so it is built first.
      'test/helpers/build.ts',
      'test/helpers/clusters.ts',
      'test/helpers/versions.ts',
    ],
    pool: 'forks',
    // One more than cores: many tests wait for processes of their own.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
