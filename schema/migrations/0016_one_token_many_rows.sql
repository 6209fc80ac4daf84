-- Saved cards: a vendor's token in more than one row, what is left of a deleted card, and how many somebody begins to save.

-- Of a deleted card there is left whose it was, at which vendor, and when. Its mark says nothing of the card: by it a token
-- that its vendor is deleting is not saved anew.
UPDATE saved_cards SET vendor_session = NULL, session_ends_at = NULL, next_act = NULL, brand = NULL, last4 = NULL
WHERE status = 'DELETED';
UPDATE saved_cards SET request = request || '{"token": null}' WHERE status <> 'ADDING';
ALTER TABLE saved_cards
    ADD CONSTRAINT nothing_of_a_deleted_card CHECK (status <> 'DELETED' OR (vendor_session IS NULL
        AND session_ends_at IS NULL AND next_act IS NULL AND brand IS NULL AND last4 IS NULL)),
    ADD CONSTRAINT a_given_token_while_it_is_used CHECK (status = 'ADDING' OR (request ->> 'token') IS NULL);
-- Emptied here, whoever ends the card: an older program that still runs, too.
CREATE FUNCTION empty_what_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'ADDING' THEN
        NEW.request := NEW.request || '{"token": null}';
    END IF;
    IF NEW.status = 'DELETED' THEN
        NEW.vendor_session := NULL;
        NEW.session_ends_at := NULL;
        NEW.next_act := NULL;
        NEW.brand := NULL;
        NEW.last4 := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER saved_cards_emptied BEFORE UPDATE OF status ON saved_cards
    FOR EACH ROW EXECUTE FUNCTION empty_what_has_ended();

-- Who else has the same token, or is having it deleted.
CREATE INDEX saved_cards_by_token ON saved_cards (provider, token_mark) WHERE token_mark IS NOT NULL;
-- All that somebody has begun is counted, whatever became of it.
DROP INDEX saved_cards_by_owner;
CREATE INDEX saved_cards_by_owner ON saved_cards (owner, created_at);
