-- Money in and money back.

CREATE TABLE payments (
    payment_id      id PRIMARY KEY,
    booking_id      id NOT NULL REFERENCES bookings,
    request         jsonb NOT NULL,
    request_hash    text NOT NULL,
    provider        text NOT NULL,
    status          text NOT NULL CHECK (status IN
                        ('OPEN', 'AUTHORIZED', 'CAPTURED', 'FAILED', 'ABANDONED', 'VOIDED')),
    -- Why it was never opened, as the caller is told; such a payment is ABANDONED at once.
    refused_because text,
    amount_minor    bigint CHECK (amount_minor > 0),
    currency        text,
    -- The vendor's session and the account (entity) it was opened under.
    vendor_session  text,
    vendor_account  text,
    session_ends_at timestamptz,
    brand           text,
    last4           text CHECK (last4 ~ '^[0-9]{4}$'),
    decline_code    text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER payments_graph BEFORE UPDATE OF status ON payments
    FOR EACH ROW EXECUTE FUNCTION keep_to_the_graph('payment');
CREATE INDEX payments_by_booking ON payments (booking_id, created_at);
CREATE INDEX payments_open ON payments (session_ends_at) WHERE status IN ('OPEN', 'FAILED', 'AUTHORIZED');
ALTER TABLE bookings ADD FOREIGN KEY (won_payment) REFERENCES payments;

-- One row for each vendor transaction that took money. WON is kept for its booking, LATE goes back, DISPUTED (not the
-- amount or currency that was asked) waits for a person.
CREATE TABLE captures (
    provider           text NOT NULL,
    vendor_transaction text NOT NULL,
    payment_id         id NOT NULL REFERENCES payments,
    booking_id         id NOT NULL REFERENCES bookings,
    amount_minor       bigint NOT NULL CHECK (amount_minor > 0),
    currency           text NOT NULL,
    verdict            text NOT NULL CHECK (verdict IN ('WON', 'LATE', 'DISPUTED')),
    settled_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (provider, vendor_transaction)
);
-- M2: at most one capture is kept for a booking.
CREATE UNIQUE INDEX captures_won_once ON captures (booking_id) WHERE verdict = 'WON';
CREATE INDEX captures_by_payment ON captures (payment_id);
CREATE TRIGGER captures_append_only BEFORE UPDATE OR DELETE ON captures
    FOR EACH ROW EXECUTE FUNCTION never_change();

CREATE TABLE refunds (
    refund_id          id PRIMARY KEY,
    booking_id         id NOT NULL REFERENCES bookings,
    payment_id         id NOT NULL REFERENCES payments,
    provider           text NOT NULL,
    -- The capture that goes back.
    vendor_transaction text NOT NULL,
    amount_minor       bigint NOT NULL CHECK (amount_minor > 0),
    currency           text NOT NULL,
    cause              text NOT NULL,
    timings            jsonb NOT NULL,
    status             text NOT NULL CHECK (status IN ('REQUESTED', 'SENT', 'REFUNDED')),
    vendor_refund      text,
    created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (provider, vendor_transaction) REFERENCES captures
);
CREATE TRIGGER refunds_graph BEFORE UPDATE OF status ON refunds
    FOR EACH ROW EXECUTE FUNCTION keep_to_the_graph('refund');
CREATE INDEX refunds_by_capture ON refunds (provider, vendor_transaction);
CREATE INDEX refunds_by_booking ON refunds (booking_id);
CREATE INDEX refunds_open ON refunds (updated_at) WHERE status <> 'REFUNDED';

-- M1: what goes back of a capture is never more than what it took. The capture's row is the lock.
CREATE FUNCTION refund_no_more_than_captured() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    captured bigint;
    promised bigint;
BEGIN
    SELECT amount_minor INTO captured FROM captures
    WHERE provider = NEW.provider AND vendor_transaction = NEW.vendor_transaction FOR UPDATE;
    SELECT COALESCE(SUM(amount_minor), 0) INTO promised FROM refunds
    WHERE provider = NEW.provider AND vendor_transaction = NEW.vendor_transaction
      AND refund_id <> NEW.refund_id;
    IF promised + NEW.amount_minor > captured THEN
        RAISE EXCEPTION 'refunds of % would exceed the capture', NEW.vendor_transaction
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refunds_within_capture';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_within_capture BEFORE INSERT OR UPDATE OF amount_minor ON refunds
    FOR EACH ROW EXECUTE FUNCTION refund_no_more_than_captured();
