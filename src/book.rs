//! `usher book`: one booking against the running system, as a customer makes it.

use crate::{
    Error, Outcome,
    api::{Api, text},
    home::{Home, random_hex},
    timeline::{self, say},
    token::signed,
};
use clap::{Args, ValueEnum};
use gateway::Kind;
use serde_json::{Value, json};
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// One booking, as a customer.
#[derive(Args, Clone)]
pub(crate) struct Order {
    /// What the customer does on the vendor's page.
    #[arg(long, value_enum, default_value_t = Pay::Approve)]
    pay: Pay,
    /// Who takes the money; the first that is well, when none is named.
    #[arg(long)]
    provider: Option<String>,
    /// With what, as the API calls it: `page`, `credit_card`, `mada`.
    #[arg(long, default_value = "page")]
    with: String,
    /// The seats; two free ones, when none are named.
    #[arg(long, value_delimiter = ',')]
    seats: Vec<String>,
    #[arg(long, default_value = "0001")]
    cinema: String,
    #[arg(long, default_value = "1001")]
    session: String,
    /// The kind of ticket.
    #[arg(long, default_value = "0001")]
    ticket_type: String,
    /// Print the finished booking as JSON, and nothing else.
    #[arg(long)]
    json: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            pay: Pay::Approve,
            provider: None,
            with: "page".to_owned(),
            seats: Vec::new(),
            cinema: "0001".to_owned(),
            session: "1001".to_owned(),
            ticket_type: "0001".to_owned(),
            json: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pay {
    Approve,
    Decline,
    Abandon,
}

impl Pay {
    const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Abandon => "abandon",
        }
    }
}

/// How long a customer looks before giving up on us.
const PATIENCE: Duration = Duration::from_mins(2);

