//! Vista: what it honestly says, and that nothing else ever becomes a booking, a release or a seat.

use crate::{
    damage::damaged,
    draws::Draws,
    payments::{MINOR, REFERENCE, Says, is_plain},
    server::{Answer, Server},
};
use adapters::vista::{
    Config, ConfirmAnswer, Fate, HoldAnswer, OrderRef, PaymentNote, ReleaseAnswer, SeatRequest,
    Seating, Vista, VistaBooking,
};
use schema::{
    ids::{BookingId, PaymentId},
    money::Money,
    provider::Platform,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

const ON: Platform = Platform::Website;
const WITHIN: Duration = Duration::from_secs(20);
const ORDER: &str = "7e72a258b5144bbf932589a1f0c0273b";
const STATUSES: [u16; 8] = [200, 204, 302, 404, 409, 410, 429, 500];
/// Stands for a session that nobody has asked about before, since what is read of one is remembered.
const SESSION: &str = "SESSION";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
    Create,
    Continue,
    Pay,
    Fate,
    Cancel,
    Hold,
    SeatPlan,
    TicketTypes,
    ShowStart,
    Show,
    Search,
    Release,
}

struct Genuine {
    verb: Verb,
    says: Says,
    answers: Vec<(&'static str, u16, Value)>,
}

pub(crate) struct Cinema {
    vista: Vista,
    genuine: Vec<Genuine>,
    sessions: AtomicU32,
}

fn order(seats: &[i64]) -> Value {
    let ticket = |column: &i64| {
        json!({"seats": [{"areaNumber": 1, "rowIndex": 0, "columnIndex": column,
            "rowDisplay": "A", "columnDisplay": (column + 1).to_string()}]})
    };
    let tickets: Vec<Value> = seats.iter().map(ticket).collect();
    json!({"order": {"cinemaId": "0001", "userSessionId": ORDER, "orderTotalValueInCents": MINOR,
        "expiryDateUtc": "2999-01-01T00:00:00.0000000Z", "sessions": [{"tickets": tickets}]}})
}

fn booking(cancelled: &str) -> Value {
    let booking = json!({"BookingNumber": 27573, "BookingId": "WNZW39Q", "CinemaId": "0001",
        "IsPaid": true, "CancelledStatus": cancelled, "CurrentValueInCents": MINOR,
        "UserSessionId": ORDER, "BookingNotes": "usher:01K9BBBBBBBBBBBBBBBBBBBBBB",
        "Tickets": [{"RefundGroupNumber": 1, "RefundedStatus": "0"}]});
    json!({"ResultCode": 0, "Booking": booking, "SingleBookingMatch": booking})
}

fn genuine() -> Vec<Genuine> {
    use Says::{Money, Nothing};
    let none = || json!({"ResultCode": 78});
    let told = |code: i64| json!({"ResponseCode": code, "OrderSummary": null});
    let booked = json!({"Result": 0, "ExtendedResultCode": 0, "CinemaID": "0001",
        "VistaBookingNumber": "27573", "VistaBookingId": "WNZW39Q"});
    let seat = |column: i64| {
        json!({"Id": (column + 1).to_string(), "Status": 0,
            "Position": {"AreaNumber": 1, "RowIndex": 0, "ColumnIndex": column}})
    };
    let rows = json!([{"PhysicalName": "A", "Seats": [seat(0), seat(1)]}]);
    let plan = json!({"ResponseCode": 0,
        "SeatLayoutData": {"Areas": [{"AreaCategoryCode": "1", "Rows": rows}]}});
    let types = json!({"ResponseCode": 0, "Tickets":
        [{"TicketTypeCode": "0001", "PriceInCents": 4_600, "Description": "Adult"}]});
    let shown = json!({"value": [{"ID": "0001-SESSION", "Showtime": "2026-11-21T20:00:00",
        "ScheduledFilmId": "HO1", "ScreenName": "Screen 5"}]});
    let film = json!({"value": [{"ID": "0001-HO1", "Title": "The Long Dune", "Rating": "PG",
        "RunTime": "118", "CinemaName": "Riyadh Park"}]});
    let fate = |open: (u16, Value), shown: Value| {
        vec![
            ("/order/bookingstatus", 200, told(62)),
            ("/booking/search", 200, none()),
            ("/RESTBooking.svc/booking", 200, shown),
            ("/orders/", open.0, open.1),
        ]
    };
    let one = |verb, says, answers| Genuine { verb, says, answers };
    let refused = json!({"Result": 1, "ExtendedResultCode": 69});
    vec![
        one(Verb::Create, Nothing, vec![("/orders", 200, order(&[]))]),
        one(
            Verb::Continue,
            Nothing,
            vec![("/order/continue", 200, json!({"Result": 0})), ("/orders/", 200, order(&[0]))],
        ),
        one(Verb::Pay, Money, vec![("/order/payment", 200, booked)]),
        one(Verb::Pay, Nothing, vec![("/order/payment", 200, refused)]),
        one(Verb::Fate, Money, fate((404, json!({})), booking("0"))),
        one(Verb::Fate, Nothing, fate((404, json!({})), none())),
        one(Verb::Fate, Nothing, fate((200, order(&[0])), none())),
        one(Verb::Cancel, Nothing, vec![("/order/cancel", 200, json!({"Result": 0}))]),
        one(
            Verb::Hold,
            Money,
            vec![
                ("/seat-plan", 200, plan.clone()),
                ("/tickets?", 200, types.clone()),
                ("/set-tickets", 200, order(&[0, 1])),
            ],
        ),
        one(
            Verb::Hold,
            Nothing,
            vec![
                ("/seat-plan", 200, plan.clone()),
                ("/tickets?", 200, types.clone()),
                ("/set-tickets", 409, json!({"errorCode": "SeatsUnavailable"})),
            ],
        ),
        one(Verb::SeatPlan, Nothing, vec![("/seat-plan", 200, plan)]),
        one(Verb::TicketTypes, Nothing, vec![("/tickets?", 200, types)]),
        one(Verb::ShowStart, Nothing, vec![("/Sessions?", 200, shown.clone())]),
        one(Verb::Show, Nothing, vec![("/Sessions?", 200, shown), ("/ScheduledFilms?", 200, film)]),
        one(Verb::Search, Nothing, vec![("/booking/search", 200, booking("0"))]),
        one(Verb::Release, Money, vec![("/RESTBooking.svc/booking", 200, booking("1"))]),
        one(Verb::Release, Nothing, vec![("/RESTBooking.svc/booking", 200, none())]),
    ]
}

/// What a verb came to: whether it is a booking, a release or seats held, and its ids.
struct Heard {
    done: bool,
    ids: Vec<String>,
}

impl Heard {
    const NOTHING: Self = Self { done: false, ids: Vec::new() };

