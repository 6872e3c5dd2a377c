CREATE TABLE "lanes" (
	"webhook_id" uuid NOT NULL,
	"lane" text NOT NULL,
	"head" uuid,
	"last_turn" bigint NOT NULL,
	CONSTRAINT "lanes_webhook_id_lane_pk" PRIMARY KEY("webhook_id","lane")
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "lane" text;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "place" bigint;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "lane_state" text;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "ordering" jsonb;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "on_failure" text DEFAULT 'skip' NOT NULL;--> statement-breakpoint
CREATE INDEX "deliveries_held_in_turn" ON "deliveries" USING btree ("webhook_id","id") WHERE "deliveries"."status" = 'held' and "deliveries"."lane_state" is distinct from 'behind';--> statement-breakpoint
CREATE INDEX "deliveries_out_of_turn" ON "deliveries" USING btree ("lane_state","webhook_id","status") WHERE "deliveries"."lane_state" in ('behind', 'blocked') and "deliveries"."status" in ('pending', 'held');--> statement-breakpoint
CREATE INDEX "deliveries_lane" ON "deliveries" USING btree ("webhook_id","lane","place") WHERE "deliveries"."lane" is not null and "deliveries"."status" in ('pending', 'held');--> statement-breakpoint
CREATE TRIGGER "webhooks_version_after_ordering" AFTER UPDATE ON "webhooks"
  FOR EACH ROW WHEN ((OLD.ordering, OLD.on_failure) IS DISTINCT FROM (NEW.ordering, NEW.on_failure))
  EXECUTE FUNCTION raise_webhooks_version();
