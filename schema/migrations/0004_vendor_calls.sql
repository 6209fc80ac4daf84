-- The life of a step: one row for each effect we ask of a vendor, written before the request leaves.

CREATE TABLE vendor_calls (
    -- `{id}:{step}`: no time and no randomness in it, so every retry finds the same row.
    call_key     text PRIMARY KEY,
    booking_id   id REFERENCES bookings,
    vendor       text NOT NULL,
    step         text NOT NULL,
    -- When the last attempt was given the right to send. NULL: none is under way (it provably never left).
    sent_at      timestamptz,
    attempts     int NOT NULL DEFAULT 0,
    -- Clean "not found" answers of the look-up since the last stamp.
    absences     int NOT NULL DEFAULT 0,
    looked_at    timestamptz,
    -- A "no" that came after a re-send: no outcome until the look-up agrees.
    said_no      jsonb,
    -- How often we came back without an answer; the waits widen with it.
    tries        int NOT NULL DEFAULT 0,
    -- What waits, why, and when it tries next: for people.
    waiting_for  text,
    next_try_at  timestamptz,
    -- Business says: not after this.
    give_up_at   timestamptz,
    -- The end. ANSWER carries the typed answer (versioned); BY_HAND the evidence of a person.
    outcome      text CHECK (outcome IN ('ANSWER', 'ABSENT', 'GAVE_UP', 'BY_HAND')),
    answer       jsonb,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT answered_means_answer CHECK ((outcome IN ('ANSWER', 'BY_HAND')) = (answer IS NOT NULL))
);
CREATE INDEX vendor_calls_by_booking ON vendor_calls (booking_id);
CREATE INDEX vendor_calls_waiting ON vendor_calls (next_try_at) WHERE outcome IS NULL;

-- An outcome is final.
CREATE FUNCTION outcome_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.outcome IS NOT NULL THEN
        RAISE EXCEPTION 'the outcome of % is final', OLD.call_key USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER vendor_calls_final BEFORE UPDATE ON vendor_calls
    FOR EACH ROW EXECUTE FUNCTION outcome_is_final();

CREATE TABLE webhook_deliveries (
    provider    text NOT NULL,
    -- The vendor's event, the same for every delivery of it.
    event       text NOT NULL,
    -- What it claimed: references and ids only, nothing of a card.
    claim       jsonb NOT NULL,
    booking_id  id REFERENCES bookings,
    verdict     text CHECK (verdict IN ('APPLIED', 'NOTHING_NEW', 'ORPHAN', 'IGNORED', 'CONTRADICTED')),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (provider, event)
);
CREATE INDEX webhook_deliveries_open ON webhook_deliveries (received_at) WHERE verdict IS NULL;

CREATE TABLE tickets (
    booking_id       id PRIMARY KEY REFERENCES bookings,
    status           text NOT NULL CHECK (status IN ('WAITING', 'ISSUED')),
    vista_booking_id text NOT NULL,
    -- The QR that the cinema's scanners read: Vista's booking id, as SVG.
    qr_svg           text,
    issued_at        timestamptz,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT issued_has_a_qr CHECK (status <> 'ISSUED' OR qr_svg IS NOT NULL)
);
CREATE TRIGGER tickets_graph BEFORE UPDATE OF status ON tickets
    FOR EACH ROW EXECUTE FUNCTION keep_to_the_graph('ticket');

-- What a person has to decide.
CREATE TABLE cases (
    case_id       id PRIMARY KEY,
    -- The workflow and step that wait for it, and the how-manieth time: the promise is `decision-{step}-{n}`.
    workflow      text NOT NULL,
    workflow_key  text NOT NULL,
    step          text NOT NULL,
    occurrence    int NOT NULL,
    booking_id    id REFERENCES bookings,
    -- The fingerprint: cases of one cause share it.
    cause         text NOT NULL,
    detail        text NOT NULL,
    at_risk_minor bigint NOT NULL DEFAULT 0,
    currency      text NOT NULL DEFAULT 'SAR',
    decisions     text[] NOT NULL,
    decision      text,
    evidence      jsonb,
    reason        text,
    decided_by    text,
    opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at    timestamptz,
    UNIQUE (workflow, workflow_key, step, occurrence),
    CONSTRAINT decided_is_signed CHECK ((decision IS NULL) = (decided_at IS NULL)
        AND (decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (reason IS NULL))
);
CREATE INDEX cases_open ON cases (opened_at) WHERE decision IS NULL;