    fn booked(booking: VistaBooking) -> Self {
        Self { done: true, ids: vec![booking.booking_id, booking.booking_number] }
    }
}

impl Cinema {
    pub(crate) fn new(url: &str) -> Self {
        let tokens = BTreeMap::from([(ON, "token-web".into())]);
        let vista = Vista::new(Config::new(format!("{url}/WSVistaWebClient"), tokens)).unwrap();
        Self { vista, genuine: genuine(), sessions: AtomicU32::new(1) }
    }

    /// One honest answer, damaged as is drawn; what the verb makes of it is judged.
    pub(crate) async fn survives_an_answer(&self, server: &Server, bytes: &[u8]) {
        let mut draws = Draws::new(bytes);
        let genuine = draws.one(&self.genuine);
        let spoiled = draws.below(genuine.answers.len());
        let status = (draws.byte().is_multiple_of(8)).then(|| *draws.one(&STATUSES));
        let session = self.session();
        let honest = &genuine.answers[spoiled].2;
        let honest = serde_json::from_str(&honest.to_string().replace(SESSION, &session)).unwrap();
        let mut answers = said(genuine, &session);
        answers[spoiled].status = status.unwrap_or(answers[spoiled].status);
        answers[spoiled].body = damaged(&honest, &mut draws, &|value| value);
        let told = String::from_utf8_lossy(&answers[spoiled].body).chars().take(4_096).collect();
        server.says(answers);
        let Heard { done, ids } = self.hears(genuine.verb, &session).await;
        let told: String = told;
        assert!(!done || genuine.says == Says::Money, "{:?} of {told}", genuine.verb);
        assert!(ids.iter().all(|id| is_plain(id)), "{ids:?} of {told}");
    }

