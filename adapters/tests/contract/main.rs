//! What every payment vendor promises, shown against its stand-in over HTTP: the same tests for each.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod checkout;
mod promises;
mod standin;

/// A vendor's name, and where its stand-in is started.
macro_rules! promised_by {
    ($vendor:ident: $standin:ty) => {
        mod $vendor {
            use crate::promises;

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
