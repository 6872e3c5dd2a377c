DROP INDEX "attempts_webhook";--> statement-breakpoint
DROP INDEX "audit_log_account";--> statement-breakpoint
DROP INDEX "audit_log_subject";--> statement-breakpoint
DROP INDEX "deliveries_account";--> statement-breakpoint
DROP INDEX "deliveries_webhook";--> statement-breakpoint
DROP INDEX "events_account";--> statement-breakpoint
DROP INDEX "inbox_messages_contact";--> statement-breakpoint
DROP INDEX "webhooks_account";--> statement-breakpoint
CREATE INDEX "deliveries_account_open" ON "deliveries" USING btree ("account_id","status","id") WHERE "deliveries"."status" <> 'succeeded';--> statement-breakpoint
CREATE INDEX "deliveries_webhook_ended" ON "deliveries" USING btree ("webhook_id","status","id") WHERE "deliveries"."status" in ('held', 'failed', 'cancelled', 'expired');--> statement-breakpoint
CREATE INDEX "attempts_webhook" ON "attempts" USING btree ("webhook_id","id");--> statement-breakpoint
CREATE INDEX "audit_log_account" ON "audit_log" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "audit_log_subject" ON "audit_log" USING btree ("subject_id","id");--> statement-breakpoint
CREATE INDEX "deliveries_account" ON "deliveries" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "deliveries_webhook" ON "deliveries" USING btree ("webhook_id","id");--> statement-breakpoint
CREATE INDEX "events_account" ON "events" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "inbox_messages_contact" ON "inbox_messages" USING btree ("account_id","external_customer_id","created_date","id");--> statement-breakpoint
CREATE INDEX "webhooks_account" ON "webhooks" USING btree ("account_id","id") WHERE "webhooks"."deleted_at" is null;