-- Tickets with a picture, and the phones that want to hear when a wallet's pass changes.
--
-- A build from before must be stopped before this: it issues tickets without a picture, which no longer fits.

ALTER TABLE tickets
    -- What its pictures and passes say.
    ADD COLUMN facts      jsonb,
    -- The text of the tax invoice's QR.
    ADD COLUMN invoice_qr text,
    -- The picture's name in the store; its content decides it.
    ADD COLUMN picture    text CHECK (picture ~ '^[a-z0-9]+$'),
    -- Answers that it cannot be made. Every third one is a case.
    ADD COLUMN refusals   int NOT NULL DEFAULT 0,
    DROP CONSTRAINT issued_has_a_qr,
    -- NOT VALID: what an earlier build has issued has no picture.
    ADD CONSTRAINT issued_is_whole CHECK (status <> 'ISSUED' OR (qr_svg IS NOT NULL AND facts IS NOT NULL
        AND invoice_qr IS NOT NULL AND picture IS NOT NULL)) NOT VALID;

-- Which devices want to hear of a pass. Deleted when a device says so; its push token is all that is kept of it.
CREATE TABLE pass_registrations (
    device        text NOT NULL CHECK (length(device) BETWEEN 1 AND 128),
    booking_id    id NOT NULL REFERENCES bookings,
    push_token    text NOT NULL CHECK (length(push_token) BETWEEN 1 AND 512),
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (device, booking_id)
);
CREATE INDEX pass_registrations_by_booking ON pass_registrations (booking_id);
