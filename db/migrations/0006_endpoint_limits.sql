CREATE UNLOGGED TABLE "endpoint_limits" (
	"webhook_id" uuid PRIMARY KEY NOT NULL,
	"next_slot_ms" double precision DEFAULT 0 NOT NULL,
	"planned_until_ms" double precision DEFAULT 0 NOT NULL,
	"shares" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "waiting_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "rate_limit" double precision;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "max_in_flight" integer;--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ("webhook_id","id") WHERE "deliveries"."status" = 'pending' and "deliveries"."waiting_since" is not null;