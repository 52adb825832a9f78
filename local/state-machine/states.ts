// Runs an execution: enters state after state until one ends it. Task states are in task.ts.

import { holds } from './choice.ts';
import { type Filters, giveOutput, placeResult, takeInput } from './data-flow.ts';
import type { ChoiceState, PassState, State, WaitState } from './definition.ts';
import { buildContext, type Entry, type Execution, type Step } from './execution.ts';
import { StateFailure } from './failure.ts';
import { type Json, readPath, readSeconds, type Scope } from './path.ts';
import { runTask } from './task.ts';
import { fillTemplate } from './template.ts';

export async function runStates(execution: Execution, from: Entry): Promise<Json> {
  let entry = from;
  for (;;) {
    const state = execution.definition.States[entry.state];
    if (!state) throw new StateFailure('States.Runtime', `The machine has no state '${entry.state}' any more`);
    execution.ledger.enter(entry);
    execution.ledger.record(`${state.Type}StateEntered`, entered(entry));
    const { output, next } = await runState(execution, state, entry);
    execution.ledger.record(`${state.Type}StateExited`, exited(entry, output));
    if (next === undefined) return output;
    entry = { state: next, input: output, at: execution.world.now() };
  }
}

async function runState(execution: Execution, state: State, entry: Entry): Promise<Step> {
  const scope: Scope = { input: entry.input, context: buildContext(execution, entry, { retryCount: 0 }) };
  switch (state.Type) {
    case 'Task':
      return runTask(execution, state, entry);
    case 'Pass':
      return pass(state, scope);
    case 'Choice':
      return choose(state, scope);
    case 'Wait':
      await wait(execution, state, { scope, enteredAt: entry.at });
      return { output: through(state, scope), next: state.Next };
    case 'Succeed':
      return { output: through(state, scope), next: undefined };
    case 'Fail':
      throw new StateFailure(state.Error, state.Cause ?? '');
  }
}

function pass(state: PassState, scope: Scope): Step {
  const input = takeInput(state, scope);
  const result = state.Result ?? (state.Parameters ? fillTemplate(state.Parameters, { ...scope, input }) : input);
  const placed = placeResult(state.ResultPath, scope.input, result);
  return { output: giveOutput(state, { ...scope, input: placed }), next: state.Next };
}

function choose(state: ChoiceState, scope: Scope): Step {
  const input = takeInput(state, scope);
  const rule = state.Choices.find((candidate) => holds(candidate, { ...scope, input }));
  const next = rule?.Next ?? state.Default;
  if (next === undefined) throw new StateFailure('States.NoChoiceMatched', 'No choice rule matched the input');
  return { output: through(state, scope), next };
}

async function wait(
  { world, signal }: Execution,
  state: WaitState,
  { scope, enteredAt }: { scope: Scope; enteredAt: number },
): Promise<void> {
  const from = { ...scope, input: takeInput(state, scope) };
  const seconds = state.Seconds ?? (state.SecondsPath && readSeconds(state.SecondsPath, from));
  const until = seconds === undefined ? readTimestamp(state, from) : enteredAt + Number(seconds);
  await world.sleep(Math.max(0, until - world.now()), signal);
}

function through(state: Filters, scope: Scope): Json {
  return giveOutput(state, { ...scope, input: takeInput(state, scope) });
}

function readTimestamp(state: WaitState, scope: Scope): number {
  const text = state.Timestamp ?? readPath(state.TimestampPath ?? '$', scope);
  const at = Date.parse(String(text));
  if (Number.isNaN(at)) throw new StateFailure('States.Runtime', `'${String(text)}' is not a timestamp`);
  return at / 1_000;
}

const entered = ({ state, input }: Entry) => ({
  stateEnteredEventDetails: { name: state, input: JSON.stringify(input) },
});

const exited = ({ state }: Entry, output: Json) => ({
  stateExitedEventDetails: { name: state, output: JSON.stringify(output) },
});
