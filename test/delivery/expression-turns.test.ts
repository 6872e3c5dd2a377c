import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { newId } from '../../db/ids.ts';
import type { ExpressionAnswer, ExpressionRequest } from '../../delivery/expression-runner.ts';
import { createExpressionTurns } from '../../delivery/expression-turns.ts';

const event = { id: 'evt', at_ms: 0, json: '{}' };
const ask = (expression: string): ExpressionRequest => ({ kind: 'filter', expression, event });

/** What was sent to be run, each to be answered by the test. */
function runnerByHand() {
  const sent: { expression: string; answer: (text: string) => void }[] = [];
  const run = ({ expression }: ExpressionRequest) =>
    new Promise<ExpressionAnswer>((resolve) => {
      sent.push({ expression, answer: (text) => resolve({ text }) });
    });
  return { sent, run };
}

it('of an expression that is not known to be quick one runs at a time, and other accounts run beside it', async () => {
  const { sent, run } = runnerByHand();
  const turns = createExpressionTurns({ run });
  const [one, other] = [newId('acct'), newId('acct')];
  const first = [1, 2, 3].map(() => turns.run(one, ask('slow'), 60_000));
  const theirs = turns.run(other, ask('theirs'), 60_000);
  expect(sent.map(({ expression }) => expression)).toEqual(['slow', 'theirs']);
  sent[1]!.answer('true');
  await theirs;
  sent[0]!.answer('true');
  await first[0];
  // It was quick: the rest goes ahead together.
  expect(sent.map(({ expression }) => expression)).toEqual(['slow', 'theirs', 'slow', 'slow']);
});

it('accounts take turns, however much one of them asks', async () => {
  const { sent, run } = runnerByHand();
  const turns = createExpressionTurns({ run });
  const [one, other] = [newId('acct'), newId('acct')];
  for (let index = 0; index < 20; index += 1) void turns.run(one, ask(`many ${index}`), 60_000);
  const few = turns.run(other, ask('few'), 60_000);
  for (let answered = 0; answered < 5; answered += 1) {
    sent[answered]!.answer('true');
    await nextTurn();
  }
  expect(sent.findIndex(({ expression }) => expression === 'few')).toBeGreaterThan(0);
  for (const { answer } of sent) answer('true');
  expect(await few).toEqual({ text: 'true' });
});

it('what does not begin in time is not run', async () => {
  const { sent, run } = runnerByHand();
  const turns = createExpressionTurns({ run });
  const account = newId('acct');
  const first = turns.run(account, ask('same'), 60_000);
  const late = turns.run(account, ask('same'), -1);
  sent[0]!.answer('true');
  await first;
  expect(await late).toMatchObject({ failure: { code: 'not_run_in_time' } });
  expect(sent).toHaveLength(1);
});

it('of an account several that are not known to be quick are not run ahead of others', async () => {
  const { sent, run } = runnerByHand();
  const turns = createExpressionTurns({ run });
  const [one, other] = [newId('acct'), newId('acct')];
  for (let index = 0; index < 5; index += 1) void turns.run(one, ask(`slow ${index}`), 60_000);
  void turns.run(other, ask('theirs'), 60_000);
  expect(sent.map(({ expression }) => expression)).toEqual(['slow 0', 'theirs']);
  await nextTurn();
});

it('an account whose expressions are slow leaves others their time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
  try {
    let last = Promise.resolve();
    const run = ({ expression }: ExpressionRequest) => {
      const ms = expression.startsWith('slow') ? 900 : 1;
      last = last.then(() => new Promise((resolve) => setTimeout(resolve, ms)));
      return last.then((): ExpressionAnswer => ({ text: 'true' }));
    };
    const turns = createExpressionTurns({ run });
    const [attacker, victim] = [newId('acct'), newId('acct')];
    for (let index = 0; index < 200; index += 1) void turns.run(attacker, ask(`slow ${index % 5}`), 600_000);
    const answers: ExpressionAnswer[] = [];
    for (let index = 0; index < 400; index += 1) {
      void turns.run(victim, ask('quick'), 2_000).then((answer) => answers.push(answer));
      await vi.advanceTimersByTimeAsync(50);
    }
    await vi.advanceTimersByTimeAsync(2_000);
    expect(answers.filter((answer) => 'text' in answer)).toHaveLength(400);
  } finally {
    vi.useRealTimers();
  }
});
