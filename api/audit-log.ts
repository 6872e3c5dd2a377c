import { listAuditEntries } from '../db/audit-log.ts';
import { auditEntryPageSchema, auditLogQuery } from './audit-log.schemas.ts';
import { pageOf } from './fields.schemas.ts';
import { type Route, route } from './routes.ts';

const getAuditLog = route({
  method: 'get',
  path: '/v1/audit-log',
  name: 'listAuditLog',
  tag: 'Audit log',
  summary: 'List who or what changed something, newest first',
  access: 'account',
  query: auditLogQuery,
  responses: { 200: { description: 'A page of entries', schema: auditEntryPageSchema } },
  async handle({ db }, { query, caller }) {
    const { action, subject_id, actor_id } = query;
    const filter = { action, subject_id, actor_id };
    return { status: 200, body: await listAuditEntries(db, caller.account_id, filter, pageOf(query)) };
  },
});

export const auditLogRoutes: Route[] = [getAuditLog];
