// The key of a model endpoint, kept in Secrets Manager as plain text and loaded when a flow first asks.

export function makeModelKey(secretArn: string): () => Promise<string | undefined> {
  let loading: Promise<string | undefined> | undefined;
  const load = async () => {
    const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
    const client = new SecretsManagerClient({ maxAttempts: 3 });
    return (await client.send(new GetSecretValueCommand({ SecretId: secretArn }))).SecretString;
  };
  return () => {
    // A failed load is forgotten: the next node tries again.
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}
