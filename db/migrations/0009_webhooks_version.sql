ALTER TABLE "accounts" ADD COLUMN "webhooks_version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE FUNCTION "raise_webhooks_version"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'webhooks' THEN
    UPDATE accounts SET webhooks_version = webhooks_version + 1 WHERE id = coalesce(NEW.account_id, OLD.account_id);
  ELSE
    UPDATE accounts SET webhooks_version = webhooks_version + 1
    WHERE id = (SELECT account_id FROM webhooks WHERE id = coalesce(NEW.webhook_id, OLD.webhook_id));
  END IF;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "webhooks_version_after_insert_or_delete" AFTER INSERT OR DELETE ON "webhooks"
  FOR EACH ROW EXECUTE FUNCTION raise_webhooks_version();--> statement-breakpoint
-- What an endpoint has come to matters only where it decides between `pending` and `held`.
CREATE TRIGGER "webhooks_version_after_update" AFTER UPDATE ON "webhooks"
  FOR EACH ROW WHEN (
    (OLD.account_id, OLD.url, OLD.events, OLD.channels, OLD.profile, OLD.retry_schedule, OLD.timeout_ms, OLD.headers_sealed,
      OLD.auth_sealed, OLD.rate_limit, OLD.max_in_flight, OLD.deleted_at, OLD.endpoint_state IN ('disabled', 'probing'))
    IS DISTINCT FROM
    (NEW.account_id, NEW.url, NEW.events, NEW.channels, NEW.profile, NEW.retry_schedule, NEW.timeout_ms, NEW.headers_sealed,
      NEW.auth_sealed, NEW.rate_limit, NEW.max_in_flight, NEW.deleted_at, NEW.endpoint_state IN ('disabled', 'probing')))
  EXECUTE FUNCTION raise_webhooks_version();--> statement-breakpoint
CREATE TRIGGER "webhooks_version_after_secrets" AFTER INSERT OR DELETE OR UPDATE ON "webhook_secrets"
  FOR EACH ROW EXECUTE FUNCTION raise_webhooks_version();
