//! Money on its way back: owed for two reasons at once, started by two hands, and while staff cancel again and again.

use super::{Race, left_pending, row};
use adapters::restate_admin::RestateAdmin;
use gateway::{Engine, sweep};
use harness::{Shopper, Visit, until, visit, visit_alone};
use schema::Db;
use serde_json::{Value, json};
use std::{convert::Infallible, sync::Arc};

#[tokio::test]
async fn staff_and_the_webhook_owe_one_refund() {
    let visit = visit().await;
    let race = Race::new(&visit, ["staff", "webhook"]);
    race.run(is_cancelled_by_staff_and_paid).await.assert_close();
    visit.assert_balanced().await;
}

/// Late money or an unwinding: whoever comes first decides why the money goes back, and it goes back once.
async fn is_cancelled_by_staff_and_paid(race: Arc<Race>, number: usize) {
    let lane = race.lane().await;
    let page = race.page(number).await;
    // So nothing is confirmed before staff have cancelled it.
    race.visit.vista().is_away("pay_order", page.booking.bare()).await;
    race.both(page.booking.at_engine("cancel"), page.shopper(Shopper::Approves)).await;
    drop(lane);
    let query = "SELECT cause FROM refunds WHERE booking_id = $1";
    let cause: String = row(&page.booking, query).await;
    race.has_won(usize::from(cause != "late_money"));
}

#[tokio::test]
async fn staff_who_cancel_twice_against_vistas_confirmation() {
    let visit = visit().await;
    let race = Race::new(&visit, ["staff", "confirmation"]).with_handicap(CONFIRM_MS);
    race.run(is_cancelled_twice_while_it_is_confirmed).await.assert_close();
    visit.assert_balanced().await;
}

/// What Vista takes to confirm a booking.
const CONFIRM_MS: i64 = 50;

async fn is_cancelled_twice_while_it_is_confirmed(race: Arc<Race>, number: usize) {
    let lane = race.lane().await;
    let page = race.page(number).await;
    let confirms = ("delay", CONFIRM_MS.unsigned_abs());
    race.visit.vista().fails_for("pay_order", page.booking.bare(), confirms).await;
    page.shopper(Shopper::Approves).await;
    left_pending(&page.booking).await;
    let cancels = async {
        page.booking.at_engine("cancel").await;
        page.booking.at_engine("cancel").await;
    };
    race.both(cancels, async {}).await;
    drop(lane);
    let query = "SELECT status FROM bookings
                 WHERE booking_id = $1 AND status IN ('CANCELLED', 'CONFIRMED')";
    let status: String = row(&page.booking, query).await;
    race.has_won(usize::from(status == "CONFIRMED"));
}

#[tokio::test]
async fn the_sweep_against_the_workflows() {
    let visit = visit_alone().await;
    let sweep = || sweep_for_ever(&visit);
    let sweepers = async { tokio::join!(sweep(), sweep(), sweep()) };
    let race = tokio::select! {
        race = Race::new(&visit, ["workflow", "sweep"]).with_lanes(8).run(pays_too_late) => race,
        (never, ..) = sweepers => match never {},
    };
    race.assert_close();
    visit.assert_balanced().await;
    visit.assert_quiet().await;
}

async fn pays_too_late(race: Arc<Race>, number: usize) {
    let _lane = race.lane().await;
    let page = race.page(number).await;
    page.booking.cancels().await;
    page.shopper(Shopper::Approves).await;
    let query = "SELECT refund_id::text FROM refunds WHERE booking_id = $1 AND status = 'REFUNDED'";
    let refund: String = row(&page.booking, query).await;
    race.has_won(usize::from(started_by(&race.visit, &refund).await == "ingress"));
}

/// Takes every open row for one that was left lying, as one of several processes that have just started.
async fn sweep_for_ever(visit: &Visit) -> Infallible {
    let engines = &visit.system.engines;
    let (ingress, admin) = (engines.restate_ingress_url(), engines.restate_admin_url());
    let db = Db::connect(&visit.system.database, 2).await.unwrap();
    let engine = Engine::new(&ingress).unwrap();
    let admin = RestateAdmin::new(&admin, &ingress).unwrap();
    loop {
        sweep(&db, &engine, &admin, 0, true).await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// Who has started this refund: `ingress` is the sweep, `service` another workflow.
async fn started_by(visit: &Visit, refund: &str) -> String {
    let url = format!("{}/query", visit.system.engines.restate_admin_url());
    let query = format!(
        "SELECT invoked_by FROM sys_invocation
         WHERE target_service_name = 'Refund' AND target_service_key = '{refund}'"
    );
    let look = || async {
        let asked = visit.http.post(&url).header("accept", "application/json");
        let answer = asked.json(&json!({ "query": query })).send().await.ok()?;
        let found: Value = answer.json().await.ok()?;
        found["rows"][0]["invoked_by"].as_str().map(str::to_owned)
    };
    until(&format!("who has started refund {refund}"), look).await
}
