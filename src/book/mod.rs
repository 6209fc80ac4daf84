//! `usher book`: one booking against the running system, as a customer makes it.

mod saved_card;
mod shopper;
mod ways;

use crate::{
    Error, Outcome,
    api::{Api, text},
    home::{Home, random_hex},
    local::KIOSK,
    timeline::{self, say},
    token::signed,
};
use clap::{Args, ValueEnum};
use gateway::Kind;
use serde_json::{Value, json};
use shopper::Shopper;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};
use ways::{Vendor, Way, With};

/// One booking, as a customer.
#[derive(Args, Clone)]
pub(crate) struct Order {
    /// What the customer does in the end, at the vendor's.
    #[arg(long, value_enum, default_value_t = Pay::Approve)]
    pay: Pay,
    /// Who takes the money; the first that is well, when none is named.
    #[arg(long, value_enum)]
    provider: Option<Vendor>,
    /// With what; else the first here. hyperpay: `page`, `credit_card`, `mada`, `saved_card`; payfort: these and `apple_pay`;
    /// checkout: `token`, `stc_pay`, `apple_pay`, `saved_card`; tabby: `page`; nearpay: `terminal`.
    #[arg(long, value_enum)]
    with: Option<With>,
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
            with: None,
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
    let way = order.way()?;
    let home = Home::open()?;
    let running =
        home.running()?.ok_or("Usher does not run here. Start it with `cargo run -- up`.")?;
    let (kind, id) = if way.with == With::Terminal {
        (Kind::Kiosk, KIOSK.to_owned())
    } else {
        (Kind::Customer, format!("demo-{}", &random_hex()[..8]))
    };
    let customer = Customer {
        api: Api::new(&running.gateway_url, signed(&home, kind, id, Vec::new())?)?,
        sandbox: running.sandbox_url,
        way,
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

impl Order {
    /// How it is paid; or what is wrong with how it was to be.
    fn way(&self) -> Result<Way, String> {
        let way = Way::of(self.provider, self.with)?;
        let at_once = match way.with {
            With::ApplePay => "Apple's sheet",
            With::SavedCard => "A saved card",
            With::Page
            | With::CreditCard
            | With::Mada
            | With::Token
            | With::StcPay
            | With::Terminal => return Ok(way),
        };
        if self.pay == Pay::Approve {
            return Ok(way);
        }
        Err(format!("{at_once} pays as soon as it is used: --pay approve."))
    }
}

/// So often a customer has something to do until a payment is made.
const ACTS_MAX: usize = 3;

struct Customer {
    api: Api,
    sandbox: String,
    way: Way,
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
        let card = match self.way {
            Way { vendor: Some(vendor), with: With::SavedCard } => {
                Some(self.saves_a_card(vendor).await?)
            }
            Way { .. } => None,
        };
        let body = self.shopper().asks_for(self.way, card).await?;
        self.api.post(&format!("{path}/payments"), &body).await?;
        self.acts(order.pay, path, watch).await?;
        match order.pay {
            Pay::Approve => return Ok(()),
            Pay::Decline => {
                let told = |booking: &Value| {
                    matches!(text(&booking["payments"][0], "status"), "FAILED" | "ABANDONED")
                };
                self.until(path, watch, told).await?;
            }
            Pay::Abandon => {}
        }
        self.api.post(&format!("{path}/cancel"), &json!({})).await?;
        Ok(())
    }

    const fn shopper(&self) -> Shopper<'_> {
        Shopper { http: &self.api.http, sandbox: self.sandbox.as_str() }
    }

    /// Does what there is to do at the vendor's, one thing after the other.
    async fn acts(&self, pay: Pay, path: &str, watch: &mut Watch) -> Result<(), Error> {
        let mut done = Value::Null;
        for _ in 0..ACTS_MAX {
            let booking = self.until(path, watch, |booking| has_more_to_do(booking, &done)).await?;
            let payment = &booking["payments"][0];
            match text(&payment["next"], "is") {
                "widget" | "redirect" => {
                    self.shopper().on_the_page(payment, pay).await?;
                    return Ok(());
                }
                "form" if pay != Pay::Abandon => self.shopper().fills_in(payment).await?,
                "otp" if pay != Pay::Abandon => {
                    let given = json!({ "otp": self.shopper().password(pay).await? });
                    let otp = format!("{path}/payments/{}/otp", text(payment, "id"));
                    self.api.post(&otp, &given).await?;
                    return Ok(());
                }
                "terminal" => return self.shopper().taps(payment, pay).await,
                _ => return Ok(()),
            }
            done = payment["next"].clone();
        }
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

/// There is something else to do than what is done, or nothing any more.
fn has_more_to_do(booking: &Value, done: &Value) -> bool {
    let payment = &booking["payments"][0];
    let open = matches!(text(payment, "status"), "OPEN" | "FAILED" | "");
    let next = &payment["next"];
    text(booking, "status") != "PENDING" || !open || (!next.is_null() && next != done)
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
