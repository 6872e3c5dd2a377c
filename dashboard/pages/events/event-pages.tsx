import { Route, Switch } from 'wouter';
import { NotFoundPage } from '../not-found-page.tsx';
import { EventListPage } from './event-list-page.tsx';
import { EventPage } from './event-page.tsx';

export function EventPages() {
  return (
    <Switch>
      <Route path="/events" component={EventListPage} />
      <Route path="/events/:id">{({ id }) => <EventPage key={id} id={decodeURIComponent(id)} />}</Route>
      <Route component={NotFoundPage} />
    </Switch>
  );
}
