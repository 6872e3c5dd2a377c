ALTER TABLE "attempts" ADD COLUMN "request_body" text;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "is_filter_open" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "filtered_out" uuid[];--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "filter" text;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "transformation" text;--> statement-breakpoint
CREATE TRIGGER "webhooks_version_after_expressions" AFTER UPDATE ON "webhooks"
  FOR EACH ROW WHEN ((OLD.filter, OLD.transformation) IS DISTINCT FROM (NEW.filter, NEW.transformation))
  EXECUTE FUNCTION raise_webhooks_version();
