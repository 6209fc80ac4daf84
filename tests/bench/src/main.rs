//! `cargo run --release -p bench`: what the whole system does under load, on this machine, beside the engine alone.
//!
//! Everything runs on the same processors: Usher, its engines, the vendors' stand-ins (who answer at once) and the
//! customers. Each part is held to the design's targets; a missed one is told and is no failure. At the end the checker
//! compares all books: the exit code is 0 only if nothing was lost and nothing double.
//!
//! Waits are production's, but for the kills: there they are 60 times shorter, since what was cut off in a vendor's
//! call waits for the vendor's lag, which is no figure of ours.
//!
//! `--ways page,mixed` measures everything twice, with customers who pay on one vendor's page and with customers who pay in
//! every way, and tells both in one table.

#![expect(clippy::unwrap_used, reason = "like a test: what cannot happen here stops the run")]

mod accepted;
mod ceiling;
mod compared;
mod database;
mod figures;
mod kiosk;
mod machine;
mod pace;
mod paid;
mod process;
mod reads;
mod recovery;
mod report;
mod seats;
mod spread;
mod ways;
mod whole;

use clap::{Parser, ValueEnum};
use figures::{Figures, Milli};
use harness::{AT_THE_COUNTER, Setup, Violation, Visit, build_usher, visit_with};
use kiosk::Kiosk;
use machine::Machine;
use pace::Until;
use report::Report;
use schema::timings::Timings;
use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};
use ways::Ways;
use whole::{Kind, WITH_PICTURE, WITHOUT_PICTURE};

/// Bookings before anything is measured, and so many at a time: every connection and every cache has been used.
const WARM_UP: (u64, usize) = (100, 8);
/// For every booking to come to its end, and for the books to agree.
const PATIENCE: Duration = Duration::from_mins(3);
/// Usher issues tickets without their picture. The one place that knows the switch's name.
const NO_PICTURES: (&str, &str) = ("USHER_TICKET_PICTURES", "off");

