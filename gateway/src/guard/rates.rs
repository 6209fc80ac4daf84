//! How often somebody may ask: each user and each device by themselves, and each address for all who share it.
//!
//! A device that nobody has heard of buys nothing: its user and its address are counted all the same. Without a genuine
//! token, the address has one user's allowance. Kiosks are not counted, by their credential. An allowance comes back
//! evenly, so after a pause all of it is there at once.

use super::{
    Limits, Rate, address,
    allowance::{Allowance, Left, Wait},
};
use crate::{
    app::App,
    auth::{Presented, counted_as, device},
    error::Error,
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::IpAddr;

/// Routes that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Class {
    /// Of bookings that there are.
    Watch,
    StartOrder,
    OpenPayment,
    /// Sessions for Apple's sheet: each is asked for with our certificate.
    OpenSheet,
    /// The pages to pay on, and the way back from the vendor. Browsers have no token, and phones share addresses:
    /// whoever has paid is not kept out.
    Page,
    Webhook,
    Staff,
    /// Whether we live. Asked often, by machines.
    Health,
    Other,
}

impl Class {
    fn of(method: &Method, path: &str) -> Self {
        let changes = method == Method::POST;
        match path.trim_start_matches('/').split('/').collect::<Vec<_>>().as_slice() {
            ["heartbeat" | "readyz" | "metrics"] => Self::Health,
            ["webhooks", ..] => Self::Webhook,
            ["pay" | "return" | "v1", ..] => Self::Page,
            ["api", "v1", "cms", ..] => Self::Staff,
            ["api", "v1", "orders"] if changes => Self::StartOrder,
            // A card to be saved opens a form at its vendor as a payment does.
            ["api", "v1", "orders", _, "payments"] | ["api", "v1", "cards"] if changes => {
                Self::OpenPayment
            }
            ["api", "v1", "payments", "apple-pay", ..] => Self::OpenSheet,
            ["api", "v1", "orders", ..] => Self::Watch,
            _ => Self::Other,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    /// A user, or a device.
    One(String),
    Address(IpAddr),
}

type Key = (Class, Who);

/// The allowances of everybody.
pub(super) struct Rates {
    requests: Allowance<Key>,
    requests_of_address: Allowance<Key>,
    starts: Allowance<Key>,
    starts_of_address: Allowance<Key>,
    webhooks: Allowance<Key>,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        let shared = |rate: Rate| Rate {
            count: rate.count.saturating_mul(limits.users_per_address),
            ..rate
        };
        Self {
            requests: Allowance::new(limits.requests),
            requests_of_address: Allowance::new(shared(limits.requests)),
            starts: Allowance::new(limits.starts),
            starts_of_address: Allowance::new(shared(limits.starts)),
            webhooks: Allowance::new(limits.webhooks),
        }
    }

    /// Forgets everybody whose allowance is whole again.
    pub(super) fn forget_the_idle(&self) {
        let all =
            [&self.requests, &self.requests_of_address, &self.starts, &self.starts_of_address];
        for allowance in all.into_iter().chain([&self.webhooks]) {
            allowance.forget_the_idle();
        }
    }

    /// Takes one from each allowance that this request is of: its user's and its device's, then the one they share with
    /// everybody at their address. One that is refused by any of them takes nothing. The least that is left is told.
    fn check(
        &self,
        class: Class,
        ones: Vec<String>,
        address: IpAddr,
    ) -> Result<Left, (&'static str, Wait)> {
        let (limit, one, shared) = match class {
            Class::Webhook => ("webhooks", &self.webhooks, &self.webhooks),
            Class::Page => ("pages", &self.webhooks, &self.webhooks),
            Class::Health => ("health", &self.webhooks, &self.webhooks),
            Class::StartOrder => ("orders", &self.starts, &self.starts_of_address),
            Class::OpenPayment | Class::OpenSheet => {
                ("payments", &self.starts, &self.starts_of_address)
            }
            Class::Watch | Class::Staff | Class::Other => {
                ("requests", &self.requests, &self.requests_of_address)
            }
        };
        // Nobody in particular: all of them, at this address, are one.
        let by_address = if ones.is_empty() { one } else { shared };
        let mut taken: Vec<(Key, Left)> = Vec::with_capacity(ones.len());
        let refused = |taken: Vec<(Key, Left)>, wait| {
            for (key, _) in taken {
                one.give_back(&key);
            }
            Err((limit, wait))
        };
        for who in ones {
            let key = (class, Who::One(who));
            match one.take(&key) {
                Ok(left) => taken.push((key, left)),
                Err(wait) => return refused(taken, wait),
            }
        }
        match by_address.take(&(class, Who::Address(address))) {
            Ok(left) => {
                let all = taken.iter().map(|(_, left)| *left).chain([left]);
                Ok(all.min_by_key(|left| left.count).unwrap_or(left))
            }
            Err(wait) => refused(taken, wait),
        }
    }
}

/// Reads who asks, once for everybody further in, and counts them.
pub(super) async fn limit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let presented = Presented::of(&app.verifier, request.headers());
    let counted = !presented.is_kiosk();
    let class = Class::of(request.method(), request.uri().path());
    let ones = allowances(&presented, request.headers());
    let hops = app.settings.limits.trusted_hops;
    let address = address::client(request.extensions(), request.headers(), hops);
    request.extensions_mut().insert(presented);
    if !counted {
        return next.run(request).await;
    }
    match app.guard.rates.check(class, ones, address::counted(address)) {
        Ok(left) => {
            let mut response = next.run(request).await;
            show(response.headers_mut(), left);
            response
        }
        Err((limit, Wait(wait))) => {
            metrics::counter!("usher_rate_limited_total", "limit" => limit).increment(1);
            let retry_after_s = wait.as_secs().saturating_add(1);
            Error::TooManyRequests { retry_after_s }.into_response()
        }
    }
}

