-- Bookings, the seats they hold, and everything that happened to them.

CREATE TABLE bookings (
    booking_id      id PRIMARY KEY,
    -- Who asked: `customer:…`, `guest:…`, `kiosk:…`. Only they may see it.
    caller          text NOT NULL,
    platform        text NOT NULL,
    -- The workflow's input, so that the recovery sweep can send it again, and its hash (same key, other body).
    request         jsonb NOT NULL,
    request_hash    text NOT NULL,
    cinema_id       text NOT NULL,
    session_id      text NOT NULL,
    status          text NOT NULL CHECK (status IN ('REQUESTED', 'PENDING', 'CONFIRMING', 'CONFIRMED',
                        'COMPLETED', 'REJECTED', 'CANCELLED', 'EXPIRED')),
    -- Grows with every event: the booking's ETag.
    version         int NOT NULL DEFAULT 1,
    -- Vista's userSessionId.
    vista_order     text,
    total_minor     bigint CHECK (total_minor >= 0),
    currency        text,
    show_starts_at  timestamptz,
    -- The one clock of the customer.
    expires_at      timestamptz,
    -- How often opening a payment has restarted Vista's timer.
    continues       int NOT NULL DEFAULT 0,
    -- The payment that has won the row; none for a total of zero.
    won_payment     id,
    -- Set once: this booking will not be confirmed any more.
    unwind_cause    text,
    end_reason      text,
    vista_booking_id     text,
    vista_booking_number text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT confirmed_has_a_vista_booking
        CHECK (status NOT IN ('CONFIRMED', 'COMPLETED') OR vista_booking_id IS NOT NULL),
    CONSTRAINT unwound_is_never_confirmed
        CHECK (unwind_cause IS NULL OR status IN ('CONFIRMING', 'CANCELLED')),
    CONSTRAINT confirming_is_paid_or_free
        CHECK (status NOT IN ('CONFIRMING', 'CONFIRMED') OR won_payment IS NOT NULL OR total_minor = 0)
);
CREATE TRIGGER bookings_graph BEFORE UPDATE OF status ON bookings
    FOR EACH ROW EXECUTE FUNCTION keep_to_the_graph('booking');
CREATE INDEX bookings_by_caller ON bookings (caller, created_at DESC);
CREATE INDEX bookings_open ON bookings (updated_at)
    WHERE status IN ('REQUESTED', 'PENDING', 'CONFIRMING');

CREATE TABLE seats (
    booking_id  id NOT NULL REFERENCES bookings,
    cinema_id   text NOT NULL,
    session_id  text NOT NULL,
    seat        text NOT NULL,
    ticket_type text NOT NULL,
    released_at timestamptz,
    PRIMARY KEY (booking_id, seat)
);
-- S1: a seat of a session belongs to at most one booking.
CREATE UNIQUE INDEX seats_held_once ON seats (cinema_id, session_id, seat) WHERE released_at IS NULL;

CREATE TABLE booking_events (
    booking_id id NOT NULL REFERENCES bookings,
    version    int NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind       text NOT NULL,
    detail     jsonb NOT NULL,
    PRIMARY KEY (booking_id, version)
);
CREATE TRIGGER booking_events_append_only BEFORE UPDATE OR DELETE ON booking_events
    FOR EACH ROW EXECUTE FUNCTION never_change();
