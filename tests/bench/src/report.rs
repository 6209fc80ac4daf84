//! What is told: a table for people as it comes about, or everything as JSON at the end.

use crate::{
    compared,
    figures::{Figure, Figures},
    machine::Machine,
    ways::Ways,
};
use harness::Violation;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(skip)]
    json: bool,
    #[serde(skip)]
    ways: Ways,
    pub machine: Option<Machine>,
    figures: Vec<Figure>,
    violations: Vec<Violation>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        let ways = Ways::default();
        Self { json, ways, machine: None, figures: Vec::new(), violations: Vec::new() }
    }

    /// How the customers pay from now on.
    pub(crate) fn paid(&mut self, ways: Ways) {
        self.ways = ways;
        self.text(&format!("\nCustomers pay: {}", ways.name()));
    }

    pub(crate) fn found(&mut self, machine: Machine) {
        self.text(&machine.to_string());
        self.machine = Some(machine);
    }

    pub(crate) fn add(&mut self, figures: Figures) {
        let mut part = "";
        for figure in &figures.all {
            if figure.part != part {
                part = figure.part;
                self.text(&format!("\n{part}"));
            }
            self.text(&line(figure));
        }
        let ways = self.ways;
        self.figures.extend(figures.all.into_iter().map(|figure| Figure { ways, ..figure }));
    }

    pub(crate) fn checked(&mut self, system: &str, violations: Vec<Violation>) {
        self.text(&format!("\nThe books of {system}: {} violations", violations.len()));
        for violation in &violations {
            self.text(&format!("  {violation}"));
        }
        self.violations.extend(violations);
    }

    /// Whether the answers were not only fast.
    pub(crate) fn is_right(&self) -> bool {
        self.violations.is_empty()
    }

    pub(crate) fn close(&self) {
        if self.json {
            say(&serde_json::to_string_pretty(self).unwrap());
        }
        for line in compared::table(&self.figures) {
            self.text(&line);
        }
        let missed = self.figures.iter().filter(|figure| figure.met == Some(false)).count();
        let held = self.figures.iter().filter(|figure| figure.met.is_some()).count();
        self.text(&format!("\n{missed} of {held} targets missed"));
    }

    fn text(&self, line: &str) {
        if !self.json {
            say(line);
        }
    }
}

fn line(figure: &Figure) -> String {
    let Figure { what, value, unit, target, met, .. } = figure;
    let target = target.map(|target| target.to_string()).unwrap_or_default();
    let verdict = match met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    };
    // Both are numbers and words, and no format knows their width.
    let (value, target) = (value.to_string(), target.as_str());
    format!("  {what:<66} {value:>9} {unit:<4} {target:>7} {verdict}").trim_end().to_owned()
}

#[expect(clippy::print_stdout, reason = "it is what the command is for")]
fn say(line: &str) {
    println!("{line}");
}
