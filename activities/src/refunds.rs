//! Refunds: send the money back once, and wait until the vendor says that it is.

use crate::{
    Activities, Error, evidence,
    step::{self, End, Progress, Seen, VendorStep, decide::Repeat},
    watched,
};
use adapters::{
    error::Error as VendorError,
    provider::{PaymentProvider, RefundOrder, RefundState},
};
use sabotage::Rule;
use schema::{
    Tx,
    cases::{self, NewCase, VENDOR_HAS_DECIDED},
    ids::{BookingId, RefundId},
    money::Money,
    refunds::{self, Refund},
    states::RefundStatus,
    timings::{CallTimings, Timings},
};
use std::time::Duration;

/// Asking about a refund is a question, not a call of its own; but a person may have to decide about it.
pub const ASK_REFUND: &str = "ask_refund";

impl Activities {
    /// Sends the refund to the vendor that took the money. What it answers is recorded once; a rejection is a case.
    pub async fn send_refund(&self, refund: RefundId) -> Result<Progress<RefundState>, Error> {
        let Some(refund) = refunds::find(&self.db, refund).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        let Some(vendor) = self.providers.get(refund.provider) else {
            let wait = refund.timings.retry_after(u32::MAX);
            return Ok(Progress::NotYet { wait_ms: wait.as_secs().saturating_mul(1_000) });
        };
        step::perform(&self.db, &SendRefund { vendor, refund: &refund }).await
    }

    /// Asks whether a refund that was pending has reached its end. A vendor that has changed its mind, or does not say
    /// anything for long, makes a case; and is asked on: it may do it after all, and a person may settle it. What nobody
    /// claims at the counter for long ends as it is, SENT, with its case.
    pub async fn ask_refund(&self, refund: RefundId) -> Result<Progress<RefundStatus>, Error> {
        let Some(refund) = refunds::find(&self.db, refund).await? else {
            return Ok(Progress::Done(End::Absent));
        };
        watched::about(refund.booking_id);
        if refund.status == RefundStatus::Refunded {
            return Ok(Progress::Done(End::Answer(RefundStatus::Refunded)));
        }
        if self.settled_by_hand(&refund).await? {
            return Ok(Progress::Done(End::Answer(RefundStatus::Refunded)));
        }
        let within = Duration::from_millis(refund.timings.refund.timeout_ms);
        let found = match self.providers.get(refund.provider) {
            Some(vendor) => vendor.find_refund(&order(&refund), within).await,
            None => Err(VendorError::unavailable("no such vendor is set up")),
        };
        let is_silent = found.is_err();
        let found = found.ok().flatten();
        let age = u64::try_from(refund.age_ms).unwrap_or(0);
        let later = match ask_again_ms(&refund, age) {
            Some(wait_ms) => Progress::NotYet { wait_ms },
            None => Progress::Done(End::Answer(RefundStatus::Sent)),
        };
        let mut tx = self.db.begin().await?;
        if settled_with(&mut tx, &refund).await?.is_some() {
            // Somebody has settled it while the vendor was asked: the next look follows that.
            return Ok(Progress::soon());
        }
        let progress = match found {
            Some(RefundState::Refunded { transaction }) => {
                refunds::refunded(&mut tx, &refund, &transaction).await?;
                Progress::Done(End::Answer(RefundStatus::Refunded))
            }
            Some(RefundState::Rejected { code, reason }) if refund.status == RefundStatus::Sent => {
                let cause = format!("payment_refused_{code}");
                ask_a_person(&mut tx, &refund, &cause, &reason).await?;
                later
            }
            // What the vendor has never taken on, `send_refund` hears refused.
            Some(RefundState::Pending { .. } | RefundState::Rejected { .. }) | None => {
                let late = age > undecided_ms(&refund) && refund.receipt.is_none();
                if late && refund.status == RefundStatus::Sent {
                    if is_silent {
                        // What a terminal has reversed meanwhile must not be given back at the counter, too.
                        cases::open(&mut tx, &a_case(&refund, "refund_undecided", UNDECIDED))
                            .await?;
                    } else {
                        ask_a_person(&mut tx, &refund, "refund_undecided", UNDECIDED).await?;
                    }
                }
                later
            }
        };
        let refunded = progress == Progress::Done(End::Answer(RefundStatus::Refunded));
        if !refunded && matches!(progress, Progress::Done(_)) {
            refunds::leave_at_the_counter(&mut tx, &refund).await?;
        }
        tx.commit().await.map_err(schema::Error::from)?;
        if refunded {
            let key = refund.refund_id.bare();
            cases::overtaken(&self.db, "Refund", &key, ASK_REFUND, VENDOR_HAS_DECIDED).await?;
        }
        Ok(progress)
    }

