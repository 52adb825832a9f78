// The REST API of the template: which function answers which path, and how the gateway's own errors look.

import { z } from 'zod';
import type { Resource } from '../assembly.ts';
import { readFunctionName } from '../aws-names.ts';
import { readEach } from './parse.ts';

export interface Api {
  /** `/` and `/{proxy+}`, the paths the local gateway routes. */
  routes: { path: string; functionName: string; timeoutMs: number }[];
  errors: GatewayError[];
}

/** A gateway response: how one kind of the gateway's own errors is worded. */
export interface GatewayError {
  type: string;
  status?: number;
  headers: Record<string, string>;
  template?: string;
}

const ROUTED_PATHS = ['/', '/{proxy+}'];

const apiSchema = z.object({
  BinaryMediaTypes: z.array(z.string()).refine((types) => types.includes('*/*'), 'only binary media type */* is run'),
  Body: z.undefined('an API described by an OpenAPI body is not run').optional(),
});
const resourceSchema = z.object({ ParentId: z.string(), PathPart: z.string() });
const methodSchema = z.object({
  ResourceId: z.string(),
  HttpMethod: z.literal('ANY', 'only method ANY is run'),
  AuthorizationType: z.literal('NONE', 'authorizers are not run').optional(),
  ApiKeyRequired: z.literal(false, 'usage plans are not run').optional(),
  Integration: z.object({
    Type: z.literal('AWS_PROXY', 'only Lambda proxy integrations are run'),
    Uri: z.string().endsWith('/response-streaming-invocations'),
    ResponseTransferMode: z.literal('STREAM', 'only streaming integrations are run'),
    TimeoutInMillis: z.number().default(29_000),
  }),
});
const errorSchema = z.object({
  ResponseType: z.string(),
  StatusCode: z.coerce.number().optional(),
  ResponseParameters: z.record(z.string(), z.string()).default({}),
  ResponseTemplates: z.record(z.string(), z.string()).default({}),
});

export function readApi(resources: Resource[]): Api {
  readEach(resources, 'AWS::ApiGateway::RestApi', ({ properties }) => apiSchema.parse(properties));
  const parents = new Map(
    readEach(resources, 'AWS::ApiGateway::Resource', ({ logicalId, properties }) => [
      logicalId,
      resourceSchema.parse(properties),
    ]),
  );
  const buildPath = (resourceId: string): string => {
    const resource = parents.get(resourceId);
    return resource ? `${buildPath(resource.ParentId).replace(/\/$/, '')}/${resource.PathPart}` : '/';
  };
  return {
    routes: readEach(resources, 'AWS::ApiGateway::Method', ({ properties }) => {
      const { ResourceId, Integration } = methodSchema.parse(properties);
      const path = buildPath(ResourceId);
      if (!ROUTED_PATHS.includes(path))
        throw new Error(`path ${path} is not routed, only ${ROUTED_PATHS.join(' and ')}`);
      return { path, functionName: readFunctionUri(Integration.Uri), timeoutMs: Integration.TimeoutInMillis };
    }),
    errors: readEach(resources, 'AWS::ApiGateway::GatewayResponse', readError),
  };
}

function readFunctionUri(uri: string): string {
  return readFunctionName(uri.split('/functions/')[1]?.split('/')[0] ?? uri);
}

function readError({ properties }: Resource): GatewayError {
  const { ResponseType, StatusCode, ResponseParameters, ResponseTemplates } = errorSchema.parse(properties);
  const headers = Object.entries(ResponseParameters).map(([parameter, value]) => {
    const name = /^gatewayresponse\.header\.(.+)$/.exec(parameter)?.[1];
    const literal = /^'(.*)'$/.exec(value)?.[1];
    if (!name || literal === undefined)
      throw new Error(`the response parameter ${parameter}: ${value} is not understood`);
    return [name, literal];
  });
  const template = ResponseTemplates['application/json'];
  return {
    type: ResponseType,
    headers: Object.fromEntries(headers),
    ...(StatusCode === undefined ? {} : { status: StatusCode }),
    ...(template === undefined ? {} : { template }),
  };
}
