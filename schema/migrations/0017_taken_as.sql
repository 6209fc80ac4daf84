-- What takes reserved money may have an id of its own at the vendor, and a chargeback may name nothing else.

ALTER TABLE captures ADD taken_as text;
CREATE INDEX captures_by_taking ON captures (provider, taken_as) WHERE taken_as IS NOT NULL;

-- It is written with `taken_at`, once.
CREATE OR REPLACE FUNCTION captures_are_only_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.taken_at IS NOT NULL OR NOT OLD.reserved
       OR (to_jsonb(OLD) - 'taken_at' - 'taken_as') <> (to_jsonb(NEW) - 'taken_at' - 'taken_as') THEN
        RAISE EXCEPTION 'a capture never changes' USING ERRCODE = 'check_violation', CONSTRAINT = 'captures_append_only';
    END IF;
    RETURN NEW;
END $$;
