import type { Change, ChangeKind } from './apply-change.ts';

const kinds = ['delivery', 'attempt', 'webhook', 'event'] as const satisfies readonly ChangeKind[];

/** After an answer that was no stream, which the browser takes for an end, it is tried again. */
const againMs = 2_000;

/**
 * Listens to server-sent events. A connection that is lost is made again by the browser, which says where it was, so that the
 * server goes on from there; `onReset` hears when the server no longer can. The answer ends it.
 */
export function listen(
  path: string,
  hears: {
    onLive: (isLive: boolean) => void;
    onChange: (kind: ChangeKind, change: Change) => void;
    onReset: () => void;
  },
): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function open() {
    source = new EventSource(path);
    source.addEventListener('open', () => {
      hears.onLive(true);
      // A new stream begins with now: what came in between was missed.
      if (timer !== undefined) hears.onReset();
      timer = undefined;
    });
    source.addEventListener('error', () => {
      hears.onLive(false);
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, againMs);
    });
    source.addEventListener('reset', hears.onReset);
    for (const kind of kinds) {
      source.addEventListener(kind, (message) => hears.onChange(kind, JSON.parse(message.data)));
    }
  }

  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
