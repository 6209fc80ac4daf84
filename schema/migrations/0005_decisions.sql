-- What a person decides about a case: one of what is offered, signed, kept as it was said, never altered.

-- The answer that a person has settled the step with. The step itself records it, with all that it means, when it next
-- looks at its row.
ALTER TABLE vendor_calls ADD COLUMN by_hand jsonb;

-- What an earlier build offered without meaning.
UPDATE cases SET decisions = CASE
        WHEN step = 'send_refund' THEN ARRAY['retry', 'settled']
        WHEN step = 'ask_refund' THEN ARRAY['settled']
        WHEN step IN ('create_order', 'hold_seats', 'price_order', 'open_payment') THEN ARRAY['retry', 'give-up']
        ELSE decisions END
    WHERE decision IS NULL;

-- What happens may overtake a case that nobody has decided: then it is closed as settled, by Usher itself.
ALTER TABLE cases
    ADD CONSTRAINT only_what_is_offered CHECK (decision = ANY (decisions)
        OR (decision = 'settled' AND decided_by = 'usher')),
    ADD CONSTRAINT offered_are_known CHECK (decisions <@ ARRAY['retry', 'settled', 'give-up']),
    ADD CONSTRAINT settled_has_evidence CHECK (decision <> 'settled' OR evidence IS NOT NULL);

CREATE INDEX cases_by_age ON cases (opened_at, case_id);
CREATE INDEX cases_by_booking ON cases (booking_id);

-- Nothing but a decision is ever written to a case, and that once.
CREATE FUNCTION decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decision IS NOT NULL THEN
        RAISE EXCEPTION 'case % is decided', OLD.case_id USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.case_id, NEW.workflow, NEW.workflow_key, NEW.step, NEW.occurrence, NEW.booking_id, NEW.cause, NEW.detail,
        NEW.at_risk_minor, NEW.currency, NEW.decisions, NEW.opened_at)
       IS DISTINCT FROM
       (OLD.case_id, OLD.workflow, OLD.workflow_key, OLD.step, OLD.occurrence, OLD.booking_id, OLD.cause, OLD.detail,
        OLD.at_risk_minor, OLD.currency, OLD.decisions, OLD.opened_at) THEN
        RAISE EXCEPTION 'case %: only a decision may be added', OLD.case_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cases_decided_once BEFORE UPDATE ON cases FOR EACH ROW EXECUTE FUNCTION decided_once();
CREATE TRIGGER cases_are_kept BEFORE DELETE ON cases FOR EACH ROW EXECUTE FUNCTION never_change();

-- Whether a step that a case is about has not ended: somebody waits for the decision, or for what follows from it. A
-- fact that nothing waits for names no step of a workflow.
CREATE FUNCTION step_waits(key text, named text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE named
        -- A question, so without a call of its own: it waits as long as its refund does.
        WHEN 'ask_refund' THEN EXISTS (SELECT FROM refunds WHERE refund_id = key AND status <> 'REFUNDED')
        ELSE EXISTS (SELECT FROM vendor_calls WHERE call_key = key || ':' || named AND outcome IS NULL)
    END
$$;
