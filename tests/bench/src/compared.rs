//! The same figures, measured while customers paid in one way and in all: side by side.

use crate::{
    figures::{Figure, Milli},
    ways::Ways,
};

/// More than this is told. In hundredths.
const NOTABLE: i128 = 10;

/// A line for each figure that was measured both ways; nothing, if none was.
pub(crate) fn table(figures: &[Figure]) -> Vec<String> {
    let of = |ways| figures.iter().filter(move |figure| figure.ways == ways);
    let mut lines = Vec::new();
    for page in of(Ways::Page) {
        let same = |mixed: &&Figure| (mixed.part, &mixed.what) == (page.part, &page.what);
        let Some(mixed) = of(Ways::Mixed).find(same) else { continue };
        if lines.is_empty() {
            lines
                .push(format!("\n{:<77} {:>9} {:>9} {:>8}", "compared", "page", "mixed", "change"));
        }
        lines.push(line(page, mixed.value));
    }
    lines
}

fn line(page: &Figure, mixed: Milli) -> String {
    let Figure { part, what, value, unit, .. } = page;
    let what = format!("  {part}: {what}");
    let change = change(*value, mixed);
    let told = change.map(|change| format!("{change:+} %")).unwrap_or_default();
    let verdict = if is_worse(unit, change) { "WORSE" } else { "" };
    let (value, mixed) = (value.to_string(), mixed.to_string());
    format!("{what:<77} {value:>9} {mixed:>9} {told:>8} {unit:<4} {verdict}").trim_end().to_owned()
}

/// In hundredths of what it was. None: it was nothing.
fn change(was: Milli, is: Milli) -> Option<i128> {
    let (was, is) = (i128::from(was.0), i128::from(is.0));
    ((is - was) * 100).checked_div(was)
}

/// Of rates more is better, of times less; of anything else nobody says.
fn is_worse(unit: &str, change: Option<i128>) -> bool {
    change.is_some_and(|change| match unit {
        "/s" => change < -NOTABLE,
        "ms" | "s" => change > NOTABLE,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;

    fn figures(ways: Ways, rate: u64, p99: u64) -> Vec<Figure> {
        let mut figures = Figures::of("test");
        figures.add("bookings a second", Milli(rate), "/s");
        figures.add("paid to ticket p99", Milli(p99), "ms");
        figures.all.into_iter().map(|figure| Figure { ways, ..figure }).collect()
    }

    #[test]
    fn what_is_worse_by_more_than_a_tenth_is_told() {
        let mut both = figures(Ways::Page, 60_000, 150_000);
        assert_eq!(table(&both), Vec::<String>::new(), "there is nothing to compare");
        both.extend(figures(Ways::Mixed, 53_000, 160_000));
        let lines = table(&both);
        assert_eq!(lines.len(), 3);
        assert!(lines[1].contains("-11 %") && lines[1].ends_with("WORSE"), "{}", lines[1]);
        assert!(lines[2].contains("+6 %") && lines[2].ends_with("ms"), "{}", lines[2]);
    }

    #[test]
    fn what_was_nothing_has_no_change() {
        assert_eq!(change(Milli(0), Milli(5)), None);
        assert!(!is_worse("ms", None));
    }
}