    /// Undamaged, each comes to what it says.
    pub(crate) async fn understands_what_is_honest(&self, server: &Server) {
        for genuine in &self.genuine {
            let session = self.session();
            server.says(said(genuine, &session));
            let heard = self.hears(genuine.verb, &session).await;
            assert_eq!(heard.done, genuine.says == Says::Money, "{:?}", genuine.verb);
        }
    }

    pub(crate) async fn hears_no_end(&self) {
        for genuine in &self.genuine {
            assert!(!self.hears(genuine.verb, &self.session()).await.done);
        }
    }

    fn session(&self) -> String {
        self.sessions.fetch_add(1, Ordering::Relaxed).to_string()
    }

    async fn hears(&self, verb: Verb, session: &str) -> Heard {
        let vista = &self.vista;
        let order = OrderRef { cinema: "0001".to_owned(), user_session: ORDER.to_owned() };
        let booking = VistaBooking {
            booking_id: "WNZW39Q".to_owned(),
            booking_number: "27573".to_owned(),
            cinema: "0001".to_owned(),
        };
        match verb {
            Verb::Create => {
                let opened = vista.create_order(ON, "0001", WITHIN).await;
                let ids = opened.into_iter().map(|open| open.order.user_session).collect();
                Heard { done: false, ids }
            }
            Verb::Continue => {
                drop(vista.continue_order(ON, &order, WITHIN).await);
                Heard::NOTHING
            }
            Verb::Pay => match vista.pay_order(ON, &order, &note(), WITHIN).await {
                Ok(ConfirmAnswer::Booked(booking)) => Heard::booked(booking),
                Ok(ConfirmAnswer::Rejected { .. } | ConfirmAnswer::OrderGone) | Err(_) => {
                    Heard::NOTHING
                }
            },
            Verb::Fate => match vista.order_fate(ON, &order, &note(), WITHIN).await {
                Ok(Fate::Booked(booking)) => Heard::booked(booking),
                Ok(Fate::Open | Fate::Gone | Fate::Unclear { .. }) | Err(_) => Heard::NOTHING,
            },
            Verb::Cancel => {
                drop(vista.cancel_order(ON, &order, WITHIN).await);
                Heard::NOTHING
            }
            Verb::Hold => {
                let held = vista.set_tickets(ON, &order, &seating(session), WITHIN).await;
                let done = matches!(held, Ok(HoldAnswer::Held(_)));
                Heard { done, ids: Vec::new() }
            }
            Verb::SeatPlan => {
                drop(vista.seat_plan(ON, "0001", session, WITHIN).await);
                Heard::NOTHING
            }
            Verb::TicketTypes => {
                drop(vista.ticket_types(ON, "0001", session, WITHIN).await);
                Heard::NOTHING
            }
            Verb::ShowStart => {
                drop(vista.show_start(ON, "0001", session, WITHIN).await);
                Heard::NOTHING
            }
            Verb::Show => {
                drop(vista.show(ON, "0001", session, WITHIN).await);
                Heard::NOTHING
            }
            Verb::Search => {
                drop(vista.search_bookings(ON, "0001", "a@b.example", WITHIN).await);
                Heard::NOTHING
            }
            Verb::Release => {
                let released = vista.release_booking(ON, &booking, WITHIN).await;
                Heard { done: matches!(released, Ok(ReleaseAnswer::Released)), ids: Vec::new() }
            }
        }
    }
}

fn said(genuine: &Genuine, session: &str) -> Vec<Answer> {
    let answer = |(to, status, body): &(&'static str, u16, Value)| {
        let body = body.to_string().replace(SESSION, session).into_bytes();
        Answer { to, status: *status, body }
    };
    genuine.answers.iter().map(answer).collect()
}

fn note() -> PaymentNote {
    PaymentNote {
        booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
        payment: Some(PaymentId::from_bare(REFERENCE).unwrap()),
        total: Money::sar(MINOR),
    }
}

fn seating(session: &str) -> Seating {
    let seat = |seat: &str| SeatRequest { seat: seat.to_owned(), ticket_type: "0001".to_owned() };
    Seating { session: session.to_owned(), seats: ["A1", "A2"].map(seat).to_vec() }
}
