import { Route, Switch } from 'wouter';
import { NotFoundPage } from '../not-found-page.tsx';
import { EditWebhookPage } from './edit-webhook-page.tsx';
import { NewWebhookPage } from './new-webhook-page.tsx';
import { WebhookListPage } from './webhook-list-page.tsx';
import { WebhookPage } from './webhook-page.tsx';

export function WebhookPages() {
  return (
    <Switch>
      <Route path="/webhooks" component={WebhookListPage} />
      <Route path="/webhooks/new" component={NewWebhookPage} />
      <Route path="/webhooks/:id/edit">{({ id }) => <EditWebhookPage id={id} />}</Route>
      <Route path="/webhooks/:id/:part?">
        {({ id, part }) => <WebhookPage key={id} id={id} part={part} />}
      </Route>
      <Route component={NotFoundPage} />
    </Switch>
  );
}
