ALTER TABLE "attempts" ALTER COLUMN "url" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ALTER COLUMN "url" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "pull_number" bigint;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "pull_count" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "pulled_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "lapses_after_s" integer;--> statement-breakpoint
CREATE INDEX "deliveries_queued" ON "deliveries" USING btree ("webhook_id","pull_number","next_attempt_at","id") WHERE "deliveries"."status" = 'queued';--> statement-breakpoint
CREATE INDEX "webhooks_lapsing" ON "webhooks" USING btree ("id") WHERE "webhooks"."deleted_at" is null and "webhooks"."lapses_after_s" is not null;