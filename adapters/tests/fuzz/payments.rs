//! What must hold of every payment vendor's adapter, whatever its vendor answers or somebody posts in its name.

use crate::{
    damage::damaged,
    draws::Draws,
    server::{Answer, Server},
};
use adapters::provider::{
    CaptureOrder, CaptureState, Charge, Claim, Delivery, Hint, Opened, PaymentProvider, Question,
    RefundOrder, RefundState, Session, Transaction, TransactionState,
};
use schema::{
    ids::{BookingId, PaymentId, RefundId},
    money::Money,
    paying::{Buyer, NextAct, PayWith, Taking},
};
use secrecy::SecretString;
use serde_json::Value;
use std::time::Duration;

pub(crate) const REFERENCE: &str = "01K9ZZZZZZZZZZZZZZZZZZZZZZ";
pub(crate) const REFUND: &str = "01K9RRRRRRRRRRRRRRRRRRRRRR";
/// Somebody else's.
pub(crate) const FOREIGN: &str = "01K9XXXXXXXXXXXXXXXXXXXXXX";
pub(crate) const MINOR: i64 = 9_200;

const WITHIN: Duration = Duration::from_secs(20);
const STATUSES: [u16; 14] = [200, 200, 200, 201, 202, 204, 302, 400, 401, 404, 409, 422, 429, 500];

/// A verb that reads an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Ask,
    Open,
    FindOpened,
    Proceed,
    Capture,
    FindCapture,
    Refund,
    FindRefund,
    LetGo,
    FindLetGo,
}

/// What an honest answer comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// Money has moved, or is reserved, as it was asked.
    Money,
    /// None has. Whatever happens to this answer on its way, it never says otherwise.
    Nothing,
}

/// Honest answers to one verb, by what the requests' lines have in them.
pub(crate) struct Genuine {
    pub(crate) verb: Verb,
    pub(crate) says: Says,
    pub(crate) answers: Vec<(&'static str, u16, Value)>,
}

impl Genuine {
    pub(crate) fn new(verb: Verb, says: Says, answers: &[(&'static str, u16, Value)]) -> Self {
        Self { verb, says, answers: answers.to_vec() }
    }
}

/// A webhook on its way: what its vendor puts around the text.
pub(crate) struct Letter {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) path: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Who writes a webhook, by the secret that proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Vendor,
    /// The vendor, under the secret that is being replaced.
    Before,
    Stranger,
}

/// An adapter, and what its vendor honestly says.
pub(crate) struct Vendor {
    pub(crate) provider: Box<dyn PaymentProvider>,
    pub(crate) pay_with: PayWith,
    pub(crate) given: &'static str,
    /// The vendor's session, account and transaction.
    pub(crate) session: &'static str,
    pub(crate) account: &'static str,
    pub(crate) transaction: &'static str,
    pub(crate) genuine: Vec<Genuine>,
    /// Signs what is signed within the text.
    pub(crate) seal: fn(Value, By) -> Value,
    pub(crate) events: Vec<Value>,
    pub(crate) letter: fn(&[u8], By) -> Letter,
}

impl Vendor {
    /// One honest answer, damaged as is drawn; what the verb makes of it is judged.
    pub(crate) async fn survives_an_answer(&self, server: &Server, bytes: &[u8]) {
        let mut draws = Draws::new(bytes);
        let genuine = draws.one(&self.genuine);
        let spoiled = draws.below(genuine.answers.len());
        let status = (draws.byte().is_multiple_of(8)).then(|| *draws.one(&STATUSES));
        let seal = |value| (self.seal)(value, By::Vendor);
        let damage = damaged(&genuine.answers[spoiled].2, &mut draws, &seal);
        let mut answers = self.honest(genuine);
        answers[spoiled].status = status.unwrap_or(answers[spoiled].status);
        answers[spoiled].body.clone_from(&damage);
        let said: Vec<u8> = answers.iter().flat_map(|answer| answer.body.clone()).collect();
        server.says(answers);
        if let Ok(heard) = self.hears(genuine.verb).await {
            heard.judge(genuine.says, &said);
        }
    }

    /// One delivery, damaged as is drawn: read or refused, and refused when a stranger wrote it.
    pub(crate) fn survives_a_delivery(&self, bytes: &[u8]) {
        let mut draws = Draws::new(bytes);
        let by = *draws.one(&[By::Vendor, By::Before, By::Stranger]);
        let seal = |value| (self.seal)(value, by);
        let event = draws.one(&self.events);
        let text = damaged(event, &mut draws, &seal);
        let read = self.reads(&(self.letter)(&text, by));
        match (by, read) {
            (By::Stranger, Ok(hint)) => panic!("a stranger is believed: {hint:?}"),
            (_, Ok(hint)) => assert_is_plain(&hint),
            (_, Err(_)) => {}
        }
    }

