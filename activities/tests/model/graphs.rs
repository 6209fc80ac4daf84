//! The published state graphs, and that nothing we decide leaves them or moves a thing back.

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest},
    prop_oneof,
    sample::select,
};
use schema::{
    claims::{self, Claim, Paid, Row, Wish},
    money::Money,
    states::{BookingStatus, PaymentStatus, VendorSays},
    unwinding::Cause,
};
use std::collections::BTreeSet;

const PUBLISHED: &str = include_str!("../../../schema/migrations/0001_states.sql");

/// The edges of a thing's graph: `('booking', 'REQUESTED', 'PENDING')` is one of a `booking`.
pub(crate) fn edges(thing: &str) -> BTreeSet<(String, String)> {
    let quoted = |line: &str| -> Vec<String> {
        line.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let rows = PUBLISHED.lines().filter(|line| line.trim_start().starts_with("('"));
    let edges = rows.map(quoted).filter(|row| row.len() == 3 && row[0] == thing);
    edges.map(|row| (row[1].clone(), row[2].clone())).collect()
}

#[test]
fn the_graphs_are_read_as_they_are_published() {
    let sizes = ["booking", "payment", "refund", "ticket"].map(|thing| edges(thing).len());
    assert_eq!(sizes, [10, 11, 3, 1]);
    assert!(edges("booking").contains(&("PENDING".to_owned(), "EXPIRED".to_owned())));
}

/// Whatever may come to a booking, whenever.
#[derive(Clone, Copy, Debug)]
enum Event {
    Wish(Wish),
    /// Its time is over, or was moved on.
    Time {
        over: bool,
    },
    /// Opening a payment has found another total.
    Total(Option<Money>),
}

fn event() -> impl Strategy<Value = Event> {
    let money = || prop_oneof![Just(0_i64), Just(100), Just(200)].prop_map(Money::sar);
    let some_money = move || proptest::option::of(money());
    let plain = [
        Wish::Hold,
        Wish::Reject,
        Wish::ConfirmFree,
        Wish::Expire,
        Wish::Cancel,
        Wish::Confirm,
        Wish::FinishUnwind,
    ];
    let causes = [
        Cause::CancelledByStaff,
        Cause::EndedBefore,
        Cause::CinemaAway,
        Cause::VistaRejected,
        Cause::VistaOrderGone,
        Cause::VistaSilent,
    ];
    let paid = (some_money(), money()).prop_map(|(asked, taken)| Paid { asked, taken });
    prop_oneof![
        7 => select(plain.to_vec()).prop_map(Event::Wish),
        2 => select(causes.to_vec()).prop_map(|cause| Event::Wish(Wish::Unwind(cause))),
        2 => paid.prop_map(|paid| Event::Wish(Wish::Capture(paid))),
        1 => any::<bool>().prop_map(|over| Event::Time { over }),
        2 => some_money().prop_map(Event::Total),
    ]
}

proptest! {
    #[test]
    fn a_booking_keeps_to_its_graph_and_never_comes_back(events in vec(event(), 1..60)) {
        let (published, mut left) = (edges("booking"), BTreeSet::new());
        let mut row =
            Row { status: BookingStatus::Requested, total: None, expired: false, unwinding: false };
        for event in events {
            match event {
                Event::Time { over } => row.expired = over,
                Event::Total(total) => row.total = total,
                Event::Wish(wish) => match claims::decide(&row, wish) {
                    Claim::Moves(to) => {
                        let edge = (row.status.name().to_owned(), to.name().to_owned());
                        prop_assert!(published.contains(&edge), "{wish:?}: {edge:?}");
                        prop_assert!(!row.status.is_final(), "{wish:?}: {edge:?}");
                        left.insert(row.status);
                        prop_assert!(!left.contains(&to), "{wish:?} moves back: {edge:?}");
                        prop_assert!(!row.unwinding || to == BookingStatus::Cancelled);
                        row.status = to;
                    }
                    Claim::Unwinds => {
                        prop_assert_eq!(row.status, BookingStatus::Confirming);
                        row.unwinding = true;
                    }
                    Claim::Done | Claim::Lost => {}
                },
            }
        }
    }

    #[test]
    fn what_a_vendor_says_keeps_a_payment_on_its_graph(
        words in vec(
            select(vec![VendorSays::Declined, VendorSays::Captured, VendorSays::NoMoney]),
            1..20,
        ),
        first in select(vec![
            PaymentStatus::Open,
            PaymentStatus::Authorized,
            PaymentStatus::Captured,
            PaymentStatus::Failed,
            PaymentStatus::Abandoned,
            PaymentStatus::Voided,
        ]),
    ) {
        let (published, mut left) = (edges("payment"), BTreeSet::new());
        let mut status = first;
        for word in words {
            // A second decline says what the first has said.
            let Some(to) = status.after(word).filter(|to| *to != status) else { continue };
            let edge = (status.name().to_owned(), to.name().to_owned());
            prop_assert!(published.contains(&edge), "{word:?}: {edge:?}");
            left.insert(status);
            prop_assert!(!left.contains(&to), "{word:?} moves back: {edge:?}");
            status = to;
        }
    }

    /// Money that was taken is never forgotten, in whatever order the vendor's words come.
    #[test]
    fn a_capture_is_heard_whenever_it_comes(
        before in vec(select(vec![VendorSays::Declined, VendorSays::NoMoney]), 0..6),
        after in vec(select(vec![VendorSays::Declined, VendorSays::NoMoney]), 0..6),
    ) {
        let words = before.into_iter().chain([VendorSays::Captured]).chain(after);
        let hears = |status: PaymentStatus, word| status.after(word).unwrap_or(status);
        prop_assert_eq!(words.fold(PaymentStatus::Open, hears), PaymentStatus::Captured);
    }
}
