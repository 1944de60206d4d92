#!/usr/bin/env node
/**
 * The program. This file alone has to be read by a Node.js that is too old for the rest: no import
 * before the look at its version, no syntax and no API that Node.js 12 lacks.
 */
const NODE_MAJOR_MIN = 20;

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `swarmplane: error: Node.js ${process.versions.node} is too old: ${NODE_MAJOR_MIN} or newer is needed\n` +
      `hint: this one is ${process.execPath}; nodejs.org has newer ones for every system\n`,
  );
  process.exitCode = 1;
} else {
  // Its own errors it reports itself; what else fails is for Node.js to report.
  void import('./program.ts');
}
