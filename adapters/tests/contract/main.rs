//! The contract that every payment vendor signs (`adapters::provider`), each tried against its own stand-in over HTTP.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod checkout;
mod checkout_promises;
mod checkout_standin;
mod nearpay;
mod nearpay_standin;
mod payfort;
mod payfort_promises;
mod payfort_standin;
mod prism;
mod saved_cards;
mod standin;
mod suite;
mod tabby;
mod tabby_described;

/// A vendor's name, and where its stand-in is started.
macro_rules! promised_by {
    ($vendor:ident: $standin:ty) => {
        mod $vendor {
            use crate::checkout_promises as promises;

            #[tokio::test]
            async fn reserved_money_is_taken_once() {
                promises::reserved_money_is_taken_once::<$standin>().await;
            }

            #[tokio::test]
            async fn reserved_money_is_let_go_once() {
                promises::reserved_money_is_let_go_once::<$standin>().await;
            }

            #[tokio::test]
            async fn taken_money_goes_back_once() {
                promises::taken_money_goes_back_once::<$standin>().await;
            }

            #[tokio::test]
            async fn a_lost_charge_is_found() {
                promises::a_lost_charge_is_found::<$standin>().await;
            }

            #[tokio::test]
            async fn a_lost_follow_up_is_found() {
                promises::a_lost_follow_up_is_found::<$standin>().await;
            }

            #[tokio::test]
            async fn what_never_happened_is_not_found() {
                promises::what_never_happened_is_not_found::<$standin>().await;
            }

            #[tokio::test]
            async fn a_decline_is_a_value() {
                promises::a_decline_is_a_value::<$standin>().await;
            }

            #[tokio::test]
            async fn another_amount_is_no_answer() {
                promises::another_amount_is_no_answer::<$standin>().await;
            }
        }
    };
}

mod kept {
    promised_by!(checkout: crate::checkout::Cards);
}
