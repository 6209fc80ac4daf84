//! The sentences for customers, in English and Arabic: what happens, by when, and what becomes of the money.

use super::{Facts, Stage};
use crate::{
    money::{Currency, Money},
    states::BookingStatus,
};
use chrono::{DateTime, Datelike, FixedOffset, Utc};
use serde::Serialize;

/// The same in two languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Says {
    pub en: String,
    pub ar: String,
}

impl Says {
    pub(super) fn both(en: impl Into<String>, ar: impl Into<String>) -> Self {
        Self { en: en.into(), ar: ar.into() }
    }

    /// One sentence after the other.
    pub(super) fn then(self, next: Option<Self>) -> Self {
        let Some(next) = next else { return self };
        Self::both(format!("{} {}", self.en, next.en), format!("{} {}", self.ar, next.ar))
    }
}

/// What the customer of this booking is told.
pub(super) fn says(facts: &Facts<'_>, stage: Stage, by: Option<DateTime<Utc>>) -> Says {
    let by = by.map(Moment::of).unwrap_or_default();
    match stage {
        Stage::HoldingSeats => holding(&by).then(facts.other_money(&by)),
        Stage::ToPay => to_pay(facts, &by).then(facts.other_money(&by)),
        Stage::PaymentDeclined => declined(&by).then(facts.other_money(&by)),
        Stage::Confirming => facts.paid_so_far().then(Some(confirming(facts, &by))),
        Stage::TicketComing => {
            booked().then(Some(facts.paid_so_far())).then(Some(ticket_coming(&by)))
        }
        Stage::TicketReady => {
            ticket_ready().then(Some(facts.paid_so_far())).then(facts.other_money(&by))
        }
        Stage::TicketByCode => {
            ticket_by_code().then(Some(facts.paid_so_far())).then(facts.other_money(&by))
        }
        Stage::Completed => {
            completed().then(Some(facts.paid_so_far())).then(facts.other_money(&by))
        }
        Stage::NotConfirmed => not_confirmed().then(Some(going_back(facts, &by))),
        Stage::PaidTooLate => paid_too_late().then(Some(going_back(facts, &by))),
        Stage::ToReverse | Stage::AtTheCounter => facts.given_back_by_hand(stage),
        Stage::Refunded => ended(facts).then(Some(is_back(facts))),
        Stage::Rejected | Stage::Cancelled | Stage::Expired => {
            ended(facts).then(Some(nothing_charged()))
        }
        Stage::InReview => in_review(facts, &by),
    }
}

fn holding(by: &Moment) -> Says {
    let Moment { clock, .. } = by;
    Says::both(
        format!("We are holding your seats. Nothing has been charged. You will know by {clock}."),
        format!("نحجز مقاعدك الآن. لم يُخصم أي مبلغ. ستعرف النتيجة قبل الساعة {clock}."),
    )
}

fn to_pay(facts: &Facts<'_>, by: &Moment) -> Says {
    let (Moment { clock, .. }, total) = (by, Amount::of(facts.total));
    let Amount { en, ar } = &total;
    let seats = Says::both(
        format!("Your seats are held until {clock}. Pay {en} by then."),
        format!("مقاعدك محجوزة حتى الساعة {clock}. ادفع {ar} قبل ذلك."),
    );
    seats.then(facts.refunds.is_empty().then(nothing_charged))
}

fn declined(by: &Moment) -> Says {
    let Moment { clock, .. } = by;
    Says::both(
        format!(
            "Your payment was declined: no money was taken. Your seats are held until {clock}; you can try again, or \
             use another card."
        ),
        format!(
            "رُفضت عملية الدفع ولم يُخصم منها أي مبلغ. مقاعدك محجوزة حتى الساعة {clock}؛ يمكنك المحاولة مرة أخرى أو \
             استخدام بطاقة أخرى."
        ),
    )
}

fn confirming(facts: &Facts<'_>, by: &Moment) -> Says {
    let Moment { clock, .. } = by;
    if facts.paid.is_some() {
        return Says::both(
            format!(
                "We are confirming your seats; if we cannot by {clock}, your money goes back in full."
            ),
            format!("نؤكد مقاعدك الآن؛ وإن تعذّر ذلك قبل الساعة {clock} فسيُعاد المبلغ إليك كاملًا."),
        );
    }
    Says::both(
        format!("We are confirming your seats; you will know by {clock}."),
        format!("نؤكد مقاعدك الآن؛ ستعرف النتيجة قبل الساعة {clock}."),
    )
}

fn booked() -> Says {
    Says::both("Your seats are booked.", "تم حجز مقاعدك.")
}

fn ticket_coming(by: &Moment) -> Says {
    let Moment { clock, day, day_ar } = by;
    Says::both(
        format!("Your ticket is being made and will be here by {clock}, {day}."),
        format!("تذكرتك قيد الإصدار وستكون هنا قبل الساعة {clock}، {day_ar}."),
    )
}

