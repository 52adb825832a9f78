// Starts executions of the Step Functions machine and wakes its Parks. What the machine does is synthesized in infra/.

import type { SFNClient } from '@aws-sdk/client-sfn';
import type { Machine } from '../core/ports/runs.ts';

// The Park is no longer there: it timed out, was woken, or its execution has ended.
const NOT_WAITING: ReadonlySet<string> = new Set(['InvalidToken', 'TaskTimedOut', 'TaskDoesNotExist']);

/** The client is imported on first use: most runs end within their first slice. `machineArn` is needed only to start. */
export function makeMachine(options: { machineArn?: string; client?: SFNClient }): Machine {
  let loading: Promise<{ sdk: typeof import('@aws-sdk/client-sfn'); client: SFNClient }> | undefined;

  function load() {
    loading ??= import('@aws-sdk/client-sfn').then((sdk) => ({
      sdk,
      client: options.client ?? new sdk.SFNClient({ maxAttempts: 3 }),
    }));
    return loading;
  }

  return {
    async start({ runId, handoff, parkSeconds }) {
      const { sdk, client } = await load();
      if (options.machineArn === undefined) throw new Error('This function knows no machine to start executions of');
      const next = parkSeconds === undefined ? 'advance' : 'park';
      // A repeated start must carry the very same input, or Step Functions takes it for another execution.
      const input = JSON.stringify({ runId, handoff, next, parkSeconds: Math.max(1, Math.ceil(parkSeconds ?? 1)) });
      const name = `${runId}-${handoff}`;
      try {
        await client.send(new sdk.StartExecutionCommand({ stateMachineArn: options.machineArn, name, input }));
      } catch (error) {
        if (!(error instanceof sdk.ExecutionAlreadyExists)) throw error;
      }
    },

    async wake(token) {
      const { sdk, client } = await load();
      try {
        await client.send(new sdk.SendTaskSuccessCommand({ taskToken: token, output: '{}' }));
        return true;
      } catch (error) {
        if (error instanceof Error && NOT_WAITING.has(error.name)) return false;
        throw error;
      }
    },
  };
}
