-- Money that only people can give back: the terminal that took it for a minute, and after that the counter.

-- What the customer shows there. NULL: the terminal can still do it, or the vendor's server does.
ALTER TABLE refunds ADD receipt text CHECK (receipt ~ '^[0-9]{10}$');
CREATE INDEX refunds_by_receipt ON refunds (receipt) WHERE receipt IS NOT NULL;
