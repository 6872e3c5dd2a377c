ALTER TABLE "untold_failures" ADD COLUMN "attempt_number" integer;--> statement-breakpoint
UPDATE "untold_failures" u SET "attempt_number" = coalesce((SELECT d."attempt_count" FROM "deliveries" d WHERE d."id" = u."delivery_id"), 0);--> statement-breakpoint
ALTER TABLE "untold_failures" ALTER COLUMN "attempt_number" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "untold_failures" DROP CONSTRAINT "untold_failures_pkey";--> statement-breakpoint
ALTER TABLE "untold_failures" ADD CONSTRAINT "untold_failures_delivery_id_attempt_number_pk" PRIMARY KEY("delivery_id","attempt_number");
