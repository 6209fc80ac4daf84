-- Cards that customers have saved at a vendor. Of a card there is only what tells it from the customer's others.

INSERT INTO state_edges (thing, from_state, to_state) VALUES
    ('card', 'ADDING', 'SAVED'),
    ('card', 'ADDING', 'FAILED'),
    ('card', 'SAVED',  'DELETED');

CREATE TABLE saved_cards (
    card_id         id PRIMARY KEY,
    -- Who may see it, pay with it and delete it: `customer:…`.
    owner           text NOT NULL,
    provider        text NOT NULL,
    request         jsonb NOT NULL,
    request_hash    text NOT NULL,
    status          text NOT NULL CHECK (status IN ('ADDING', 'SAVED', 'FAILED', 'DELETED')),
    -- Why it was not saved, as the caller is told.
    failed_because  text,
    -- The vendor's form, and the account (entity) that it was opened under; the token belongs to that, too.
    vendor_session  text,
    vendor_account  text,
    session_ends_at timestamptz,
    next_act        jsonb,
    -- The vendor's token, sealed; and a mark of it, the same for the same token, that says nothing of it.
    token           text,
    token_mark      text,
    brand           text,
    last4           text CHECK (last4 ~ '^[0-9]{4}$'),
    -- The vendor has deleted it, too; from then on nobody has its token any more.
    forgotten_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT a_token_while_it_is_kept CHECK ((token IS NOT NULL) =
        (status = 'SAVED' OR (status = 'DELETED' AND forgotten_at IS NULL))),
    CONSTRAINT forgotten_is_deleted CHECK (forgotten_at IS NULL OR status = 'DELETED'),
    CONSTRAINT failed_says_why CHECK ((status = 'FAILED') = (failed_because IS NOT NULL))
);
CREATE TRIGGER saved_cards_graph BEFORE UPDATE OF status ON saved_cards
    FOR EACH ROW EXECUTE FUNCTION keep_to_the_graph('card');
-- A card of a customer is saved once.
CREATE UNIQUE INDEX saved_cards_once ON saved_cards (owner, provider, token_mark) WHERE status = 'SAVED';
CREATE INDEX saved_cards_by_owner ON saved_cards (owner, created_at) WHERE status IN ('ADDING', 'SAVED');
-- What is not at its end yet.
CREATE INDEX saved_cards_open ON saved_cards (updated_at)
    WHERE status = 'ADDING' OR (status = 'DELETED' AND forgotten_at IS NULL);
