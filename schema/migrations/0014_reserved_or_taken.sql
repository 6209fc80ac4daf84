-- Money that is found after its session was given up may be only reserved: it is taken or let go as any other.
INSERT INTO state_edges (thing, from_state, to_state) VALUES ('payment', 'ABANDONED', 'AUTHORIZED');
