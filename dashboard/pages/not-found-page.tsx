import { SearchX } from 'lucide-react';
import { ButtonLink } from '../ui/button.tsx';
import { Card } from '../ui/card.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { EmptyState } from '../ui/states.tsx';

export function NotFoundPage() {
  return (
    <>
      <PageHeader title="Not found" />
      <Card>
        <EmptyState
          icon={SearchX}
          title="There is nothing at this address"
          action={<ButtonLink to="/">To the overview</ButtonLink>}
        />
      </Card>
    </>
  );
}
