// An API that is reached from VPCs, by their endpoints of `execute-api`, and from nowhere else.

import { EndpointType, type RestApiProps } from 'aws-cdk-lib/aws-apigateway';
import { InterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

const HTTPS = 443;

export function keepPrivate(scope: Construct, vpcEndpointIds: string[]): Partial<RestApiProps> {
  const everyone = {
    principals: [new AnyPrincipal()],
    actions: ['execute-api:Invoke'],
    resources: ['execute-api:/*'],
  };
  const elsewhere = { StringNotEquals: { 'aws:SourceVpce': vpcEndpointIds } };
  const vpcEndpoints = vpcEndpointIds.map((vpcEndpointId) =>
    InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(scope, vpcEndpointId, { vpcEndpointId, port: HTTPS }),
  );
  return {
    endpointConfiguration: { types: [EndpointType.PRIVATE], vpcEndpoints },
    policy: new PolicyDocument({
      statements: [
        new PolicyStatement(everyone),
        new PolicyStatement({ ...everyone, effect: Effect.DENY, conditions: elsewhere }),
      ],
    }),
  };
}
