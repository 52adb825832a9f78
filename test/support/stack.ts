// The stack as it is synthesized from options, with empty bundles: what is deployed, without what runs in it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll } from 'vitest';
import { readOptions } from '../../infra/options.ts';
import { PlatformStack } from '../../infra/platform-stack.ts';

// biome-ignore lint/suspicious/noExplicitAny: a resource is read as whatever the test expects of it
export type Resource = any;

const NAMES = ['api', 'work', 'advance', 'deliver', 'sweep', 'code-node', 'code-python'];

/** Of the test file that asks for it, and removed after its tests. */
export function makeBundles(): string {
  const bundles = mkdtempSync(join(tmpdir(), 'errand-infra-'));
  for (const name of NAMES) {
    mkdirSync(join(bundles, name));
    writeFileSync(join(bundles, name, 'index.mjs'), '');
  }
  afterAll(() => rmSync(bundles, { recursive: true }));
  return bundles;
}

export function makeStack(bundles: string, context: Record<string, unknown> = {}): PlatformStack {
  const app = new App({ context, builtinCloudFormationValidation: false });
  return new PlatformStack(app, 'Errand', { options: readOptions(app), bundles });
}

export const synthesize = (bundles: string, context?: Record<string, unknown>): Template =>
  Template.fromStack(makeStack(bundles, context));

export const listResources = (template: Template, type: string): [string, Resource][] =>
  Object.entries(template.findResources(type));

/** Of every role. */
export const listStatements = (template: Template): Resource[] =>
  listResources(template, 'AWS::IAM::Policy').flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
