import type { Webhook } from '../../api/types.ts';

/** What people know a webhook by: its description, or else its URL without the scheme. */
export function nameOf({ description, url }: Pick<Webhook, 'description' | 'url'>): string {
  return description.trim() === '' ? shortUrl(url) : description;
}

export function shortUrl(url: string): string {
  return url.replace(/^https?:\/\//, '').replace(/\/$/, '');
}
