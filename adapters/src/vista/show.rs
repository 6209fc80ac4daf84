//! The names of a show: its film, its cinema, its hall. Read from the catalogue, at most a minute old.

use super::{As, Vista, answers::Show, is_plain, session_wire::odata_rows};
use crate::{error::Error, http::Call};
use schema::provider::Platform;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

impl Vista {
    /// What a show is called. `None`: Vista lists no such session, or no such film in it.
    pub async fn show(
        &self,
        platform: Platform,
        cinema: &str,
        session: &str,
        within: Duration,
    ) -> Result<Option<Show>, Error> {
        if !is_plain(cinema) || !is_plain(session) {
            return Ok(None);
        }
        let on = As::new(platform, within);
        let id = format!("{cinema}-{session}");
        let Some(shown) =
            self.row("Sessions", &id, "ID,ScheduledFilmId,ScreenName,ScreenNameAlt", on).await?
        else {
            return Ok(None);
        };
        let film = text(&shown, "ScheduledFilmId");
        if !is_plain(&film) {
            return Ok(None);
        }
        let id = format!("{cinema}-{film}");
        let fields = "ID,Title,TitleAlt,Rating,RunTime,CinemaName,CinemaNameAlt";
        let Some(film) = self.row("ScheduledFilms", &id, fields, on).await? else {
            return Ok(None);
        };
        let mut show = Show {
            film: text(&film, "Title"),
            film_alt: text(&film, "TitleAlt"),
            cinema: text(&film, "CinemaName"),
            cinema_alt: text(&film, "CinemaNameAlt"),
            hall: text(&shown, "ScreenName"),
            hall_alt: text(&shown, "ScreenNameAlt"),
            rating: Some(text(&film, "Rating")).filter(|rating| !rating.is_empty()),
            // A number as text, says the schema; a number, say some.
            minutes: text(&film, "RunTime").parse().ok(),
        };
        if show.cinema.is_empty() && show.cinema_alt.is_empty() {
            // Older versions name the cinema only in its own row.
            if let Some(row) = self.row("Cinemas", cinema, "ID,Name,NameAlt", on).await? {
                show.cinema = text(&row, "Name");
                show.cinema_alt = text(&row, "NameAlt");
            }
        }
        Ok(Some(show))
    }

    /// One row of an entity set, by its id. Of two with one id the last is the newer one.
    async fn row(
        &self,
        set: &str,
        id: &str,
        fields: &str,
        on: As,
    ) -> Result<Option<Arc<Value>>, Error> {
        let key = (on.platform, set.to_owned(), id.to_owned());
        if let Some(known) = self.rows.get(&key) {
            return Ok(Some(known));
        }
        let call = Call::get("catalogue", format!("OData.svc/{set}"))
            .query("$filter", format!("ID eq '{id}'"))
            .query("$select", fields)
            .query("$format", "json");
        let answer = self.ask(call, on).await?;
        if !answer.status.is_success() {
            return Err(Error::unknown(format!(
                "vista catalogue: HTTP {}",
                answer.status.as_u16()
            )));
        }
        let body: Value = answer.json()?;
        let mine = |row: &&Value| row.get("ID").and_then(Value::as_str) == Some(id);
        let found = odata_rows(&body)?.iter().rfind(mine);
        Ok(found.map(|row| self.rows.put(key, row.clone())))
    }
}

/// A field's text, or its number as text; empty when it is neither.
fn text(row: &Value, field: &str) -> String {
    match row.get(field) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}
