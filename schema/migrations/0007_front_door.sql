-- What the front door keeps: the device a booking was asked for from, and when the house is closed for works.

-- A hash of what the device says of itself: enough to count by, and nothing to follow anybody with.
ALTER TABLE bookings ADD COLUMN device text CHECK (device ~ '^[0-9a-f]{32}$');
-- What somebody holds without having paid is counted with every new booking.
CREATE INDEX bookings_unpaid_by_caller ON bookings (caller) WHERE status IN ('REQUESTED', 'PENDING');
CREATE INDEX bookings_unpaid_by_device ON bookings (device) WHERE status IN ('REQUESTED', 'PENDING');

-- The latest line of a platform is what holds for it.
CREATE TABLE maintenance_changes (
    change_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform   text NOT NULL CHECK (platform IN ('all', 'ios', 'android', 'website', 'huawei', 'kiosk')),
    -- False: it is over.
    closed     boolean NOT NULL,
    -- It ends by itself then; by hand, if that is not said.
    until      timestamptz,
    reason     text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX maintenance_changes_latest ON maintenance_changes (platform, change_id DESC);
CREATE TRIGGER maintenance_changes_append_only BEFORE UPDATE OR DELETE ON maintenance_changes
    FOR EACH ROW EXECUTE FUNCTION never_change();
