-- When the money of a payment moves is said once, before anybody is asked to pay.

ALTER TABLE payments ADD taking text CHECK (taking IN ('at_once', 'once_confirmed'));
-- What was said of those that are there, vendor by vendor.
UPDATE payments SET taking = CASE
    WHEN provider = 'tabby' THEN 'once_confirmed'
    WHEN provider = 'checkout' AND request #>> '{pay_with,with}' <> 'stc_pay' THEN 'once_confirmed'
    WHEN provider IN ('hyperpay', 'payfort') AND request #>> '{pay_with,with}' = 'credit_card' THEN 'once_confirmed'
    ELSE 'at_once'
END;

-- Money that is found after its session was given up may be only reserved: it is taken or let go as any other.
INSERT INTO state_edges (thing, from_state, to_state) VALUES ('payment', 'ABANDONED', 'AUTHORIZED');