#[derive(Parser)]
#[command(about = "Measures a whole system under load, beside what its engine alone could do")]
struct Cli {
    /// Tell everything as JSON, at the end.
    #[arg(long)]
    json: bool,
    /// Only this part; may be repeated.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// How the customers pay. Both, with a comma between them, are measured one after the other, and compared.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "page")]
    ways: Vec<Ways>,
    /// How long each load lasts.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Whole bookings, with pictures and 64 at a time, before the memory is read.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(64..=200_000))]
    bookings: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From an order to its 202.
    Accepted,
    /// From the payment to CONFIRMED and to the ticket.
    Paid,
    /// How soon a booking is shown.
    Reads,
    /// Whole bookings a second, what each costs, and the memory afterwards.
    Whole,
    /// Empty sagas a second on the engine alone.
    Ceiling,
    /// `kill -9` of each process.
    Recovery,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let cli = Cli::parse();
    build_usher()?;
    let mut report = Report::new(cli.json);
    for ways in &cli.ways {
        report.paid(*ways);
        measure(&cli, *ways, &mut report).await;
    }
    report.close();
    Ok(if report.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything that is wanted, with customers who pay like this.
async fn measure(cli: &Cli, ways: Ways, report: &mut Report) {
    let rates = measure_all(cli, ways, report).await;
    if cli.wants(Part::Whole) {
        measure_without_pictures(cli, ways, report, &rates).await;
    }
    if cli.wants(Part::Recovery) {
        let setup = Setup { without: vec!["SANDBOX_STATE"], ..Setup::default() };
        let kiosk = open(setup, (true, ways), report).await;
        report.add(recovery::measure(&kiosk).await);
        close(&kiosk, "the kills", report).await;
    }
}

impl Cli {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn lasting(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Sagas a second on the engine alone, by how many at a time.
type Rates = BTreeMap<usize, Milli>;

/// Everything that runs on one system, as production has it. What the engine alone could do.
async fn measure_all(cli: &Cli, ways: Ways, report: &mut Report) -> Rates {
    let parts = [Part::Accepted, Part::Paid, Part::Reads, Part::Whole, Part::Ceiling];
    if !parts.iter().any(|part| cli.wants(*part)) {
        return Rates::new();
    }
    let kiosk = open(at_full_length(Vec::new()), (true, ways), report).await;
    let script = Arc::new(ceiling::learn(&kiosk).await);
    let bookings = warm_up(&kiosk).await;
    if cli.wants(Part::Accepted) {
        for rate in accepted::RATES {
            report.add(accepted::measure(&kiosk, rate, cli.lasting()).await);
            comes_to_rest(&kiosk).await;
        }
    }
    if cli.wants(Part::Paid) {
        for rate in paid::RATES {
            report.add(paid::measure(&kiosk, rate, cli.lasting()).await);
        }
    }
    if cli.wants(Part::Reads) {
        report.add(reads::measure(&kiosk, &bookings, cli.lasting()).await);
    }
    let mut ours = Rates::new();
    if cli.wants(Part::Whole) {
        let untils = [(16, Until::Over(cli.lasting())), (64, Until::Begun(cli.bookings))];
        ours = book(&kiosk, WITH_PICTURE, &untils, report).await;
        report.add(whole::memory(&kiosk).await);
    }
    let mut rates = Rates::new();
    // The engine alone is the same, whoever is paid.
    if cli.wants(Part::Ceiling) && ways == Ways::Page {
        let (figures, alone) = ceiling::measure(&kiosk, &script, cli.lasting()).await;
        report.add(figures);
        report.add(compare(WITH_PICTURE, &ours, &alone));
        rates = alone;
    }
    close(&kiosk, "the whole system", report).await;
    rates
}

async fn measure_without_pictures(cli: &Cli, ways: Ways, report: &mut Report, alone: &Rates) {
    let (name, value) = NO_PICTURES;
    let kiosk = open(at_full_length(vec![(name, value.to_owned())]), (false, ways), report).await;
    warm_up(&kiosk).await;
    let untils = [16, 64].map(|busy| (busy, Until::Over(cli.lasting())));
    let ours = book(&kiosk, WITHOUT_PICTURE, &untils, report).await;
    report.add(compare(WITHOUT_PICTURE, &ours, alone));
    // The sweep at the start draws what has been silent for longer than a step waits.
    tokio::time::sleep(Duration::from_millis(Timings::default().retry_longest_ms)).await;
    kiosk.visit.system.restart_usher_with(name, "on").await;
    close(&kiosk, "the system without pictures", report).await;
}

/// Production's waits. The stand-ins keep nothing on the disk: writing all they know takes ever longer.
fn at_full_length(with: Vec<(&'static str, String)>) -> Setup {
    Setup { factor: 1, without: vec!["SANDBOX_STATE"], with, ..Setup::default() }
}

/// A system, and its customers: whether their tickets have pictures, and how they pay.
async fn open(setup: Setup, (pictures, ways): (bool, Ways), report: &mut Report) -> Arc<Kiosk> {
    let visit: Arc<Visit> = visit_with(setup).await;
    if report.machine.is_none() {
        let data = visit.system.engines.postgres.data().parent().unwrap().to_owned();
        report.found(tokio::task::spawn_blocking(move || Machine::look(&data)).await.unwrap());
    }
    Kiosk::new(&visit, pictures, ways)
}

/// The bookings that it leaves behind.
async fn warm_up(kiosk: &Arc<Kiosk>) -> Arc<[String]> {
    let (many, busy) = WARM_UP;
    let (booked, collect) = tokio::sync::mpsc::unbounded_channel();
    let theirs = Arc::clone(kiosk);
    let one = move |_| {
        let (kiosk, booked) = (Arc::clone(&theirs), booked.clone());
        async move {
            let booking = kiosk.books().await.unwrap();
            booked.send(booking).unwrap();
        }
    };
    pace::closed(busy, Until::Begun(many), one).await;
    // What PostgreSQL does by itself within a minute: until then it plans for tables that were empty.
    sqlx::query("ANALYZE").execute(&kiosk.visit.db).await.unwrap();
    let mut collect = collect;
    let mut bookings = Vec::new();
    while let Some(booking) = collect.recv().await {
        bookings.push(booking);
    }
    bookings.into()
}

async fn book(
    kiosk: &Arc<Kiosk>,
    kind: Kind,
    untils: &[(usize, Until)],
    report: &mut Report,
) -> Rates {
    let mut rates = Rates::new();
    for (busy, until) in untils {
        let (figures, rate) = whole::measure(kiosk, kind, *busy, *until).await;
        report.add(figures);
        rates.insert(*busy, rate);
    }
    rates
}

/// Our rates as a share of the engine's.
fn compare(kind: Kind, ours: &Rates, alone: &Rates) -> Figures {
    let mut figures = Figures::of("ours of the ceiling");
    for (busy, ours) in ours {
        let Some(alone) = alone.get(busy) else { continue };
        let share = Milli::ratio(ours.0 * 100, alone.0);
        figures.add(format!("{}, {busy} at a time", kind.part), share, "%");
    }
    figures
}

/// Waits for every booking's end, tells what has gone wrong on the way, and compares the books.
async fn close(kiosk: &Kiosk, system: &'static str, report: &mut Report) {
    let mut figures = Figures::of("in passing");
    let (sent, unanswered) = kiosk.counted();
    figures.add(format!("requests on {system}"), Milli::whole(sent), "");
    figures.add("… without an answer, or told to come back", Milli::whole(unanswered), "");
    report.add(figures);
    comes_to_rest(kiosk).await;
    // What a terminal cannot reverse any more a person at the counter is asked for.
    let balanced = kiosk.visit.balances_within(&[AT_THE_COUNTER], PATIENCE).await;
    let violations: Vec<Violation> = balanced.err().unwrap_or_default();
    report.checked(system, violations);
}

/// Waits until every booking has ended and nothing is under way, so that the next figure is of its own load.
async fn comes_to_rest(kiosk: &Kiosk) {
    let (visit, deadline) = (&kiosk.visit, Instant::now() + PATIENCE);
    while Instant::now() < deadline
        && (visit.open_bookings().await > 0 || !visit.under_way().await.is_empty())
    {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
