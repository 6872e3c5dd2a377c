import { waitFor } from './wait-for.ts';

export interface StreamMessage {
  event: string;
  id: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  data: any;
  at: number;
}

/** Reads server-sent events, as a browser does. */
export async function openEventStream(url: string, headers: Record<string, string>) {
  const controller = new AbortController();
  const response = await fetch(url, { headers, signal: controller.signal });
  const messages: StreamMessage[] = [];
  let hasEnded = false;
  const reading = (async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        const data = field('data');
        if (data === undefined) continue;
        messages.push({
          event: field('event') ?? '',
          id: Number(field('id')),
          data: JSON.parse(data),
          at: Date.now(),
        });
      }
    }
  })()
    .catch(() => {})
    .finally(() => {
      hasEnded = true;
    });
  return {
    response,
    messages,
    /** The first message of which that is true. */
    message: (what: string, is: (message: StreamMessage) => boolean) =>
      waitFor(async () => messages.find(is), `a message: ${what}`),
    ended: () => waitFor(async () => hasEnded || undefined, 'the stream to end'),
    async close() {
      controller.abort();
      await reading;
    },
  };
}
