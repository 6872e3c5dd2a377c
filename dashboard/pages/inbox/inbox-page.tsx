import { Inbox, UserSearch } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useContactMessages } from '../../api/inbox.ts';
import { counted } from '../../format/numbers.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Json } from '../../ui/code.tsx';
import { FilterBar, SearchBox } from '../../ui/filter-bar.tsx';
import layout from '../../ui/layout.module.css';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import styles from './inbox.module.css';
import { MessageCard } from './message-card.tsx';

/** A contact's messages, as the contact sees them and as webhooks are sent them. */
export function InboxPage() {
  const [search, setSearch] = useSearchParams();
  const contact = search.get('contact') ?? '';
  const [typed, setTyped] = useState(contact);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setSearch(typed.trim() === '' ? {} : { contact: typed.trim() });
  };
  return (
    <>
      <PageHeader title="App Inbox" note="What a contact sees, and what webhooks are sent" />
      <form onSubmit={submit}>
        <FilterBar>
          <SearchBox
            label="Contact"
            placeholder="The contact’s externalCustomerId"
            value={typed}
            onChange={setTyped}
          />
          <Button type="submit">Show messages</Button>
        </FilterBar>
      </form>
      {contact === '' ? (
        <Card>
          <EmptyState icon={UserSearch} title="Whose messages?">
            Give a contact’s externalCustomerId: the id that your own system knows the receiver by.
          </EmptyState>
        </Card>
      ) : (
        <Messages contact={contact} />
      )}
    </>
  );
}

function Messages({ contact }: { contact: string }) {
  const messages = useContactMessages(contact);
  if (messages.isPending) {
    return (
      <Card>
        <LoadingRows rows={3} />
      </Card>
    );
  }
  if (messages.isLoadingError) {
    return (
      <Card>
        <ErrorState error={messages.error} onRetry={() => void messages.refetch()} />
      </Card>
    );
  }
  if (messages.data.length === 0) {
    return (
      <Card>
        <EmptyState icon={Inbox} title="No messages">
          {`Nothing is available for ${contact}: nothing was posted, or all was deleted or has expired.`}
        </EmptyState>
      </Card>
    );
  }
  return (
    <div className={layout.columns}>
      <Card
        title="As the contact sees it"
        note={counted(messages.data.length, 'message', 'messages')}
        isFlush
      >
        <ul className={styles.messages}>
          {messages.data.map((message) => (
            <MessageCard key={message.id} message={message} />
          ))}
        </ul>
      </Card>
      <Card title="As webhooks are sent it">
        <Json value={messages.data} label="List of messages" />
      </Card>
    </div>
  );
}
