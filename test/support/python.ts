// Whether this machine can run Python code nodes; without python3 the platform works, and so do its other tests.

import { spawnSync } from 'node:child_process';

export const hasPython = spawnSync('python3', ['--version']).status === 0;
