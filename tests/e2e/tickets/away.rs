//! The cinema's catalogue, or the store, is away or says no: the booking stands, its code opens the door, and the picture
//! comes when it can.

use super::{downloaded, path};
use crate::staff::Staff;
use harness::{Booking, Mishap, Order, Setup, Visit, until, visit_alone, visit_with};
use serde_json::json;
use std::{fs, path::Path, sync::Arc};

const CAUSE: &str = "tickets_refused_cannot_be_made";

/// Confirmed, with the code for the door, and no picture.
async fn confirmed_without_picture(booking: &Booking) {
    booking.pays().await;
    let view = booking.until("CONFIRMED").await;
    assert_eq!(view["ticket"]["status"], "WAITING");
    let code = booking.customer.gets(&path(booking, "svg")).await;
    assert_eq!((code.status, code.header("content-type")), (200, "image/svg+xml"));
    booking.customer.gets(&path(booking, "png")).await.assert_problem(404, "not_found");
}

/// Once.
const fn catalogue_answers(fault: &str) -> Mishap<'_> {
    Mishap { vendor: "vista", op: "odata", fault, delay_ms: None }
}

/// Confirmed, for a show that the cinema has three times not listed: a person is asked about the ticket.
async fn sold_and_not_listed() -> (Arc<Visit>, Booking) {
    let visit = visit_alone().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    for _ in 0..3 {
        visit.goes_wrong(&catalogue_answers("odata_empty"), None).await;
    }
    booking.pays().await;
    visit.until_case(CAUSE, &booking).await;
    (visit, booking)
}

/// What staff see waiting about this booking.
async fn waits_for(visit: &Arc<Visit>, booking: &Booking) -> String {
    let query = "SELECT waiting_for FROM vendor_calls WHERE call_key = $1 || ':issue_ticket'";
    let look = || async {
        let why = sqlx::query_scalar::<_, Option<String>>(query).bind(booking.bare());
        why.fetch_optional(&visit.db).await.unwrap().flatten()
    };
    until("a reason to wait", look).await
}

#[tokio::test]
async fn a_silent_cinema_is_waited_for_and_the_code_opens_the_door_meanwhile() {
    let visit = visit_alone().await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    let away = catalogue_answers("http_503_before");
    for _ in 0..4 {
        visit.goes_wrong(&away, None).await;
    }
    booking.pays().await;
    booking.until("CONFIRMED").await;
    assert_eq!(booking.customer.gets(&path(&booking, "svg")).await.status, 200);
    booking.until_ticket().await;
    let tries = "SELECT attempts FROM vendor_calls WHERE call_key = $1 || ':issue_ticket'";
    let tries: i32 =
        sqlx::query_scalar(tries).bind(booking.bare()).fetch_one(&visit.db).await.unwrap();
    assert!(tries > 1, "it was never away");
    visit.assert_balanced().await;
}

#[tokio::test]
async fn a_store_that_is_down_is_waited_for() {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("store-{:08x}", rand::random::<u32>()));
    let with = vec![("USHER_STORE_URL", format!("file://{}", folder.display()))];
    let visit = visit_with(Setup { with, ..Setup::default() }).await;
    // A file where the folder was: nothing can be put there.
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    let booking = visit.customer().books(Order::new(&visit)).await;
    confirmed_without_picture(&booking).await;
    assert!(waits_for(&visit, &booking).await.contains("the store"));

    fs::remove_file(&folder).unwrap();
    fs::create_dir_all(&folder).unwrap();
    booking.until_ticket().await;
    assert!(downloaded(&booking).await.starts_with(b"\x89PNG"));
    visit.assert_balanced().await;

    // Down again: who has no picture yet is told to come again.
    fs::remove_dir_all(&folder).unwrap();
    let answer = booking.customer.gets(&path(&booking, "png")).await;
    answer.assert_problem(503, "store_away");
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_show_that_the_cinema_does_not_list_is_a_persons_decision_after_three_answers() {
    let (visit, booking) = sold_and_not_listed().await;
    let view = booking.looks().await;
    assert_eq!(
        (&view["status"], &view["ticket"]["status"]),
        (&json!("CONFIRMED"), &json!("WAITING"))
    );
    visit.assert_balanced_but_for(&[CAUSE]).await;

    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    assert_eq!((&case["waits"], &case["decisions"]), (&json!(true), &json!(["retry", "give-up"])));
    staff.decides(&case, &["retry", "--reason", "it is listed again"]).await;
    booking.until_ticket().await;
    visit.assert_balanced_but_for(&[CAUSE]).await;
}

#[tokio::test]
async fn a_ticket_that_a_person_gives_up_is_final_and_its_code_opens_the_door() {
    let (visit, booking) = sold_and_not_listed().await;
    let staff = Staff::of(&booking);
    let case = staff.case(&booking).await;
    staff.decides(&case, &["give-up", "--reason", "it is listed no more"]).await;
    let view = booking.looks().await;
    let standing = &view["standing"];
    assert_eq!(
        (&standing["what"], &standing["final"], &standing["by"]),
        (&json!("ticket_by_code"), &json!(true), &json!(null)),
        "{standing}"
    );
    visit.assert_quiet().await;
    assert_eq!(booking.looks().await["standing"], *standing);
    assert_eq!(booking.customer.gets(&path(&booking, "svg")).await.status, 200);
    visit.assert_balanced_but_for(&[CAUSE]).await;
}

#[tokio::test]
async fn a_show_that_was_not_listed_when_its_seats_were_held_gets_its_ticket() {
    let visit = visit_alone().await;
    visit.goes_wrong(&catalogue_answers("odata_empty"), None).await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    assert_eq!(booking.looks().await["show_starts_at"], json!(null));
    booking.pays().await;
    booking.until_ticket().await;
    visit.assert_balanced().await;
}

#[tokio::test]
async fn pictures_that_were_switched_off_are_drawn_when_they_are_on_again() {
    const PICTURES: &str = "USHER_TICKET_PICTURES";
    let with = vec![(PICTURES, "off".to_owned())];
    let visit = visit_with(Setup { with, ..Setup::default() }).await;
    let booking = visit.customer().books(Order::new(&visit)).await;
    confirmed_without_picture(&booking).await;
    visit.assert_quiet().await;
    assert_eq!(booking.looks().await["ticket"]["status"], "WAITING");

    // The sweep at the start takes what has been silent for longer than a step waits.
    let silent =
        "SELECT count(*) FROM bookings WHERE updated_at < clock_timestamp() - interval '1 s'";
    let look = || async {
        let count: i64 = sqlx::query_scalar(silent).fetch_one(&visit.db).await.ok()?;
        (count > 0).then_some(())
    };
    until("a silent booking", look).await;
    visit.system.restart_usher_with(PICTURES, "on").await;
    booking.until_ticket().await;
    visit.assert_balanced().await;
}
