ALTER TABLE "api_keys" ADD COLUMN "scopes" text[] DEFAULT '{"events:write","webhooks:read","webhooks:write","admin"}' NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "expires_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "last_used_at" timestamp (3) with time zone;