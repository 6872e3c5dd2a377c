import { Route, Switch } from 'wouter';
import { NotFoundPage } from '../not-found-page.tsx';
import { DeliveryListPage } from './delivery-list-page.tsx';
import { DeliveryPage } from './delivery-page.tsx';

export function DeliveryPages() {
  return (
    <Switch>
      <Route path="/deliveries" component={DeliveryListPage} />
      <Route path="/deliveries/:id">{({ id }) => <DeliveryPage key={id} id={id} />}</Route>
      <Route component={NotFoundPage} />
    </Switch>
  );
}
