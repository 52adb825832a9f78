// Where the stand-ins for AWS listen, and the environment that sends the SDK of a function there.

export interface Endpoints {
  dynamodb: string;
  queues: string;
  machines: string;
  aws: string;
}

/** Services without an endpoint of their own go to `aws`, which refuses them. */
export function endpointVariables({ dynamodb, queues, machines, aws }: Endpoints): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: aws,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_LAMBDA: aws,
    AWS_ENDPOINT_URL_S3: queues,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws,
    AWS_ENDPOINT_URL_SFN: machines,
    AWS_ENDPOINT_URL_SQS: queues,
  };
}

/** Ports that flows must not reach: those of the stand-ins, and whatever is behind one of them. */
export function ownPortsVariable(endpoints: Endpoints, hidden: number[]): Record<string, string> {
  const ports = Object.values(endpoints).map((endpoint) => Number(new URL(endpoint).port));
  return { ERRAND_OWN_PORTS: [...new Set([...ports, ...hidden])].filter(Boolean).join(',') };
}