/// The user of a genuine token, and the device that it is used on. A device alone is nobody: anybody can make one up.
fn allowances(presented: &Presented, headers: &HeaderMap) -> Vec<String> {
    let Some(user) = counted_as(presented) else { return Vec::new() };
    // What is no device is refused further in.
    let device = device(headers).unwrap_or_default();
    std::iter::once(user).chain(device.map(|device| format!("device:{device}"))).collect()
}

fn show(headers: &mut HeaderMap, Left { rate, count }: Left) {
    let (most, seconds) = (rate.count, rate.per.as_secs());
    let policy = format!("\"default\";q={most};w={seconds}");
    let left = format!("\"default\";r={count};t={seconds}");
    for (name, text) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::holds::Most;
    use std::time::Duration;

    fn rates() -> Rates {
        let minute = |count| Rate { count, per: Duration::from_mins(1) };
        Rates::new(&Limits {
            requests: minute(10),
            starts: minute(2),
            webhooks: minute(100),
            users_per_address: 3,
            trusted_hops: 0,
            held: Most { bookings: 1, seats: 1 },
            connections: 1,
            connections_per_address: 1,
            in_flight: 1,
            cors_origins: Vec::new(),
        })
    }

    /// How many of these are let in.
    fn admitted(
        rates: &Rates,
        class: Class,
        tries: u32,
        who: impl Fn(u32) -> (Vec<&'static str>, u8),
    ) -> u32 {
        let tries = (0..tries).filter(|n| {
            let (ones, address) = who(*n);
            let ones = ones.into_iter().map(str::to_owned).collect();
            rates.check(class, ones, IpAddr::from([10, 0, 0, address])).is_ok()
        });
        u32::try_from(tries.count()).unwrap()
    }

    #[test]
    fn a_user_has_one_allowance_wherever_they_are_and_whatever_device_they_name() {
        let moving = |n: u32| (vec!["customer:1"], u8::try_from(n).unwrap());
        assert_eq!(admitted(&rates(), Class::StartOrder, 9, moving), 2);
        let devices = ["device:a", "device:b", "device:c", "device:d"];
        let changing = |n: u32| (vec!["customer:1", devices[usize::try_from(n).unwrap() % 4]], 1);
        assert_eq!(admitted(&rates(), Class::StartOrder, 9, changing), 2);
    }

    #[test]
    fn a_device_has_one_allowance_whoever_uses_it() {
        let users = ["customer:1", "customer:2", "customer:3", "customer:4"];
        let sharing = |n: u32| (vec![users[usize::try_from(n).unwrap() % 4], "device:a"], 1);
        assert_eq!(admitted(&rates(), Class::StartOrder, 4, sharing), 2);
    }

    #[test]
    fn an_address_has_that_of_a_few_users_and_of_one_when_nobody_says_who_they_are() {
        let users = ["customer:1", "customer:2", "customer:3", "customer:4", "customer:5"];
        let sharing = |n: u32| (vec![users[usize::try_from(n).unwrap() % 5]], 1);
        assert_eq!(admitted(&rates(), Class::StartOrder, 10, sharing), 6);
        assert_eq!(admitted(&rates(), Class::StartOrder, 10, |_| (vec![], 1)), 2);
    }

    #[test]
    fn who_is_refused_takes_nothing_from_those_they_share_with() {
        let rates = rates();
        // Six for the address, and one of them insists.
        assert_eq!(admitted(&rates, Class::StartOrder, 50, |_| (vec!["customer:1"], 1)), 2);
        assert_eq!(admitted(&rates, Class::StartOrder, 50, |_| (vec!["customer:2"], 1)), 2);
        assert_eq!(admitted(&rates, Class::StartOrder, 50, |_| (vec!["customer:3"], 1)), 2);
        assert_eq!(admitted(&rates, Class::StartOrder, 50, |_| (vec!["customer:4"], 1)), 0);
        // What the address refused was not theirs to lose, nor their device's.
        assert_eq!(admitted(&rates, Class::StartOrder, 50, |_| (vec!["customer:4"], 2)), 2);
        let device = |_| (vec!["customer:5", "device:a"], 3);
        assert_eq!(admitted(&rates, Class::StartOrder, 1, device), 1);
        assert_eq!(admitted(&rates, Class::StartOrder, 1, |_| (vec!["device:a"], 3)), 1);
        assert_eq!(admitted(&rates, Class::StartOrder, 9, device), 0);
        assert_eq!(admitted(&rates, Class::StartOrder, 9, |_| (vec!["customer:5"], 3)), 1);
    }

    #[test]
    fn classes_do_not_take_from_each_other() {
        let (rates, one) = (rates(), |_| (vec!["customer:1"], 1));
        assert_eq!(admitted(&rates, Class::StartOrder, 5, one), 2);
        assert_eq!(admitted(&rates, Class::OpenPayment, 5, one), 2);
        assert_eq!(admitted(&rates, Class::Watch, 20, one), 10);
        rates.forget_the_idle();
        assert_eq!(admitted(&rates, Class::Watch, 5, one), 0, "only the idle are forgotten");
    }

    #[test]
    fn routes_are_of_the_class_they_cost() {
        let class = |method, path| Class::of(&method, path);
        assert_eq!(class(Method::POST, "/api/v1/orders"), Class::StartOrder);
        assert_eq!(class(Method::POST, "/api/v1/orders/bk_1/payments"), Class::OpenPayment);
        assert_eq!(class(Method::POST, "/api/v1/cards"), Class::OpenPayment);
        assert_eq!(class(Method::POST, "/api/v1/orders/bk_1/cancel"), Class::Watch);
        assert_eq!(class(Method::GET, "/api/v1/orders"), Class::Watch);
        assert_eq!(class(Method::POST, "/webhooks/hyperpay"), Class::Webhook);
        assert_eq!(class(Method::GET, "/api/v1/cinemas/1/sessions/1/seats"), Class::Other);
        assert_eq!(class(Method::GET, "/readyz"), Class::Health);
    }
}
