-- What operations watch, found without looking through everything that ever was.

-- Sums of money are kept up by time: what is settled never changes.
CREATE INDEX captures_by_time ON captures (settled_at);
CREATE INDEX refunds_by_time ON refunds (updated_at) WHERE status = 'REFUNDED';

-- Tickets that are not made yet.
CREATE INDEX tickets_waiting ON tickets (created_at) WHERE status = 'WAITING';

-- Bookings that have money and no seat: there are as many as refunds.
CREATE INDEX bookings_paid_unconfirmed ON bookings (won_payment)
    WHERE won_payment IS NOT NULL AND status NOT IN ('CONFIRMED', 'COMPLETED');
