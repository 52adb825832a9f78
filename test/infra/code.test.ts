// The functions that run what tenants write, as they are deployed.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOptions } from '../../infra/options.ts';
import { PlatformStack } from '../../infra/platform-stack.ts';
import { MAX_UNIT_TIMEOUT_SECONDS } from '../../lambdas/core/limits.ts';

// biome-ignore lint/suspicious/noExplicitAny: a resource is read as whatever the test expects of it
type Resource = any;

const BUNDLES = ['api', 'work', 'advance', 'deliver', 'sweep', 'code-node', 'code-python'];
const bundles = mkdtempSync(join(tmpdir(), 'errand-infra-'));
let template: Template;

const synthesized = (context: Record<string, unknown> = {}) => {
  const app = new App({ context, builtinCloudFormationValidation: false });
  return Template.fromStack(new PlatformStack(app, 'Errand', { options: readOptions(app), bundles }));
};

beforeAll(() => {
  for (const name of BUNDLES) {
    mkdirSync(join(bundles, name));
    writeFileSync(join(bundles, name, 'index.mjs'), '');
  }
  template = synthesized();
});
afterAll(() => rmSync(bundles, { recursive: true }));

const listFunctions = (it: Template): [string, Resource][] =>
  Object.entries(it.findResources('AWS::Lambda::Function')).filter(([id]) => id.startsWith('Code'));
const rolePolicies = (role: string): Resource[] =>
  Object.values(template.findResources('AWS::IAM::Policy')).filter(({ Properties }) =>
    Properties.Roles.some(({ Ref }: Resource) => Ref === role),
  );

test('there is one for JavaScript and one for Python, and both keep tenants apart', () => {
  const described = listFunctions(template).map(([, { Properties }]) => [
    Properties.Runtime,
    Properties.TenancyConfig,
    Properties.Architectures,
  ]);
  const isolated = { TenantIsolationMode: 'PER_TENANT' };
  expect(described).toEqual([
    ['nodejs24.x', isolated, ['arm64']],
    ['python3.13', isolated, ['arm64']],
  ]);
});

test('they keep calls apart, and not tenants, where the Region has no tenant isolation', () => {
  const described = listFunctions(synthesized({ codeIsolation: 'call' }));
  expect(described.map(([, { Properties }]) => Properties.TenancyConfig)).toEqual([undefined, undefined]);
  const isolations = (it: Template) =>
    Object.values<Resource>(it.findResources('AWS::Lambda::Function')).flatMap(
      ({ Properties }) => Properties.Environment?.Variables.CODE_ISOLATION ?? [],
    );
  expect(isolations(synthesized({ codeIsolation: 'call' }))).toEqual(['call', 'call', 'call']);
  expect(isolations(template)).toEqual(['tenant', 'tenant', 'tenant']);
});

test('their roles may write their own log and nothing else', () => {
  for (const [id, { Properties }] of listFunctions(template)) {
    const role = Properties.Role['Fn::GetAtt'][0];
    const { Properties: assumed } = template.findResources('AWS::IAM::Role')[role] as Resource;
    expect([assumed.ManagedPolicyArns, assumed.Policies], id).toEqual([undefined, undefined]);
    const statements = rolePolicies(role).flatMap((policy) => policy.Properties.PolicyDocument.Statement);
    const logGroup = Properties.LoggingConfig.LogGroup.Ref;
    expect(statements, id).toEqual([
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: { 'Fn::GetAtt': [logGroup, 'Arn'] },
      },
    ]);
  }
});

test('they know nothing of the platform and start without the credentials of their role', () => {
  for (const [, { Properties }] of listFunctions(template)) {
    expect(Properties.Environment.Variables).toEqual({
      AWS_LAMBDA_EXEC_WRAPPER: '/var/task/without-credentials',
    });
  }
});

test('they outlast the longest node', () => {
  for (const [, { Properties }] of listFunctions(template)) {
    expect(Properties.Timeout).toBeGreaterThan(MAX_UNIT_TIMEOUT_SECONDS);
  }
});

test('functions that run slices may invoke them and get their names, and no others', () => {
  const ids = listFunctions(template).map(([id]) => id);
  const all: [string, Resource][] = Object.entries(template.findResources('AWS::Lambda::Function'));
  const named = all.filter(([, { Properties }]) =>
    ids.every((id) => JSON.stringify(Properties.Environment ?? {}).includes(id)),
  );
  const allowed = all.filter(([, { Properties }]) => {
    const policies = JSON.stringify(rolePolicies(Properties.Role['Fn::GetAtt'][0]));
    return ids.every((id) => policies.includes(id));
  });
  const verbs = (found: [string, Resource][]) => found.map(([id]) => id.replace(/Function.*/, '')).sort();
  expect([verbs(named), verbs(allowed)]).toEqual([
    ['Advance', 'Api', 'Work'],
    ['Advance', 'Api', 'Work'],
  ]);
});

test('where nothing may leave, no name is resolved either: a question to the DNS is a way out', () => {
  const isolated = synthesized({ codeNetwork: 'none' });
  isolated.hasResourceProperties('AWS::EC2::VPC', { EnableDnsSupport: false, EnableDnsHostnames: false });
});

test('they are cut off from every network where the deployment says so', () => {
  const isolated = synthesized({ codeNetwork: 'none' });
  for (const type of ['InternetGateway', 'NatGateway', 'EgressOnlyInternetGateway', 'VPCEndpoint', 'Route']) {
    isolated.resourceCountIs(`AWS::EC2::${type}`, 0);
  }
  const [group, ...others]: Resource[] = Object.values(isolated.findResources('AWS::EC2::SecurityGroup'));
  expect(others).toEqual([]);
  expect(group.Properties.SecurityGroupIngress).toBeUndefined();
  // AWS lets everything out of a group without rules, so there is one that lets out nothing.
  expect(group.Properties.SecurityGroupEgress).toEqual([expect.objectContaining({ CidrIp: '255.255.255.255/32' })]);
  const functions = listFunctions(isolated);
  expect(functions.map(([, { Properties }]) => Properties.VpcConfig.SubnetIds.length)).toEqual([2, 2]);
  template.resourceCountIs('AWS::EC2::VPC', 0);
});
