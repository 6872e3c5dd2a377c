export interface Delivery {
  readonly id: string;
  readonly webhook_id: string;
  readonly workflow_id: string;
  readonly status: string;
}

export interface Attempt {
  readonly number: number;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly response_status: number | null;
  readonly reason: string | null;
}

/** What the demo asks of Postrider's API. Each call throws when it is answered with an error. */
export interface Api {
  registerWebhook(request: object): Promise<{ id: string; secret: string }>;
  postEvent(request: object): Promise<{ id: string }>;
  /** The event's deliveries, each with its attempts, first to last. */
  deliveriesOf(eventId: string): Promise<(Delivery & { attempts: Attempt[] })[]>;
}

export function createApi(url: string, key: string): Api {
  async function call<Answer>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`);
    return JSON.parse(text) as Answer;
  }

  return {
    registerWebhook: (request) => call('POST', '/v1/webhooks', request),
    postEvent: (request) => call('POST', '/v1/events', request),
    async deliveriesOf(eventId) {
      const { data } = await call<{ data: Delivery[] }>('GET', `/v1/deliveries?event_id=${eventId}`);
      return Promise.all(
        data.map(({ id }) => call<Delivery & { attempts: Attempt[] }>('GET', `/v1/deliveries/${id}`)),
      );
    },
  };
}
