CREATE TABLE "account_usage" (
	"account_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"window_start" timestamp (3) with time zone NOT NULL,
	"used" bigint NOT NULL,
	"granted" bigint NOT NULL,
	CONSTRAINT "account_usage_account_id_kind_pk" PRIMARY KEY("account_id","kind")
);
--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "limits" jsonb DEFAULT '{}'::jsonb NOT NULL;