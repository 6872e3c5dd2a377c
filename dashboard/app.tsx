import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { createQueryClient } from './api/query-client.ts';
import { useSessionQuery } from './api/session.ts';
import { SessionContext } from './layout/session-context.ts';
import { Shell } from './layout/shell.tsx';
import { LiveChanges } from './live/live-changes.tsx';
import { NotFoundPage } from './pages/not-found-page.tsx';
import { PortalPage } from './pages/sign-in/portal-page.tsx';
import { SignInPage } from './pages/sign-in/sign-in-page.tsx';
import { ErrorState, LoadingRows } from './ui/states.tsx';
import { Toasts } from './ui/toasts.tsx';

const OverviewPage = lazy(async () => ({
  default: (await import('./pages/overview/overview-page.tsx')).OverviewPage,
}));
const WebhookPages = lazy(async () => ({
  default: (await import('./pages/webhooks/webhook-pages.tsx')).WebhookPages,
}));
const DeliveryPages = lazy(async () => ({
  default: (await import('./pages/deliveries/delivery-pages.tsx')).DeliveryPages,
}));
const EventPages = lazy(async () => ({
  default: (await import('./pages/events/event-pages.tsx')).EventPages,
}));
const InboxPage = lazy(async () => ({ default: (await import('./pages/inbox/inbox-page.tsx')).InboxPage }));
const SettingsPages = lazy(async () => ({
  default: (await import('./pages/settings/settings-pages.tsx')).SettingsPages,
}));

export function App() {
  const [client] = useState(createQueryClient);
  return (
    <QueryClientProvider client={client}>
      <Toasts>
        <Entrance />
      </Toasts>
    </QueryClientProvider>
  );
}

/** Nobody gets further without a session; after signing in, one is where one wanted to go. */
function Entrance() {
  const [location] = useLocation();
  const session = useSessionQuery();
  if (location === '/portal') return <PortalPage />;
  if (session.isPending) return null;
  if (session.isLoadingError)
    return <ErrorState error={session.error} onRetry={() => void session.refetch()} />;
  if (session.data === null) return <SignInPage />;
  return (
    <SessionContext.Provider value={session.data}>
      <LiveChanges>
        <Shell>
          <Suspense fallback={<LoadingRows />}>
            <Switch>
              <Route path="/" component={OverviewPage} />
              <Route path="/webhooks/*?" component={WebhookPages} />
              <Route path="/deliveries/*?" component={DeliveryPages} />
              <Route path="/events/*?" component={EventPages} />
              <Route path="/inbox" component={InboxPage} />
              <Route path="/settings/*?" component={SettingsPages} />
              <Route component={NotFoundPage} />
            </Switch>
          </Suspense>
        </Shell>
      </LiveChanges>
    </SessionContext.Provider>
  );
}
