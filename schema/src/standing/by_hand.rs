//! Money that only people can give back: at the kiosk's terminal for a minute, later at the counter.

use super::{
    Facts, Owed, Stage,
    says::{Amount, Says},
};
use crate::{
    money::{Currency, Money},
    states::BookingStatus,
};

/// How people give it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHand<'a> {
    /// The kiosk reverses it on the terminal that took it.
    AtTheTerminal,
    /// The counter gives it to whoever shows this.
    AtTheCounter { receipt: &'a str },
}

impl ByHand<'_> {
    const fn stage(self) -> Stage {
        match self {
            Self::AtTheTerminal => Stage::ToReverse,
            Self::AtTheCounter { .. } => Stage::AtTheCounter,
        }
    }
}

impl<'a> Facts<'a> {
    /// There will be no ticket, and the next move is a person's. What can be reversed comes first: it cannot wait.
    pub(super) fn goes_back_by_hand(&self) -> Option<Stage> {
        let unwinds = self.status == BookingStatus::Confirming && self.unwinding;
        if !unwinds && !self.status.frees_seats() {
            return None;
        }
        self.by_hand().map(|(_, how)| how.stage()).min()
    }

    /// Why there is no ticket, and who gives the money back now.
    pub(super) fn given_back_by_hand(&self, stage: Stage) -> Says {
        let of_won = self.by_hand().any(|(owed, how)| how.stage() == stage && owed.of_won);
        let why = if of_won { super::says::not_confirmed() } else { super::says::paid_too_late() };
        why.then(self.by_hand_says())
    }

    /// Who gives money back now, if anybody has to.
    pub(super) fn by_hand_says(&self) -> Option<Says> {
        match (self.at_the_terminal(), self.at_the_counter()) {
            (Some(terminal), counter) => Some(terminal.then(counter)),
            (None, counter) => counter,
        }
    }

    fn at_the_terminal(&self) -> Option<Says> {
        let here = self.by_hand().filter(|(_, how)| *how == ByHand::AtTheTerminal);
        let Amount { en, ar } = &Amount::of(Some(sum(here.map(|(owed, _)| owed))?));
        Some(Says::both(
            format!(
                "The terminal gives {en} back to your card now: please wait here until it has."
            ),
            format!("يعيد الجهاز {ar} إلى بطاقتك الآن: يُرجى الانتظار هنا حتى يكتمل ذلك."),
        ))
    }

    fn at_the_counter(&self) -> Option<Says> {
        let mut codes = Vec::new();
        let there = self.by_hand().filter_map(|(owed, how)| match how {
            ByHand::AtTheTerminal => None,
            ByHand::AtTheCounter { receipt } => {
                codes.push(receipt);
                Some(owed)
            }
        });
        let Amount { en, ar } = &Amount::of(Some(sum(there)?));
        let (code, code_ar) = (codes.join(", "), codes.join("، "));
        Some(Says::both(
            format!(
                "The box office gives {en} back to you in full: show it the code {code} and the card you have paid with."
            ),
            format!(
                "يعيد إليك شباك التذاكر {ar} كاملًا: أبرز له الرمز {code_ar} والبطاقة التي دفعت بها."
            ),
        ))
    }

    fn by_hand(&self) -> impl Iterator<Item = (&'a Owed<'a>, ByHand<'a>)> + use<'a> {
        let open = self.refunds.iter().filter(|owed| !owed.done);
        open.filter_map(|owed| Some((owed, owed.by_hand?)))
    }
}

fn sum<'a>(owed: impl Iterator<Item = &'a Owed<'a>>) -> Option<Money> {
    let (mut minor, mut currency): (i64, Option<Currency>) = (0, None);
    for owed in owed {
        minor = minor.saturating_add(owed.amount.amount_minor);
        currency = Some(owed.amount.currency);
    }
    Some(Money::new(minor, currency?))
}
