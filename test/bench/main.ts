// `npm run bench`: measures the figures that Errand promises and prints them beside what it reached.
// `npm run bench -- ops cost` runs these sections alone. Times depend on the machine; counts do not.

import { availableParallelism, cpus, loadavg } from 'node:os';
import { render } from './report.ts';
import { SECTIONS } from './sections.ts';

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in SECTIONS));
if (unknown.length > 0) {
  process.stderr.write(`No such section: ${unknown.join(', ')}. There are: ${Object.keys(SECTIONS).join(', ')}\n`);
  process.exit(1);
}

const machine = `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
process.stdout.write(`${machine}, load ${loadavg()[0]?.toFixed(1)} at the start\n`);
for (const [name, { title, run }] of Object.entries(SECTIONS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stdout.write(render(`${name}: ${title}`, await run()));
}
// The functions' threads and the emulators have been asked to stop; nothing of theirs is waited for.
process.exit(0);
