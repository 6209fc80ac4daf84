//! The contract that every payment vendor signs (`adapters::provider`), each tried against its own stand-in over HTTP.
//!
//! `vendor.rs` is what a vendor says of itself, `suite.rs` the promises; what is truly one vendor's own is in its file.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod checkout;
mod checkout_described;
mod checkout_sdk;
mod checkout_stc_pay;
mod hyperpay;
mod mailbox;
mod nearpay;
mod npm;
mod payfort;
mod payfort_cards;
mod paying;
mod prism;
mod saved_cards;
mod standin;
mod suite;
mod tabby;
mod tabby_described;
mod vendor;

/// Who signs, and which verbs it has that change something.
macro_rules! signed_by {
    ($signatory:ident: $vendor:ty { $($verb:ident: $said:ident),* }) => {
        mod $signatory {
            use crate::suite;

            #[tokio::test]
            async fn a_payment_is_shown_as_it_stands() {
                suite::a_payment_is_shown_as_it_stands::<$vendor>().await;
            }

            #[tokio::test]
            async fn a_decline_is_a_value() {
                suite::a_decline_is_a_value::<$vendor>().await;
            }

            #[tokio::test]
            async fn what_is_shown_oddly_is_never_paid() {
                suite::what_is_shown_oddly_is_never_paid::<$vendor>().await;
            }

            #[tokio::test]
            async fn what_is_found_oddly_is_not_found() {
                suite::what_is_found_oddly_is_not_found::<$vendor>().await;
            }

            #[tokio::test]
            async fn every_position_of_every_switch_is_taken() {
                suite::every_position_of_every_switch_is_taken::<$vendor>().await;
            }

            $(mod $verb {
                use crate::{suite, vendor::Verb};

                #[tokio::test]
                async fn twice_is_once() {
                    suite::twice_is_once::<$vendor>(Verb::$said).await;
                }

                #[tokio::test]
                async fn a_lost_answer_is_looked_up() {
                    suite::a_lost_answer_is_looked_up::<$vendor>(Verb::$said).await;
                }
            })*
        }
    };
}

mod signed {
    signed_by!(hyperpay: crate::hyperpay::HyperPay {
        capture: Capture, refund: Refund, let_go: LetGo
    });
    signed_by!(payfort: crate::payfort::PayFort {
        charge: Charge, capture: Capture, refund: Refund, let_go: LetGo
    });
    signed_by!(checkout: crate::checkout::Checkout {
        charge: Charge, capture: Capture, refund: Refund, let_go: LetGo
    });
    signed_by!(tabby: crate::tabby::Tabby {
        capture: Capture, refund: Refund, let_go: LetGo
    });
    // All that changes something is done at the terminal.
    signed_by!(nearpay: crate::nearpay::NearPay {});
}
