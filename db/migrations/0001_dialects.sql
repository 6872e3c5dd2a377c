CREATE TABLE "event_types" (
	"account_id" uuid NOT NULL,
	"name" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"example" text,
	"json_schema" jsonb,
	"in_catalogue" boolean NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "event_types_account_id_name_pk" PRIMARY KEY("account_id","name")
);
--> statement-breakpoint
CREATE TABLE "inbox_messages" (
	"account_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"external_customer_id" text,
	"created_date" timestamp (3) with time zone NOT NULL,
	"title" text,
	"content" text,
	"image" text,
	"link" text,
	"category" text,
	"custom_data" text,
	"status" text DEFAULT 'available' NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "inbox_messages_account_id_id_pk" PRIMARY KEY("account_id","id")
);
--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "inbox_message_limit" integer DEFAULT 1000 NOT NULL;--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "strict_event_types" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "event_types" ADD CONSTRAINT "event_types_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inbox_messages" ADD CONSTRAINT "inbox_messages_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "inbox_messages_contact" ON "inbox_messages" USING btree ("account_id","external_customer_id","created_date" DESC NULLS LAST,"id" DESC NULLS LAST);