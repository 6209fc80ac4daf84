//! `HyperPay` signs the contract: a page for all brands, paid at once, and credit cards, reserved first.

use crate::{
    paying::{Paying, Said},
    standin::{Standin, is_unknown},
    vendor::{Effect, Vendor, Verb, WITHIN},
};
use adapters::hyperpay::{Config, HyperPay as Adapter};
use schema::paying::{PayWith, Taking};
use std::time::Duration;

pub(crate) struct HyperPay;

impl Vendor for HyperPay {
    const NAME: &'static str = "hyperpay";
    type Adapter = Adapter;

    /// The vendor's limit on reads has positions of its own, and the adapter's tests beside it.
    const SWITCHED: &'static [(&'static str, &'static str)] = &[("throttle_per_minute", "0")];
    const LOOKS_UP_FIRST: bool = true;
    const SHOWS_WHAT_FOLLOWED: bool = false;
    const ASKS: &'static str = "query_reference";
    const FINDS: &'static str = "query_reference";
    /// A row that is bare does not say whom it is about.
    const SAYS_NONE: &'static [&'static str] = &["lookup_lag", "code_700.400.580", "bare_result"];
    /// What the list shows as somebody else's, the session shows as ours.
    const UNSEEN: &'static [(&'static str, &'static str)] =
        &[("query_reference", "reference_mismatch")];

    fn adapter(base: &str, factor: u32) -> Adapter {
        Adapter::new(Config {
            base_url: format!("{base}/hyperpay"),
            token: sandbox::DEFAULT_TOKEN.into(),
            entity_id: sandbox::CARD_ENTITY.to_owned(),
            webhook_keys: Vec::new(),
            live: false,
            test_mode: None,
            read_window: Duration::ZERO,
            session_life: Duration::from_mins(30) / factor,
        })
        .unwrap()
    }

    fn ways() -> Vec<PayWith> {
        vec![PayWith::Page, PayWith::CreditCard]
    }

    fn effect(verb: Verb, _: Taking) -> Option<Effect> {
        Some(match verb {
            Verb::Charge => return None,
            Verb::Capture => Effect::at_once("capture", &["capture"]),
            Verb::Refund => Effect::at_once("refund", &["refund"]),
            Verb::LetGo => Effect::at_once("reversal", &["reversal"]),
        })
    }
}

/// The life of a step looks before it says a thing again. Where somebody does not, what the vendor still allows decides:
/// the whole amount moves once, whatever its policy about references, unless it charges again.
#[tokio::test]
async fn the_whole_amount_moves_once_even_if_nobody_looks_first() {
    for policy in ["allow", "reject_200.300.404", "reject_800.110.100"] {
        let at = Standin::<HyperPay>::start().await;
        at.switch("dup_policy", policy).await;
        for (verb, pay_with) in [
            (Verb::Capture, PayWith::CreditCard),
            (Verb::LetGo, PayWith::CreditCard),
            (Verb::Refund, PayWith::Page),
        ] {
            let mut paying = Paying::ready(&at, verb, pay_with).await;
            let first = paying.say(verb, WITHIN).await.unwrap();
            let again = paying.say(verb, WITHIN).await;
            assert!(matches!(again, Ok(Said::No(_))) || is_unknown(&again), "{policy}: {again:?}");
            assert_eq!(paying.found(verb).await, first, "{policy}");
            let moved = paying.moved(paying.effect(verb).begun).await;
            assert_eq!(moved, [paying.asked(verb)], "{policy} {verb:?}");
        }
    }
}
