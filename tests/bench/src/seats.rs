//! Who sits where: two seats for each booking, nobody in another's, a hundred shows filling up at a time.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// The stand-in has the sessions 3000 to 8999, each with 26 rows of 20 seats.
const FIRST_SESSION: u64 = 3_000;
const SESSIONS: u64 = 6_000;
const ROWS: u64 = 26;
const PAIRS_IN_A_ROW: u64 = 10;
const PAIRS: u64 = ROWS * PAIRS_IN_A_ROW;
/// So many shows are sold at the same time.
const AT_A_TIME: u64 = 100;

/// Hands out pairs of seats of one system.
#[derive(Default)]
pub(crate) struct Seats(AtomicU64);

impl Seats {
    /// The order of the next pair.
    pub(crate) fn order(&self) -> Value {
        let (session, seats) = pair(self.0.fetch_add(1, Ordering::Relaxed));
        let seats = seats.map(|seat| json!({ "seat": seat, "ticket_type": "0001" }));
        json!({ "cinema_id": "0001", "session_id": session.to_string(), "seats": seats })
    }
}

fn pair(number: u64) -> (u64, [String; 2]) {
    let (batch, within) = (number / (AT_A_TIME * PAIRS), number % (AT_A_TIME * PAIRS));
    let session = FIRST_SESSION + batch * AT_A_TIME + within % AT_A_TIME;
    assert!(session < FIRST_SESSION + SESSIONS, "every seat is taken");
    let pair = within / AT_A_TIME;
    let row = u8::try_from(pair / PAIRS_IN_A_ROW).unwrap();
    let row = char::from(b'A' + row);
    let column = pair % PAIRS_IN_A_ROW * 2 + 1;
    (session, [column, column + 1].map(|column| format!("{row}{column}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_seat_is_handed_out_twice() {
        let taken: BTreeSet<_> = (0..60_000).map(pair).collect();
        assert_eq!(taken.len(), 60_000);
        assert_eq!(pair(0), (3_000, ["A1", "A2"].map(str::to_owned)));
        assert_eq!(pair(25_999), (3_099, ["Z19", "Z20"].map(str::to_owned)));
        assert_eq!(pair(26_000), (3_100, ["A1", "A2"].map(str::to_owned)));
    }
}
