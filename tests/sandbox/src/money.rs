//! Money as the vendors write it: whole minor units inside, decimal text on the wire.

/// Reads `^[0-9]{1,12}(\.[0-9]{2})?$`, the only form the card gateway takes.
pub(crate) fn parse_decimal(text: &str) -> Option<i64> {
    let (whole, cents) = match text.split_once('.') {
        Some((whole, cents)) if cents.len() == 2 => (whole, cents),
        Some(_) => return None,
        None => (text, "00"),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() > 12 || !digits(whole) || !digits(cents) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let cents: i64 = cents.parse().ok()?;
    Some(whole * 100 + cents)
}

/// Always two digits after the point.
pub(crate) fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_becomes_minor_units_and_back() {
        assert_eq!(parse_decimal("105.80"), Some(10_580));
        assert_eq!(parse_decimal("92"), Some(9_200));
        assert_eq!(decimal(10_580), "105.80");
        assert_eq!(decimal(5), "0.05");
    }

    #[test]
    fn anything_but_two_decimals_is_refused() {
        for text in ["", "-20.20", "1.5", "1.505", "1,50", ".50", "1.", "1e2", "1234567890123"] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }
}