/// Makes the booking and prints its timeline. Exit code 0 only if it ended as asked: approve is confirmed; decline
/// and abandon are not charged, and their seats are free again.
pub(crate) async fn run(order: &Order) -> Outcome {
    let home = Home::open()?;
    let running =
        home.running()?.ok_or("Usher does not run here. Start it with `cargo run -- up`.")?;
    let token = signed(&home, Kind::Customer, format!("demo-{}", &random_hex()[..8]), Vec::new())?;
    let customer = Customer {
        api: Api::new(&running.gateway_url, token)?,
        sandbox: running.sandbox_url,
        quiet: order.json,
    };
    let booking = customer.books(order).await?;
    let as_asked = customer.ended_as_asked(order, &booking).await?;
    if order.json {
        say(&serde_json::to_string_pretty(&booking)?);
    } else {
        let verdict = if as_asked { "as asked" } else { "NOT as asked" };
        let standing = &booking["standing"];
        say(&format!("  {} is {}, {verdict}.", text(&booking, "id"), text(standing, "what")));
        say(&format!("  {}", text(&standing["says"], "en")));
        if let Some(url) = booking["ticket"]["picture_url"].as_str() {
            say(&format!("  ticket: {url}"));
        }
    }
    Ok(if as_asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Customer {
    api: Api,
    sandbox: String,
    quiet: bool,
}

impl Customer {
    async fn books(&self, order: &Order) -> Result<Value, Error> {
        let seats = self.choose(order).await?;
        let wanted: Vec<Value> = seats
            .iter()
            .map(|seat| json!({ "seat": seat, "ticket_type": order.ticket_type }))
            .collect();
        let body =
            json!({ "cinema_id": order.cinema, "session_id": order.session, "seats": wanted });
        let mut watch = Watch { seen: 0, quiet: self.quiet };
        let booking = self.api.post("/api/v1/orders", &body).await?;
        let path = format!("/api/v1/orders/{}", text(&booking, "id"));

        let held = self.until(&path, &mut watch, |booking| text(booking, "status") != "REQUESTED");
        let held = held.await?;
        if text(&held, "status") == "PENDING" && held["total"]["amount_minor"] != 0 {
            self.pays(order, &path, &mut watch).await?;
        }
        self.until(&path, &mut watch, |booking| {
            let ended = matches!(text(booking, "status"), "REJECTED" | "CANCELLED" | "EXPIRED");
            ended || booking["ticket"]["status"] == "ISSUED"
        })
        .await
    }

    /// Pays, or does not; and then calls the booking off, as a polite customer would.
    async fn pays(&self, order: &Order, path: &str, watch: &mut Watch) -> Result<(), Error> {
        let Order { pay, provider, with, .. } = order;
        let body = json!({ "provider": provider, "pay": { "with": with } });
        self.api.post(&format!("{path}/payments"), &body).await?;
        let open = |booking: &Value| booking["payments"][0]["vendor_session"].is_string();
        let booking = self.until(path, watch, open).await?;
        let payment = &booking["payments"][0];
        let (session, vendor) = (text(payment, "vendor_session"), text(payment, "provider"));
        let url = format!("{}/_sim/{vendor}/pay/{session}", self.sandbox);
        let outcome = json!({ "outcome": pay.name() });
        self.api.http.post(url).json(&outcome).send().await?.error_for_status()?;
        match pay {
            Pay::Approve => return Ok(()),
            Pay::Decline => {
                self.until(path, watch, |booking| booking["payments"][0]["status"] == "FAILED")
                    .await?;
            }
            Pay::Abandon => {}
        }
        self.api.post(&format!("{path}/cancel"), &json!({})).await?;
        Ok(())
    }

    async fn ended_as_asked(&self, order: &Order, booking: &Value) -> Result<bool, Error> {
        if order.pay == Pay::Approve {
            return Ok(text(booking, "status") == "CONFIRMED");
        }
        let charged = booking["payments"]
            .as_array()
            .is_some_and(|payments| payments.iter().any(|paid| paid["status"] == "CAPTURED"));
        // The cinema frees them a moment after we have let go of them.
        for _ in 0..50 {
            let free = self.free_seats(order).await?;
            let ours = booking["seats"].as_array().map_or(&[][..], Vec::as_slice);
            if ours.iter().all(|seat| free.iter().any(|id| *id == text(seat, "seat"))) {
                return Ok(!charged);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(false)
    }

    async fn choose(&self, order: &Order) -> Result<Vec<String>, Error> {
        if !order.seats.is_empty() {
            return Ok(order.seats.clone());
        }
        let free = self.free_seats(order).await?;
        match free.get(..2) {
            Some(two) => Ok(two.to_vec()),
            None => {
                Err("This session has no two free seats left; choose another --session.".into())
            }
        }
    }

    async fn free_seats(&self, order: &Order) -> Result<Vec<String>, Error> {
        let Order { cinema, session, .. } = order;
        let plan =
            self.api.get(&format!("/api/v1/cinemas/{cinema}/sessions/{session}/seats")).await?;
        let rows = |area: &Value| area["rows"].as_array().cloned().unwrap_or_default();
        let areas = plan["areas"].as_array().cloned().unwrap_or_default();
        let seats = areas.iter().flat_map(rows);
        let seats = seats.flat_map(|row| row["seats"].as_array().cloned().unwrap_or_default());
        Ok(seats
            .filter(|seat| seat["status"] == "free")
            .map(|seat| text(&seat, "id").to_owned())
            .collect())
    }

    /// Looks at the booking until it is so, telling what happens meanwhile.
    async fn until(
        &self,
        path: &str,
        watch: &mut Watch,
        so: impl Fn(&Value) -> bool,
    ) -> Result<Value, Error> {
        let patience = Instant::now();
        loop {
            let booking = self.api.get(path).await?;
            watch.tell(&booking);
            if so(&booking) {
                return Ok(booking);
            }
            if patience.elapsed() > PATIENCE {
                return Err(format!("{path} does not move on; it is {}.", booking["status"]).into());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// What was told of a booking's timeline.
struct Watch {
    seen: i64,
    quiet: bool,
}

impl Watch {
    fn tell(&mut self, booking: &Value) {
        let events = booking["timeline"].as_array().map_or(&[][..], Vec::as_slice);
        for event in events {
            let version = event["version"].as_i64().unwrap_or(0);
            if version > self.seen {
                self.seen = version;
                if !self.quiet {
                    timeline::event(events.first(), event);
                }
            }
        }
    }
}