fn ticket_ready() -> Says {
    Says::both("Your ticket is ready. Enjoy the show!", "تذكرتك جاهزة. نتمنى لك مشاهدة ممتعة!")
}

fn ticket_by_code() -> Says {
    Says::both(
        "Your seats are booked. Your ticket has no picture: its code opens the door.",
        "تم حجز مقاعدك. تذكرتك من دون صورة: رمزها يكفي للدخول.",
    )
}

fn completed() -> Says {
    Says::both("The show is over. Thank you for coming.", "انتهى العرض. شكرًا لحضورك.")
}

pub(super) fn not_confirmed() -> Says {
    Says::both("We could not confirm your seats.", "تعذّر تأكيد مقاعدك.")
}

pub(super) fn paid_too_late() -> Says {
    Says::both("Your payment came after your booking had ended.", "وصلت دفعتك بعد انتهاء الحجز.")
}

fn going_back(facts: &Facts<'_>, by: &Moment) -> Says {
    let Moment { day, day_ar, .. } = by;
    let open = facts.refunds_sum(false);
    if facts.refunds.is_empty() {
        return nothing_charged();
    }
    if open.is_none() {
        return is_back(facts);
    }
    let open = Amount::of(open);
    let Amount { en, ar } = &open;
    Says::both(
        format!(
            "{en} goes back to you in full: we send it by {day}, and your bank may need some days more to show it."
        ),
        format!(
            "سيُعاد إليك {ar} كاملًا: نرسله قبل {day_ar}، وقد يحتاج مصرفك إلى بضعة أيام أخرى لإظهاره."
        ),
    )
}

fn is_back(facts: &Facts<'_>) -> Says {
    let Amount { en, ar } = &Amount::of(facts.refunds_sum(true));
    Says::both(
        format!("{en} has gone back to you in full; your bank may need some days to show it."),
        format!("أُعيد إليك {ar} كاملًا؛ وقد يحتاج مصرفك إلى بضعة أيام لإظهاره."),
    )
}

fn nothing_charged() -> Says {
    Says::both("Nothing has been charged.", "لم يُخصم أي مبلغ.")
}

/// How it ended, and why.
fn ended(facts: &Facts<'_>) -> Says {
    match (facts.status, facts.end_reason) {
        (BookingStatus::Expired, _) => Says::both(
            "Your booking was not paid in time, and its seats are free again.",
            "لم يُدفع الحجز في الوقت المحدد، وأصبحت مقاعده متاحة من جديد.",
        ),
        (_, Some("cancelled_by_customer")) => {
            Says::both("You called this booking off.", "لقد ألغيت هذا الحجز.")
        }
        (_, Some("cancelled_by_staff")) => {
            Says::both("The cinema called this booking off.", "ألغت السينما هذا الحجز.")
        }
        (_, Some("seats_taken")) => Says::both(
            "Somebody else was quicker: these seats are taken.",
            "سبقك غيرك إلى هذه المقاعد، فهي محجوزة.",
        ),
        (_, Some("session_closed")) => {
            Says::both("This session is not on sale any more.", "لم يعد هذا العرض متاحًا للبيع.")
        }
        (_, Some("invalid_seats")) => Says::both(
            "These seats cannot be booked like this.",
            "لا يمكن حجز هذه المقاعد بهذه الطريقة.",
        ),
        (_, Some("cinema_away")) => Says::both("The cinema did not answer.", "لم تستجب السينما."),
        (BookingStatus::Rejected, _) => {
            Says::both("Your booking could not be made.", "تعذّر إتمام حجزك.")
        }
        _ => not_confirmed(),
    }
}

