/** A message of a stream of server-sent events (WHATWG HTML, 9.2), as far as ours have fields. */
export interface StreamMessage {
  event: string;
  /** Empty where it has none. */
  id: string;
  data: string;
}

/** The messages of a stream, and `null` for every comment: it says that the other side is still there. */
export async function* messagesOf(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamMessage | null, void, void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) yield messageIn(block);
  }
}

function messageIn(block: string): StreamMessage | null {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name, value] = /^(event|id|data): ?(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const before = fields.get(name);
    fields.set(name, name === 'data' && before !== undefined ? `${before}\n${value}` : value);
  }
  const data = fields.get('data');
  if (data === undefined) return null;
  return { event: fields.get('event') ?? 'message', id: fields.get('id') ?? '', data };
}
