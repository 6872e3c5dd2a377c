CREATE TABLE "audit_log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"account_id" uuid NOT NULL,
	"actor" text NOT NULL,
	"actor_name" text,
	"action" text NOT NULL,
	"subject_id" text NOT NULL,
	"reason" text,
	"details" jsonb,
	"dedupe_key" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "untold_failures" (
	"delivery_id" uuid PRIMARY KEY NOT NULL,
	"account_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "outcome_number" bigint;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "spent_delivery" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "held_from" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "about_webhook_id" uuid;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "health_policy" jsonb;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "recovery_rate" integer DEFAULT 20 NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "state_since" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "state_reason" text;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "consecutive_failures" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "last_failure" jsonb;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "next_probe_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "outcomes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "outcomes_counted" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "health_snapshot" jsonb;--> statement-breakpoint
CREATE INDEX "audit_log_account" ON "audit_log" USING btree ("account_id","id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "audit_log_subject" ON "audit_log" USING btree ("subject_id","id" DESC NULLS LAST);--> statement-breakpoint
CREATE UNIQUE INDEX "audit_log_dedupe" ON "audit_log" USING btree ("dedupe_key");--> statement-breakpoint
CREATE INDEX "untold_failures_created" ON "untold_failures" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "attempts_outcome" ON "attempts" USING btree ("webhook_id","outcome_number") WHERE "attempts"."outcome_number" is not null;--> statement-breakpoint
CREATE INDEX "deliveries_held" ON "deliveries" USING btree ("webhook_id","id") WHERE "deliveries"."status" = 'held';--> statement-breakpoint
CREATE INDEX "deliveries_unsent" ON "deliveries" USING btree ("webhook_id","ended_at") WHERE "deliveries"."status" in ('failed', 'cancelled');--> statement-breakpoint
CREATE INDEX "webhooks_uncounted" ON "webhooks" USING btree ("id") WHERE "webhooks"."outcomes" > "webhooks"."outcomes_counted";