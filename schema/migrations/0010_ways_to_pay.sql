-- Every way to pay: what the customer does next, and money that is reserved first and taken later.

ALTER TABLE payments ADD next_act jsonb;
-- How vendors have fared lately.
CREATE INDEX payments_lately ON payments (created_at);

-- Captures of reserved money: `taken_at` is when the vendor said that it has the money; until then there is nothing to
-- refund, only something to let go. NULL for money that was taken at once.
ALTER TABLE captures ADD reserved boolean NOT NULL DEFAULT false;
ALTER TABLE captures ADD taken_at timestamptz;

-- Only one thing ever changes: reserved money is taken, once.
CREATE FUNCTION captures_are_only_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.taken_at IS NOT NULL OR NOT OLD.reserved
       OR (to_jsonb(OLD) - 'taken_at') <> (to_jsonb(NEW) - 'taken_at') THEN
        RAISE EXCEPTION 'a capture never changes' USING ERRCODE = 'check_violation', CONSTRAINT = 'captures_append_only';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER captures_append_only ON captures;
CREATE TRIGGER captures_append_only BEFORE UPDATE OR DELETE ON captures
    FOR EACH ROW EXECUTE FUNCTION captures_are_only_taken();
CREATE INDEX captures_taken ON captures (taken_at) WHERE taken_at IS NOT NULL;
-- Reserved money of a booking that is sold: to be taken.
CREATE INDEX captures_to_take ON captures (booking_id) WHERE reserved AND taken_at IS NULL AND verdict = 'WON';
