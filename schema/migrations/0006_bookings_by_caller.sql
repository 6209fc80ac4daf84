-- Pages of a caller's own bookings, the newest first: the id settles those of the same instant.

DROP INDEX bookings_by_caller;
CREATE INDEX bookings_by_caller ON bookings (caller, created_at DESC, booking_id DESC);
