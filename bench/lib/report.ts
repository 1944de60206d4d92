/** Figures as tables: each beside its floor or peer of the same run, with the ratio. */
import { cpus, totalmem } from 'node:os';

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What the value is held against; `ratio` is value / floor. */
  readonly floor?: { readonly what: string; readonly value: number };
}

export function printMachine(): void {
  const memory = Math.round(totalmem() / 2 ** 30);
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]!.model.trim()}, ${memory} GiB, Node ${process.version}\n`,
  );
}

/** Markdown, as docs/benchmarks.md keeps it. */
export function printFigures(figures: readonly Figure[]): void {
  console.log('| what | value | beside | ratio |\n| --- | ---: | --- | ---: |');
  for (const { what, value, unit, floor } of figures) {
    const beside = floor === undefined ? '' : `${floor.what}: ${shown(floor.value)} ${unit}`;
    const ratio = floor === undefined ? '' : shown(value / floor.value);
    console.log(`| ${what} | ${shown(value)} ${unit} | ${beside} | ${ratio} |`);
  }
  console.log();
}

export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
