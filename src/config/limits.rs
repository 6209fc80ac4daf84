//! How much is too much, and who is believed to be who they say.

use super::reader::Reader;
use adapters::identity;
use gateway::{Limits, Rate};
use schema::holds::Most;
use std::time::Duration;

pub(super) fn limits(from: &mut Reader) -> Limits {
    let requests = Rate {
        count: from.number("THROTTLE_LIMIT", 100),
        per: seconds_or_milliseconds(from.number("THROTTLE_TTL", 60)),
    };
    let starts = Rate {
        count: from.number("THROTTLE_ORDER_LIMIT", 5),
        per: seconds_or_milliseconds(from.number("THROTTLE_ORDER_TTL", 60)),
    };
    // A vendor whose deliveries are refused sends them again; still, this is far more than a cinema sells.
    let webhooks =
        Rate { count: from.number("USHER_WEBHOOK_LIMIT", 6_000), per: Duration::from_mins(1) };
    let hops = from.optional("USHER_TRUSTED_HOPS").unwrap_or_else(|| "0".to_owned());
    let trusted_hops = hops.parse().ok().filter(|hops| *hops <= 8).unwrap_or_else(|| {
        from.complain(format!(
            "USHER_TRUSTED_HOPS is {hops:?}: how many proxies of ours stand in front, 0 to 8"
        ));
        0
    });
    Limits {
        requests,
        starts,
        webhooks,
        users_per_address: from.number("USHER_USERS_PER_ADDRESS", 20),
        trusted_hops,
        held: Most {
            bookings: from.number("USHER_OPEN_BOOKINGS_MAX", 5),
            seats: from.number("USHER_HELD_SEATS_MAX", 20),
        },
        connections: count(from, "USHER_CONNECTIONS_MAX", 4_096),
        connections_per_address: count(from, "USHER_CONNECTIONS_PER_ADDRESS", 256),
        in_flight: count(from, "USHER_IN_FLIGHT_MAX", 2_048),
        cors_origins: origins(from),
    }
}

/// The throttlers of today count in seconds or, since their fifth version, in milliseconds; nobody means 17 minutes.
fn seconds_or_milliseconds(number: u32) -> Duration {
    match number {
        0..1_000 => Duration::from_secs(number.into()),
        _ => Duration::from_millis(number.into()),
    }
}

fn count(from: &mut Reader, name: &str, usual: u32) -> usize {
    usize::try_from(from.number(name, usual)).unwrap_or(usize::MAX)
}

/// `https://www.example,https://kiosk.example`; none: no site's pages may ask.
fn origins(from: &mut Reader) -> Vec<String> {
    let named = from.optional("USHER_CORS_ORIGINS").unwrap_or_default();
    let origins: Vec<String> = named
        .split(',')
        .map(|origin| origin.trim().trim_end_matches('/').to_owned())
        .filter(|origin| !origin.is_empty())
        .collect();
    for origin in &origins {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if !host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' '])) {
            from.complain(format!("USHER_CORS_ORIGINS has {origin:?}: https://host is needed"));
        }
    }
    origins
}

/// `off`, said on purpose, believes tokens alone: then nobody's token can be taken back before it ends.
pub(super) fn identity(from: &mut Reader, factor: u32) -> Option<identity::Config> {
    let meaning = "where users' status and permissions are asked, https://host/path; or `off`, and tokens alone are believed";
    let base_url = from.required("IDENTITY_BASE_URL", meaning);
    let fresh = Duration::from_mins(1) / factor;
    (base_url != "off").then_some(identity::Config { base_url, fresh })
}
