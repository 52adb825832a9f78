// The CDK app: one stack, bundled and synthesized. `cdk deploy` runs it, and so does the local runtime.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { bundleFunctions } from './bundle.ts';
import { readOptions } from './options.ts';
import { PlatformStack } from './platform-stack.ts';

// Findings of the built-in CloudFormation validation stop the synthesis. Reports to AWS about the app stay off.
const app = new App({
  analyticsReporting: false,
  postCliContext: { '@aws-cdk/core:validateAgainstDefaultRules': true },
});
const options = readOptions(app);
// A directory of its own, since two may synthesize at once. What is deployed is copied into the assembly.
const bundles = await mkdtemp(join(tmpdir(), 'errand-bundles-'));
try {
  new PlatformStack(app, `Errand-${options.stage}`, { options, bundles: await bundleFunctions(bundles) });
  app.synth();
} finally {
  await rm(bundles, { recursive: true });
}
