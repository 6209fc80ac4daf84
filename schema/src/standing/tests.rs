//! The vocabulary, over every combination of what the rows can say.

use super::*;
use std::collections::BTreeSet;

const STATUSES: [BookingStatus; 8] = [
    BookingStatus::Requested,
    BookingStatus::Pending,
    BookingStatus::Confirming,
    BookingStatus::Confirmed,
    BookingStatus::Completed,
    BookingStatus::Rejected,
    BookingStatus::Cancelled,
    BookingStatus::Expired,
];

const REASONS: [Option<&str>; 8] = [
    None,
    Some("cancelled_by_customer"),
    Some("cancelled_by_staff"),
    Some("seats_taken"),
    Some("session_closed"),
    Some("invalid_seats"),
    Some("cinema_away"),
    Some("vista_silent"),
];

const TICKETS: [Making; 3] = [Making::NotYet, Making::Issued, Making::GivenUp];

/// 19:00 in Riyadh.
fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_276_800, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn waiting(timings: &Timings) -> Facts<'_> {
    Facts {
        status: BookingStatus::Pending,
        unwinding: false,
        end_reason: None,
        total: Some(Money::sar(11_500)),
        created_at: at(0),
        updated_at: at(1),
        expires_at: Some(at(15)),
        show_starts_at: Some(at(240)),
        ticket: Making::NotYet,
        declined: false,
        paid: None,
        refunds: &[],
        review: None,
        timings,
    }
}

fn paid() -> Paid {
    Paid { amount: Money::sar(11_500), at: at(5), at_a_terminal: false }
}

fn owed(of_won: bool, done: bool) -> Owed<'static> {
    Owed { amount: Money::sar(11_500), since: at(20), of_won, done, by_hand: None }
}

const COUNTER: ByHand<'_> = ByHand::AtTheCounter { receipt: "4829130577" };

