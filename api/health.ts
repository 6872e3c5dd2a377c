import { z } from 'zod';
import { Problem } from './problems.ts';
import { type Route, route } from './routes.ts';

const tag = 'Service';

const checksField = z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() }));

const getHealth = route({
  method: 'get',
  path: '/healthz',
  name: 'getHealth',
  tag,
  summary: 'Whether the process runs',
  access: 'public',
  responses: { 200: { description: 'It does', schema: z.object({ status: z.literal('ok') }) } },
  async handle() {
    return { status: 200, body: { status: 'ok' } };
  },
});

const getReadiness = route({
  method: 'get',
  path: '/readyz',
  name: 'getReadiness',
  tag,
  summary: 'Whether the process can do its work',
  access: 'public',
  responses: {
    200: {
      description: 'It can',
      schema: z.object({ ready: z.literal(true), checks: checksField }).meta({ id: 'Readiness' }),
    },
  },
  problems: { 503: 'Something it needs is missing; `checks` names it' },
  async handle({ isReady }) {
    const { ready, checks } = await isReady();
    if (ready) return { status: 200, body: { ready, checks } };
    throw new Problem({
      status: 503,
      code: 'not_ready',
      detail: 'Something that is needed is missing: see checks',
      headers: { 'Retry-After': '2' },
      members: { ready, checks },
    });
  },
});

export const healthRoutes: Route[] = [getHealth, getReadiness];
