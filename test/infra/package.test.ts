// The package in an empty CDK app: unpacked as npm would, beside the CDK; compiled by its types, synthesized by its code.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPackage, packInto } from '../../infra/package.ts';
import type { Resource } from '../support/stack.ts';

const MODULES = join(import.meta.dirname, '../../node_modules');
const run = promisify(execFile);
const home = mkdtempSync(join(tmpdir(), 'errand-package-'));
const app = join(home, 'app');

const APP = `import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Errand, type ErrandProps } from 'errand';

const props: ErrandProps = { stage: 'prod', bedrockModels: ['eu.amazon.nova-lite-v1:0'], workerMemoryMb: 512 };
const stack = new Stack(new App({ outdir: process.argv[2] }), 'Ours');
const { apiUrl }: { apiUrl: string } = new Errand(stack, 'Errand', props);
new CfnOutput(stack, 'Url', { value: apiUrl });
(stack.node.root as App).synth();
`;

beforeAll(async () => {
  const built = join(home, 'package');
  await buildPackage(built);
  const archive = await packInto(built);
  const installed = join(app, 'node_modules/errand');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', archive, '-C', installed, '--strip-components=1']);
  for (const name of ['aws-cdk-lib', 'constructs', 'zod', '@types/node']) {
    mkdirSync(dirname(join(app, 'node_modules', name)), { recursive: true });
    symlinkSync(join(MODULES, name), join(app, 'node_modules', name));
  }
  writeFileSync(join(app, 'package.json'), '{"type": "module"}');
}, 180_000);
afterAll(() => rmSync(home, { recursive: true }));

const compile = (source: string) => {
  writeFileSync(join(app, 'app.ts'), source);
  const flags = ['--module', 'nodenext', '--target', 'es2024', '--strict', '--skipLibCheck', '--types', 'node'];
  return run(join(MODULES, '.bin/tsc'), [...flags, '--outDir', '.', 'app.ts'], { cwd: app });
};

test('an app compiles by its types, and synthesizes the whole platform', { timeout: 120_000 }, async () => {
  await compile(APP);
  const output = join(home, 'out');
  await run(process.execPath, ['app.js', output], { cwd: app, env: { ...process.env, CDK_VALIDATION: 'false' } });
  const template = JSON.parse(readFileSync(join(output, 'Ours.template.json'), 'utf8'));
  const resources: Resource[] = Object.values(template.Resources);
  const count = (type: string) => resources.filter(({ Type }) => Type === type).length;
  expect([count('AWS::DynamoDB::Table'), count('AWS::SQS::Queue'), count('AWS::StepFunctions::StateMachine')]).toEqual([
    2, 4, 1,
  ]);
  expect(Object.keys(template.Outputs)).toEqual(['Url']);
  const { files } = JSON.parse(readFileSync(join(output, 'Ours.assets.json'), 'utf8'));
  expect(Object.keys(files).length).toBeGreaterThan(7);
});

test('a value of the wrong type and a name that is no option do not compile', { timeout: 60_000 }, async () => {
  const wrong = `${APP.replace("stage: 'prod'", 'stage: 1')}export const other: ErrandProps = { workerMemory: 512 };\n`;
  const reported = /Type 'number' is not assignable to type 'string'[\s\S]*'workerMemory' does not exist/;
  await expect(compile(wrong)).rejects.toMatchObject({ stdout: expect.stringMatching(reported) });
});
