import type { ReactNode } from 'react';
import { Route, Switch } from 'wouter';
import { useSession } from '../../layout/session-context.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { NotFoundPage } from '../not-found-page.tsx';
import { AccountPart } from './account-part.tsx';
import { ApiKeysPart } from './api-keys-part.tsx';
import { AuditLogPart } from './audit-log-part.tsx';
import { EventTypesPart } from './event-types-part.tsx';

export function SettingsPages() {
  if (useSession().via === 'portal_link') return <PortalPages />;
  return (
    <Switch>
      <Route path="/settings">
        <Settings>
          <ApiKeysPart />
        </Settings>
      </Route>
      <Route path="/settings/event-types">
        <Settings>
          <EventTypesPart />
        </Settings>
      </Route>
      <Route path="/settings/account">
        <Settings>
          <AccountPart />
        </Settings>
      </Route>
      <Route path="/settings/audit-log">
        <Settings>
          <AuditLogPart />
        </Settings>
      </Route>
      <Route component={NotFoundPage} />
    </Switch>
  );
}

/** Of a customer's: what there is to subscribe to, and nothing of the platform's. */
function PortalPages() {
  return (
    <Switch>
      <Route path="/settings/event-types">
        <PageHeader title="Event types" />
        <EventTypesPart />
      </Route>
      <Route component={NotFoundPage} />
    </Switch>
  );
}

function Settings({ children }: { children: ReactNode }) {
  return (
    <>
      <PageHeader title="Settings" />
      <Tabs
        label="Settings"
        of={[
          { to: '/settings', label: 'API keys' },
          { to: '/settings/event-types', label: 'Event types' },
          { to: '/settings/account', label: 'Account and portal' },
          { to: '/settings/audit-log', label: 'Audit log' },
        ]}
      />
      {children}
    </>
  );
}