fn by_hand(of_won: bool, how: ByHand<'static>) -> Owed<'static> {
    Owed { by_hand: Some(how), ..owed(of_won, false) }
}

/// Calls back with every combination of facts, those that cannot be included.
fn every(mut look: impl FnMut(&Facts<'_>)) {
    let timings = Timings::default();
    let refunds: [&[Owed<'_>]; 9] = [
        &[],
        &[owed(true, false)],
        &[owed(true, true)],
        &[owed(false, false)],
        &[owed(false, true)],
        &[owed(false, true), owed(true, false)],
        &[by_hand(true, ByHand::AtTheTerminal)],
        &[by_hand(false, COUNTER)],
        &[by_hand(true, COUNTER), by_hand(false, ByHand::AtTheTerminal)],
    ];
    let reviews = [0, 11_500].map(|risk| Review { since: at(30), at_risk: Money::sar(risk) });
    let reviews = [None, Some(reviews[0]), Some(reviews[1])];
    let yes_no = [false, true];
    for status in STATUSES {
        for refunds in refunds {
            for review in reviews {
                for bits in 0_u8..96 {
                    let bit = |n: u8| yes_no[usize::from(bits >> n & 1)];
                    for end_reason in REASONS {
                        look(&Facts {
                            status,
                            unwinding: bit(0),
                            end_reason,
                            total: Some(Money::sar(if bit(1) { 0 } else { 11_500 })),
                            show_starts_at: bit(2).then(|| at(60)),
                            ticket: TICKETS[usize::from(bits / 32)],
                            declined: bit(3),
                            paid: bit(4).then(paid),
                            refunds,
                            review,
                            ..waiting(&timings)
                        });
                    }
                }
            }
        }
    }
}

#[test]
fn whatever_the_rows_say_there_is_a_sentence_in_both_languages() {
    let mut seen = BTreeSet::new();
    every(|facts| {
        let Standing { stage, says, .. } = Standing::of(facts);
        seen.insert(stage);
        for text in [&says.en, &says.ar] {
            assert!(text.ends_with(['.', '!']), "{facts:?}: {text}");
            let holes = ["  ", " .", " ,", " ،", "of :", "charged ."];
            assert!(!holes.iter().any(|hole| text.contains(hole)), "{facts:?}: {text}");
        }
        assert!(says.ar.chars().any(|c| ('\u{600}'..'\u{700}').contains(&c)), "{}", says.ar);
        assert!(!says.ar.chars().any(|c| c.is_ascii_alphabetic()), "{}", says.ar);
    });
    assert_eq!(seen.len(), Stage::ALL.len(), "only {seen:?} can be reached");
}

#[test]
fn whatever_is_not_the_end_says_by_when_it_is_another() {
    every(|facts| {
        let standing = Standing::of(facts);
        if standing.stage.is_ours() || !facts.status.is_final() {
            assert!(!standing.is_final(), "{facts:?}");
        }
        let owes = facts.refunds.iter().any(|refund| !refund.done);
        if facts.status.is_final() && owes {
            assert!(!standing.is_final(), "money is still on its way: {facts:?}");
        }
    });
}

#[test]
fn whoever_has_money_with_us_is_told_what_happens_to_it() {
    every(|facts| {
        let Standing { stage, says, .. } = Standing::of(facts);
        let open = facts.refunds.iter().any(|refund| !refund.done);
        let kept = facts.paid.is_some()
            && matches!(
                stage,
                Stage::Confirming | Stage::TicketComing | Stage::TicketReady | Stage::TicketByCode
            );
        if kept || open && facts.status.frees_seats() {
            assert!(says.en.contains(".00 SAR"), "{facts:?}: {}", says.en);
            assert!(says.ar.contains(".00 ريال"), "{facts:?}: {}", says.ar);
        }
        if facts.status.frees_seats() && facts.refunds.is_empty() && facts.review.is_none() {
            assert!(says.en.contains("Nothing has been charged."), "{facts:?}: {}", says.en);
        }
    });
}

#[test]
fn a_payment_that_is_being_confirmed_reads_well() {
    let timings = Timings::default();
    let facts =
        Facts { status: BookingStatus::Confirming, paid: Some(paid()), ..waiting(&timings) };
    let standing = Standing::of(&facts);
    assert_eq!((standing.stage, standing.by), (Stage::Confirming, Some(at(15))));
    assert_eq!(
        standing.says.en,
        "You were charged 115.00 SAR. We are confirming your seats; if we cannot by 19:15, your money goes back in \
         full."
    );
    // Five minutes before the show is sooner than ten after the payment.
    let facts = Facts { show_starts_at: Some(at(12)), ..facts };
    assert_eq!(Standing::of(&facts).by, Some(at(7)));
}

#[test]
fn a_terminal_leaves_the_cinema_forty_seconds() {
    let timings = Timings::default();
    let paid = Some(Paid { at_a_terminal: true, ..paid() });
    let facts = Facts { status: BookingStatus::Confirming, paid, ..waiting(&timings) };
    assert_eq!(Standing::of(&facts).by, Some(at(5) + TimeDelta::seconds(40)));
}

#[test]
fn what_people_give_back_says_where_and_by_which_code() {
    let timings = Timings::default();
    let refunds = [by_hand(true, ByHand::AtTheTerminal)];
    let unwinding = Facts {
        status: BookingStatus::Confirming,
        unwinding: true,
        refunds: &refunds,
        ..waiting(&timings)
    };
    let standing = Standing::of(&unwinding);
    assert_eq!((standing.stage, standing.stage.is_ours()), (Stage::ToReverse, false));
    assert_eq!(
        standing.says.en,
        "We could not confirm your seats. The terminal gives 115.00 SAR back to your card now: please wait here until \
         it has."
    );
    // The case that staff settle does not hide the code from whoever has to show it.
    let review = Some(Review { since: at(30), at_risk: Money::sar(11_500) });
    let refunds = [by_hand(false, COUNTER)];
    let late =
        Facts { status: BookingStatus::Expired, refunds: &refunds, review, ..waiting(&timings) };
    let standing = Standing::of(&late);
    assert_eq!((standing.stage, standing.is_final()), (Stage::AtTheCounter, false));
    for text in [&standing.says.en, &standing.says.ar] {
        assert!(text.contains("4829130577"), "{text}");
    }
    // A second tap of somebody who has a ticket.
    let sold = Facts { status: BookingStatus::Confirmed, ticket: Making::Issued, ..late };
    let standing = Standing::of(&sold);
    assert_eq!(standing.stage, Stage::TicketReady);
    assert!(standing.says.en.contains("4829130577"), "{}", standing.says.en);
}

#[test]
fn a_ticket_may_come_as_late_as_the_show() {
    let timings = Timings::default();
    let facts = Facts { status: BookingStatus::Confirmed, paid: Some(paid()), ..waiting(&timings) };
    let standing = Standing::of(&facts);
    assert_eq!((standing.stage, standing.by), (Stage::TicketComing, Some(at(240))));
    let english = "Your seats are booked. You were charged 115.00 SAR. Your ticket is being made and will be here by \
                   23:00, ";
    assert!(standing.says.en.starts_with(english), "{}", standing.says.en);
    let unlisted = Standing::of(&Facts { show_starts_at: None, ..facts });
    assert_eq!(unlisted.by, Some(paid().at + PROMISE));
}

#[test]
fn each_way_of_a_booking_has_its_word() {
    let timings = Timings::default();
    let pending = || waiting(&timings);
    let of = |facts: Facts<'_>| Standing::of(&facts).stage;
    let ended = |refunds: &[Owed<'_>]| {
        of(Facts { status: BookingStatus::Expired, refunds, ..waiting(&timings) })
    };
    assert_eq!(of(pending()), Stage::ToPay);
    assert_eq!(of(Facts { declined: true, ..pending() }), Stage::PaymentDeclined);
    assert_eq!(of(Facts { total: Some(Money::sar(0)), ..pending() }), Stage::Confirming);
    assert_eq!(ended(&[]), Stage::Expired);
    assert_eq!(ended(&[owed(false, false)]), Stage::PaidTooLate);
    assert_eq!(ended(&[owed(false, true)]), Stage::Refunded);
    let unwound = [owed(true, false)];
    let unwound = Facts {
        status: BookingStatus::Confirming,
        unwinding: true,
        refunds: &unwound,
        ..pending()
    };
    assert_eq!(of(unwound), Stage::NotConfirmed);
    // Nobody makes its picture any more, and nobody waits for it.
    let by_code =
        Facts { status: BookingStatus::Confirmed, ticket: Making::GivenUp, ..waiting(&timings) };
    let standing = Standing::of(&by_code);
    assert_eq!((standing.stage, standing.is_final()), (Stage::TicketByCode, true));
    assert_eq!(of(Facts { ticket: Making::Issued, ..by_code }), Stage::TicketReady);
    // A ticket is shown whatever else is looked into; the standing is not final then.
    let review = Some(Review { since: at(30), at_risk: Money::sar(11_500) });
    let ticket =
        Facts { status: BookingStatus::Confirmed, ticket: Making::Issued, review, ..pending() };
    let standing = Standing::of(&ticket);
    assert_eq!((standing.stage, standing.is_final()), (Stage::TicketReady, false));
}
