//! Staff on the command line: where Usher is, who asks, and how answers are told to people.

use crate::{Error, api::Api, home::Home, timeline::say, token::signed};
use chrono::{DateTime, Local, TimeDelta, Utc};
use clap::Args;
use gateway::{Kind, PERMISSIONS};
use schema::money::Money;
use serde_json::Value;

/// Exit codes, as the help says them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 it is done; 1 it is not, and one sentence says why; 2 the command was not understood.";

/// Which Usher, and as whom.
#[derive(Args)]
pub(crate) struct Access {
    /// Where Usher is. Not said: the one that runs in this folder.
    #[arg(long, env = "USHER_URL", value_name = "URL", requires = "token")]
    url: Option<String>,
    /// A token of staff. Not said: one with this folder's development key.
    #[arg(long, env = "USHER_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print JSON, and nothing else.
    #[arg(long)]
    pub json: bool,
}

impl Access {
    pub(crate) fn api(&self) -> Result<Api, Error> {
        if let (Some(url), Some(token)) = (&self.url, &self.token) {
            return Api::new(url, token.clone());
        }
        let home = Home::open()?;
        let running = home.running()?.ok_or(
            "Usher does not run here. Start it with `cargo run -- up`, or say where it is with --url and --token.",
        )?;
        let token = match &self.token {
            Some(token) => token.clone(),
            None => signed(&home, Kind::Staff, user(), PERMISSIONS.map(str::to_owned).to_vec())?,
        };
        Api::new(&running.gateway_url, token)
    }

    /// As JSON if that was asked for, otherwise as `people` tell it.
    pub(crate) fn tell(&self, answer: &Value, people: impl Fn(&Value)) -> Result<(), Error> {
        if self.json {
            say(&serde_json::to_string_pretty(answer)?);
        } else {
            people(answer);
        }
        Ok(())
    }
}

/// Who decides, on a development system: the user of this machine.
fn user() -> String {
    let name = std::env::var("USER").unwrap_or_default();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    if plain.is_empty() { "local".to_owned() } else { plain }
}

/// A table with aligned columns; below each row what needs a line of its own.
pub(crate) struct Table {
    rows: Vec<(Vec<String>, String)>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&name| name.to_owned()).collect();
        Self { rows: vec![(columns, String::new())] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>, below: String) {
        self.rows.push((cells, below));
    }

    pub(crate) fn say(&self) {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|(cells, _)| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        for (cells, below) in &self.rows {
            let padded = cells.iter().enumerate().map(|(at, cell)| {
                let room = width(at);
                format!("{cell:<room$}")
            });
            say(padded.collect::<Vec<_>>().join("  ").trim_end());
            if !below.is_empty() {
                say(&format!("    {below}"));
            }
        }
    }
}

/// An amount in an answer.
pub(crate) fn money(value: &Value) -> String {
    serde_json::from_value::<Money>(value.clone())
        .map_or_else(|_| "?".to_owned(), |it| it.to_string())
}

/// `2026-11-21 14:03:12 (3 min ago)`, in this machine's time zone.
pub(crate) fn when(value: &Value) -> String {
    let Some(at) = value.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok()) else {
        return "-".to_owned();
    };
    let told = at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S");
    format!("{told} ({})", from_now(at - Utc::now()))
}

/// How far away a moment is: `3 min ago`, `in 12 s`.
pub(crate) fn from_now(away: TimeDelta) -> String {
    let seconds = away.num_seconds().abs();
    let rough = match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    if away > TimeDelta::zero() { format!("in {rough}") } else { format!("{rough} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_as_people_do() {
        let told = [-3, 45, -300, 7_200, -172_800].map(|s| from_now(TimeDelta::seconds(s)));
        assert_eq!(told, ["3 s ago", "in 45 s", "5 min ago", "in 2 h", "2 days ago"]);
    }
}
