ALTER TABLE "webhooks" ADD COLUMN "tls_sealed" text;--> statement-breakpoint
CREATE TRIGGER "webhooks_version_after_tls" AFTER UPDATE ON "webhooks"
  FOR EACH ROW WHEN (OLD.tls_sealed IS DISTINCT FROM NEW.tls_sealed) EXECUTE FUNCTION raise_webhooks_version();
