-- The published state graphs, enforced: no status leaves its edges, whoever writes.

CREATE TABLE state_edges (
    thing      text NOT NULL,
    from_state text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (thing, from_state, to_state)
);

INSERT INTO state_edges (thing, from_state, to_state) VALUES
    ('booking', 'REQUESTED',  'PENDING'),
    ('booking', 'REQUESTED',  'REJECTED'),
    ('booking', 'REQUESTED',  'CANCELLED'),
    ('booking', 'PENDING',    'CONFIRMING'),
    ('booking', 'PENDING',    'CANCELLED'),
    ('booking', 'PENDING',    'EXPIRED'),
    ('booking', 'CONFIRMING', 'CONFIRMED'),
    ('booking', 'CONFIRMING', 'CANCELLED'),
    ('booking', 'CONFIRMED',  'COMPLETED'),
    ('booking', 'CONFIRMED',  'CANCELLED'),
    ('payment', 'OPEN',       'AUTHORIZED'),
    ('payment', 'OPEN',       'CAPTURED'),
    ('payment', 'OPEN',       'FAILED'),
    ('payment', 'OPEN',       'ABANDONED'),
    ('payment', 'FAILED',     'OPEN'),
    ('payment', 'FAILED',     'AUTHORIZED'),
    ('payment', 'FAILED',     'CAPTURED'),
    ('payment', 'FAILED',     'ABANDONED'),
    ('payment', 'AUTHORIZED', 'CAPTURED'),
    ('payment', 'AUTHORIZED', 'VOIDED'),
    ('payment', 'ABANDONED',  'CAPTURED'),
    ('refund',  'REQUESTED',  'SENT'),
    ('refund',  'REQUESTED',  'REFUNDED'),
    ('refund',  'SENT',       'REFUNDED'),
    ('ticket',  'WAITING',    'ISSUED');

-- A trigger's argument is the thing; the first state must be the graph's first.
CREATE FUNCTION keep_to_the_graph() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT FROM state_edges
        WHERE thing = TG_ARGV[0] AND from_state = OLD.status AND to_state = NEW.status
    ) THEN
        RAISE EXCEPTION '% may not move from % to %', TG_ARGV[0], OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'state_graph';
    END IF;
    RETURN NEW;
END $$;

-- Evidence is never rewritten.
CREATE FUNCTION never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;

-- Every id is 128 bits in Crockford base32.
CREATE DOMAIN id AS text CHECK (VALUE ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$');
