CREATE TABLE "inbox_lists" (
	"account_id" uuid NOT NULL,
	"contact_hash" text NOT NULL,
	"external_customer_id" text NOT NULL,
	"version" bigint NOT NULL,
	"due_since" timestamp (3) with time zone,
	"due_version" bigint NOT NULL,
	"announced_at" timestamp (3) with time zone,
	"announced_event_id" uuid,
	CONSTRAINT "inbox_lists_account_id_contact_hash_pk" PRIMARY KEY("account_id","contact_hash")
);
--> statement-breakpoint
ALTER TABLE "inbox_lists" ADD CONSTRAINT "inbox_lists_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "inbox_lists_due" ON "inbox_lists" USING btree ("due_since") WHERE "inbox_lists"."due_since" is not null;