    /// A person has seen that the money is back, whatever the vendor says.
    async fn settled_by_hand(&self, refund: &Refund) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let Some(transaction) = settled_with(&mut tx, refund).await? else { return Ok(false) };
        refunds::refunded(&mut tx, refund, &transaction).await?;
        tx.commit().await.map_err(schema::Error::from)?;
        Ok(true)
    }
}

/// The reference under which a person has seen it back.
async fn settled_with(tx: &mut Tx, refund: &Refund) -> Result<Option<String>, Error> {
    let key = refund.refund_id.bare();
    let seen = cases::settled_with(tx, "Refund", &key, ASK_REFUND).await?;
    Ok(seen.as_ref().and_then(evidence::money_is_back))
}

const UNDECIDED: &str = "the vendor has taken it on long ago, and does not say that it is done";

/// How long the vendor may leave it undecided. As long as a terminal may be reversing it, by its own clock, nobody at the
/// counter is asked to give it back.
fn undecided_ms(refund: &Refund) -> u64 {
    let Timings { undecided_ms, terminal, .. } = refund.timings;
    let reversing_ms = terminal.reversal_ms.saturating_mul(2);
    if refund.provider.gives_back_by_hand() { undecided_ms.max(reversing_ms) } else { undecided_ms }
}

/// The longer it takes, the rarer we ask. What is being reversed at a terminal is done in a minute, or not at all; what the
/// counter gives back, on the day that its customer comes. None: they have not come for so long that nobody is asked any
/// more.
fn ask_again_ms(refund: &Refund, age: u64) -> Option<u64> {
    let Timings { ask_first_ms, ask_longest_ms, terminal, .. } = refund.timings;
    let is_the_counters = refund.receipt.is_some();
    if is_the_counters && age > terminal.counter_ms {
        return None;
    }
    let (share, first, longest) = match (refund.provider.gives_back_by_hand(), is_the_counters) {
        (true, true) => (2, ask_longest_ms, terminal.counter_ask_ms),
        (true, false) => (8, terminal.ask_ms, ask_longest_ms),
        (false, _) => (2, ask_first_ms, ask_longest_ms),
    };
    Some((age / share).max(first).min(longest))
}

/// Somebody has to see that the money goes back. Where no server can send it, that is the counter, and the customer has a
/// code to show there.
async fn ask_a_person(
    tx: &mut Tx,
    refund: &Refund,
    cause: &str,
    reason: &str,
) -> Result<(), Error> {
    let mut detail = reason.to_owned();
    if refund.provider.gives_back_by_hand() {
        let handed = refunds::hand_to_the_counter(tx, refund).await?;
        let Some(receipt) = handed else { return Ok(()) };
        let reference = refund.refund_id.bare();
        detail = format!("{reason}: to whoever shows {receipt}, under the reference {reference}");
    }
    cases::open(tx, &a_case(refund, cause, &detail)).await?;
    Ok(())
}

/// The vendor took the refund on, and does not see it through.
fn a_case<'a>(refund: &Refund, cause: &'a str, reason: &'a str) -> NewCase<'a> {
    NewCase {
        workflow: "Refund",
        workflow_key: refund.refund_id.bare(),
        step: ASK_REFUND,
        booking: Some(refund.booking_id),
        cause,
        detail: reason,
        at_risk: refund.amount,
        decisions: evidence::decisions(ASK_REFUND),
    }
}

fn order(refund: &Refund) -> RefundOrder {
    RefundOrder {
        refund: reference(refund),
        payment: refund.payment_id,
        reserved: refund.reserved,
        transaction: refund.vendor_transaction.clone(),
        account: refund.vendor_account.clone().unwrap_or_default(),
        amount: refund.amount,
    }
}

/// What the vendor knows it by: the same on every attempt.
fn reference(refund: &Refund) -> RefundId {
    if Rule::RefundReference.is_out() {
        let cause = sabotage::unlike_any_other(&refund.vendor_transaction);
        return RefundId::automatic(refund.payment_id, &cause);
    }
    refund.refund_id
}

pub(crate) struct SendRefund<'a> {
    vendor: &'a dyn PaymentProvider,
    refund: &'a Refund,
}