    pub(crate) fn reads(&self, letter: &Letter) -> Result<Hint, adapters::Error> {
        let header = |name: &str| {
            let found = letter.headers.iter().find(|(header, _)| *header == name);
            found.map(|(_, value)| value.clone())
        };
        let (path, body) = (letter.path.as_deref(), letter.body.as_slice());
        self.provider.read_webhook(Delivery { header: &header, path, body })
    }

    /// Undamaged.
    pub(crate) fn honest(&self, genuine: &Genuine) -> Vec<Answer> {
        let answer = |(to, status, body): &(&'static str, u16, Value)| {
            let body = (self.seal)(body.clone(), By::Vendor).to_string().into_bytes();
            Answer { to, status: *status, body }
        };
        genuine.answers.iter().map(answer).collect()
    }

    pub(crate) async fn hears(&self, verb: Verb) -> Result<Heard, adapters::Error> {
        let (vendor, charge) = (&self.provider, self.charge());
        match verb {
            Verb::Ask => vendor.ask(&self.question(), WITHIN).await.map(Heard::Transactions),
            Verb::Open => vendor.open(&charge, WITHIN).await.map(Heard::Opened),
            Verb::FindOpened => {
                let found = vendor.find_opened(&charge, WITHIN).await;
                found.map(|found| found.map_or(Heard::Nothing, Heard::Opened))
            }
            Verb::Proceed => {
                // As `read_return` hands it over.
                let given: SecretString = format!("{REFERENCE}:{}", self.given).into();
                let session = self.session();
                vendor.proceed(&charge, &session, &given, WITHIN).await.map(Heard::Opened)
            }
            Verb::Capture => vendor.capture(&self.capture(), WITHIN).await.map(Heard::Capture),
            Verb::FindCapture => {
                let found = vendor.find_capture(&self.capture(), WITHIN).await;
                found.map(|found| found.map_or(Heard::Nothing, Heard::Capture))
            }
            Verb::Refund | Verb::LetGo => {
                let order = self.refund(verb == Verb::LetGo);
                vendor.refund(&order, WITHIN).await.map(Heard::Refund)
            }
            Verb::FindRefund | Verb::FindLetGo => {
                let order = self.refund(verb == Verb::FindLetGo);
                let found = vendor.find_refund(&order, WITHIN).await;
                found.map(|found| found.map_or(Heard::Nothing, Heard::Refund))
            }
        }
    }

    fn charge(&self) -> Charge {
        Charge {
            payment: PaymentId::from_bare(REFERENCE).unwrap(),
            booking: BookingId::from_bare("01K9BBBBBBBBBBBBBBBBBBBBBB").unwrap(),
            amount: Money::sar(MINOR),
            taking: self.provider.taking(&self.pay_with).unwrap_or(Taking::AtOnce),
            pay_with: self.pay_with.clone(),
            secret: Some(self.given.into()),
            buyer: Buyer {
                name: Some("Sara Ali".to_owned()),
                email: Some("sara@cinema.example".to_owned()),
                phone: Some("+966501234567".to_owned()),
                ..Buyer::default()
            },
            purchases: Vec::new(),
            return_url: "https://cinema.example/return".to_owned(),
        }
    }

    fn session(&self) -> Session {
        let (id, account) = (self.session.to_owned(), self.account.to_owned());
        Session { id, account, lives_ms: 1_800_000, next: NextAct::Otp }
    }

    fn question(&self) -> Question {
        Question {
            payment: PaymentId::from_bare(REFERENCE).unwrap(),
            session: Some(self.session.to_owned()),
            account: Some(self.account.to_owned()),
            transaction: Some(self.transaction.to_owned()),
            known: Vec::new(),
        }
    }

    fn capture(&self) -> CaptureOrder {
        CaptureOrder {
            payment: PaymentId::from_bare(REFERENCE).unwrap(),
            transaction: self.transaction.to_owned(),
            account: self.account.to_owned(),
            amount: Money::sar(MINOR),
        }
    }

