//! What is on: two cinemas, a deterministic programme, and a pool of sessions for load.

use crate::clock::{HOUR, MINUTE};

pub(super) struct Cinema {
    pub id: &'static str,
    pub name: &'static str,
    pub name_alt: &'static str,
    pub city: &'static str,
}

pub(super) const CINEMAS: &[Cinema] = &[
    Cinema { id: "0001", name: "Riyadh Park", name_alt: "الرياض بارك", city: "Riyadh" },
    Cinema { id: "0002", name: "Jeddah Corniche", name_alt: "كورنيش جدة", city: "Jeddah" },
];

pub(super) struct Film {
    pub id: &'static str,
    pub title: &'static str,
    pub title_alt: &'static str,
    pub rating: &'static str,
    pub minutes: u32,
}

const FILMS: &[Film] = &[
    film("HO00000101", "The Long Dune", "الكثيب الطويل", "PG", 118),
    film("HO00000102", "Night Over Diriyah", "ليلة فوق الدرعية", "PG12", 131),
    film("HO00000103", "Falcon Season", "موسم الصقور", "G", 96),
    film("HO00000104", "The Last Caravan", "القافلة الأخيرة", "PG15", 149),
    film("HO00000105", "Seven Wells", "الآبار السبعة", "R18", 104),
    film("HO00000106", "A Letter from Abha", "رسالة من أبها", "G", 88),
];

const fn film(
    id: &'static str,
    title: &'static str,
    title_alt: &'static str,
    rating: &'static str,
    minutes: u32,
) -> Film {
    Film { id, title, title_alt, rating, minutes }
}

/// Every film plays in every cinema.
pub(super) fn scheduled() -> impl Iterator<Item = (&'static Cinema, &'static Film)> {
    CINEMAS.iter().flat_map(|cinema| FILMS.iter().map(move |film| (cinema, film)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sale {
    Open,
    SoldOut,
    Closed,
}

#[derive(Clone, Copy)]
pub(super) struct Session {
    pub cinema: &'static Cinema,
    pub id: u32,
    pub film: &'static Film,
    pub starts_at: i64,
    pub rows: u32,
    pub columns: u32,
    pub screen: u32,
    pub sale: Sale,
}

impl Session {
    pub(super) fn capacity(&self) -> u32 {
        self.rows * self.columns
    }

    pub(super) fn has_seat(&self, row: u32, column: u32) -> bool {
        row < self.rows && column < self.columns
    }
}

pub(super) struct TicketType {
    pub code: &'static str,
    pub name: &'static str,
    pub name_alt: &'static str,
    pub price: i64,
    pub complimentary: bool,
}

impl TicketType {
    /// The 15 % that is in the price, to the nearest halala.
    pub(super) fn tax(&self) -> i64 {
        (self.price * 15 * 2 + 115) / (115 * 2)
    }
}

pub(super) const TICKET_TYPES: &[TicketType] = &[
    TicketType {
        code: "0001", name: "Adult", name_alt: "بالغ", price: 5750, complimentary: false
    },
    TicketType {
        code: "0002", name: "Child", name_alt: "طفل", price: 4000, complimentary: false
    },
    TicketType {
        code: "0003",
        name: "Complimentary",
        name_alt: "مجاني",
        price: 0,
        complimentary: true,
    },
];

pub(super) fn ticket_type(code: &str) -> Option<&'static TicketType> {
    TICKET_TYPES.iter().find(|known| known.code == code)
}

pub(super) fn cinema(id: &str) -> Option<&'static Cinema> {
    CINEMAS.iter().find(|cinema| cinema.id == id)
}

/// The ids that are listed; the pool is bookable but not advertised.
pub(super) fn listed(cinema: &str) -> Vec<u32> {
    match cinema {
        "0001" => (1001..=1020).chain([1097, 1098, 1099]).collect(),
        "0002" => (2001..=2010).collect(),
        _ => Vec::new(),
    }
}

/// A session as it stands for a sandbox started at `opened_at`: the same id is always the same show.
pub(super) fn session(opened_at: i64, cinema_id: &str, session_id: &str) -> Option<Session> {
    let id: u32 = session_id.parse().ok()?;
    let cinema = cinema(cinema_id)?;
    let base = (opened_at / (5 * MINUTE) + 1) * 5 * MINUTE;
    // From 3 hours on, in steps that keep the last one within 30 hours.
    let spread = |step: u32, of: u32| {
        let minutes = i64::from(step) * 26 * 60 / i64::from(of);
        base + 3 * HOUR + minutes / 5 * 5 * MINUTE
    };
    let (starts_at, rows, columns, sale) = match (cinema.id, id) {
        ("0001", 1001..=1020) => (spread(id - 1001, 19), 10, 12, Sale::Open),
        ("0002", 2001..=2010) => (spread(id - 2001, 9), 10, 12, Sale::Open),
        ("0001", 1097) => (spread(1, 2), 10, 12, Sale::Closed),
        ("0001", 1098) => (spread(1, 3), 10, 12, Sale::SoldOut),
        ("0001", 1099) => (opened_at + 10 * MINUTE, 10, 12, Sale::Open),
        ("0001", 3000..=8999) => (spread(id % 100, 99), 26, 20, Sale::Open),
        _ => return None,
    };
    let count = u32::try_from(FILMS.len()).ok()?;
    let film = FILMS.get(usize::try_from(id % count).ok()?)?;
    Some(Session { cinema, id, film, starts_at, rows, columns, screen: id % 8 + 1, sale })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now_ms;

    #[test]
    fn every_session_starts_within_three_to_thirty_hours() {
        let now = now_ms();
        let pool = ["3000", "5123", "8999"].map(|id| ("0001", id.to_owned()));
        let first = (1001..=1020).map(|id| ("0001", id.to_string()));
        let second = (2001..=2010).map(|id| ("0002", id.to_string()));
        for (cinema, id) in first.chain(second).chain(pool) {
            let wait = session(now, cinema, &id).unwrap().starts_at - now;
            assert!((3 * HOUR..=30 * HOUR).contains(&wait), "{id} starts in {wait} ms");
        }
        assert!(session(now, "0002", "1001").is_none());
        assert!(session(now, "0001", "2999").is_none());
    }

    #[test]
    fn the_tax_is_inside_the_price() {
        let taxes: Vec<i64> = TICKET_TYPES.iter().map(TicketType::tax).collect();
        assert_eq!(taxes, [750, 522, 0]);
    }
}
