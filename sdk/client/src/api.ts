/** Made by `npm run sdk:types` out of /openapi.json: not to be changed by hand. */

export interface paths {
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List events, newest first
         * @description What is looked for may be rare: a request looks at some ten thousand events at most, and says with `searched_until` how far it came when there are more.
         */
        get: operations["listEvents"];
        put?: never;
        /**
         * Post an event for delivery
         * @description Answered once the event and its deliveries are stored; they go out at once. A repeat, told by `Idempotency-Key` or the event’s own `id`, gets the first answer. Data that does not fit the JSON Schema of its type (see Event types) is refused, and so is a type that is in no catalogue when the account is strict. With `deliver_at` it waits until then, and can be changed and cancelled; after `expires_at` nothing of it is sent. After a 503 the event may be stored or not: post it again, with the same key or id.
         */
        post: operations["postEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get an event with its deliveries */
        get: operations["getEvent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change a scheduled event
         * @description When it goes out, when it expires, and its data, for as long as it has not gone out. Another type or channel is another event: cancel this one. A repeat of the request that posted it still gets the first answer.
         */
        patch: operations["changeEvent"];
        trace?: never;
    };
    "/v1/events/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post up to 1,000 events for delivery
         * @description 1 to 1000 events, each as it would be posted by itself and with its `idempotency_key` as a field. Those that are taken are stored in one transaction, and the answer has a result for each, in their order: `accepted`, `repeated` (accepted before, under the same id or key), or `refused` with the problem that it would have been answered with by itself. An event that is refused does not affect the others. A batch may be posted again as a whole: what has an id or a key is not stored twice.
         */
        post: operations["postEvents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a scheduled event
         * @description It never goes out, and stays listed as `cancelled`. Cancelling twice is cancelling once. Of an event that has gone out, cancel the deliveries that still wait.
         */
        post: operations["cancelEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}/resend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send an event again
         * @description To one webhook, whatever its filter says, or to all that subscribe to it now and whose filters let it through. Where there is a delivery, whatever its status, it gets one more attempt, as by `POST /v1/deliveries/{id}/retry`: the same `webhook-id`, the same bytes. A webhook that got none, since it is newer than the event or had not subscribed, gets a delivery with its whole retry schedule. Not before the time of a scheduled event, nor of one that was cancelled or has expired.
         */
        post: operations["resendEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List webhooks, newest first */
        get: operations["listWebhooks"];
        put?: never;
        /** Register a webhook */
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a webhook */
        get: operations["getWebhook"];
        /**
         * Replace a webhook’s settings
         * @description What is absent gets its default. Id, profile and secret stay.
         */
        put: operations["replaceWebhook"];
        post?: never;
        /**
         * Delete a webhook
         * @description Its waiting deliveries are cancelled; what was sent to it stays readable under its deliveries.
         */
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        /**
         * Change some of a webhook’s settings
         * @description What is absent stays as it is; null gives a setting that can be null its default.
         */
        patch: operations["changeWebhook"];
        trace?: never;
    };
    "/v1/webhooks/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what was sent to a webhook, newest first */
        get: operations["listWebhookLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a webhook’s signing secret */
        get: operations["getWebhookSecret"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a webhook a new signing secret
         * @description Until the overlap ends, `webhook-signature` has a signature by each secret, newest first; `X-Inbox-Signature` has room for one, the newest. Rotated again meanwhile, each earlier secret signs until the moment that its own rotation named, save with an overlap of 0, which ends them all. At most 5 sign: beyond that the oldest stops at once.
         */
        post: operations["rotateWebhookSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get how a webhook’s endpoint is */
        get: operations["getWebhookHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enable a webhook’s endpoint
         * @description Its failures are counted afresh, and what was held for it goes out, oldest first, at its `recovery_rate`; or it is discarded. Enabling twice is enabling once.
         */
        post: operations["enableWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Disable a webhook’s endpoint
         * @description What it would get is held until it is enabled; it is not probed meanwhile. Disabling twice is disabling once.
         */
        post: operations["disableWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/recover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send again what has failed
         * @description All deliveries that ended like that in that time go out once more, oldest first, at the webhook’s `recovery_rate`, each with its whole retry schedule; test events do not. Asked twice, nothing is sent twice: what is on its way no longer is `failed`, and a request joins the same one while that is under way. While the endpoint is disabled they are held.
         */
        post: operations["recoverWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/recovery": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get how far a webhook’s recovery has come
         * @description The one under way, or the last one that Temporal still knows.
         */
        get: operations["getWebhookRecovery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/recovery/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop sending again what had ended
         * @description What is not yet sent has its former status again. What was held because the endpoint was disabled still goes out: to stop that, disable the endpoint.
         */
        post: operations["cancelWebhookRecovery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a webhook an example event
         * @description Goes to this webhook alone, whether it subscribed to the type or not, in a single attempt. The data is the example of the account’s own catalogue, else the built-in one, else a plain one.
         */
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show the request that a webhook would get
         * @description Of an example event, signed with a secret that is made for it. Nothing is sent, and nothing stored. Values that are secret are shown as •••, as attempts show them.
         */
        post: operations["previewWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/try-expressions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a filter and a transformation on an event
         * @description One that was posted, or one made up. Answers what the filter says, and the body before and after the transformation; where an expression fails, or does not compile, the answer says where and why. Nothing is sent, and nothing stored.
         */
        post: operations["tryExpressions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/poll": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Pull the deliveries of a webhook without a URL
         * @description In their order, and nothing is taken away: until they are acknowledged they are there for whoever asks without a cursor, so that nothing is lost when a consumer dies. Two who ask at the same time get the same.
         */
        get: operations["pollWebhook"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/poll/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say what became of deliveries that were pulled
         * @description By a cursor: all up to it are done. Or one by one, with what was answered. Each becomes an attempt of its delivery; what is said twice counts once.
         */
        post: operations["acknowledgeDeliveries"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/listen": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Have the deliveries of a webhook without a URL sent along this connection
         * @description Server-sent events: `ready` {timeout_ms}, then `delivery` with what `GET …/poll` shows of each, in their order. What came of them is said to `POST …/poll/ack`; until then no more than `window` are sent ahead. The `id` of a message is the delivery’s cursor: in `Last-Event-ID` it goes on after it; without, it begins with the first that is not done. After five minutes the stream ends with `again`: it is to be asked for again. `gone` says that the webhook was deleted.
         */
        get: operations["listenToWebhook"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/account/webhook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the webhook that gets the new messages of all channels */
        get: operations["getAccountWebhook"];
        /**
         * Set the URL that gets the new messages of all channels
         * @description Makes a webhook of the profile omnichannel for newMessage, or changes the URL of the one that there is. It is a webhook like others, and listed with them.
         */
        put: operations["putAccountWebhook"];
        post?: never;
        /** Delete the webhook that gets the new messages of all channels */
        delete: operations["deleteAccountWebhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/channels/{id}/webhook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the webhook that gets the new messages of a channel */
        get: operations["getChannelWebhook"];
        /**
         * Set the URL that gets the new messages of a channel
         * @description Makes a webhook of the profile omnichannel for newMessage, or changes the URL of the one that there is. It is a webhook like others, and listed with them. An event of the channel goes to the account’s webhook as well.
         */
        put: operations["putChannelWebhook"];
        post?: never;
        /** Delete the webhook that gets the new messages of a channel */
        delete: operations["deleteChannelWebhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List deliveries, newest first
         * @description What is looked for by type, channel or text may be rare: a request looks at some ten thousand deliveries at most, and says with `searched_until` how far it came when there are more.
         */
        get: operations["listDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a delivery with its attempts, first to last */
        get: operations["getDelivery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make one more attempt now
         * @description Whatever the delivery’s status, and beside its schedule: an attempt that fails changes neither. One whose webhook has no URL is queued, to be pulled once more. Not once its event has expired.
         */
        post: operations["retryDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a delivery that still waits
         * @description An attempt that is under way is not called back. Cancelling twice is cancelling once.
         */
        post: operations["cancelDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inbox/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post a message of a contact, or a list of them
         * @description All are stored, or none. The list of each contact goes out within seconds, once for all messages of a second, to the webhooks that subscribed to inbox.messages. A repeat of a message, told by its `id`, is left as it is.
         */
        post: operations["postInboxMessages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inbox/messages/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a message with its status */
        get: operations["getInboxMessage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inbox/messages/{id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set a message’s status
         * @description From available to delivered to read, never back; deleted and expired are final, and such a message is no longer available, so that its contact’s list goes out again. The status that it has already changes nothing.
         */
        put: operations["setInboxMessageStatus"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inbox/contacts/{externalCustomerId}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a contact’s available messages as webhooks get them
         * @description Newest first, at most the account’s `inbox_message_limit`: all in one answer, without pages.
         */
        get: operations["listInboxMessages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/event-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List event types by name
         * @description The built-in ones, the account’s own, and those that were only seen in its events.
         */
        get: operations["listEventTypes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/event-types/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get an event type */
        get: operations["getEventType"];
        /**
         * Describe an event type in the account’s own catalogue
         * @description What is absent falls away. Compiling the schema is ended after 1 s, and checking an event by it after 0.2 s; an account whose schema has taken longer has its next checks refused with 503 for 10 s.
         */
        put: operations["describeEventType"];
        post?: never;
        /**
         * Take an event type out of the account’s own catalogue
         * @description A built-in type of that name then holds again; else the type is as if it had never been seen.
         */
        delete: operations["deleteEventType"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List API keys, newest first, revoked ones included */
        get: operations["listApiKeys"];
        put?: never;
        /**
         * Make an API key
         * @description With scopes, so that whoever has it can do what it is meant for, and no more.
         */
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description It is refused at once; other processes than the one that answers may take it for 5 s more.
         */
        delete: operations["revokeApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List accounts, newest first
         * @description Only a key of the first account may do this.
         */
        get: operations["listAccounts"];
        put?: never;
        /**
         * Make an account with its first API key
         * @description Only a key of the first account may do this.
         */
        post: operations["createAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/accounts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an account and what it is limited to
         * @description A key may see its own account, and one of the first account any.
         */
        get: operations["getAccount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change an account
         * @description A key may change its own account, and one of the first account any; for how long it is kept and its limits, only one of the first account. Limits hold in every process at once.
         */
        patch: operations["changeAccount"];
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get who is signed in */
        get: operations["getSession"];
        put?: never;
        /**
         * Sign a browser in
         * @description With an API key, or with the token of a portal link. The session’s cookie is HttpOnly and SameSite=Strict; it lasts for 24 hours, and no longer than the key or the link. A session that the browser had ends.
         */
        post: operations["signIn"];
        /**
         * Sign a browser out
         * @description Of a request with an API key nothing ends.
         */
        delete: operations["signOut"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/portal-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a link that opens the dashboard for one account, for a time
         * @description For a platform to give to its customer. Who opens it sees that account alone and touches neither keys nor links nor accounts; with `read_only` nothing at all can be changed, nor a signing secret be seen. It can be opened any number of times until it expires, and ends with the API key that made it.
         */
        post: operations["createPortalLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/portal-links/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a portal link
         * @description It and the sessions that it opened end at once.
         */
        delete: operations["revokePortalLink"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit-log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who or what changed something, newest first */
        get: operations["listAuditLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get how the account’s deliveries go
         * @description Of attempts, by when they began, of whatever kind. Buckets follow each other without a gap; the last one is not over yet. They are counted from the day on which this version was installed.
         */
        get: operations["getStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get how a webhook’s deliveries go
         * @description Of attempts, by when they began, of whatever kind. Buckets follow each other without a gap; the last one is not over yet. They are counted from the day on which this version was installed.
         */
        get: operations["getWebhookStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Watch what changes, as server-sent events
         * @description Messages `attempt` {id, delivery_id, webhook_id, status of the delivery}, `event` {id} of a new event and its deliveries, `delivery` {id, webhook_id, status} of one that was cancelled, `webhook` {id, endpoint_state}: ids and states only, within 2 s of the change. The `id` of a message, in `Last-Event-ID`, goes on after it, for ten minutes; what is near may come twice. `reset` says that more has changed than is told one by one, or than is still known: read anew what you show. `ready` says that from here on nothing is missed.
         */
        get: operations["watchChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process runs */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process can do its work */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        NewEvent: {
            /** @example message.delivered */
            type: string;
            /**
             * @description A JSON object. Numbers are doubles, as in I-JSON (RFC 7493): send larger integers, such as ids, as strings.
             * @example {
             *       "message_id": "msg_1234567890",
             *       "to": "+15551234567"
             *     }
             */
            data: {
                [key: string]: unknown;
            };
            channel?: string | null;
            /**
             * @description The producer’s own id of the event. Receivers see it, and a repeat with the same id is the same event. No full stop, since it becomes part of what is signed (Standard Webhooks).
             * @example evt_01k7q9w3v8e5xbm2rt4n6c0hzd
             */
            id?: string;
            deliver_at?: string | null;
            expires_at?: string | null;
        };
        /** @description What is absent stays. `deliver_at: null` sends it at once. */
        EventChange: {
            deliver_at?: string | null;
            expires_at?: string | null;
            /**
             * @description A JSON object. Numbers are doubles, as in I-JSON (RFC 7493): send larger integers, such as ids, as strings.
             * @example {
             *       "message_id": "msg_1234567890",
             *       "to": "+15551234567"
             *     }
             */
            data?: {
                [key: string]: unknown;
            };
        };
        EventBatch: {
            events: components["schemas"]["BatchedEvent"][];
        };
        BatchedEvent: {
            /** @example message.delivered */
            type: string;
            /**
             * @description A JSON object. Numbers are doubles, as in I-JSON (RFC 7493): send larger integers, such as ids, as strings.
             * @example {
             *       "message_id": "msg_1234567890",
             *       "to": "+15551234567"
             *     }
             */
            data: {
                [key: string]: unknown;
            };
            channel?: string | null;
            /**
             * @description The producer’s own id of the event. Receivers see it, and a repeat with the same id is the same event. No full stop, since it becomes part of what is signed (Standard Webhooks).
             * @example evt_01k7q9w3v8e5xbm2rt4n6c0hzd
             */
            id?: string;
            deliver_at?: string | null;
            expires_at?: string | null;
            /** @description As the header `Idempotency-Key` of a single event: a repeat with the same key gets the first answer. */
            idempotency_key?: string;
        };
        Resend: {
            /**
             * @description The one webhook to send it to, subscribed or not; all that subscribe to it if absent.
             * @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd
             */
            webhook_id?: string;
        };
        /** @description With the profile app-inbox `events` may be absent. The form of its document, `url` and `auth` alone, registers such a webhook as well. */
        NewWebhook: {
            /** @description Null for a webhook without one: its deliveries wait until its consumer pulls them (`GET /v1/webhooks/{id}/poll` and `…/listen`). A webhook cannot change from the one to the other. */
            url: string | null;
            /**
             * @description Event types: exact names, `message.*` for all below, or `*` for all.
             * @example [
             *       "message.delivered",
             *       "message.read",
             *       "message.failed"
             *     ]
             */
            events?: string[];
            /** @example Production webhook endpoint */
            description?: string;
            /** @description Only events of these channels; null or absent for all events. */
            channels?: string[] | null;
            filter?: string | null;
            transformation?: string | null;
            retry_schedule?: ({
                /** @description The delay before each attempt, the first included. */
                delays_ms: number[];
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            } | {
                initial_ms: number;
                factor: number;
                max_ms: number;
                /** @description In all, the first included, which is made at once. */
                attempts: number;
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            }) | null;
            /** @description How long an attempt may take; null or absent for the profile’s own limit. */
            timeout_ms?: number | null;
            /** @description Sent with every request. Read back, values are •••, which sent again keeps them. */
            headers?: {
                [key: string]: string;
            };
            /** @description How requests authenticate. Read back, password and token are •••, which sent again keeps them. */
            auth?: {
                /** @constant */
                type: "none";
            } | {
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            } | {
                /** @constant */
                type: "oauth2";
                /**
                 * Format: uri
                 * @description The token endpoint. https only, save for addresses that the operator lists.
                 * @example https://login.example.com/oauth2/token
                 */
                token_url: string;
                client_id: string;
                /** @description Read back it is •••, which sent again keeps it for as long as the token endpoint is on the same host. */
                client_secret: string;
                /**
                 * @description Whether the token endpoint gets id and secret by HTTP Basic or in the form.
                 * @default basic
                 * @enum {string}
                 */
                client_authentication?: "basic" | "body";
                /**
                 * @description Scopes, with blanks between.
                 * @example events:write
                 */
                scope?: string;
                /** @example https://api.example.com */
                audience?: string;
                /** @description What else the token endpoint wants in the form, at most 10. Read back, values are •••, which sent again keeps them. */
                parameters?: {
                    [key: string]: string;
                };
            };
            client_certificate?: components["schemas"]["ClientCertificate"] | null;
            server_ca?: string | null;
            health?: components["schemas"]["OwnHealthPolicy"] | null;
            recovery_rate?: number | null;
            rate_limit?: number | null;
            max_in_flight?: number | null;
            lapses_after_s?: number | null;
            ordering?: ("fifo" | {
                /**
                 * @description A JSON Pointer (RFC 6901) into the event: its `id`, `type`, `channel` and `data`.
                 * @example /data/conversation_id
                 */
                fifo_by: string;
            }) | null;
            on_failure?: ("skip" | "block") | null;
            /**
             * @description The wire dialect; inbox if absent. It cannot be changed later.
             * @enum {string}
             */
            profile?: "inbox" | "inbox-components" | "app-inbox" | "omnichannel" | "standard";
            /**
             * Format: signing-secret
             * @description The signing secret: whsec_ (HMAC) or whsk_ (ed25519) and base64. Made when absent.
             */
            secret?: string;
        };
        /** @description What shows the receiver who connects (mTLS); null or absent for nothing. It needs an https:// URL. */
        ClientCertificate: {
            /**
             * @description PEM: the certificate, then those of its chain, each the issuer of the one before.
             * @example -----BEGIN CERTIFICATE-----
             *     MIIB…
             *     -----END CERTIFICATE-----
             */
            certificate: string;
            /**
             * @description PEM. Read back it is •••, which sent again keeps it.
             * @example -----BEGIN PRIVATE KEY-----
             *     MIIE…
             *     -----END PRIVATE KEY-----
             */
            private_key: string;
            /** @description Of an encrypted private key. It is used once, and not stored. */
            passphrase?: string;
        };
        /** @description When the endpoint is disabled and how it is enabled again; what is absent is as in the profile. Null or absent for the profile’s policy. */
        OwnHealthPolicy: {
            /**
             * @description What counts: every failed attempt, or only deliveries that have failed for good (their retry schedule is spent).
             * @enum {string}
             */
            count?: "attempts" | "deliveries";
            /** @description So many in a row disable the endpoint; half of them are told as `webhook.failing`. */
            failures?: number;
            /** @description It is disabled only when it has failed for so long, in ms, without a success. */
            min_failing_ms?: number;
            /** @description How a disabled endpoint is enabled again: by hand alone, or also by itself, when one delivery that waits is tried and succeeds. One that answered 410 is never tried. */
            reenable?: "manual" | {
                /** @description Before the first probe. */
                after_ms: number;
                /** @description Each further wait is so many times as long… */
                backoff: number;
                /** @description …and at most so long. */
                max_ms: number;
            };
        };
        WebhookReplacement: {
            /** @description Null for a webhook without one: its deliveries wait until its consumer pulls them (`GET /v1/webhooks/{id}/poll` and `…/listen`). A webhook cannot change from the one to the other. */
            url: string | null;
            /**
             * @description Event types: exact names, `message.*` for all below, or `*` for all.
             * @example [
             *       "message.delivered",
             *       "message.read",
             *       "message.failed"
             *     ]
             */
            events: string[];
            /** @example Production webhook endpoint */
            description?: string;
            /** @description Only events of these channels; null or absent for all events. */
            channels?: string[] | null;
            filter?: string | null;
            transformation?: string | null;
            retry_schedule?: ({
                /** @description The delay before each attempt, the first included. */
                delays_ms: number[];
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            } | {
                initial_ms: number;
                factor: number;
                max_ms: number;
                /** @description In all, the first included, which is made at once. */
                attempts: number;
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            }) | null;
            /** @description How long an attempt may take; null or absent for the profile’s own limit. */
            timeout_ms?: number | null;
            /** @description Sent with every request. Read back, values are •••, which sent again keeps them. */
            headers?: {
                [key: string]: string;
            };
            /** @description How requests authenticate. Read back, password and token are •••, which sent again keeps them. */
            auth?: {
                /** @constant */
                type: "none";
            } | {
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            } | {
                /** @constant */
                type: "oauth2";
                /**
                 * Format: uri
                 * @description The token endpoint. https only, save for addresses that the operator lists.
                 * @example https://login.example.com/oauth2/token
                 */
                token_url: string;
                client_id: string;
                /** @description Read back it is •••, which sent again keeps it for as long as the token endpoint is on the same host. */
                client_secret: string;
                /**
                 * @description Whether the token endpoint gets id and secret by HTTP Basic or in the form.
                 * @default basic
                 * @enum {string}
                 */
                client_authentication?: "basic" | "body";
                /**
                 * @description Scopes, with blanks between.
                 * @example events:write
                 */
                scope?: string;
                /** @example https://api.example.com */
                audience?: string;
                /** @description What else the token endpoint wants in the form, at most 10. Read back, values are •••, which sent again keeps them. */
                parameters?: {
                    [key: string]: string;
                };
            };
            client_certificate?: components["schemas"]["ClientCertificate"] | null;
            server_ca?: string | null;
            health?: components["schemas"]["OwnHealthPolicy"] | null;
            recovery_rate?: number | null;
            rate_limit?: number | null;
            max_in_flight?: number | null;
            lapses_after_s?: number | null;
            ordering?: ("fifo" | {
                /**
                 * @description A JSON Pointer (RFC 6901) into the event: its `id`, `type`, `channel` and `data`.
                 * @example /data/conversation_id
                 */
                fifo_by: string;
            }) | null;
            on_failure?: ("skip" | "block") | null;
            /**
             * @description Must be the profile it has: that cannot be changed.
             * @enum {string}
             */
            profile?: "inbox" | "inbox-components" | "app-inbox" | "omnichannel" | "standard";
        };
        WebhookChange: {
            /** @description Null for a webhook without one: its deliveries wait until its consumer pulls them (`GET /v1/webhooks/{id}/poll` and `…/listen`). A webhook cannot change from the one to the other. */
            url?: string | null;
            /**
             * @description Event types: exact names, `message.*` for all below, or `*` for all.
             * @example [
             *       "message.delivered",
             *       "message.read",
             *       "message.failed"
             *     ]
             */
            events?: string[];
            /** @example Production webhook endpoint */
            description?: string;
            /** @description Only events of these channels; null or absent for all events. */
            channels?: string[] | null;
            filter?: string | null;
            transformation?: string | null;
            retry_schedule?: ({
                /** @description The delay before each attempt, the first included. */
                delays_ms: number[];
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            } | {
                initial_ms: number;
                factor: number;
                max_ms: number;
                /** @description In all, the first included, which is made at once. */
                attempts: number;
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            }) | null;
            /** @description How long an attempt may take; null or absent for the profile’s own limit. */
            timeout_ms?: number | null;
            /** @description Sent with every request. Read back, values are •••, which sent again keeps them. */
            headers?: {
                [key: string]: string;
            };
            /** @description How requests authenticate. Read back, password and token are •••, which sent again keeps them. */
            auth?: {
                /** @constant */
                type: "none";
            } | {
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            } | {
                /** @constant */
                type: "oauth2";
                /**
                 * Format: uri
                 * @description The token endpoint. https only, save for addresses that the operator lists.
                 * @example https://login.example.com/oauth2/token
                 */
                token_url: string;
                client_id: string;
                /** @description Read back it is •••, which sent again keeps it for as long as the token endpoint is on the same host. */
                client_secret: string;
                /**
                 * @description Whether the token endpoint gets id and secret by HTTP Basic or in the form.
                 * @default basic
                 * @enum {string}
                 */
                client_authentication?: "basic" | "body";
                /**
                 * @description Scopes, with blanks between.
                 * @example events:write
                 */
                scope?: string;
                /** @example https://api.example.com */
                audience?: string;
                /** @description What else the token endpoint wants in the form, at most 10. Read back, values are •••, which sent again keeps them. */
                parameters?: {
                    [key: string]: string;
                };
            };
            client_certificate?: components["schemas"]["ClientCertificate"] | null;
            server_ca?: string | null;
            health?: components["schemas"]["OwnHealthPolicy"] | null;
            recovery_rate?: number | null;
            rate_limit?: number | null;
            max_in_flight?: number | null;
            lapses_after_s?: number | null;
            ordering?: ("fifo" | {
                /**
                 * @description A JSON Pointer (RFC 6901) into the event: its `id`, `type`, `channel` and `data`.
                 * @example /data/conversation_id
                 */
                fifo_by: string;
            }) | null;
            on_failure?: ("skip" | "block") | null;
            /**
             * @description Must be the profile it has: that cannot be changed.
             * @enum {string}
             */
            profile?: "inbox" | "inbox-components" | "app-inbox" | "omnichannel" | "standard";
        };
        SecretRotation: {
            /**
             * Format: signing-secret
             * @description The new secret: whsec_ (HMAC) or whsk_ (ed25519) and base64. Made, of the same kind, when absent.
             */
            secret?: string;
            /**
             * @description For how long the secret that is current until now goes on signing beside the new one; with 0 the new one is at once the only one.
             * @default 86400
             */
            overlap_seconds?: number;
        };
        Enabling: {
            /**
             * @description What becomes of the deliveries that wait: `deliver` if absent.
             * @example deliver
             * @enum {string}
             */
            held?: "deliver" | "discard";
            /** @description Shown with the state, in the audit log and in the Temporal UI. */
            reason?: string;
        };
        Disabling: {
            /** @description Shown with the state, in the audit log and in the Temporal UI. */
            reason?: string;
        };
        Recovery: {
            /**
             * Format: date-time
             * @description What ended from then on.
             * @example 2025-01-15T10:25:03Z
             */
            since: string;
            /** @description What ended until then; until now if null or absent, and never what ends later. */
            until?: string | null;
            /**
             * @description How it ended: `failed` if absent.
             * @enum {string}
             */
            status?: "failed" | "cancelled";
        };
        WebhookTest: {
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            /** @example message.delivered */
            event_type: string;
        };
        WebhookPreview: {
            /** @enum {string} */
            profile?: "inbox" | "inbox-components" | "app-inbox" | "omnichannel" | "standard";
            /** @example message.delivered */
            event_type: string;
            /** @description Shown as it is. */
            url?: string;
            transformation?: string | null;
            /** @description Sent with every request. Read back, values are •••, which sent again keeps them. */
            headers?: {
                [key: string]: string;
            };
            /** @description How requests authenticate. Read back, password and token are •••, which sent again keeps them. */
            auth?: {
                /** @constant */
                type: "none";
            } | {
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            } | {
                /** @constant */
                type: "oauth2";
                /**
                 * Format: uri
                 * @description The token endpoint. https only, save for addresses that the operator lists.
                 * @example https://login.example.com/oauth2/token
                 */
                token_url: string;
                client_id: string;
                /** @description Read back it is •••, which sent again keeps it for as long as the token endpoint is on the same host. */
                client_secret: string;
                /**
                 * @description Whether the token endpoint gets id and secret by HTTP Basic or in the form.
                 * @default basic
                 * @enum {string}
                 */
                client_authentication?: "basic" | "body";
                /**
                 * @description Scopes, with blanks between.
                 * @example events:write
                 */
                scope?: string;
                /** @example https://api.example.com */
                audience?: string;
                /** @description What else the token endpoint wants in the form, at most 10. Read back, values are •••, which sent again keeps them. */
                parameters?: {
                    [key: string]: string;
                };
            };
        };
        ExpressionTrial: {
            /**
             * @description Its expressions are tried where none are given, and with its profile where none is.
             * @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd
             */
            webhook_id?: string;
            /**
             * @description The profile whose body `$body` is.
             * @enum {string}
             */
            profile?: "inbox" | "inbox-components" | "app-inbox" | "omnichannel" | "standard";
            filter?: string | null;
            transformation?: string | null;
            /**
             * @description An event that was posted; or `event`.
             * @example evt_01k7q9w3v8e5xbm2rt4n6c0hzd
             */
            event_id?: string;
            /** @description An event made up for this; or `event_id`. */
            event?: {
                /** @example message.delivered */
                type: string;
                channel?: string | null;
                data: {
                    [key: string]: unknown;
                };
            };
        };
        Acknowledgement: {
            /** @description What came of single deliveries. It is judged as the answer of a URL: 2xx is success, anything else is tried again by the webhook’s retry schedule. */
            results?: {
                /**
                 * Format: pull-cursor
                 * @example d2hfMDFrN3E5dzN2OGU1eGJtMnJ0NG42YzBoemQvNy8xNzM3MTIzNDU2Nzg5
                 */
                cursor: string;
                /** @description The answer’s HTTP status. */
                status?: number;
                headers?: {
                    [key: string]: string;
                };
                body?: string;
                body_truncated?: boolean;
                /**
                 * @description Why there was no answer, in place of a status.
                 * @enum {string}
                 */
                error?: "http_status" | "redirect" | "gone" | "timeout" | "connect_timeout" | "connection_limit" | "connection_refused" | "connection_reset" | "unreachable" | "dns" | "tls" | "blocked_address" | "url_refused" | "protocol_error" | "unsendable" | "no_token" | "certificate_expired" | "proxy" | "filter_failed" | "transformation_failed" | "expressions_busy" | "interrupted" | "internal";
                duration_ms?: number;
            }[];
            /**
             * Format: pull-cursor
             * @description All up to this place are done: they end as succeeded. Looked at after the results.
             * @example d2hfMDFrN3E5dzN2OGU1eGJtMnJ0NG42YzBoemQvNy8xNzM3MTIzNDU2Nzg5
             */
            cursor?: string;
        };
        WebhookUrl: {
            /** @description Null removes the webhook. */
            url: string | null;
        };
        /** @description A message of a contact. Null is absent. */
        NewInboxMessage: {
            /** @description The receiver. Messages of a contact that has none are kept, and nothing is sent. */
            externalCustomerId?: string | null;
            /** @description The interaction id; made when absent. The same id with the same content is the same message. */
            id?: string | null;
            /**
             * @description In milliseconds since 1970; now when absent.
             * @example 1736936703000
             */
            createdDate?: number | null;
            title?: string | null;
            content?: string | null;
            /** @description A URL, as browsers read it (WHATWG). */
            image?: string | null;
            /** @description A URL, as browsers read it (WHATWG). */
            link?: string | null;
            category?: string | null;
            /** @description Text: the producer’s own data, as JSON for example. */
            customData?: string | null;
        };
        InboxMessageStatus: {
            /** @enum {string} */
            status: "delivered" | "read" | "deleted" | "expired";
        };
        EventTypeDescription: {
            description: string;
            /** @description What POST /v1/webhooks/test sends. */
            example?: (({
                [key: string]: unknown;
            } | unknown | null) | null) | unknown | null;
            /** @description A JSON Schema (draft 2020-12) of at most 32768 characters. Events whose data does not fit are refused. Nothing is fetched: a $ref must lead to something in the schema itself. */
            schema?: (({
                [key: string]: unknown;
            } | unknown | null) | null) | unknown | null;
        };
        NewApiKey: {
            name: string;
            /**
             * @description What it is good for; all but `admin` if absent. `admin` is good for everything.
             * @example [
             *       "events:write"
             *     ]
             */
            scopes?: ("events:write" | "webhooks:read" | "webhooks:write" | "admin")[];
            /**
             * @description Null or absent for never.
             * @example 2100-01-01T00:00:00Z
             */
            expires_at?: string | null;
        };
        NewAccount: {
            name: string;
        };
        AccountChange: {
            name?: string;
            /** @description How many App Inbox messages of a contact are available at most; older ones no longer are. */
            inbox_message_limit?: number;
            /** @description Whether events of types that are in no catalogue are refused. */
            strict_event_types?: boolean;
            /** @description For how many days its events, deliveries and attempts are kept; null for as many as `RETENTION_DAYS` says. */
            retention_days?: number | null;
            /** @description Those that are given; what is absent stays. */
            limits?: {
                /** @description Requests of all its keys and sessions within a second; null for any number. */
                requests_per_second?: number | null;
                /** @description Events and App Inbox messages that are posted within a day (UTC), repeats included; null for any number. */
                events_per_day?: number | null;
                /** @description Webhooks that there are at a time; null for any number. */
                webhooks?: number | null;
                /** @description Of an event, as it is posted; null for as many as anyone may post. */
                event_bytes?: number | null;
            };
        };
        NewSession: {
            api_key: string;
        } | {
            /** @description What stands after # in a portal link. */
            portal_token: string;
        };
        NewPortalLink: {
            /**
             * @description Whose dashboard it opens; another account than one’s own needs a key of the first account.
             * @example acct_01k7q9w3v8e5xbm2rt4n6c0hzd
             */
            account_id?: string;
            /**
             * @description For how many seconds it can be used.
             * @example 3600
             */
            expires_in: number;
            /** @description For looking only; false if absent. */
            read_only?: boolean;
        };
        AcceptedEvent: {
            id: string;
            type: string;
            channel: string | null;
            /** @description When it goes out, or went; null where that was at once. */
            deliver_at: string | null;
            /** @description From then on no attempt begins; null for never. */
            expires_at: string | null;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
        };
        /** @description RFC 9457 */
        Problem: {
            /** @constant */
            type: "about:blank";
            title: string;
            status: number;
            detail: string;
            /** @description What programs tell problems apart by. */
            code: string;
            errors?: {
                /** @description A JSON pointer into the body. */
                pointer?: string;
                /** @description The name of a path or query parameter. */
                parameter?: string;
                header?: string;
                detail: string;
            }[];
        } & {
            [key: string]: unknown;
        };
        /** @description An event without its data. */
        EventSummary: {
            id: string;
            type: string;
            channel: string | null;
            is_test: boolean;
            /**
             * @description `scheduled` until its `deliver_at`; `cancelled` when it was called off before; otherwise `released`, to the webhooks that subscribed to it then.
             * @enum {string}
             */
            status: "released" | "scheduled" | "cancelled";
            /** @description When it goes out, or went; null where that was at once. */
            deliver_at: string | null;
            /** @description From then on no attempt begins; null for never. */
            expires_at: string | null;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
        };
        Event: {
            id: string;
            type: string;
            channel: string | null;
            is_test: boolean;
            /**
             * @description `scheduled` until its `deliver_at`; `cancelled` when it was called off before; otherwise `released`, to the webhooks that subscribed to it then.
             * @enum {string}
             */
            status: "released" | "scheduled" | "cancelled";
            /** @description When it goes out, or went; null where that was at once. */
            deliver_at: string | null;
            /** @description From then on no attempt begins; null for never. */
            expires_at: string | null;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            data: {
                [key: string]: unknown;
            };
            /** @description Newest first; at most 1,000. */
            deliveries: components["schemas"]["Delivery"][];
            /** @description Webhooks that subscribed to it and whose `filter` kept it from them. */
            filtered_out: string[];
        };
        Delivery: {
            /** @example dlv_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            event_id: string;
            /** @description Null once the event is no longer kept. */
            event_type: string | null;
            /** @description The channel that the event came from. */
            channel: string | null;
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            /** @description As it is now; null where its deliveries are pulled. */
            webhook_url: string | null;
            webhook_description: string;
            /** @description The Temporal workflow that owns it. */
            workflow_id: string;
            /** @enum {string} */
            status: "pending" | "held" | "queued" | "succeeded" | "failed" | "cancelled" | "expired";
            attempt_count: number;
            /** @description Null, too, when it expires before. */
            next_attempt_at: string | null;
            /** @description Its event’s: from then on no attempt begins; null for never. */
            expires_at: string | null;
            /** @description Why it is where it is: the last failure, for example. */
            reason: string | null;
            /** @description What the last attempt was answered; null when it was not, or none was made. */
            response_status: number | null;
            /** @description Deliveries of one webhook that have the same lane go out one after the other; null where they are in no order. */
            lane: string | null;
            /** @description The delivery of its lane that is to end before; null where it waits for none. */
            waits_for: string | null;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            ended_at: string | null;
        };
        EventBatchResult: {
            /** @description One for each event, in their order. */
            results: ({
                /** @enum {string} */
                status: "accepted" | "repeated";
                id: string;
                type: string;
                channel: string | null;
                /** @description When it goes out, or went; null where that was at once. */
                deliver_at: string | null;
                /** @description From then on no attempt begins; null for never. */
                expires_at: string | null;
                /**
                 * Format: date-time
                 * @example 2025-01-15T10:25:03.000Z
                 */
                created_at: string;
            } | {
                /** @constant */
                status: "refused";
                problem: components["schemas"]["Problem"];
            })[];
        };
        Resent: {
            event_id: string;
            deliveries: {
                /** @example dlv_01k7q9w3v8e5xbm2rt4n6c0hzd */
                id: string;
                /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
                webhook_id: string;
                /** @description The one more attempt of a delivery that there was; null for a delivery that was added, or queued to be pulled once more. */
                attempt_id: string | null;
            }[];
        };
        CreatedWebhook: {
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            url: string | null;
            description: string;
            events: string[];
            channels: string[] | null;
            profile: string;
            filter: string | null;
            transformation: string | null;
            retry_schedule: ({
                /** @description The delay before each attempt, the first included. */
                delays_ms: number[];
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            } | {
                initial_ms: number;
                factor: number;
                max_ms: number;
                /** @description In all, the first included, which is made at once. */
                attempts: number;
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            }) | null;
            timeout_ms: number | null;
            headers: {
                [key: string]: string;
            };
            /** @description How requests authenticate. Read back, password and token are •••, which sent again keeps them. */
            auth: {
                /** @constant */
                type: "none";
            } | {
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            } | {
                /** @constant */
                type: "oauth2";
                /**
                 * Format: uri
                 * @description The token endpoint. https only, save for addresses that the operator lists.
                 * @example https://login.example.com/oauth2/token
                 */
                token_url: string;
                client_id: string;
                /** @description Read back it is •••, which sent again keeps it for as long as the token endpoint is on the same host. */
                client_secret: string;
                /**
                 * @description Whether the token endpoint gets id and secret by HTTP Basic or in the form.
                 * @default basic
                 * @enum {string}
                 */
                client_authentication: "basic" | "body";
                /**
                 * @description Scopes, with blanks between.
                 * @example events:write
                 */
                scope?: string;
                /** @example https://api.example.com */
                audience?: string;
                /** @description What else the token endpoint wants in the form, at most 10. Read back, values are •••, which sent again keeps them. */
                parameters?: {
                    [key: string]: string;
                };
            };
            client_certificate: components["schemas"]["ShownClientCertificate"] | null;
            client_certificate_details: components["schemas"]["CertificateDetails"] | null;
            server_ca: string | null;
            health: components["schemas"]["OwnHealthPolicy"] | null;
            /** @description Held deliveries a second that go out when the endpoint is enabled again; 20 if absent. */
            recovery_rate: number;
            rate_limit: number | null;
            max_in_flight: number | null;
            lapses_after_s: number | null;
            /** @description Without a URL: when its consumer was last there, to within some seconds. */
            pulled_at: string | null;
            ordering: ("fifo" | {
                /**
                 * @description A JSON Pointer (RFC 6901) into the event: its `id`, `type`, `channel` and `data`.
                 * @example /data/conversation_id
                 */
                fifo_by: string;
            }) | null;
            /**
             * @description With an `ordering`, what becomes of it when a delivery fails for good: `skip`, the next one goes out; `block`, those behind it wait, the endpoint is disabled, and when it is enabled again all goes on with the one that failed. `skip` if absent.
             * @enum {string}
             */
            on_failure: "skip" | "block";
            /** @enum {string} */
            endpoint_state: "healthy" | "failing" | "disabled" | "probing";
            /**
             * Format: date-time
             * @description Since when the endpoint is in this state.
             * @example 2025-01-15T10:25:03.000Z
             */
            state_since: string;
            /** @description Why it is in this state, in words. */
            state_reason: string | null;
            /** @description As its health policy counts them. */
            consecutive_failures: number;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            updated_at: string;
            /** @description The signing secret. */
            secret: string;
        };
        ShownClientCertificate: {
            /**
             * @description PEM: the certificate, then those of its chain, each the issuer of the one before.
             * @example -----BEGIN CERTIFICATE-----
             *     MIIB…
             *     -----END CERTIFICATE-----
             */
            certificate: string;
            /**
             * @description PEM. Read back it is •••, which sent again keeps it.
             * @example -----BEGIN PRIVATE KEY-----
             *     MIIE…
             *     -----END PRIVATE KEY-----
             */
            private_key: string;
        };
        CertificateDetails: {
            /** @example CN=postrider, O=Example */
            subject: string;
            issuer: string;
            serial_number: string;
            /** @description SHA-256, in hex with colons between. */
            fingerprint: string;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            not_before: string;
            /**
             * Format: date-time
             * @description From then on nothing is sent, until there is another one.
             * @example 2025-01-15T10:25:03.000Z
             */
            not_after: string;
        };
        ListedWebhook: {
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            url: string | null;
            description: string;
            events: string[];
            channels: string[] | null;
            profile: string;
            filter: string | null;
            transformation: string | null;
            retry_schedule: ({
                /** @description The delay before each attempt, the first included. */
                delays_ms: number[];
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            } | {
                initial_ms: number;
                factor: number;
                max_ms: number;
                /** @description In all, the first included, which is made at once. */
                attempts: number;
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            }) | null;
            timeout_ms: number | null;
            headers: {
                [key: string]: string;
            };
            /** @description How requests authenticate. Read back, password and token are •••, which sent again keeps them. */
            auth: {
                /** @constant */
                type: "none";
            } | {
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            } | {
                /** @constant */
                type: "oauth2";
                /**
                 * Format: uri
                 * @description The token endpoint. https only, save for addresses that the operator lists.
                 * @example https://login.example.com/oauth2/token
                 */
                token_url: string;
                client_id: string;
                /** @description Read back it is •••, which sent again keeps it for as long as the token endpoint is on the same host. */
                client_secret: string;
                /**
                 * @description Whether the token endpoint gets id and secret by HTTP Basic or in the form.
                 * @default basic
                 * @enum {string}
                 */
                client_authentication: "basic" | "body";
                /**
                 * @description Scopes, with blanks between.
                 * @example events:write
                 */
                scope?: string;
                /** @example https://api.example.com */
                audience?: string;
                /** @description What else the token endpoint wants in the form, at most 10. Read back, values are •••, which sent again keeps them. */
                parameters?: {
                    [key: string]: string;
                };
            };
            client_certificate: components["schemas"]["ShownClientCertificate"] | null;
            client_certificate_details: components["schemas"]["CertificateDetails"] | null;
            server_ca: string | null;
            health: components["schemas"]["OwnHealthPolicy"] | null;
            /** @description Held deliveries a second that go out when the endpoint is enabled again; 20 if absent. */
            recovery_rate: number;
            rate_limit: number | null;
            max_in_flight: number | null;
            lapses_after_s: number | null;
            /** @description Without a URL: when its consumer was last there, to within some seconds. */
            pulled_at: string | null;
            ordering: ("fifo" | {
                /**
                 * @description A JSON Pointer (RFC 6901) into the event: its `id`, `type`, `channel` and `data`.
                 * @example /data/conversation_id
                 */
                fifo_by: string;
            }) | null;
            /**
             * @description With an `ordering`, what becomes of it when a delivery fails for good: `skip`, the next one goes out; `block`, those behind it wait, the endpoint is disabled, and when it is enabled again all goes on with the one that failed. `skip` if absent.
             * @enum {string}
             */
            on_failure: "skip" | "block";
            /** @enum {string} */
            endpoint_state: "healthy" | "failing" | "disabled" | "probing";
            /**
             * Format: date-time
             * @description Since when the endpoint is in this state.
             * @example 2025-01-15T10:25:03.000Z
             */
            state_since: string;
            /** @description Why it is in this state, in words. */
            state_reason: string | null;
            /** @description As its health policy counts them. */
            consecutive_failures: number;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            updated_at: string;
            /** @description With `include=activity`. */
            activity?: {
                /** @description Attempts in each of the last 24 hours, the current one last; the last few seconds may be missing. */
                buckets: {
                    succeeded: number;
                    failed: number;
                }[];
                last_failure: {
                    at: string;
                    reason: string;
                } | null;
            };
        };
        Webhook: {
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            url: string | null;
            description: string;
            events: string[];
            channels: string[] | null;
            profile: string;
            filter: string | null;
            transformation: string | null;
            retry_schedule: ({
                /** @description The delay before each attempt, the first included. */
                delays_ms: number[];
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            } | {
                initial_ms: number;
                factor: number;
                max_ms: number;
                /** @description In all, the first included, which is made at once. */
                attempts: number;
                /** @description Each delay is lengthened by a random part of up to this share of itself; 0 if absent. */
                jitter?: number;
            }) | null;
            timeout_ms: number | null;
            headers: {
                [key: string]: string;
            };
            /** @description How requests authenticate. Read back, password and token are •••, which sent again keeps them. */
            auth: {
                /** @constant */
                type: "none";
            } | {
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            } | {
                /** @constant */
                type: "oauth2";
                /**
                 * Format: uri
                 * @description The token endpoint. https only, save for addresses that the operator lists.
                 * @example https://login.example.com/oauth2/token
                 */
                token_url: string;
                client_id: string;
                /** @description Read back it is •••, which sent again keeps it for as long as the token endpoint is on the same host. */
                client_secret: string;
                /**
                 * @description Whether the token endpoint gets id and secret by HTTP Basic or in the form.
                 * @default basic
                 * @enum {string}
                 */
                client_authentication: "basic" | "body";
                /**
                 * @description Scopes, with blanks between.
                 * @example events:write
                 */
                scope?: string;
                /** @example https://api.example.com */
                audience?: string;
                /** @description What else the token endpoint wants in the form, at most 10. Read back, values are •••, which sent again keeps them. */
                parameters?: {
                    [key: string]: string;
                };
            };
            client_certificate: components["schemas"]["ShownClientCertificate"] | null;
            client_certificate_details: components["schemas"]["CertificateDetails"] | null;
            server_ca: string | null;
            health: components["schemas"]["OwnHealthPolicy"] | null;
            /** @description Held deliveries a second that go out when the endpoint is enabled again; 20 if absent. */
            recovery_rate: number;
            rate_limit: number | null;
            max_in_flight: number | null;
            lapses_after_s: number | null;
            /** @description Without a URL: when its consumer was last there, to within some seconds. */
            pulled_at: string | null;
            ordering: ("fifo" | {
                /**
                 * @description A JSON Pointer (RFC 6901) into the event: its `id`, `type`, `channel` and `data`.
                 * @example /data/conversation_id
                 */
                fifo_by: string;
            }) | null;
            /**
             * @description With an `ordering`, what becomes of it when a delivery fails for good: `skip`, the next one goes out; `block`, those behind it wait, the endpoint is disabled, and when it is enabled again all goes on with the one that failed. `skip` if absent.
             * @enum {string}
             */
            on_failure: "skip" | "block";
            /** @enum {string} */
            endpoint_state: "healthy" | "failing" | "disabled" | "probing";
            /**
             * Format: date-time
             * @description Since when the endpoint is in this state.
             * @example 2025-01-15T10:25:03.000Z
             */
            state_since: string;
            /** @description Why it is in this state, in words. */
            state_reason: string | null;
            /** @description As its health policy counts them. */
            consecutive_failures: number;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            updated_at: string;
        };
        LoggedAttempt: {
            /** @example att_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            /** @example dlv_01k7q9w3v8e5xbm2rt4n6c0hzd */
            delivery_id: string;
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            /** @description 1…n within its delivery. */
            number: number;
            /** @enum {string} */
            trigger: "schedule" | "manual" | "test" | "probe" | "pull";
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            started_at: string;
            duration_ms: number;
            /** @description Null where it was pulled. */
            url: string | null;
            /** @description As sent; secret values are shown as •••. */
            request_headers: {
                [key: string]: string;
            };
            succeeded: boolean;
            /**
             * @description Why it failed, for programs.
             * @example timeout
             */
            reason: string | null;
            /** @description Why it failed, for people. */
            detail: string | null;
            response_status: number | null;
            response_headers: {
                [key: string]: string;
            } | null;
            /** @description The first 2048 characters; the delivery shows more. */
            response_body: string | null;
            response_truncated: boolean;
            event_id: string | null;
            event_type: string | null;
        };
        WebhookSecret: {
            secret: string;
            /** @description What receivers verify with (whpk_), for an ed25519 secret (whsk_). */
            public_key?: string;
        };
        RotatedSecret: {
            secret: string;
            /** @description What receivers verify with (whpk_), for an ed25519 secret (whsk_). */
            public_key?: string;
            /** @description When the secret before stops signing; null when it has. */
            previous_expires_at: string | null;
            /** @description How many secrets sign now; at most 5. */
            signing: number;
        };
        WebhookHealth: {
            /** @enum {string} */
            state: "healthy" | "failing" | "disabled" | "probing";
            /** @description As the policy counts them. */
            consecutive_failures: number;
            /**
             * Format: date-time
             * @description Since when it is in this state.
             * @example 2025-01-15T10:25:03.000Z
             */
            since: string;
            /** @description The last failure that counted. */
            last_failure: {
                at: string;
                reason: string;
            } | null;
            policy: components["schemas"]["HealthPolicy"];
            next_probe_at: string | null;
            /** @description Why it is in this state, in words. */
            reason: string | null;
            /** @description Deliveries that wait until it is enabled. */
            held: number;
        };
        /** @description The policy that holds: the profile’s, with what the webhook says otherwise. */
        HealthPolicy: {
            /**
             * @description What counts: every failed attempt, or only deliveries that have failed for good (their retry schedule is spent).
             * @enum {string}
             */
            count: "attempts" | "deliveries";
            /** @description So many in a row disable the endpoint; half of them are told as `webhook.failing`. */
            failures: number;
            /** @description It is disabled only when it has failed for so long, in ms, without a success. */
            min_failing_ms: number;
            /** @description How a disabled endpoint is enabled again: by hand alone, or also by itself, when one delivery that waits is tried and succeeds. One that answered 410 is never tried. */
            reenable: "manual" | {
                /** @description Before the first probe. */
                after_ms: number;
                /** @description Each further wait is so many times as long… */
                backoff: number;
                /** @description …and at most so long. */
                max_ms: number;
            };
        };
        StartedRecovery: {
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            /** @description The Temporal workflow that sends it. */
            workflow_id: string;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            since: string;
            until: string | null;
            /** @enum {string} */
            status: "failed" | "cancelled";
        };
        RecoveryProgress: {
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            workflow_id: string;
            /**
             * @description It is `paused` while the endpoint is disabled, and `none` when there was none of late.
             * @enum {string}
             */
            state: "none" | "running" | "paused" | "done" | "cancelled";
            /** @description When it began. */
            since: string | null;
            /** @description Deliveries that had ended and that it was asked to send again. */
            marked: number;
            /** @description Of these, how many were given their former status back before they were sent. */
            taken_back: number;
            /** @description Deliveries of which it has made an attempt. */
            sent: number;
            /** @description Of those sent, how many succeeded at that. */
            succeeded: number;
            /** @description Of those sent, how many ended otherwise. The rest have further attempts by their schedule. */
            failed: number;
            /** @description Deliveries that are held now. */
            left: number;
        };
        CancelledRecovery: {
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            /** @description Deliveries that have their former status again. */
            taken_back: number;
        };
        StartedTest: {
            /** @example evt_01k7q9w3v8e5xbm2rt4n6c0hzd */
            event_id: string;
            /** @example dlv_01k7q9w3v8e5xbm2rt4n6c0hzd */
            delivery_id: string;
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            event_type: string;
        };
        PreviewedRequest: {
            /** @constant */
            method: "POST";
            url: string;
            headers: {
                [key: string]: string;
            };
            body: string;
        };
        TriedExpressions: {
            /** @description As the expressions see it. */
            event: {
                [key: string]: unknown;
            };
            /** @description Null where there is no filter. */
            filter: {
                passes: boolean | null;
                failure: components["schemas"]["ExpressionFailure"] | null;
            } | null;
            /** @description What would be sent without the transformation; null when the profile cannot send it. */
            body: string | null;
            /** @description Null where there is no transformation. */
            transformation: {
                body: string | null;
                failure: components["schemas"]["ExpressionFailure"] | null;
            } | null;
        };
        ExpressionFailure: {
            /**
             * @description JSONata’s own, or Postrider’s.
             * @example T2001
             */
            code: string;
            /** @description How many characters of the expression had been read where it failed. */
            position: number | null;
            message: string;
        };
        PulledDeliveries: {
            data: components["schemas"]["PulledDelivery"][];
            /** @description The place of the last one, to acknowledge all of them by and to go on after; the one that was asked with when there is none. */
            cursor: string | null;
        };
        PulledDelivery: {
            /**
             * @description Its place: what is pulled anew gets a new one.
             * @example d2hfMDFrN3E5dzN2OGU1eGJtMnJ0NG42YzBoemQvNy8xNzM3MTIzNDU2Nzg5
             */
            cursor: string;
            /** @example dlv_01k7q9w3v8e5xbm2rt4n6c0hzd */
            delivery_id: string;
            event_id: string;
            event_type: string;
            /** @description 1 for the first. */
            attempt: number;
            /** @description As a URL would get them, the signature of exactly this body with them, made just now. */
            headers: {
                [key: string]: string;
            };
            /** @description What is signed, in UTF-8: to be passed on byte for byte. */
            body: string;
        };
        Acknowledged: {
            /** @description How many ended by the cursor; done twice it is none. */
            acknowledged: number;
            /** @description One for each result, in their order. */
            results: {
                delivery_id: string | null;
                /** @description Null when it no longer had this place: someone else said what came of it, it was cancelled, or it expired more than a quarter of an hour ago. */
                status: ("pending" | "held" | "queued" | "succeeded" | "failed" | "cancelled" | "expired") | null;
                /** @description When it can be pulled again. */
                next_attempt_at: string | null;
            }[];
        };
        DeliveryWithAttempts: {
            /** @example dlv_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            event_id: string;
            /** @description Null once the event is no longer kept. */
            event_type: string | null;
            /** @description The channel that the event came from. */
            channel: string | null;
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            /** @description As it is now; null where its deliveries are pulled. */
            webhook_url: string | null;
            webhook_description: string;
            /** @description The Temporal workflow that owns it. */
            workflow_id: string;
            /** @enum {string} */
            status: "pending" | "held" | "queued" | "succeeded" | "failed" | "cancelled" | "expired";
            attempt_count: number;
            /** @description Null, too, when it expires before. */
            next_attempt_at: string | null;
            /** @description Its event’s: from then on no attempt begins; null for never. */
            expires_at: string | null;
            /** @description Why it is where it is: the last failure, for example. */
            reason: string | null;
            /** @description What the last attempt was answered; null when it was not, or none was made. */
            response_status: number | null;
            /** @description Deliveries of one webhook that have the same lane go out one after the other; null where they are in no order. */
            lane: string | null;
            /** @description The delivery of its lane that is to end before; null where it waits for none. */
            waits_for: string | null;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            ended_at: string | null;
            attempts: components["schemas"]["Attempt"][];
        };
        Attempt: {
            /** @example att_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            /** @example dlv_01k7q9w3v8e5xbm2rt4n6c0hzd */
            delivery_id: string;
            /** @example wh_01k7q9w3v8e5xbm2rt4n6c0hzd */
            webhook_id: string;
            /** @description 1…n within its delivery. */
            number: number;
            /** @enum {string} */
            trigger: "schedule" | "manual" | "test" | "probe" | "pull";
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            started_at: string;
            duration_ms: number;
            /** @description Null where it was pulled. */
            url: string | null;
            /** @description As sent; secret values are shown as •••. */
            request_headers: {
                [key: string]: string;
            };
            succeeded: boolean;
            /**
             * @description Why it failed, for programs.
             * @example timeout
             */
            reason: string | null;
            /** @description Why it failed, for people. */
            detail: string | null;
            response_status: number | null;
            response_headers: {
                [key: string]: string;
            } | null;
            /** @description The first 64 KiB. */
            response_body: string | null;
            response_truncated: boolean;
            /** @description As sent; null when nothing was sent, or the event is no longer kept. */
            request_body: string | null;
        };
        StartedAttempt: {
            /** @example dlv_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            /** @description The attempt is listed under this id once it is made; null where the delivery is queued, to be pulled once more. */
            attempt_id: string | null;
        };
        InboxMessage: {
            externalCustomerId?: string;
            /** Format: uuid */
            id: string;
            /** @description In milliseconds since 1970. */
            createdDate: number;
            title?: string;
            content?: string;
            image?: string;
            link?: string;
            category?: string;
            customData?: string;
            /** @enum {string} */
            status: "available" | "delivered" | "read" | "deleted" | "expired";
            /** @description Whether its contact can see it. */
            available: boolean;
            /** @description Whether the list of its contact is sent: not that of a contact without externalCustomerId. */
            sent: boolean;
            /** @description In words, why it is not available, or why nothing is sent. */
            reason: string | null;
        };
        ListedInboxMessage: {
            externalCustomerId: string;
            /** Format: uuid */
            id: string;
            /** @description In milliseconds since 1970. */
            createdDate: number;
            title?: string;
            content?: string;
            image?: string;
            link?: string;
            category?: string;
            customData?: string;
        };
        EventType: {
            name: string;
            description: string;
            /** @description Example data; null when there is none. */
            example: unknown;
            /** @description The JSON Schema that data must fit; null when there is none. */
            schema: unknown;
            /**
             * @description `built_in`: of the dialects’ documents, or told by Postrider itself; `own`: the account’s, which goes before a built-in one of the same name; `seen`: an event of the type came, and nobody has described it.
             * @enum {string}
             */
            source: "built_in" | "own" | "seen";
            created_at: string | null;
            updated_at: string | null;
        };
        CreatedApiKey: {
            /** @example key_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            name: string;
            /** @description The key’s last four characters. */
            hint: string;
            scopes: ("events:write" | "webhooks:read" | "webhooks:write" | "admin")[];
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            expires_at: string | null;
            /** @description To within a minute or so. */
            last_used_at: string | null;
            revoked_at: string | null;
            /** @description The key, shown here only. */
            key: string;
        };
        ApiKey: {
            /** @example key_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            name: string;
            /** @description The key’s last four characters. */
            hint: string;
            scopes: ("events:write" | "webhooks:read" | "webhooks:write" | "admin")[];
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            expires_at: string | null;
            /** @description To within a minute or so. */
            last_used_at: string | null;
            revoked_at: string | null;
        };
        CreatedAccount: {
            /** @example acct_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            name: string;
            /** @description How many App Inbox messages of a contact are available at most; older ones no longer are. */
            inbox_message_limit: number;
            /** @description Whether events of types that are in no catalogue are refused. */
            strict_event_types: boolean;
            /** @description For how many days its events, deliveries and attempts are kept; null for as many as `RETENTION_DAYS` says. */
            retention_days: number | null;
            /** @description What the account may have or send at most. */
            limits: {
                /** @description Requests of all its keys and sessions within a second; null for any number. */
                requests_per_second: number | null;
                /** @description Events and App Inbox messages that are posted within a day (UTC), repeats included; null for any number. */
                events_per_day: number | null;
                /** @description Webhooks that there are at a time; null for any number. */
                webhooks: number | null;
                /** @description Of an event, as it is posted. */
                event_bytes: number;
                /** @description Of events that are posted together. */
                batch_events: number;
                batch_bytes: number;
                described_event_types: number;
                /** @description Of a webhook that sign at the same time. */
                signing_secrets: number;
            };
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            /** @description The account’s first key, shown here only. */
            api_key: string;
        };
        Account: {
            /** @example acct_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            name: string;
            /** @description How many App Inbox messages of a contact are available at most; older ones no longer are. */
            inbox_message_limit: number;
            /** @description Whether events of types that are in no catalogue are refused. */
            strict_event_types: boolean;
            /** @description For how many days its events, deliveries and attempts are kept; null for as many as `RETENTION_DAYS` says. */
            retention_days: number | null;
            /** @description What the account may have or send at most. */
            limits: {
                /** @description Requests of all its keys and sessions within a second; null for any number. */
                requests_per_second: number | null;
                /** @description Events and App Inbox messages that are posted within a day (UTC), repeats included; null for any number. */
                events_per_day: number | null;
                /** @description Webhooks that there are at a time; null for any number. */
                webhooks: number | null;
                /** @description Of an event, as it is posted. */
                event_bytes: number;
                /** @description Of events that are posted together. */
                batch_events: number;
                batch_bytes: number;
                described_event_types: number;
                /** @description Of a webhook that sign at the same time. */
                signing_secrets: number;
            };
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
        };
        Session: {
            account: {
                /** @example acct_01k7q9w3v8e5xbm2rt4n6c0hzd */
                id: string;
                name: string;
            };
            /** @enum {string} */
            via: "api_key" | "portal_link";
            read_only: boolean;
            /** @description Whether it manages other accounts. */
            is_admin: boolean;
            scopes: ("events:write" | "webhooks:read" | "webhooks:write" | "admin")[];
            /** @description When it ends; null for an API key that does not. */
            expires_at: string | null;
            /** @description Where Temporal’s own page is; for the first account only. */
            temporal_ui_url: string | null;
            temporal_namespace: string;
            version: string;
            postrider_url: string;
        };
        PortalLink: {
            /** @example plink_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            /**
             * @description Shown here only. What stands after # is the token: browsers send it to no server.
             * @example https://postrider.example/portal#portal_…
             */
            url: string;
            /** @example acct_01k7q9w3v8e5xbm2rt4n6c0hzd */
            account_id: string;
            read_only: boolean;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            expires_at: string;
        };
        AuditEntry: {
            /** @example aud_01k7q9w3v8e5xbm2rt4n6c0hzd */
            id: string;
            /**
             * Format: date-time
             * @example 2025-01-15T10:25:03.000Z
             */
            created_at: string;
            actor: components["schemas"]["Actor"];
            /**
             * @description What was done, in the past tense.
             * @example webhook.changed
             * @example webhook.disabled
             * @example delivery.retried
             */
            action: string;
            /** @description The id, or the name, of what it was done to. */
            subject_id: string;
            reason: string | null;
            /** @description Which settings changed, for example; never their values. */
            details: {
                [key: string]: unknown;
            } | null;
        };
        Actor: {
            /**
             * @description `api_key`: a request with that key; `portal_link`: someone who came by that link; `signal`: someone who signalled a workflow; `postrider`: Postrider itself, by its rules.
             * @enum {string}
             */
            kind: "api_key" | "portal_link" | "signal" | "postrider";
            /** @description The API key’s id, or the portal link’s. */
            id: string | null;
            /** @description The API key’s name, or the one that came with the signal. */
            name: string | null;
        };
        AccountStats: {
            /** @enum {string} */
            range: "1h" | "24h" | "7d";
            bucket_seconds: number;
            buckets: {
                /**
                 * Format: date-time
                 * @example 2025-01-15T10:25:03.000Z
                 */
                start: string;
                succeeded: number;
                failed: number;
                /** @description Half of the attempts took at most so long; right to within a quarter. */
                p50_ms: number | null;
                p95_ms: number | null;
            }[];
            totals: {
                attempts: number;
                succeeded: number;
                failed: number;
                /** @description From 0 to 1; null when there was no attempt. */
                success_rate: number | null;
                /** @description Half of the attempts took at most so long; right to within a quarter. */
                p50_ms: number | null;
                p95_ms: number | null;
            };
            deliveries: {
                /** @description Without a failed attempt so far. */
                pending: number;
                /** @description Attempted in vain, with a further attempt to come. */
                failing: number;
                /** @description Waiting for their endpoint to be enabled. */
                held: number;
                /** @description Waiting for their consumer to pull them. */
                queued: number;
                /** @description There are more than were counted: 10,000. */
                is_capped: boolean;
            };
            /** @description Why attempts failed, the most frequent first. */
            by_reason: {
                reason: string;
                count: number;
            }[];
            endpoints: {
                healthy: number;
                failing: number;
                disabled: number;
                probing: number;
            };
        };
        WebhookStats: {
            /** @enum {string} */
            range: "1h" | "24h" | "7d";
            bucket_seconds: number;
            buckets: {
                /**
                 * Format: date-time
                 * @example 2025-01-15T10:25:03.000Z
                 */
                start: string;
                succeeded: number;
                failed: number;
                /** @description Half of the attempts took at most so long; right to within a quarter. */
                p50_ms: number | null;
                p95_ms: number | null;
            }[];
            totals: {
                attempts: number;
                succeeded: number;
                failed: number;
                /** @description From 0 to 1; null when there was no attempt. */
                success_rate: number | null;
                /** @description Half of the attempts took at most so long; right to within a quarter. */
                p50_ms: number | null;
                p95_ms: number | null;
            };
            deliveries: {
                /** @description Without a failed attempt so far. */
                pending: number;
                /** @description Attempted in vain, with a further attempt to come. */
                failing: number;
                /** @description Waiting for their endpoint to be enabled. */
                held: number;
                /** @description Waiting for their consumer to pull them. */
                queued: number;
                /** @description There are more than were counted: 10,000. */
                is_capped: boolean;
            };
            /** @description Why attempts failed, the most frequent first. */
            by_reason: {
                reason: string;
                count: number;
            }[];
        };
        Readiness: {
            /** @constant */
            ready: true;
            checks: {
                [key: string]: {
                    ok: boolean;
                    detail?: string;
                };
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listEvents: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
                type?: string;
                channel?: string;
                status?: "released" | "scheduled" | "cancelled";
                /** @description What was made from then on. */
                since?: string;
                /** @description What was made before then. */
                until?: string;
                /** @description Text that the event’s data holds, in any case. */
                q?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["EventSummary"][];
                        /** @description Asks for the next page; null after the last. */
                        next_cursor: string | null;
                        /**
                         * Format: date-time
                         * @description There when the search has stopped short, with the page full or not: back to when it was searched. `next_cursor` goes on.
                         * @example 2025-01-15T10:25:03.000Z
                         */
                        searched_until?: string;
                    };
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postEvent: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeat with the same key gets the first answer; with other content it is refused with 409. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewEvent"];
            };
        };
        responses: {
            /** @description The event is stored */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AcceptedEvent"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope events:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The key or the id was used for another event */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id that receivers know the event by: the producer’s own where it gave one. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id that receivers know the event by: the producer’s own where it gave one. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventChange"];
            };
        };
        responses: {
            /** @description The event, changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope events:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It has gone out, or was cancelled */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postEvents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventBatch"];
            };
        };
        responses: {
            /** @description Every event was judged */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventBatchResult"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope events:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id that receivers know the event by: the producer’s own where it gave one. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event, cancelled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope events:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It has gone out */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resendEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id that receivers know the event by: the producer’s own where it gave one. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Resend"];
            };
        };
        responses: {
            /** @description It is on its way */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resent"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many webhooks subscribe to it: name one; or it is scheduled, was cancelled or has expired */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporal is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listWebhooks: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
                include?: "activity";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of webhooks */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["ListedWebhook"][];
                        /** @description Asks for the next page; null after the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewWebhook"];
            };
        };
        responses: {
            /** @description The webhook; its secret is shown here only */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedWebhook"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has as many webhooks as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The webhook */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replaceWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookReplacement"];
            };
        };
        responses: {
            /** @description The webhook as it now is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookChange"];
            };
        };
        responses: {
            /** @description The webhook as it now is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listWebhookLogs: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of attempts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["LoggedAttempt"][];
                        /** @description Asks for the next page; null after the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The newest secret that signs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecret"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["SecretRotation"];
            };
        };
        responses: {
            /** @description The new secret, which signs from now on */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RotatedSecret"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getWebhookHealth: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its health */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookHealth"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    enableWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Enabling"];
            };
        };
        responses: {
            /** @description Its health, enabled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookHealth"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The webhook has no URL */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporal is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    disableWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Disabling"];
            };
        };
        responses: {
            /** @description Its health, disabled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookHealth"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The webhook has no URL */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporal is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    recoverWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Recovery"];
            };
        };
        responses: {
            /** @description They are on their way */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedRecovery"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The webhook has no URL */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporal is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getWebhookRecovery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its progress */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryProgress"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporal is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelWebhookRecovery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is taken back */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CancelledRecovery"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporal is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookTest"];
            };
        };
        responses: {
            /** @description The event is on its way */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedTest"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such webhook, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    previewWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookPreview"];
            };
        };
        responses: {
            /** @description The request */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PreviewedRequest"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tryExpressions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExpressionTrial"];
            };
        };
        responses: {
            /** @description What came of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TriedExpressions"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such webhook or event, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pollWebhook: {
        parameters: {
            query?: {
                /** @description What comes after that place. If absent: from the first that is not done, also what was pulled before. */
                cursor?: string;
                limit?: number;
                /** @description So many seconds it is waited for a delivery, if there is none. */
                wait?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The deliveries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PulledDeliveries"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The webhook has a URL: its deliveries are sent there */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many are waiting */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    acknowledgeDeliveries: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Acknowledgement"];
            };
        };
        responses: {
            /** @description What came of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acknowledged"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The webhook has a URL: its deliveries are sent there */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listenToWebhook: {
        parameters: {
            query?: {
                /** @description The same, for those who cannot send the header. */
                cursor?: string;
                /** @description So many are sent ahead of what is said of them. */
                window?: number;
            };
            header?: {
                /** @description Goes on after that message. */
                "Last-Event-ID"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of messages (text/event-stream) */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The webhook has a URL: its deliveries are sent there */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many are listening */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAccountWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The webhook */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putAccountWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookUrl"];
            };
        };
        responses: {
            /** @description The webhook, which has that URL now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description The new webhook; its secret is shown here only */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedWebhook"];
                };
            };
            /** @description There is none any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has as many webhooks as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteAccountWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getChannelWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The producer’s own id of a channel. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The webhook */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putChannelWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The producer’s own id of a channel. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookUrl"];
            };
        };
        responses: {
            /** @description The webhook, which has that URL now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description The new webhook; its secret is shown here only */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedWebhook"];
                };
            };
            /** @description There is none any more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has as many webhooks as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteChannelWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The producer’s own id of a channel. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listDeliveries: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
                status?: string;
                webhook_id?: string;
                event_id?: string;
                type?: string;
                channel?: string;
                /** @description What was made from then on. */
                since?: string;
                /** @description What was made before then. */
                until?: string;
                /** @description Text that the event’s data holds, in any case. */
                q?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of deliveries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Delivery"][];
                        /** @description Asks for the next page; null after the last. */
                        next_cursor: string | null;
                        /**
                         * Format: date-time
                         * @description There when the search has stopped short, with the page full or not: back to when it was searched. `next_cursor` goes on.
                         * @example 2025-01-15T10:25:03.000Z
                         */
                        searched_until?: string;
                    };
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryWithAttempts"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The attempt is on its way */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedAttempt"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The webhook was deleted, the event has expired, or the delivery waits for another of its lane */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporal is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery, cancelled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It has ended otherwise */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    postInboxMessages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewInboxMessage"] | components["schemas"]["NewInboxMessage"][];
            };
        };
        responses: {
            /** @description The message, or the list of messages, as stored */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboxMessage"] | components["schemas"]["InboxMessage"][];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope events:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description An id was used before for another message */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getInboxMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The interaction id, a UUID: its status is set by it. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The message */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboxMessage"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    setInboxMessageStatus: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The interaction id, a UUID: its status is set by it. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InboxMessageStatus"];
            };
        };
        responses: {
            /** @description The message as it now is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboxMessage"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope events:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The message has a status that this one cannot follow */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listInboxMessages: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The receiver, as the producer’s system knows it. */
                externalCustomerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What webhooks would be sent now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListedInboxMessage"][];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listEventTypes: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of event types */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["EventType"][];
                        /** @description Asks for the next page; null after the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getEventType: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event type */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventType"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    describeEventType: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventTypeDescription"];
            };
        };
        responses: {
            /** @description The event type as it now is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventType"];
                };
            };
            /** @description The event type, which was not in the account’s catalogue */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventType"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account describes 1000 types already */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteEventType: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is no longer in the account’s own catalogue */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:write */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listApiKeys: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of keys */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["ApiKey"][];
                        /** @description Asks for the next page; null after the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewApiKey"];
            };
        };
        responses: {
            /** @description The key, shown here only */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApiKey"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It is the account’s last key that is good for everything, for ever */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAccounts: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of accounts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Account"][];
                        /** @description Asks for the next page; null after the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The key is not one of the first account, or has not the scope admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewAccount"];
            };
        };
        responses: {
            /** @description The account; its key is shown here only */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedAccount"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The key is not one of the first account, or has not the scope admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The account */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccountChange"];
            };
        };
        responses: {
            /** @description The account as it now is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who asks, and what they may */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    signIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSession"];
            };
        };
        responses: {
            /** @description The session; its cookie comes with it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The key or the token is not known, was revoked, or has expired */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request comes from a page of another site */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    signOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session has ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createPortalLink: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPortalLink"];
            };
        };
        responses: {
            /** @description The link, shown here only */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PortalLink"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is not declared as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body holds something that is not taken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokePortalLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope admin */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAuditLog: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
                action?: string;
                subject_id?: string;
                actor_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of entries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["AuditEntry"][];
                        /** @description Asks for the next page; null after the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getStats: {
        parameters: {
            query?: {
                /** @description `24h` if absent. */
                range?: "1h" | "24h" | "7d";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The statistics */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountStats"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getWebhookStats: {
        parameters: {
            query?: {
                /** @description `24h` if absent. */
                range?: "1h" | "24h" | "7d";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The statistics */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookStats"];
                };
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is none, or it is another account’s */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The account has a limit, and has reached it */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    watchChanges: {
        parameters: {
            query?: {
                /** @description The same, for those who cannot send the header. */
                last_event_id?: string;
            };
            header?: {
                /** @description Goes on after that message, as browsers ask by themselves. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of messages (text/event-stream) */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter, a header or the body’s form is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no valid API key */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller has not the scope webhooks:read */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many are listening */
            429: {
                headers: {
                    /** @description Seconds until it may be sent again. */
                    "Retry-After": string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    RateLimit?: string;
                    /** @description draft-ietf-httpapi-ratelimit-headers-11 */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The database is not available */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        status: "ok";
                    };
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description Something it needs is missing; `checks` names it */
            503: {
                headers: {
                    "Retry-After"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