fn in_review(facts: &Facts<'_>, by: &Moment) -> Says {
    let Moment { clock, day, day_ar } = by;
    let at_risk = facts.review.map(|review| review.at_risk).filter(|risk| !risk.is_zero());
    let money = at_risk.or(facts.paid.map(|paid| paid.amount));
    let Amount { en, ar } = &Amount::of(money);
    match (facts.status, money) {
        (BookingStatus::Confirmed, _) => booked().then(Some(facts.paid_so_far())).then(Some(
            Says::both(
                format!(
                    "Your ticket takes longer than it should; one of us is looking into it until {clock}, {day}. The \
                     box office finds you by your booking number."
                ),
                format!(
                    "يستغرق إصدار تذكرتك وقتًا أطول من المعتاد؛ ونحن نتابع الأمر حتى الساعة {clock}، {day_ar}. يمكن \
                     لشباك التذاكر إيجاد حجزك برقمه."
                ),
            ),
        )),
        (BookingStatus::Confirming, Some(_)) if !facts.unwinding => Says::both(
            format!(
                "You were charged {en}. Confirming your seats takes longer than it should, and one of us is looking \
                 into it. Your money is safe: by {clock}, {day}, you have your seats, or all of it goes back."
            ),
            format!(
                "تم خصم {ar}. يستغرق تأكيد مقاعدك وقتًا أطول من المعتاد، ونحن نتابع الأمر. مالك محفوظ: قبل الساعة \
                 {clock}، {day_ar}، تحصل على مقاعدك أو يُعاد إليك المبلغ كاملًا."
            ),
        ),
        (_, Some(_)) => Says::both(
            format!(
                "One of us is looking into your payment of {en}. Your money is safe: what you have no ticket for goes \
                 back in full. You hear from us by {clock}, {day}."
            ),
            format!(
                "نتابع دفعتك بمبلغ {ar}. مالك محفوظ: ما لم تحصل مقابله على تذكرة يُعاد إليك كاملًا. ستسمع منا قبل \
                 الساعة {clock}، {day_ar}."
            ),
        ),
        (_, None) => Says::both(
            format!(
                "One of us has to look into your booking. Nothing has been charged. You will know by {clock}."
            ),
            format!("نحتاج إلى مراجعة حجزك. لم يُخصم أي مبلغ. ستعرف النتيجة قبل الساعة {clock}."),
        ),
    }
}

impl Facts<'_> {
    fn paid_so_far(&self) -> Says {
        let Amount { en, ar } = &Amount::of(self.paid.map(|paid| paid.amount));
        if self.paid.is_some() {
            Says::both(format!("You were charged {en}."), format!("تم خصم {ar}."))
        } else {
            Says::both("There is nothing to pay.", "لا يوجد مبلغ للدفع.")
        }
    }

    /// Money beside that of the booking itself: a second payment, one that came too late.
    fn other_money(&self, by: &Moment) -> Option<Says> {
        if let Some(by_hand) = self.by_hand_says() {
            return Some(by_hand);
        }
        let Moment { day, day_ar, .. } = by;
        let risk = self.review.map(|review| review.at_risk).filter(|risk| !risk.is_zero());
        if risk.is_some() {
            let Amount { en, ar } = &Amount::of(risk);
            return Some(Says::both(
                format!(
                    "We are looking into another payment of {en}: your money is safe, you hear from us by {day}."
                ),
                format!("نتابع دفعة أخرى بمبلغ {ar}: مالك محفوظ، وستسمع منا قبل {day_ar}."),
            ));
        }
        if let Some(open) = self.refunds_sum(false) {
            let Amount { en, ar } = &Amount::of(Some(open));
            return Some(Says::both(
                format!(
                    "Another payment of {en} goes back to you in full; your bank may need some days to show it."
                ),
                format!(
                    "ستُعاد إليك دفعة أخرى بمبلغ {ar} كاملة؛ وقد يحتاج مصرفك إلى بضعة أيام لإظهارها."
                ),
            ));
        }
        let Amount { en, ar } = &Amount::of(Some(self.refunds_sum(true)?));
        Some(Says::both(
            format!("Another payment of {en} has gone back to you in full."),
            format!("أُعيدت إليك دفعة أخرى بمبلغ {ar} كاملة."),
        ))
    }

    /// What is back (`done`), or on its way.
    fn refunds_sum(&self, done: bool) -> Option<Money> {
        let mut amounts = self.refunds.iter().filter(|it| it.done == done).map(|it| it.amount);
        let first = amounts.next()?;
        let minor =
            amounts.fold(first.amount_minor, |sum, next| sum.saturating_add(next.amount_minor));
        Some(Money::new(minor, first.currency))
    }
}

/// An amount, as it is read in either language.
pub(super) struct Amount {
    pub en: String,
    pub ar: String,
}

impl Amount {
    pub(super) fn of(amount: Option<Money>) -> Self {
        let Some(amount) = amount else { return Self { en: String::new(), ar: String::new() } };
        let en = amount.to_string();
        let ar = match amount.currency {
            Currency::Sar => en.replace("SAR", "ريال"),
        };
        Self { en, ar }
    }
}

/// A moment on the clocks of Riyadh, which know no summer time.
#[derive(Default)]
struct Moment {
    clock: String,
    day: String,
    day_ar: String,
}

impl Moment {
    fn of(at: DateTime<Utc>) -> Self {
        let Some(riyadh) = FixedOffset::east_opt(3 * 3_600) else { return Self::default() };
        let here = at.with_timezone(&riyadh);
        let month = usize::try_from(here.month0()).unwrap_or(0);
        Self {
            clock: here.format("%H:%M").to_string(),
            day: here.format("%-d %B").to_string(),
            day_ar: format!("{} {}", here.day(), MONTHS.get(month).unwrap_or(&"")),
        }
    }
}

const MONTHS: [&str; 12] = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "مايو",
    "يونيو",
    "يوليو",
    "أغسطس",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
];