impl VendorStep for SendRefund<'_> {
    type Answer = RefundState;
    const NAME: &'static str = "send_refund";
    const VENDOR: &'static str = "payment";
    const REPEAT: Repeat = Repeat::AfterLookUp;

    fn id(&self) -> String {
        self.refund.refund_id.bare()
    }

    fn workflow(&self) -> &'static str {
        "Refund"
    }

    fn booking(&self) -> BookingId {
        self.refund.booking_id
    }

    fn timings(&self) -> &Timings {
        &self.refund.timings
    }

    fn call_timings(&self) -> &CallTimings {
        &self.refund.timings.refund
    }

    fn at_risk(&self) -> Money {
        self.refund.amount
    }

    async fn send(&self, within: Duration) -> Result<RefundState, VendorError> {
        match self.vendor.refund(&order(self.refund), within).await? {
            RefundState::Rejected { code, reason } => Err(VendorError::refused(code, reason)),
            done @ (RefundState::Refunded { .. } | RefundState::Pending { .. }) => Ok(done),
        }
    }

    async fn look_up(&self, within: Duration) -> Result<Seen<RefundState>, VendorError> {
        Ok(match self.vendor.find_refund(&order(self.refund), within).await? {
            // A rejected refund has moved no money.
            None | Some(RefundState::Rejected { .. }) => Seen::Absent,
            Some(found) => Seen::Found(found),
        })
    }

    async fn project(&self, tx: &mut Tx, answer: &RefundState) -> Result<(), schema::Error> {
        match answer {
            RefundState::Refunded { transaction } => {
                refunds::refunded(tx, self.refund, transaction).await
            }
            RefundState::Pending { transaction } => {
                refunds::sent(tx, self.refund, transaction).await
            }
            RefundState::Rejected { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use schema::{
        ids::{BookingId, PaymentId},
        money::Money,
        provider::Provider,
    };

    const SECOND: u64 = 1_000;
    const HOUR: u64 = 3_600 * SECOND;
    const DAY: u64 = 24 * HOUR;

    pub(crate) fn refund(provider: Provider, receipt: Option<&str>) -> Refund {
        let payment_id = PaymentId::from_bare("01K9ZZZZZZZZZZZZZZZZZZZZZZ").unwrap();
        Refund {
            refund_id: RefundId::automatic(payment_id, "T1"),
            booking_id: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
            payment_id,
            provider,
            vendor_transaction: "T1".to_owned(),
            vendor_account: None,
            amount: Money::sar(11_500),
            reserved: false,
            cause: "late_money".to_owned(),
            timings: Timings::default(),
            status: RefundStatus::Sent,
            receipt: receipt.map(str::to_owned),
            age_ms: 0,
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    /// How often it is asked about until this age, and the last wait.
    fn asked(refund: &Refund, until: u64) -> (u32, Option<u64>) {
        let (mut age, mut asked) = (0, 0);
        loop {
            asked += 1;
            let wait = ask_again_ms(refund, age);
            age += wait.unwrap_or(0);
            if wait.is_none() || age >= until {
                return (asked, wait);
            }
        }
    }

    #[test]
    fn a_terminal_is_asked_every_few_seconds_while_it_can_reverse() {
        let reversing = refund(Provider::NearPay, None);
        let (asked, _) = asked(&reversing, 100 * SECOND);
        assert!((15..=20).contains(&asked), "{asked}");
    }

    #[test]
    fn what_the_counter_gives_back_is_asked_about_once_an_hour_and_for_a_month() {
        let handed = refund(Provider::NearPay, Some("0123456789"));
        assert_eq!(ask_again_ms(&handed, 100 * SECOND), Some(120 * SECOND));
        for age in [3 * HOUR, DAY, 30 * DAY] {
            assert_eq!(ask_again_ms(&handed, age), Some(HOUR), "{age}");
        }
        let (asked, last) = asked(&handed, u64::MAX);
        assert_eq!(last, None, "there is an end");
        assert!((720..=740).contains(&asked), "{asked}");
    }

    #[test]
    fn a_server_that_has_taken_it_on_is_asked_until_it_has_done_it() {
        for provider in Provider::ALL.into_iter().filter(|it| !it.gives_back_by_hand()) {
            assert_eq!(ask_again_ms(&refund(provider, None), 365 * DAY), Some(120 * SECOND));
        }
    }
}
