-- Kiosks: when a card was tapped, and money that nobody claims. Lists: a page is found, however long the list is.

-- When the terminal took it, if its vendor tells a time that can be true; else NULL, and `settled_at`, when we knew, counts.
ALTER TABLE captures ADD tapped_at timestamptz;
-- Nobody has claimed it at the counter for so long that its vendor is not asked about it any more.
ALTER TABLE refunds ADD left_at timestamptz CHECK (left_at IS NULL OR receipt IS NOT NULL);

CREATE INDEX bookings_by_caller_and_status ON bookings (caller, status, created_at DESC, booking_id DESC);
-- Deliveries are listed by the newest of each vendor and fate. There is no index by time alone: it would be taken instead,
-- and read to its end for what is rare.
CREATE INDEX webhook_deliveries_by_fate
    ON webhook_deliveries (provider, COALESCE(verdict, 'UNDER_WAY'), received_at, event);
DROP INDEX webhook_deliveries_by_time;
CREATE INDEX refused_deliveries_by_verdict ON refused_deliveries (provider, verdict, received_at);
DROP INDEX refused_deliveries_by_time;
