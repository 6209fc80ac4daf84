-- What vendors' webhooks began nothing, and all of them in the order they came.

-- Deliveries that are nobody's, unreadable, too large, or told before. Of what they said there are the names of fields,
-- and nothing else. Each gateway keeps so many a minute of a vendor; the oldest are deleted.
CREATE TABLE refused_deliveries (
    refused_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider     text NOT NULL,
    verdict      text NOT NULL CHECK (verdict IN
                     ('FORGED', 'WRONG_CHANNEL', 'UNREADABLE', 'TOO_LARGE', 'REPEATED', 'NOT_KEPT')),
    -- Why, in our own words.
    reason       text NOT NULL,
    -- Of a body that was read to its end.
    body_sha256  text CHECK (body_sha256 ~ '^[0-9a-f]{64}$'),
    -- Of one that was not: as its head says, if it does.
    body_bytes   bigint CHECK (body_bytes >= 0),
    header_names text[] NOT NULL,
    -- Of JSON or a form: the names of its fields, each value starred out.
    excerpt      text,
    -- As callers are counted: of the sixth version only the network.
    address      text NOT NULL,
    received_at  timestamptz NOT NULL
);
CREATE INDEX refused_deliveries_by_time ON refused_deliveries (received_at);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (received_at, event);
