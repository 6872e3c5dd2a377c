import { Image, Link2 } from 'lucide-react';
import type { InboxMessage } from '../../api/types.ts';
import { Chip } from '../../ui/badge.tsx';
import { Time } from '../../ui/time.tsx';
import styles from './inbox.module.css';

/** One message. Pictures are named, not loaded, and links are text: both come from outside. */
export function MessageCard({ message }: { message: InboxMessage }) {
  const { title, content, image, link, category, createdDate } = message;
  return (
    <li className={styles.message}>
      <div className={styles.head}>
        <h3>{title ?? 'Without a title'}</h3>
        <span className={styles.when}>
          <Time at={new Date(createdDate).toISOString()} />
        </span>
      </div>
      {content !== undefined && <p className={styles.content}>{content}</p>}
      {image !== undefined && (
        <p className={styles.extra}>
          <Image aria-hidden /> {image}
        </p>
      )}
      {link !== undefined && (
        <p className={styles.extra}>
          <Link2 aria-hidden /> {link}
        </p>
      )}
      {category !== undefined && <Chip>{category}</Chip>}
    </li>
  );
}
