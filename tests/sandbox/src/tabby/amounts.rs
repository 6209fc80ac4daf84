//! Tabby's amounts: decimal text with at most two digits after the point, for riyals.

/// `129`, `129.0` and `129.00`; nothing below zero, and no third digit.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (whole, cents) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || whole.len() > 12 || !digits(cents) || cents.len() > 2 {
        return None;
    }
    let tens: i64 = if cents.len() == 1 { 10 } else { 1 };
    Some(whole.parse::<i64>().ok()? * 100 + cents.parse::<i64>().ok()? * tens)
}

/// With as few digits as it can be said in: `129`, `129.5`.
pub(super) fn short(minor: i64) -> String {
    let long = crate::money::decimal(minor);
    long.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_may_be_written_in_three_ways() {
        for text in ["129", "129.0", "129.00"] {
            assert_eq!(parse(text), Some(12_900), "{text}");
        }
        for text in ["64.505", "6,450.00", "1e2", "-1", "", ".", "1.", ".5", "NaN"] {
            assert_eq!(parse(text), None, "{text}");
        }
        let shortest = [12_900, 12_950, 12_905, 0].map(short);
        assert_eq!(shortest, ["129", "129.5", "129.05", "0"]);
    }
}
