CREATE TABLE "attempt_stats" (
	"account_id" uuid NOT NULL,
	"webhook_id" uuid NOT NULL,
	"seconds" integer NOT NULL,
	"start" timestamp (3) with time zone NOT NULL,
	"succeeded" bigint NOT NULL,
	"failed" bigint NOT NULL,
	"latency" integer[] NOT NULL,
	"reasons" jsonb NOT NULL,
	CONSTRAINT "attempt_stats_account_id_webhook_id_seconds_start_pk" PRIMARY KEY("account_id","webhook_id","seconds","start")
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "changes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"kind" text NOT NULL,
	"account_ids" uuid[] NOT NULL,
	"webhook_ids" uuid[],
	"event_ids" uuid[],
	"client_ids" text[],
	"delivery_ids" uuid[],
	"attempt_ids" uuid[],
	"statuses" text[],
	"started_at" timestamp (3) with time zone[],
	"durations_ms" integer[],
	"reasons" text[],
	"is_unfolded" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE INDEX "attempt_stats_start" ON "attempt_stats" USING btree ("seconds","start");--> statement-breakpoint
CREATE INDEX "changes_unfolded" ON "changes" USING btree ("id") WHERE "changes"."is_unfolded";--> statement-breakpoint
-- Whatever changes a webhook, its endpoint's state included. Its counters, which change with each failed attempt, do not fire it.
CREATE FUNCTION note_webhook_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO changes (kind, account_ids, webhook_ids, statuses)
		VALUES ('webhook', ARRAY[NEW.account_id], ARRAY[NEW.id], ARRAY[NEW.endpoint_state]);
	RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER webhooks_added AFTER INSERT ON webhooks FOR EACH ROW EXECUTE FUNCTION note_webhook_change();--> statement-breakpoint
CREATE TRIGGER webhooks_changed AFTER UPDATE ON webhooks FOR EACH ROW
	WHEN (OLD.endpoint_state IS DISTINCT FROM NEW.endpoint_state OR OLD.updated_at IS DISTINCT FROM NEW.updated_at
		OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
	EXECUTE FUNCTION note_webhook_change();
