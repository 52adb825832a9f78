// Reads a synthesized cloud assembly: the stack's template with every intrinsic resolved, and where its assets lie.
// What the resources mean is read by blueprint.ts.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCOUNT, REGION, STACK_NAME } from './aws-names.ts';
import { holds, type References, resolve } from './intrinsics.ts';
import { type Place, readAttribute, referenceTo, refuseUnknownTypes } from './resource-types.ts';

export interface Resource {
  logicalId: string;
  type: string;
  /** Path of the resource in the construct tree, `Stack/Sweep/Function/Resource`. */
  path: string;
  properties: Record<string, unknown>;
}

export interface Assembly {
  resources: Resource[];
  /** The directory of an asset, by the S3 key the template gives it. */
  assetDirectory(s3Key: string): string | undefined;
}

interface Template {
  Resources: Record<string, RawResource>;
  Conditions?: Record<string, unknown>;
  Parameters?: Record<string, { Default?: unknown }>;
}

interface RawResource {
  Type: string;
  Condition?: string;
  Properties?: object;
  Metadata?: Record<string, unknown>;
}

interface Manifest {
  artifacts: Record<string, { type: string; properties?: { templateFile?: string; file?: string } }>;
}

interface AssetManifest {
  files: Record<string, { source: { path: string; packaging: string } }>;
}

export async function readAssembly(directory: string, place: Place): Promise<Assembly> {
  const manifest = await readJson<Manifest>(directory, 'manifest.json');
  const artifacts = Object.values(manifest.artifacts);
  const stacks = artifacts.filter(({ type }) => type === 'aws:cloudformation:stack');
  const templateFile = stacks[0]?.properties?.templateFile;
  if (stacks.length !== 1 || !templateFile) {
    throw new Error(`The local runtime runs one stack; ${directory} contains ${stacks.length}`);
  }
  const assets = artifacts.find(({ type }) => type === 'cdk:asset-manifest')?.properties?.file;
  const files = assets ? (await readJson<AssetManifest>(directory, assets)).files : {};
  return {
    resources: resolveResources(await readJson<Template>(directory, templateFile), place),
    assetDirectory(s3Key) {
      const source = files[s3Key.replace(/\.zip$/, '')]?.source;
      return source?.packaging === 'zip' ? join(directory, source.path) : undefined;
    },
  };
}

export function resolveResources(template: Template, place: Place): Resource[] {
  const references = resolveReferences(template, place);
  const present = Object.entries(template.Resources).filter(
    ([, { Condition }]) => !Condition || holds({ Condition }, references),
  );
  refuseUnknownTypes(Object.fromEntries(present));
  return present.map(([logicalId, { Type, Properties, Metadata }]) => ({
    logicalId,
    type: Type,
    path: String(Metadata?.['aws:cdk:path'] ?? logicalId),
    properties: resolveProperties(logicalId, Properties, references),
  }));
}

function resolveProperties(logicalId: string, properties: object | undefined, references: References) {
  try {
    return resolve(properties ?? {}, references) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`${logicalId}: ${(cause as Error).message}`, { cause });
  }
}

function resolveReferences({ Resources, Conditions, Parameters }: Template, place: Place): References {
  const pseudo: Record<string, unknown> = {
    'AWS::AccountId': ACCOUNT,
    'AWS::NotificationARNs': [],
    'AWS::Partition': 'aws',
    'AWS::Region': REGION,
    'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${STACK_NAME}/local`,
    'AWS::StackName': STACK_NAME,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  return {
    conditions: Conditions ?? {},
    ref(logicalId) {
      const resource = Resources[logicalId];
      if (resource) return referenceTo(logicalId, resource.Type, place);
      if (Object.hasOwn(pseudo, logicalId)) return pseudo[logicalId];
      const parameter = Parameters?.[logicalId];
      if (parameter?.Default !== undefined) return parameter.Default;
      throw new Error(`'${logicalId}' is neither a resource, a pseudo parameter nor a parameter with a default`);
    },
    attribute(logicalId, name) {
      const resource = Resources[logicalId];
      if (!resource) throw new Error(`The template has no resource '${logicalId}'`);
      return readAttribute(logicalId, name, { type: resource.Type, place });
    },
  };
}

async function readJson<Content>(directory: string, file: string): Promise<Content> {
  return JSON.parse(await readFile(join(directory, file), 'utf8')) as Content;
}
