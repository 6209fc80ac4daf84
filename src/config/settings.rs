//! What the operator chooses about bookings.

use super::{apple_pay, limits, nearpay, reader::Reader};
use chrono::Duration as Span;
use gateway::Settings;
use schema::{
    provider::{Platform, Provider},
    timings::Timings,
};

pub(super) fn settings(from: &mut Reader, factor: u32) -> Settings {
    let minutes = from.number("BOOKING_EXPIRY_MINUTES", 15);
    let expiry = Span::minutes(i64::from(minutes)).num_milliseconds();
    let timings = Timings {
        booking_expiry_ms: u64::try_from(expiry).unwrap_or(900_000),
        ..Timings::default()
    };
    let deep_links = Platform::ALL
        .into_iter()
        .filter_map(|platform| {
            let name = format!("USHER_DEEP_LINK_{}", platform.name().to_uppercase());
            Some((platform, from.optional(&name)?))
        })
        .collect();
    let public =
        from.required("USHER_PUBLIC_URL", "https://api.example, as browsers and vendors reach it");
    Settings {
        public_url: public.trim_end_matches('/').to_owned(),
        max_seats: usize::try_from(from.number("MAX_SEATS_PER_BOOKING", 10)).unwrap_or(10),
        limits: limits::limits(from),
        timings: timings.faster(factor),
        provider_order: provider_order(from),
        deep_links,
        terminals: nearpay::terminals(from),
        domain_association: apple_pay::domain_association(from),
    }
}

/// Whom a payment is opened with when its customer names nobody. A name that is nobody's stops the start.
fn provider_order(from: &mut Reader) -> Vec<Provider> {
    let Some(names) = from.optional("USHER_PROVIDER_ORDER") else { return Provider::ALL.to_vec() };
    let known: Vec<_> = names.split(',').map(|name| Provider::named(name.trim())).collect();
    if known.iter().any(Option::is_none) {
        let all = Provider::ALL.map(Provider::name).join(", ");
        from.complain(format!(
            "USHER_PROVIDER_ORDER has names with commas between them, of: {all}."
        ));
    }
    known.into_iter().flatten().collect()
}
