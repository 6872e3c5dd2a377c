import type { Webhook } from '../../api/types.ts';

/** What people know a webhook by: its description, or else its URL without the scheme. */
export function nameOf({ description, url }: Pick<Webhook, 'description' | 'url'>): string {
  return description.trim() === '' ? shortUrl(url) : description;
}

/** Where deliveries go, in short. */
export function shortUrl(url: string | null): string {
  if (url === null) return 'pulled by its consumer';
  return url.replace(/^https?:\/\//, '').replace(/\/$/, '');
}
