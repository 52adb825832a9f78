// The verb api: one streaming REST API in front of one function. Which routes exist is decided by lambdas/http.

import { Duration, Names, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import {
  AccessLogField,
  AccessLogFormat,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  ResponseTransferMode,
  RestApi,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigateway';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { API_TIMEOUT_SECONDS } from '../lambdas/core/limits.ts';
import { alarmOnApiFaults } from './alarms.ts';
import { grantSlices, type PlatformContext, sliceEnvironment } from './context.ts';
import { PlatformFunction } from './function.ts';
import { useErrorEnvelope } from './gateway-responses.ts';
import type { PlatformOptions } from './options.ts';
import { keepPrivate } from './private-endpoint.ts';

// The outer guard of the account; limits per tenant are the platform's own. Below the account's 10,000 requests a second:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const REQUESTS_PER_SECOND = 2_000;
const BURST_REQUESTS = 4_000;
// Lambda takes ten requests a second for each concurrent execution, and refuses others with an error of its own:
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
const REQUESTS_PER_EXECUTION = 10;

// Without the path: the address of a signal is a credential.
const ACCESS_LOG_LINE = {
  requestId: AccessLogField.contextRequestId(),
  time: AccessLogField.contextRequestTimeEpoch(),
  ip: AccessLogField.contextIdentitySourceIp(),
  method: AccessLogField.contextHttpMethod(),
  status: AccessLogField.contextStatus(),
  responseBytes: AccessLogField.contextResponseLength(),
  latencyMs: AccessLogField.contextResponseLatency(),
  error: AccessLogField.contextErrorResponseType(),
  integrationError: AccessLogField.contextIntegrationErrorMessage(),
};

export interface ApiProps {
  context: PlatformContext;
  machineArn: string;
}

export class Api extends Construct {
  readonly function: PlatformFunction<'api'>;
  readonly restApi: RestApi;
  /** Without a slash at its end, since paths are appended to it. */
  readonly url: string;

  constructor(scope: Construct, id: string, { context, machineArn }: ApiProps) {
    super(scope, id);
    this.function = new PlatformFunction(this, 'Function', {
      name: 'api',
      description: 'Answers the HTTP API and runs sync and stream calls',
      bundles: context.bundles,
      environment: { ...sliceEnvironment(context), MACHINE_ARN: machineArn, PUBLIC_ORIGIN: publicOrigin(context) },
      timeoutSeconds: API_TIMEOUT_SECONDS,
      memoryMb: 1024,
      impact: 'Callers are answered with errors; accepted runs continue.',
    });
    grantSlices(context, this.function);
    context.storage.grantCatalog(this.function);
    this.restApi = this.streamingApi(context.options);
    this.url = this.findUrl();
    const { webAclArn } = context.options;
    const { stageArn } = this.restApi.deploymentStage;
    if (webAclArn) new CfnWebACLAssociation(this, 'WebAcl', { resourceArn: stageArn, webAclArn });
    useErrorEnvelope(this.restApi);
    alarmOnApiFaults(this, this.restApi, 'Callers are answered with 5xx instead of results.');
  }

  // One function must not serve buffered and streamed integrations, and one method per route would exceed the size of
  // Lambda's resource policy: so every call streams, and two resources catch them all.
  private streamingApi(options: PlatformOptions): RestApi {
    const { domain, accessLogs, concurrency, vpcEndpointIds } = options;
    const mostRequests = concurrency * REQUESTS_PER_EXECUTION;
    const restApi = new RestApi(this, 'Rest', {
      // Its metrics have no other dimension than this name, so two stages of one account must not share it.
      restApiName: Names.uniqueResourceName(this, { separator: '-', maxLength: 100 }),
      description: 'Errand: the native API and the dialects',
      ...(vpcEndpointIds.length > 0 ? keepPrivate(this, vpcEndpointIds) : { endpointTypes: [EndpointType.REGIONAL] }),
      // Signatures are computed over the bytes as they came, so every body reaches the function untouched.
      binaryMediaTypes: ['*/*'],
      // API Gateway writes access logs only where the account has a role for it. The role is the account's, so it stays
      // when the stack goes.
      cloudWatchRole: accessLogs === 'createRole',
      ...(domain && { disableExecuteApiEndpoint: true, domainName: this.ownDomain(domain) }),
      deployOptions: {
        stageName: 'live',
        throttlingRateLimit: Math.min(REQUESTS_PER_SECOND, mostRequests),
        throttlingBurstLimit: Math.min(BURST_REQUESTS, mostRequests),
        ...(accessLogs !== 'off' && this.writeAccessLog()),
      },
    });
    const integration = new LambdaIntegration(this.function.lambda, {
      responseTransferMode: ResponseTransferMode.STREAM,
      timeout: Duration.seconds(API_TIMEOUT_SECONDS),
      allowTestInvoke: false,
    });
    restApi.root.addMethod('ANY', integration);
    restApi.root.addProxy({ defaultIntegration: integration });
    // The stack outputs the address itself, with the own domain where there is one.
    restApi.node.tryRemoveChild('Endpoint');
    acknowledgeFindings(restApi, accessLogs);
    return restApi;
  }

  private findUrl(): string {
    const { domainName, restApiId, deploymentStage } = this.restApi;
    if (domainName) return `https://${domainName.domainName}`;
    const { region, urlSuffix } = Stack.of(this);
    return `https://${restApiId}.execute-api.${region}.${urlSuffix}/${deploymentStage.stageName}`;
  }

  private writeAccessLog() {
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return {
      accessLogDestination: new LogGroupLogDestination(accessLog),
      accessLogFormat: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_LINE)),
    };
  }

  private ownDomain({ name, certificateArn }: NonNullable<PlatformOptions['domain']>) {
    const certificate = Certificate.fromCertificateArn(this, 'Certificate', certificateArn);
    return {
      domainName: name,
      certificate,
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
    };
  }
}

function publicOrigin({ options: { publicOrigin: origin, domain } }: PlatformContext): string {
  return origin ?? (domain ? `https://${domain.name}` : '');
}

function acknowledgeFindings(restApi: RestApi, accessLogs: PlatformOptions['accessLogs']): void {
  if (accessLogs === 'off') {
    Validations.of(restApi).acknowledge({ id: 'AwsSolutions-APIG1', reason: 'The deployment has switched them off.' });
  }
  const keys = 'Six dialects sign and name their keys differently, so the function authenticates each call itself.';
  Validations.of(restApi).acknowledge(
    { id: 'AwsSolutions-APIG2', reason: 'Bodies are validated by the function, which names the field that is wrong.' },
    { id: 'AwsSolutions-APIG3', reason: 'A web ACL is billed by the month and may be attached by whoever wants one.' },
    { id: 'AwsSolutions-APIG4', reason: keys },
    { id: 'AwsSolutions-COG4', reason: keys },
    {
      id: 'AwsSolutions-APIG6',
      reason: 'Access logs and the log of the function say the same; execution logs never expire.',
    },
    {
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason: 'API Gateway takes exactly this managed policy for the account-wide role of its logs.',
    },
  );
}