    fn refund(&self, reserved: bool) -> RefundOrder {
        RefundOrder {
            refund: RefundId::from_bare(REFUND).unwrap(),
            payment: PaymentId::from_bare(REFERENCE).unwrap(),
            transaction: self.transaction.to_owned(),
            account: self.account.to_owned(),
            amount: Money::sar(MINOR),
            reserved,
        }
    }
}

/// What a verb has made of an answer.
#[derive(Debug)]
pub(crate) enum Heard {
    Transactions(Vec<Transaction>),
    Opened(Opened),
    Capture(CaptureState),
    Refund(RefundState),
    /// Nothing was found.
    Nothing,
}

impl Heard {
    /// Money is in it.
    pub(crate) fn money(&self) -> bool {
        match self {
            Self::Transactions(all) => all.iter().any(has_money),
            Self::Capture(state) => matches!(state, CaptureState::Captured { .. }),
            Self::Refund(state) => matches!(state, RefundState::Refunded { .. }),
            Self::Opened(_) | Self::Nothing => false,
        }
    }

    /// Only money that was spoken of, under our reference, in an amount that was said; and nothing that is no id.
    fn judge(&self, says: Says, said: &[u8]) {
        let told = || String::from_utf8_lossy(&said[..said.len().min(4_096)]).into_owned();
        assert!(says == Says::Money || !self.money(), "paid by nothing: {self:?} of {}", told());
        match self {
            Self::Transactions(all) => {
                for one in all {
                    assert!(is_plain(&one.id), "{one:?}");
                    assert_eq!(one.reference, REFERENCE, "{one:?} of {}", told());
                    let amount = one.amount.amount_minor();
                    assert!(!has_money(one) || is_said(amount, said), "{one:?} of {}", told());
                }
            }
            Self::Opened(Opened::Open(session)) => {
                assert!(is_plain(&session.id), "{session:?}");
                if let NextAct::Redirect { url } = &session.next {
                    let page = url.starts_with("https://") || url.starts_with("http://");
                    assert!(page && url.len() <= 2_048, "{url}");
                }
            }
            Self::Opened(Opened::Rejected { code }) => assert!(is_plain(code), "{code}"),
            Self::Refund(
                RefundState::Refunded { transaction } | RefundState::Pending { transaction },
            ) => assert!(transaction.is_empty() || is_plain(transaction), "{transaction}"),
            Self::Refund(RefundState::Rejected { code, reason })
            | Self::Capture(CaptureState::Rejected { code, reason }) => {
                assert!(is_plain(code) && reason.len() <= 1_024, "{code} {reason}");
            }
            Self::Capture(CaptureState::Otherwise { taken }) => {
                assert!(is_said(taken.amount_minor(), said), "{taken:?} of {}", told());
            }
            Self::Capture(CaptureState::Captured { .. } | CaptureState::Pending)
            | Self::Nothing => {}
        }
    }
}

fn has_money(one: &Transaction) -> bool {
    matches!(one.state, TransactionState::Captured { .. } | TransactionState::Authorized)
}

/// What a hint may say: ids and words, and nothing else of what was posted.
fn assert_is_plain(hint: &Hint) {
    let name = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    assert!((26..=64).contains(&hint.event.len()) && hint.event.bytes().all(name), "{hint:?}");
    let texts = match &hint.claim {
        Claim::Payment { reference, transaction, .. }
        | Claim::Refund { reference, transaction } => [Some(reference), transaction.as_ref()],
        Claim::Chargeback { reference, transaction } => [reference.as_ref(), transaction.as_ref()],
        Claim::Other { kind } => [Some(kind), None],
    };
    assert!(texts.into_iter().flatten().all(|text| text.is_empty() || is_plain(text)), "{hint:?}");
}

/// An id or a word: short, and nothing that a log, a terminal or a query would obey.
pub(crate) fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@ ".contains(&byte);
    (1..=100).contains(&text.len()) && text.bytes().all(plain)
}

/// In minor units, or with a point.
fn is_said(minor: i64, said: &[u8]) -> bool {
    let (whole, cents) = (minor / 100, minor % 100);
    let mut spellings = vec![minor.to_string(), format!("{whole}.{cents:02}")];
    if cents % 10 == 0 {
        spellings.push(format!("{whole}.{}", cents / 10));
    }
    if cents == 0 {
        spellings.push(whole.to_string());
    }
    let says = |text: &String| said.windows(text.len()).any(|part| part == text.as_bytes());
    // Several captures of one payment are added up.
    let is_sum = minor > MINOR && minor % MINOR == 0;
    minor >= 0 && (is_sum || spellings.iter().any(says))
}
