//! The words on a ticket, in Arabic and English: dates, times, labels; and text from elsewhere, made harmless.

use chrono::{DateTime, Datelike, FixedOffset, Timelike, Utc};
use schema::money::Money;

/// Riyadh has had no other offset since 1947.
const RIYADH_SECONDS: i32 = 3 * 3_600;

const DAYS: [[&str; 2]; 7] = [
    ["Mon", "الاثنين"],
    ["Tue", "الثلاثاء"],
    ["Wed", "الأربعاء"],
    ["Thu", "الخميس"],
    ["Fri", "الجمعة"],
    ["Sat", "السبت"],
    ["Sun", "الأحد"],
];

const MONTHS: [[&str; 2]; 12] = [
    ["Jan", "يناير"],
    ["Feb", "فبراير"],
    ["Mar", "مارس"],
    ["Apr", "أبريل"],
    ["May", "مايو"],
    ["Jun", "يونيو"],
    ["Jul", "يوليو"],
    ["Aug", "أغسطس"],
    ["Sep", "سبتمبر"],
    ["Oct", "أكتوبر"],
    ["Nov", "نوفمبر"],
    ["Dec", "ديسمبر"],
];

/// The same in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tickets) struct Said {
    pub en: String,
    pub ar: String,
}

fn here(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    match FixedOffset::east_opt(RIYADH_SECONDS) {
        Some(riyadh) => at.with_timezone(&riyadh),
        None => at.fixed_offset(),
    }
}

/// `Sat 21 Nov 2026`, by Riyadh's calendar, with Latin digits in both.
pub(in crate::tickets) fn date(at: DateTime<Utc>) -> Said {
    let at = here(at);
    let named = |names: &[[&'static str; 2]], index: u32| {
        usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
    };
    let [day_en, day_ar] = named(&DAYS, at.weekday().num_days_from_monday());
    let [month_en, month_ar] = named(&MONTHS, at.month0());
    let (day, year) = (at.day(), at.year());
    Said {
        en: format!("{day_en} {day} {month_en} {year}"),
        ar: format!("{day_ar} {day} {month_ar} {year}"),
    }
}

/// `9:30 PM`, by Riyadh's clock.
pub(in crate::tickets) fn time(at: DateTime<Utc>) -> Said {
    let at = here(at);
    let (is_pm, hour) = at.hour12();
    let minute = at.minute();
    let [en, ar] = if is_pm { ["PM", "م"] } else { ["AM", "ص"] };
    Said { en: format!("{hour}:{minute:02} {en}"), ar: format!("{hour}:{minute:02} {ar}") }
}

/// `115.00 SAR`. The riyal's own sign is in hardly any font yet.
pub(in crate::tickets) fn money(amount: Money) -> Said {
    let minor = amount.amount_minor.unsigned_abs();
    let (major, minor) = (minor / 100, minor % 100);
    Said {
        en: format!("{major}.{minor:02} {}", amount.currency.code()),
        ar: format!("{major}.{minor:02} ر.س"),
    }
}

/// Text from elsewhere as one short line: no control characters, nothing that changes the direction of what follows.
pub(in crate::tickets) fn plain(text: &str, longest: usize) -> String {
    let steers = |c: char| {
        matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' | '\u{061C}')
    };
    // No word needs more than is looked at, and a hostile text may have megabytes.
    let looked_at = text.chars().take(longest.saturating_mul(8));
    let spaced = looked_at.map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c });
    let harmless: String = spaced.filter(|c| !steers(*c)).collect();
    let words: Vec<&str> = harmless.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    let mut short: String = line.chars().take(longest.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_show_is_on_riyadhs_day_and_clock() {
        let late = at("2026-11-21T21:30:00Z");
        assert_eq!(date(late).en, "Sun 22 Nov 2026");
        assert_eq!(date(late).ar, "الأحد 22 نوفمبر 2026");
        assert_eq!(time(late).en, "12:30 AM");
        assert_eq!(time(at("2026-11-21T18:05:00Z")).ar, "9:05 م");
        assert_eq!(time(at("2026-11-21T09:00:00Z")).en, "12:00 PM");
    }

    #[test]
    fn hostile_text_becomes_a_short_line() {
        assert_eq!(plain("a\u{0}b\n\u{202E}c\u{2067}  d", 20), "a b c d");
        assert_eq!(plain(&"س".repeat(10_000), 10), format!("{}…", "س".repeat(9)));
        assert_eq!(plain("  ", 5), "");
        assert_eq!(plain("12345 789", 7), "12345…");
    }
}
